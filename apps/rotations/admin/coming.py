"""What a schedule's page shows of the coming four weeks: who, until when, and where nobody is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apps.accounts.models import Person
from apps.rotations import selectors
from apps.rotations.models import Role, Schedule, Shift

AHEAD = timedelta(days=28)
MOST_ROWS = 80
Key = tuple[str, int, datetime, datetime]


@dataclass(frozen=True)
class Line:
    """One row of the table; without a person it is a gap."""

    start: str
    end: str
    person: Person | None
    role: str
    layer: str
    cause: str
    now: bool
    fresh: bool


@dataclass(frozen=True)
class Bar:
    """One stretch of the strip: where it stands (in hundredths), whose it is, what it says."""

    left: str
    width: str
    tone: str
    label: str
    title: str


@dataclass(frozen=True)
class Coming:
    """The next four weeks in the schedule's zone."""

    zone: str
    lines: list[Line]
    hidden: int
    lanes: list[tuple[str, list[Bar]]] = field(default_factory=list)
    weeks: list[tuple[str, str]] = field(default_factory=list)
    gaps: int = 0
    now_words: list[str] = field(default_factory=list)


def keys(shifts: list[Shift], now: datetime) -> set[Key]:
    """Shifts by what they are, to see afterwards which are other ones."""
    return {(s.role, s.person_id, max(s.start_at, now), s.end_at) for s in shifts}


def shifts_ahead(schedule: Schedule, now: datetime) -> list[Shift]:
    return selectors.shifts_between(schedule, now, now + AHEAD)


def coming(schedule: Schedule, now: datetime, before: set[Key] | None = None) -> Coming:
    """Four weeks from now; with `before`, what was not among it is marked as new."""
    zone, end = ZoneInfo(schedule.time_zone), now + AHEAD
    shifts = shifts_ahead(schedule, now)
    gaps = selectors.gaps(schedule, now, end)
    fresh = keys(shifts, now) - before if before is not None else set()
    many = len({shift.layer_id for shift in shifts}) > 1
    rows = [(s.start_at, _line(s, zone, now, many, fresh)) for s in shifts]
    rows += [(gap.start, _gap_line(gap, zone, now)) for gap in gaps]
    rows.sort(key=lambda pair: pair[0])
    return Coming(
        zone=schedule.time_zone,
        lines=[line for _, line in rows[:MOST_ROWS]],
        hidden=max(0, len(rows) - MOST_ROWS),
        lanes=_lanes(shifts, gaps, now, end, zone),
        weeks=_weeks(now, end, zone),
        gaps=len(gaps),
        now_words=_now_words(shifts, now, zone),
    )


def _stamp(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%a %-d %b, %H:%M}"


def _line(shift: Shift, zone: ZoneInfo, now: datetime, many: bool, fresh: set[Key]) -> Line:
    cause = "" if shift.cause == Shift.Cause.ROTATION else shift.get_cause_display()
    if shift.planned_person_id and shift.planned_person_id != shift.person_id:
        cause = f"{cause} for {shift.planned_person}"
    return Line(
        start=_stamp(shift.start_at, zone),
        end=_stamp(shift.end_at, zone),
        person=shift.person,
        role="" if shift.role == Role.PRIMARY else shift.get_role_display(),
        layer=shift.layer.name if many and shift.layer else "",
        cause=cause,
        now=shift.start_at <= now,
        fresh=(shift.role, shift.person_id, max(shift.start_at, now), shift.end_at) in fresh,
    )


def _gap_line(gap: selectors.Gap, zone: ZoneInfo, now: datetime) -> Line:
    return Line(
        start=_stamp(gap.start, zone), end=_stamp(gap.end, zone), person=None, role="", layer="",
        cause="", now=gap.start <= now, fresh=False,
    )  # fmt: skip


def _lanes(
    shifts: list[Shift], gaps: list[selectors.Gap], now: datetime, end: datetime, zone: ZoneInfo
) -> list[tuple[str, list[Bar]]]:
    """A lane for each role and seat, and the gaps in the first one."""
    rows: dict[tuple[str, int], list[Bar]] = {}
    order = {Role.PRIMARY: 0, Role.SECONDARY: 1, Role.SHADOW: 2}
    for shift in sorted(shifts, key=lambda s: (order[Role(s.role)], s.seat, s.start_at)):
        edges = max(shift.start_at, now), min(shift.end_at, end)
        name = shift.person.name
        title = f"{name}: {_stamp(shift.start_at, zone)} to {_stamp(shift.end_at, zone)}"
        bar = Bar(*_place(*edges, now), f"p{shift.person.hue}", shift.person.first_name, title)
        rows.setdefault((shift.role, shift.seat), []).append(bar)
    first = next(iter(rows), (str(Role.PRIMARY), 0))
    for gap in gaps:
        title = f"Nobody: {_stamp(gap.start, zone)} to {_stamp(gap.end, zone)}"
        bar = Bar(*_place(gap.start, gap.end, now), "gap", "Nobody", title)
        rows.setdefault(first, []).append(bar)
    return [
        (str(Role(role).label).partition(",")[0] if seat == 0 else "", bars)
        for (role, seat), bars in rows.items()
    ]


def _place(start: datetime, end: datetime, now: datetime) -> tuple[str, str]:
    """Left edge and width in per cent of the strip, as CSS reads them."""
    left, right = ((instant - now) / AHEAD * 100 for instant in (start, end))
    return f"{left:.2f}", f"{max(right - left, 0.15):.2f}"


def _weeks(now: datetime, end: datetime, zone: ZoneInfo) -> list[tuple[str, str]]:
    """Where each Monday stands on the strip."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=n) for n in range(1, AHEAD.days + 1)]
    mondays = [day for day in days if day.weekday() == 0 and day < end]
    return [(_place(day, day, now)[0], f"{day:%-d %b}") for day in mondays]


def _now_words(shifts: list[Shift], now: datetime, zone: ZoneInfo) -> list[str]:
    """A sentence for each role that pages: who, until when, who then."""
    found = [
        words
        for role in (Role.PRIMARY, Role.SECONDARY)
        if (words := _role_words([s for s in shifts if s.role == role], role, now, zone))
    ]
    on = any(s.start_at <= now and s.role != Role.SHADOW for s in shifts)
    return found if on else ["Nobody is on call now.", *found]


def _role_words(shifts: list[Shift], role: Role, now: datetime, zone: ZoneInfo) -> str:
    on = [s for s in shifts if s.start_at <= now]
    later = [s for s in shifts if s.start_at > now]
    prefix = "" if role == Role.PRIMARY else f"{role.label}: "
    if not on:
        return f"{prefix}{later[0].person} from {_stamp(later[0].start_at, zone)}." if later else ""
    names = " and ".join(dict.fromkeys(s.person.name for s in on))
    until = min(s.end_at for s in on)
    then = f", then {later[0].person}" if later and later[0].start_at == until else ""
    verb = "is on call" if len({s.person_id for s in on}) == 1 else "are on call"
    said = f"{names} {verb} now," if role == Role.PRIMARY else names
    return f"{prefix}{said} until {_stamp(until, zone)}{then}."
