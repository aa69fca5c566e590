"""A body of one object or of many lines (NDJSON): one bad line costs no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from apps.core import safe_json
from apps.intake.canonical import FieldError, InvalidEvent
from apps.intake.readings import counts, labels, reports, runs
from apps.intake.readings.shapes import Reading

MAX_LINES: Final = 10_000
MAX_LINE: Final = 1 << 20  # bytes
_BOM: Final = b"\xef\xbb\xbf"

# The kind of a delivery, by the adapter that it carries, and how one line of it is read.
READINGS: Final[dict[str, Callable[..., Reading]]] = {
    "profile_runs": runs.read,
    "report_runs": reports.read,
    "semantic_labels": labels.read,
    "sli_counts": counts.read_count,
    "measurements": counts.read_measurement,
}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that was not taken. `errors` name the fields, when the line could be read."""

    line: int  # from 1, as the sender's file has it
    code: str
    detail: str
    errors: tuple[FieldError, ...] = ()

    @property
    def shown(self) -> dict[str, Any]:
        """What the sender is answered about it."""
        named = {"field": self.errors[0]["field"]} if self.errors else {}
        return {"line": self.line, "code": self.code, "detail": self.detail, **named}


@dataclass(frozen=True, slots=True)
class Batch:
    """What a body holds: readings with the number of their line, and the lines not taken."""

    items: list[tuple[int, Reading]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def read_batch(kind: str, raw: bytes, *, received_at: datetime, max_line: int = MAX_LINE) -> Batch:
    """All lines of a body of a kind in `READINGS`.

    `received_at` stands in for times that a line does not give, and bounds those that it does: it
    is the delivery's, so that the same body always gives the same readings.
    """
    batch = Batch()
    read = READINGS[kind]
    for number, line in lines_of(raw):
        try:
            batch.items.append((number, read(_parsed(line, max_line), received_at=received_at)))
        except InvalidEvent as error:
            batch.rejected.append(Rejected(number, error.code, error.message, tuple(error.errors)))
    return batch


def sift(
    kind: str, raw: bytes, *, received_at: datetime, max_line: int = MAX_LINE
) -> tuple[int, bytes, list[Rejected]]:
    """How many lines can be taken, a body of those alone, and the others.

    What is refused is not kept: a line with somebody's data must not stay in the delivery.
    """
    read = READINGS[kind]
    good: list[bytes] = []
    rejected: list[Rejected] = []
    for number, line in lines_of(raw):
        try:
            read(_parsed(line, max_line), received_at=received_at)
        except InvalidEvent as error:
            rejected.append(Rejected(number, error.code, error.message, tuple(error.errors)))
        else:
            good.append(line)
    return len(good), b"\n".join(good) if rejected else raw, rejected


def lines_of(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers; one object over several lines is one."""
    if b"\n" not in raw or _is_one_object(raw):
        yield 1, raw
        return
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if line and not line.isspace():
            yield number, line


def _is_one_object(raw: bytes) -> bool:
    """Whether a body with line breaks is one object, as programs print it for people."""
    first = raw.removeprefix(_BOM).lstrip().partition(b"\n")[0]
    return len(raw) <= MAX_LINE and not _is_object(first) and _is_object(raw)


def _is_object(raw: bytes) -> bool:
    try:
        safe_json.loads_object(raw, max_bytes=MAX_LINE)
    except safe_json.UnsafeJson:
        return False
    return True


def _parsed(line: bytes, max_line: int) -> Mapping[str, Any]:
    try:
        return safe_json.loads_object(line, max_bytes=max_line)
    except safe_json.UnsafeJson as error:
        words = {
            "too_large": f"The line is larger than {max_line // 1024} KiB.",
            "not_an_object": "Send a JSON object, or one object a line (NDJSON).",
        }
        plain = error.message.replace("The body", "The line")
        raise InvalidEvent(error.code, words.get(error.code, plain)) from error
