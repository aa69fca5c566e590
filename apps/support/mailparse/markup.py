"""HTML from a mail as readable text, and as HTML that is safe to show.

The source is read once, token by token, and written again balanced and shallow: what the sanitizer
gets can no longer make it slow or big. nh3 has the last word on what is allowed.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Final

import nh3

from apps.intake.mailtext import lines
from apps.support.mailparse.model import Limits

DEPTH: Final = 40  # elements inside each other that are kept
_TAG: Final = re.compile(r"""</?[A-Za-z](?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_NAME: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,19})")
_ATTRIBUTE: Final = re.compile(
    r"""([A-Za-z-]{1,30}+)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))"""
)
_LONG_NUMBER: Final = re.compile(r"&#[xX]?[0-9A-Fa-f]{8,}+;?")
_SPACE: Final = re.compile(r"[ \t\n\r\f\xa0]+")
_BLANK_LINES: Final = re.compile(r"\n{3,}")

_VOID: Final = frozenset({"br", "hr", "img"})
_BLOCKS: Final = (
    {"p", "div", "ul", "ol", "li", "blockquote", "pre", "table", "tr", "dl", "dt", "dd", "caption"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header", "footer", "center"}
    | {"thead", "tbody", "tfoot", "address", "form", "fieldset", "title"}
)
_APART: Final = frozenset({"p", "ul", "ol", "blockquote", "pre", "table", "h1", "h2", "h3", "h4"})
_CELLS: Final = frozenset({"td", "th"})
_KEPT: Final = (
    {"p", "div", "span", "blockquote", "pre", "code", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"ul", "ol", "li", "dl", "dt", "dd", "b", "strong", "i", "em", "u", "s", "sub", "sup", "a"}
    | {"table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption", "br", "hr", "img"}
)
_SKIPPED: Final = {
    "script",
    "style",
    "head",
    "noscript",
    "template",
    "svg",
    "math",
    "object",
    "iframe",
} | {"select", "textarea", "xml", "audio", "video", "canvas"}
# What these close by themselves: a new one of the kind ends the last one.
_SIBLINGS: Final = {
    "p": frozenset({"p"}),
    "li": frozenset({"li"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
    "tr": frozenset({"tr", "td", "th"}),
    "td": _CELLS,
    "th": _CELLS,
}
_WALLS: Final = frozenset({"table", "ul", "ol", "dl", "blockquote", "div"})
_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel"})
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
}


@dataclass(frozen=True, slots=True)
class Markup:
    """The two readings of one HTML body."""

    text: str
    html: str
    remote_images: bool = False
    truncated: bool = False


def read(source: str, limits: Limits) -> Markup:
    """HTML as text and as safe HTML. Takes time in proportion to the source."""
    writer = _Writer(limits)
    cut = len(source) > limits.html_source
    writer.read(source[: limits.html_source])
    clean = nh3.clean(
        writer.html(),
        tags=set(_KEPT),
        attributes=_ATTRIBUTES,
        attribute_filter=_only_our_images,
        url_schemes={*_SCHEMES, "cid"},
        link_rel="nofollow noopener noreferrer",
    )
    return Markup(writer.text(), clean, writer.remote, cut or writer.full)


def _only_our_images(tag: str, name: str, value: str) -> str | None:
    """Pictures come from the mail's own parts; a link never leads to one of those."""
    own = value.strip().lower().startswith("cid:")
    if name == "src":
        return value if own else None
    return None if name == "href" and own else value


class _Writer:
    """Reads tokens; holds the open elements, the HTML so far and the text so far."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.stack: list[str] = []
        self.out: list[str] = []
        self.length = 0
        self.tags = 0
        self.full = False
        self.remote = False
        self.words: list[str] = []  # the text; blank-line marks are strings of breaks
        self.link: tuple[str, int] | None = None  # where the open link leads, where its words begin
        self.quotes = 0
        self.in_pre = 0
        self.fresh = True  # the text is at the start of a line
        self.quoting_broken = False  # a quote in a tag never ended
        self.unclosed: set[str] = set()  # skipped elements whose end tag is not there

    # -- reading

    def read(self, source: str) -> None:
        at, end = 0, len(source)
        while at < end and not self.full:
            opening = source.find("<", at)
            if opening < 0:
                self.data(source[at:])
                return
            if opening > at:
                self.data(source[at:opening])
            at = self._markup(source, opening)

    def _markup(self, source: str, at: int) -> int:
        """One tag, comment or lonely `<` at this place; where to go on."""
        following = source[at + 1 : at + 2]
        if following in ("!", "?"):
            return _after_comment(source, at)
        if not (following.isascii() and following.isalpha()) and following != "/":
            self.data("<")
            return at + 1
        end = self._end_of_tag(source, at)
        if name := _NAME.match(source, at):
            return self._tag(source, at, end, name[1] == "/", name[2].lower())
        return end

    def _end_of_tag(self, source: str, at: int) -> int:
        """Past the `>` that is not inside quotes.

        A quote without an end is looked for once: from then on any `>` ends a tag.
        """
        if not self.quoting_broken:
            if match := _TAG.match(source, at):
                return match.end()
            self.quoting_broken = source[at + 1] != "/"
        return _after(source, ">", at)

    def _tag(self, source: str, at: int, end: int, closing: bool, name: str) -> int:
        self.tags += 1
        if self.tags > self.limits.html_tags:
            self.full = True
        if closing:
            self.close(name)
        elif name in _SKIPPED:
            return self._after_element(source, name, end)
        else:
            self.open(name, source[at:end])
        return end

    def _after_element(self, source: str, name: str, at: int) -> int:
        """Past the end tag of an element whose content nobody reads."""
        if name not in self.unclosed:
            end = re.compile(rf"</{name}\b[^>]*+>?", re.IGNORECASE).search(source, at)
            if end is not None:
                return end.end()
            self.unclosed.add(name)
        # An unclosed head or list must not hide the mail; scripts and styles do.
        return len(source) if name in ("script", "style") else at

    # -- elements

    def open(self, name: str, tag: str) -> None:
        attributes = _attributes(tag) if name in ("a", "img") else {}
        if name == "a" and (self.link or "a" in self.stack):
            self.close("a")
        self._text_open(name, attributes)
        if name not in _KEPT:
            return
        if name in _VOID:
            self._void(name, attributes)
            return
        if name in _SIBLINGS:
            self._close_sibling(_SIBLINGS[name])
        if len(self.stack) >= DEPTH:
            return
        self.stack.append(name)
        href = attributes.get("href", "")
        if name == "a" and _scheme(href) in _SCHEMES:
            self._put(f'<a href="{html.escape(href.strip()[:2000])}">')
        elif name in _CELLS:
            self._put(f"<{name}{_spans(tag)}>")
        else:
            self._put(f"<{name}>")

    def _void(self, name: str, attributes: dict[str, str]) -> None:
        if name != "img":
            self._put(f"<{name}>")
            return
        source = attributes.get("src", "").strip()
        alt = html.escape(attributes.get("alt", "")[:300])
        if source[:4].lower() == "cid:":
            self._put(f'<img src="{html.escape(source[:500])}" alt="{alt}">')
            return
        self.remote = self.remote or _scheme(source) in ("http", "https")
        if alt:
            self._put(f"<span>[{alt}]</span>")

    def close(self, name: str) -> None:
        self._text_close(name)
        if name in self.stack:
            while (last := self.stack.pop()) != name:
                self._put(f"</{last}>")
            self._put(f"</{name}>")

    def _close_sibling(self, names: frozenset[str]) -> None:
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at] in names:
                while len(self.stack) > at:
                    self._put(f"</{self.stack.pop()}>")
                if names is not _SIBLINGS["tr"]:
                    return
            elif self.stack[at] in _WALLS:
                return

    def data(self, text: str) -> None:
        if "&" in text:
            text = html.unescape(_LONG_NUMBER.sub("\ufffd", text))
        text = lines(text)
        self._put(html.escape(text, quote=False))
        self._say(text)

    def _put(self, piece: str) -> None:
        """Add to the HTML; past its limit only what closes elements."""
        if self.length + len(piece) > self.limits.html:
            self.full = True
            if not piece.startswith("</"):
                return
        self.length += len(piece)
        self.out.append(piece)

    def html(self) -> str:
        return "".join(self.out) + "".join(f"</{name}>" for name in reversed(self.stack))

    # -- the text

    def _text_open(self, name: str, attributes: dict[str, str]) -> None:
        if name == "blockquote":
            self._break(1)
            self.quotes += 1
        if name == "br":
            self._line()
        elif name in _CELLS:
            if not self.fresh:
                self.words.append(" ")
        elif name in _BLOCKS or name == "hr":
            self._break(2 if name in _APART else 1)
        if name == "li":
            self._say("- ")
        elif name == "pre":
            self.in_pre += 1
        elif name == "a":
            self.link = (attributes.get("href", "").strip()[:2000], len(self.words))
        elif name == "img" and attributes.get("alt", "").strip():
            self._say(f"[{attributes['alt'].strip()[:300]}]")

    def _text_close(self, name: str) -> None:
        if name == "a" and self.link:
            (href, since), self.link = self.link, None
            label = "".join(self.words[since:])
            if _scheme(href) in ("http", "https") and href[:200] not in label:
                self._say(f" <{href}>")
        elif name in _BLOCKS:
            self._break(2 if name in _APART else 1)
        if name == "blockquote":
            self.quotes = max(0, self.quotes - 1)
        elif name == "pre":
            self.in_pre = max(0, self.in_pre - 1)

    def _say(self, text: str) -> None:
        if self.in_pre:
            for at, line in enumerate(text.split("\n")):
                if at:
                    self._line()
                self._words(line)
            return
        self._words(_SPACE.sub(" ", text))

    def _words(self, text: str) -> None:
        if self.fresh and not self.in_pre:
            text = text.lstrip()
        if not text:
            return
        if self.fresh and self.quotes:
            self.words.append("> " * min(self.quotes, 5))
        self.words.append(text)
        self.fresh = False

    def _line(self) -> None:
        """A line ends; an empty quoted one keeps its mark."""
        if self.fresh and self.quotes:
            self.words.append("> " * min(self.quotes, 5))
        self.words.append("\n")
        self.fresh = True

    def _break(self, count: int) -> None:
        """At least a new line here, and with `count` 2 an empty line before what follows."""
        if not self.fresh:
            self.words.append("\n")
            self.fresh = True
        if count == 2 and self.words and self.words[-1] != "\n\n":
            self.words.append("\n\n")

    def text(self) -> str:
        kept = "".join(self.words).split("\n")
        joined = "\n".join(line.rstrip() for line in kept)
        return _BLANK_LINES.sub("\n\n", joined).strip()


def _attributes(tag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(tag[:1_000_000]):
        value = (match[2] or match[3] or match[4] or "")[:4000]
        found.setdefault(match[1].lower(), html.unescape(_LONG_NUMBER.sub("", value)))
        if len(found) >= 30:
            break
    return {name: lines(value).replace("\n", "") for name, value in found.items()}


def _spans(tag: str) -> str:
    """How many columns and rows a cell covers, when that is a small number."""
    found = re.findall(r"""\s(colspan|rowspan)=["']?([0-9]{1,2})(?![0-9])""", tag[:1000].lower())
    return "".join(f' {name}="{number}"' for name, number in found[:2])


def _scheme(address: str) -> str:
    scheme, colon, _ = address.strip()[:20].partition(":")
    return scheme.lower() if colon else ""


def _after(source: str, mark: str, at: int) -> int:
    """Past the next `mark`; without one, the end."""
    found = source.find(mark, at)
    return len(source) if found < 0 else found + len(mark)


def _after_comment(source: str, at: int) -> int:
    if source.startswith("<!--", at):
        return _after(source, "-->", at + 2)
    return _after(source, ">", at)
