"""The words of notices about promises: one that is running out, one that was missed, several.

Pure: facts in, `Texts` out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.notifications.layout import (
    Action,
    Block,
    Facts,
    Reader,
    Texts,
    city,
    coming,
    cut,
    duration,
    moment,
    one_line,
    sentence,
    since,
    sms,
    texts,
)

SHOWN = 20  # promises that one message lists
_NAMED = 3  # of them in its subject
_REPLAYED = (
    "Every night the events of each running promise are replayed and compared with what is "
    "stored. A difference is a fault of ours: the figures of these promises may be wrong."
)
_PREFIX = {"real": "", "drill": "[DRILL] ", "test": "[TEST] ", "backfilled": "[PAST] "}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One promise of one ticket. `percent` is how much of a warned one is used up."""

    ref: str
    subject: str
    metric: str
    priority: str
    due_at: datetime
    url: str
    owner: str = ""
    customer: str = ""
    percent: int = 0
    retargeted: bool = False


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a reader hears at once: lines of one sort, why they get it, and where all are shown."""

    lines: Sequence[Line]
    why: str
    url: str
    kind: str = "real"


def missed(facts: Notice, reader: Reader, now: datetime) -> Texts:
    """`[TCK-7] First reply missed: The profile of orders is stale`, or `3 promises missed: …`."""
    if len(facts.lines) > 1:
        return _several(facts, "missed", reader, now)
    line = facts.lines[0]
    late = f"It was due {since(line.due_at, reader, now)}."
    if line.retargeted:
        late = f"Its new target was used up already {since(line.due_at, reader, now)}."
    blocks: list[Block] = [
        sentence(f"{line.metric} of {line.ref} is missed: {one_line(line.subject)}"),
        late,
        _facts_of(line),
        Action("Open the ticket", line.url),
        f"Why you got this: {facts.why}.",
    ]
    prefix = _PREFIX[facts.kind]
    head = f"{prefix}[{line.ref}] {line.metric} missed: {one_line(line.subject)}"
    ago = duration(now - line.due_at)
    short = sms(f"{prefix}{line.ref} {line.metric} missed {ago} ago: {line.subject}", "", line.url)
    return texts(cut(head, 180), blocks, short)


def warning(facts: Notice, reader: Reader, now: datetime) -> Texts:
    """`[TCK-7] Resolution due 16:40: The profile of orders is stale`, or several of them."""
    if len(facts.lines) > 1:
        return _several(facts, "due soon", reader, now)
    line = facts.lines[0]
    due = f"{line.metric} of {line.ref} is due {coming(line.due_at, reader, now)}"
    blocks: list[Block] = [
        sentence(f"{due}: {one_line(line.subject)}"),
        f"{line.percent} % of its time is used up." if line.percent else "",
        _facts_of(line),
        Action("Open the ticket", line.url),
        f"Why you got this: {facts.why}.",
    ]
    prefix = _PREFIX[facts.kind]
    at = moment(line.due_at, reader, now)
    head = f"{prefix}[{line.ref}] {line.metric} due {at}: {one_line(line.subject)}"
    short = sms(f"{prefix}{line.ref} {line.metric} due {at}: {line.subject}", "", line.url)
    return texts(cut(head, 180), blocks, short)


def _facts_of(line: Line) -> Facts:
    owner = line.owner or "nobody"
    return Facts([("Priority", line.priority), ("Customer", line.customer), ("Owner", owner)])


def _several(facts: Notice, what: str, reader: Reader, now: datetime) -> Texts:
    """One message for all promises of a kind that a reader answers for, the worst first."""
    lines = sorted(facts.lines, key=lambda one: (one.priority, one.due_at, one.ref))
    refs = list(dict.fromkeys(line.ref for line in lines))
    shown = ", ".join(refs[:_NAMED]) + (f" and {len(refs) - _NAMED} more" if refs[_NAMED:] else "")
    title = f"{_PREFIX[facts.kind]}{len(lines)} promises {what}: {shown}"
    listed = "\n".join(f"- {_row(line, what, reader, now)}" for line in lines[:SHOWN])
    more = f"\n- and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    blocks: list[Block] = [
        sentence(f"{len(lines)} promises are {what}") + f" (Times are of {city(reader.zone)}.)",
        listed + more,
        Action("See them all", facts.url),
        f"Why you got this: {facts.why}.",
    ]
    return texts(title, blocks, sms(title, "", facts.url))


def _row(line: Line, what: str, reader: Reader, now: datetime) -> str:
    due = "due" if what == "due soon" else "was due"
    when = moment(line.due_at, reader, now)
    head = f"{line.priority} {line.ref} {line.metric}, {due} {when}"
    return f"{head}: {cut(one_line(line.subject), 80)} ({line.url})"


@dataclass(frozen=True, kw_only=True)
class Differences:
    """The nightly replay of events did not give the stored numbers."""

    clocks: int
    checked: int
    lines: Sequence[str]
    url: str


def differences(facts: Differences, reader: Reader, now: datetime) -> Texts:
    """To managers, once a day while it is so."""
    what = f"{facts.clocks} of {facts.checked} clocks differ from their own history"
    listed = "\n".join(f"- {one_line(line)}" for line in facts.lines[:SHOWN])
    blocks: list[Block] = [
        sentence(what),
        _REPLAYED,
        listed,
        Action("See the promises", facts.url),
        "Why you got this: you are a manager.",
    ]
    return texts(f"[Promises] {what}", blocks, sms(what, "", facts.url))
