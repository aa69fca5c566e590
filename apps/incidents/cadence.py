"""When the next update of an incident is owed, how that stands, and who is reminded. Pure.

Each side, people here and people outside, has a track of its own. The next update is due a
cadence after the last one (a shorter one for the first hours), never later than the last one
promised. Reminders are slots with an instant: whoever asks late gets the newest slot to send and
the older ones to pass over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

NONE, OK, SOON, DUE, OVERDUE = "none", "ok", "soon", "due", "overdue"
INTERNAL, PUBLIC = "internal", "public"
SIDES = (INTERNAL, PUBLIC)
SOON_SHARE = 0.2  # the last fifth of the interval
MOST_SLOTS = 500  # half intervals of one update that nobody posts


@dataclass(frozen=True, kw_only=True)
class Track:
    """What one side of an incident was told and when. All instants are aware.

    `first_due_at` is the first update by the level's target; `last_at` and `promised_at` belong
    to the last one that was published. `cadence` holds the two spans of the level in force, at
    first and after `switch`. `severity_since` is when this level began to count, and
    `renewed_due_at` the level's first target counted from there: what was decided before it
    cannot have been missed by its rules.
    """

    started_at: datetime
    first_due_at: datetime | None = None
    last_at: datetime | None = None
    promised_at: datetime | None = None
    cadence: tuple[timedelta | None, timedelta | None] = (None, None)
    switch: timedelta = timedelta(hours=2)
    severity_since: datetime | None = None
    renewed_due_at: datetime | None = None
    snoozed_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Due:
    """An update that is owed: since when, by when, and the span by which reminders reach further.

    Once they reach everybody they come `again` after half a cadence, also where the first update
    was owed within minutes. `owed_at` is what was owed before somebody put it off; without a
    snooze it is the same as `at`.
    """

    since: datetime
    at: datetime
    interval: timedelta
    again: timedelta
    owed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a track stands: a state, and what is owed where anything is."""

    state: str
    due: Due | None = None


def interval(track: Track) -> timedelta | None:
    """The cadence that counts now: decided by how old the incident was at its last update."""
    if track.last_at is None:
        return track.first_due_at - track.started_at if track.first_due_at else None
    first, after = track.cadence
    return first if track.last_at - track.started_at < track.switch else after


def due(track: Track) -> Due | None:
    """The update that is owed next; None where the level asks for none and none was promised."""
    since = track.last_at or track.started_at
    span = interval(track)
    at = since + span if span else None
    promised = track.promised_at
    changed = track.severity_since
    if changed is not None and changed > since:
        if at is not None and at < changed:
            at = track.renewed_due_at or (changed + span if span else None)
            since = changed
        if promised is not None and promised < changed:
            promised = None  # a promise of before it was opened again, or judged again
    found = min((one for one in (at, promised) if one is not None), default=None)
    if found is None:
        return None
    # A promise made for the next minute does not call the lead a minute later.
    repeat = span if span and span > timedelta() else max(found - since, timedelta(minutes=10))
    again = max(repeat, *(one for one in track.cadence[:1] if one), timedelta()) / 2
    owed = Due(since=min(since, found), at=found, interval=repeat, again=again, owed_at=found)
    if track.snoozed_until is not None and track.snoozed_until > found:
        owed = replace(owed, at=track.snoozed_until)
    return owed


def standing(track: Track, now: datetime) -> Standing:
    """none, ok, soon (the last fifth), due, or overdue from half an interval on."""
    owed = due(track)
    if owed is None:
        return Standing(state=NONE)
    if now >= owed.at + owed.interval / 2:
        return Standing(state=OVERDUE, due=owed)
    if now >= owed.at:
        return Standing(state=DUE, due=owed)
    return Standing(state=SOON if now >= soon_at(owed) else OK, due=owed)


def soon_at(owed: Due) -> datetime:
    """When the last fifth of the way to the update begins."""
    span = owed.interval if is_put_off(owed) else owed.at - owed.since
    return owed.at - span * SOON_SHARE


def is_put_off(owed: Due) -> bool:
    """Whether somebody put the update off."""
    return owed.at != owed.owed_at


def furthest_snooze(owed: Due, now: datetime) -> datetime:
    """Until when an update may be put off at most: one interval from when it is due, or from now
    when that has passed."""
    return max(owed.at, now) + owed.interval


# -- reminders


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A reminder: its name, its instant, and how far it reaches (0 those who write it, 1 also the
    deputy or backup owner, 2 also the team's lead)."""

    name: str
    at: datetime
    reach: int


def slots(owed: Due, now: datetime) -> list[Slot]:
    """The reminders whose time has come, oldest first: soon, due, half an interval and a whole one
    late, then each half cadence."""
    found = [Slot(name="due", at=owed.at, reach=0)]
    if not is_put_off(owed):  # who has just put it off knows
        found.insert(0, Slot(name="soon", at=soon_at(owed), reach=0))
    for number in range(1, MOST_SLOTS):
        at = owed.at + (owed.interval / 2) * min(number, 2) + owed.again * max(0, number - 2)
        if at > now:
            break
        found.append(Slot(name=f"late{number}", at=at, reach=min(number, 2)))
    return [slot for slot in found if slot.at <= now]


# -- how well it was kept


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One update that was owed: by when, when it came (None: not yet), whether in time."""

    due_at: datetime
    came_at: datetime | None
    in_time: bool


@dataclass(frozen=True, kw_only=True)
class Compliance:
    """How many of the updates that were owed came in time; `share` is None where none was."""

    owed: int
    kept: int
    rows: Sequence[Kept]

    @property
    def share(self) -> float | None:
        return self.kept / self.owed if self.owed else None


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A time in one severity: the track by its rules, from the track's `severity_since` (None:
    from the beginning) to `to_at` (None: it lasts)."""

    track: Track
    to_at: datetime | None = None


def compliance(
    stretches: Sequence[Stretch],
    published: Iterable[tuple[datetime, datetime | None]],
    *,
    until: datetime,
) -> Compliance:
    """What was owed over the life of an incident up to `until` (resolved, or now).

    `stretches` in their order; `published` are (when, promised next) of one side. Each update is
    judged by the severity that held when it was due; putting it off makes nobody punctual. What
    fell due after `until` is not owed.
    """
    rows = []
    last: tuple[datetime | None, datetime | None] = (None, None)
    for came, promised in sorted(published, key=lambda one: one[0]):
        owed = _owed(stretches, *last, by=came)
        if owed is not None and came <= until:
            rows.append(Kept(due_at=owed, came_at=came, in_time=came <= owed))
        last = (came, promised)
    owed = _owed(stretches, *last, by=until)
    if owed is not None and owed <= until:
        rows.append(Kept(due_at=owed, came_at=None, in_time=False))
    return Compliance(owed=len(rows), kept=sum(row.in_time for row in rows), rows=rows)


def _owed(
    stretches: Sequence[Stretch], last: datetime | None, promised: datetime | None, *, by: datetime
) -> datetime | None:
    """When the update after `last` was due: by the first severity in whose time that was, else by
    the one that held at `by`."""
    found = None
    for one in stretches:
        since = last or one.track.started_at
        begins = one.track.severity_since
        if begins is not None and begins > max(by, since):
            break
        if one.to_at is not None and one.to_at <= since:
            continue
        track = replace(one.track, last_at=last, promised_at=promised, snoozed_until=None)
        owed = due(track)
        found = owed.at if owed else None
        if found is not None and one.to_at is not None and found < one.to_at:
            break
    return found
