"""Text from outside, made safe to show and to export."""

from __future__ import annotations

import unicodedata

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(
    ["table", "strikethrough"]
)
_TAGS = {
    *("p", "br", "em", "strong", "s", "code", "pre", "blockquote", "hr"),
    *("ul", "ol", "li", "a", "h1", "h2", "h3", "h4"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def markdown(source: str) -> SafeString:
    """Markdown as HTML: no raw HTML, only http, https and mailto links, nofollow."""
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
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


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
    """Line breaks and control characters become single spaces."""
    cleaned = "".join(c if unicodedata.category(c) != "Cc" else " " for c in text)
    return " ".join(cleaned.split())
