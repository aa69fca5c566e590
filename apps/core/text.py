"""Text from outside, made safe to show and to export."""

from __future__ import annotations

import re
import unicodedata

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(
    ["table", "strikethrough"]
)
# Brackets that nobody closes take seconds to read beyond this, while a ticket is locked.
MOST_MARKED = 50_000
_TAGS = {
    *("p", "br", "em", "strong", "s", "code", "pre", "blockquote", "hr"),
    *("ul", "ol", "li", "a", "h1", "h2", "h3", "h4"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
# They turn the order of what follows, also of what stands behind the text: a name that ends in
# “gpj.exe” can look like a picture. The marks that only say a direction (LRM, RLM, ALM) stay.
_TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
# What is not seen before a formula: a spreadsheet may skip it, too.
_UNSEEN = re.compile(r"[\s\x00-\x1f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")


def markdown(source: str) -> SafeString:
    """Markdown as HTML: no raw HTML, only http, https and mailto links, nofollow.

    What is longer than `MOST_MARKED` characters is a log: it stays as it is, in a fixed width.
    """
    if len(source) > MOST_MARKED:
        return format_html("<pre>{}</pre>", source)
    html = nh3.clean(
        _markdown.render(source),
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )
    return mark_safe(html)  # noqa: S308 - nh3 has just cleaned it


def csv_cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(value)
    bare = text if (found := _UNSEEN.match(text)) is None else text[found.end() :]
    return f"'{text}" if bare.startswith(_FORMULA) or text.startswith(_FORMULA) else text


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, ending in an ellipsis, never splitting a combined character."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and (
        unicodedata.combining(text[end]) or text[end] in "\u200d\ufe0f" or text[end - 1] == "\u200d"
    ):
        end -= 1
    return text[:end].rstrip() + "…"


def one_line(text: str) -> str:
    """Line breaks and control characters become single spaces; nothing turns the direction."""
    plain = text.translate(_TURNS)
    cleaned = "".join(c if unicodedata.category(c) != "Cc" else " " for c in plain)
    return " ".join(cleaned.split())
