"""Who is on call, who hands over to whom, and when nobody is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.accounts.models import Person
from apps.ownership.models import Surface
from apps.portal import charts, cover, formats
from apps.rotations import selectors as rotations
from apps.rotations.models import LayerVersion, Override, Role, Schedule, Shift

HANDOFFS_AHEAD = timedelta(days=7)
GAPS_AHEAD = timedelta(days=30)


@dataclass(frozen=True)
class Duty:
    """One role of one schedule now: its shifts and who follows; no shifts: nobody is there."""

    schedule: Schedule
    role: str
    shifts: tuple[Shift, ...] = ()
    next: Shift | None = None
    since: datetime | None = None  # nobody is there since then; None: never was anybody

    @property
    def label(self) -> str:
        if self.role == Role.PRIMARY:
            return self.schedule.name
        return f"{self.schedule.name}, {Role(self.role).value}"

    @property
    def until(self) -> datetime | None:
        """When the first of them goes off."""
        return min((shift.end_at for shift in self.shifts), default=None)


@dataclass(frozen=True)
class Handoff:
    schedule: Schedule
    change: cover.Change
    going: tuple[Person, ...]
    coming: tuple[Person, ...]

    @property
    def names(self) -> str:
        """ "Ravi to Bea", "Ravi to nobody", "nobody to Bea"."""
        return " to ".join(
            ", ".join(person.first_name for person in people) or "nobody"
            for people in (self.going, self.coming)
        )


@dataclass(frozen=True)
class Gap:
    schedule: Schedule
    start: datetime
    end: datetime
    open_ended: bool  # nobody comes within the window

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True)
class Cover:
    """The schedules of a page with everything that is said of them."""

    schedules: Sequence[Schedule]
    duties: Sequence[Duty]
    handoffs: Sequence[Handoff]
    gaps: Sequence[Gap]

    @property
    def changes(self) -> list[Handoff]:
        """Handoffs from somebody to somebody; the others are the edges of gaps."""
        return [handoff for handoff in self.handoffs if handoff.going and handoff.coming]

    @property
    def uncovered(self) -> list[Duty]:
        return [duty for duty in self.duties if not duty.shifts]


def schedules_of(viewer: Person) -> list[Schedule]:
    return list(Schedule.objects.visible_to(viewer).current().order_by("name", "pk"))


def cover_of(schedules: Sequence[Schedule], *, now: datetime) -> Cover:
    """On call now, handoffs of seven days, gaps of thirty: five queries whatever the number."""
    shifts = shifts_of(schedules, now, now + GAPS_AHEAD)
    return Cover(
        schedules=schedules,
        duties=duties_of(schedules, now=now),
        handoffs=_handoffs(schedules, shifts, now),
        gaps=gaps_of(schedules, shifts, now, now + GAPS_AHEAD),
    )


def duties_of(schedules: Sequence[Schedule], *, now: datetime) -> list[Duty]:
    """Who is on call now, by schedule in the order given, primary first, shadows left out."""
    found: dict[tuple[int, str], list[rotations.OnCall]] = {}
    for row in rotations.overview(schedules, at=now):
        if row.shift.role != Role.SHADOW and row.person.is_active:
            found.setdefault((row.schedule.pk, row.shift.role), []).append(row)
    there = {pk for pk, _ in found}
    away = [schedule for schedule in schedules if schedule.pk not in there]
    since, coming = _around(away, now)
    duties = []
    for schedule in schedules:
        for role in (Role.PRIMARY, Role.SECONDARY):
            if rows := found.get((schedule.pk, role)):
                shifts = tuple(row.shift for row in rows)
                duties.append(Duty(schedule, role, shifts, rows[0].next))
        if schedule.pk not in there:
            ended, after = since.get(schedule.pk), coming.get(schedule.pk)
            duties.append(Duty(schedule, Role.PRIMARY, (), after, ended))
    return duties


def _around(
    schedules: Sequence[Schedule], now: datetime
) -> tuple[dict[int, datetime], dict[int, Shift]]:
    """When the last shift of uncovered schedules ended, and which comes next."""
    if not schedules:
        return {}, {}
    shifts = Shift.objects.filter(schedule__in=schedules).exclude(role=Role.SHADOW)
    last = (
        shifts.filter(end_at__lte=now)
        .order_by("schedule_id", "-end_at")
        .distinct("schedule_id")
        .values_list("schedule_id", "end_at")
    )
    following = (
        shifts.filter(start_at__gt=now)
        .select_related("person")
        .order_by("schedule_id", "start_at")
        .distinct("schedule_id")
    )
    return dict(last), {shift.schedule_id: shift for shift in following}


def shifts_of(
    schedules: Sequence[Schedule], start: datetime, end: datetime
) -> dict[int, list[Shift]]:
    """The shifts that touch [start, end), by schedule id, in order; one query."""
    found: dict[int, list[Shift]] = {schedule.pk: [] for schedule in schedules}
    for shift in (
        Shift.objects.filter(schedule__in=found)
        .overlapping(start, end)
        .select_related("person", "planned_person")
        .order_by("start_at", "role", "seat", "pk")
    ):
        found[shift.schedule_id].append(shift)
    return found


def _handoffs(
    schedules: Sequence[Schedule], shifts: dict[int, list[Shift]], now: datetime
) -> list[Handoff]:
    found = []
    for schedule in schedules:
        people = {shift.person_id: shift.person for shift in shifts[schedule.pk]}
        for change in cover.handoffs(shifts[schedule.pk], now, now + HANDOFFS_AHEAD):
            going = tuple(people[pk] for pk in change.going)
            coming = tuple(people[pk] for pk in change.coming)
            found.append(Handoff(schedule, change, going, coming))
    return sorted(found, key=lambda handoff: handoff.change.at)


def gaps_of(
    schedules: Sequence[Schedule],
    shifts: dict[int, list[Shift]],
    start: datetime,
    end: datetime,
) -> list[Gap]:
    """Stretches without anybody to page, of all schedules, the first one first."""
    found = [
        Gap(schedule, gap.start, gap.end, gap.end == end)
        for schedule in schedules
        for gap in cover.gaps(shifts[schedule.pk], start, end)
    ]
    return sorted(found, key=lambda gap: gap.start)


def chart_rows(
    schedules: Sequence[Schedule],
    shifts: dict[int, list[Shift]],
    start: datetime,
    end: datetime,
    *,
    gaps_from: datetime,
) -> list[charts.Row]:
    """The timeline's lanes: a schedule's paged roles, people on call together one below another."""
    rows = []
    for schedule in schedules:
        url = f"/oncall/{schedule.key}/"
        mine = [shift for shift in shifts[schedule.pk] if shift.role != Role.SHADOW]
        holes = cover.gaps(mine, max(start, gaps_from), end)
        nobody = [charts.Shift(start=g.start, end=g.end, who=None, note="Gap") for g in holes]
        primary = cover.lanes(shift for shift in mine if shift.role == Role.PRIMARY)
        second = cover.lanes(shift for shift in mine if shift.role == Role.SECONDARY)
        for number, lane in enumerate(primary or [[]]):
            label = schedule.name if not number else f"{schedule.name}, as well"
            drawn = [_bar(shift) for shift in lane] + ([] if number else nobody)
            drawn.sort(key=lambda bar: bar.start)
            rows.append(charts.Row(label=label, shifts=drawn, url=url))
        for lane in second:
            label = f"{schedule.name}, secondary"
            rows.append(charts.Row(label=label, shifts=[_bar(shift) for shift in lane], url=url))
    return rows


def _bar(shift: Shift) -> charts.Shift:
    changed = shift.cause != Shift.Cause.ROTATION
    planned = shift.planned_person
    note = Shift.Cause(shift.cause).label if changed else ""
    if changed and planned is not None and planned != shift.person:
        note = f"{note}: {shift.person.first_name} for {planned.first_name}"
    return charts.Shift(
        start=shift.start_at,
        end=shift.end_at,
        who=shift.person.name,
        hue=shift.person.hue,
        override=changed,
        note=note,
    )


@dataclass(frozen=True)
class Turn:
    """How a layer turns at an instant, and who takes turns; None is a buffer for nobody."""

    version: LayerVersion
    people: tuple[Person | None, ...]

    @property
    def rule(self) -> str:
        """ "Every week, Monday at 09:00"; "Every 2 days at 08:00"."""
        version = self.version
        unit = LayerVersion.Unit(version.unit).value
        every = f"Every {unit}" if version.every == 1 else f"Every {version.every} {unit}s"
        day = f", {formats.LONG_DAYS[version.anchor_date.weekday()]}" if unit == "week" else ""
        if unit == "month":
            day = f", on day {version.anchor_date.day}"
        return every if unit == "hour" else f"{every}{day} at {version.anchor_time:%H:%M}"


def turns_of(schedule: Schedule, *, now: datetime) -> list[Turn]:
    """The layers in force, the highest first."""
    versions = (
        LayerVersion.objects.filter(layer__schedule=schedule, layer__archived_at=None)
        .overlapping(now, now + timedelta(microseconds=1))
        .select_related("layer")
        .prefetch_related("members__person")
        .order_by("-layer__priority", "layer_id")
    )
    return [
        Turn(v, tuple(m.person for m in sorted(v.members.all(), key=lambda m: m.position)))
        for v in versions
    ]


def overrides_of(schedule: Schedule, *, now: datetime) -> list[Override]:
    """Exceptions that run or come, the next first; at most fifty."""
    return list(
        schedule.overrides.standing()
        .filter(end_at__gt=now)
        .select_related("person", "replaces", "layer")
        .order_by("start_at", "pk")[:50]
    )


def surfaces_of(schedule: Schedule, viewer: Person) -> list[Surface]:
    """What the schedule covers, by name."""
    return list(
        Surface.objects.visible_to(viewer)
        .current()
        .filter(cover__schedule=schedule)
        .order_by("key")[:100]
    )
