"""A mail's parts, cut at their boundaries.

The standard library's parser keeps every line of a mail as an object and asks every open boundary
about each of them: 26 MB of short lines take a gigabyte, and deep nesting takes minutes. Here a
part is a slice of the raw bytes, found in time proportional to size × depth.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from apps.intake import mailheaders as headers
from apps.intake.mailheaders import Head
from apps.intake.mailtext import from_base64
from apps.support.mailparse.model import Limits

MAX_BOUNDARY: Final = 200
_FALSE_HITS: Final = 2000  # lines that only begin like a boundary


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its headers, its type, and where its body stands in the raw bytes."""

    raw: bytes = field(repr=False)
    head: Head
    start: int
    end: int
    main: str  # text/plain
    parameters: dict[str, str]
    children: list[Part] = field(default_factory=list)
    deep: bool = False  # a multipart that is nested too deep to be cut up

    @property
    def size(self) -> int:
        """Bytes as sent, before decoding."""
        return max(0, self.end - self.start)

    @property
    def encoding(self) -> str:
        return self.head.word("content-transfer-encoding").strip(" ;\"'")

    def content(self, cap: int | None = None) -> bytes:
        """The decoded body; with `cap` only as much as about so many decoded bytes take."""
        end = self.end if cap is None else min(self.end, self.start + cap * 2)
        data = self.raw[self.start : max(self.start, end)]
        if self.encoding == "base64":
            return from_base64(data)
        if self.encoding == "quoted-printable":
            return binascii.a2b_qp(data)
        return data

    def disposition(self) -> tuple[str, dict[str, str]]:
        return headers.parameters(self.head.first("content-disposition"))


class Reader:
    """Cuts one mail into parts; counts them, and notes what it left out."""

    def __init__(self, raw: bytes, limits: Limits) -> None:
        self.raw = raw
        self.limits = limits
        self.count = 0
        self.truncated: dict[str, None] = {}  # an ordered set

    def mail(self, start: int) -> Part:
        """The whole mail, from where its headers start."""
        return self._part(start, len(self.raw), 0, "text/plain")

    def _part(self, start: int, end: int, depth: int, default: str) -> Part:
        self.count += 1
        head_end, body = headers.split(self.raw, start, end)
        limit = self.limits.header_bytes if depth == 0 else self.limits.header_bytes // 8
        head = headers.read(
            self.raw[start : min(head_end, start + limit + 1)],
            limit=limit,
            fields=self.limits.headers,
        )
        if head.cut:
            self.truncated["headers"] = None
        given = head.first("content-type")
        main, parameters = headers.parameters(given) if given else (default, {})
        if "/" not in main:  # RFC 2045: what makes no sense is plain text
            main = "text/plain"
        boundary = parameters.get("boundary", "").rstrip()[:MAX_BOUNDARY]
        cut = main.startswith("multipart/") and bool(boundary)
        deep = cut and depth >= self.limits.depth
        part = Part(self.raw, head, body, end, main, parameters, deep=deep)
        if deep:
            self.truncated["depth"] = None
        elif cut:
            self._cut_up(part, boundary, depth)
        return part

    def _cut_up(self, part: Part, boundary: str, depth: int) -> None:
        default = "message/rfc822" if part.main == "multipart/digest" else "text/plain"
        for start, end in self._between(part, boundary.encode("utf-8", "replace")):
            if self.count >= self.limits.parts:
                self.truncated["parts"] = None
                return
            part.children.append(self._part(start, end, depth + 1, default))

    def _between(self, part: Part, boundary: bytes) -> Iterator[tuple[int, int]]:
        """The slices between the boundary's lines; an unfinished last one goes to the end."""
        raw, mark = self.raw, b"--" + boundary
        begun: int | None = None
        at, misses = part.start, 0
        while (hit := raw.find(mark, at, part.end)) >= 0:
            at = hit + len(mark)
            line_end = raw.find(b"\n", at, min(part.end, at + 1000))
            rest = raw[at : min(part.end, at + 1000) if line_end < 0 else line_end].strip()
            if (hit > part.start and raw[hit - 1 : hit] != b"\n") or rest not in (b"", b"--"):
                misses += 1
                if misses > _FALSE_HITS:
                    self.truncated["parts"] = None
                    break
                continue
            if begun is not None:
                yield begun, _before_break(raw, begun, hit)
            begun = None if rest else (part.end if line_end < 0 else line_end + 1)
            if rest:  # the closing line; what follows is no part
                return
            at = begun or part.end
        if begun is not None and begun < part.end:
            yield begun, part.end


def _before_break(raw: bytes, start: int, hit: int) -> int:
    """The line break before a boundary belongs to the boundary."""
    end = hit
    if end > start and raw[end - 1 : end] == b"\n":
        end -= 1
    if end > start and raw[end - 1 : end] == b"\r":
        end -= 1
    return end
