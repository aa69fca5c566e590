"""When whom to remind of a follow-up. Pure.

To the owner three days before it is due, on the day, a day later, and then every week; from a week
on also to the lead. One that is done and that nobody verifies is brought up every week. Each at
09:00 where the owner is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

HOUR = time(9)
AHEAD = timedelta(days=3)
WEEK = timedelta(days=7)
_ONE = timedelta(days=1)


@dataclass(frozen=True)
class Slot:
    """One reminder: its name, unique for a follow-up, the day it belongs to, and who gets it."""

    name: str
    on: date
    to_lead: bool = False

    def instant(self, zone: ZoneInfo) -> datetime:
        """09:00 of that day in `zone`, in UTC; a clock change in between moves no wall time."""
        return datetime.combine(self.on, HOUR, zone).astimezone(UTC)


def to_do(due_on: date, until: date) -> Iterator[Slot]:
    """The slots of a follow-up that is still to be done, in order, up to a day."""
    if due_on - AHEAD <= until:
        yield Slot(f"{due_on}:ahead", due_on - AHEAD)
    if due_on <= until:
        yield Slot(f"{due_on}:due", due_on)
    if due_on + _ONE <= until:
        yield Slot(f"{due_on}:late", due_on + _ONE)
    yield from _weekly(f"{due_on}:week", due_on, until)


def to_verify(done_on: date, until: date) -> Iterator[Slot]:
    """The slots of one that is done and waits for somebody to look."""
    yield from _weekly(f"{done_on}:verify", done_on, until)


def _weekly(prefix: str, start: date, until: date) -> Iterator[Slot]:
    for week in range(1, (until - start).days // WEEK.days + 1):
        yield Slot(f"{prefix}{week}", start + week * WEEK, to_lead=True)


@dataclass(frozen=True)
class Due:
    """Of the slots that are due and not used: the latest is sent, the earlier ones are passed."""

    send: Slot
    passed: tuple[Slot, ...] = ()


def due(slots: Iterator[Slot], used: Collection[str], zone: ZoneInfo, now: datetime) -> Due | None:
    """What is due at `now` and was not used yet; None for nothing.

    A slot that is older than one that was used counts as passed too: nothing is sent twice for
    one state of affairs, whatever the order in which rows came to be.
    """
    come = [slot for slot in slots if slot.instant(zone) <= now]
    fresh = [slot for slot in come if slot.name not in used]
    if not fresh or come[-1].name in used:
        return None
    return Due(fresh[-1], tuple(fresh[:-1]))


def local_day(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()
