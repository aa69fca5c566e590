"""Who is on call: four schedules with weeks of history, a gap, a swap of one day, two policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apps.accounts.models import Person, Team
from apps.ownership.models import Surface
from apps.paging import services as paging
from apps.paging.models import EscalationPolicy, StepTarget
from apps.paging.services import PolicyStep
from apps.rotations import services as rotations
from apps.rotations.models import Role, Schedule, Shift
from apps.rotations.services import LayerPlan

BERLIN = "Europe/Berlin"
Kind = StepTarget.Kind
OFFICE = ({"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:30"},)
NOT_SATURDAY = (
    {"days": ["sun", "mon", "tue", "wed", "thu", "fri"], "start": "00:00", "end": "00:00"},
)


@dataclass(frozen=True)
class Week:
    """The weekly turn at `at` on `weekday` (Monday is 0), by the wall clock of `zone`."""

    weekday: int
    at: time
    zone: str

    def last(self, instant: datetime) -> date:
        """The day of the last handoff at or before an instant."""
        local = instant.astimezone(ZoneInfo(self.zone))
        day = local.date() - timedelta(days=(local.weekday() - self.weekday) % 7)
        began = datetime.combine(day, self.at, ZoneInfo(self.zone)) <= instant
        return day if began else day - timedelta(days=7)

    def order(
        self, people: Sequence[Person], *, since: datetime, on_at: datetime
    ) -> tuple[Person, ...]:
        """The turn from `since` on that has the first of `people` on call at `on_at`."""
        weeks = (self.last(on_at) - self.last(since)).days // 7
        return tuple(people[(place - weeks) % len(people)] for place in range(len(people)))


PROFILER = Week(0, time(9), "UTC")
PLATFORM = Week(2, time(10), BERLIN)
PACKS = Week(0, time(9), BERLIN)


def arrange(
    cast: Mapping[str, Person],
    teams: Mapping[str, Team],
    surfaces: Mapping[str, Surface],
    *,
    since: datetime,
    crisis: datetime,
) -> dict[str, Schedule]:
    """The schedules as they were set up at `since`, support's 20 days later.

    At `crisis` Mara and Jonas are on call.
    """
    made = {
        "profiler": _profiler(cast, teams["inspect"], since, crisis),
        "platform": _weekly(
            "platform", PLATFORM, [cast["jonas"], cast["aiko"]], teams, since, crisis
        ),
        "packs": _packs(cast, teams["packs"], since, crisis),
        "support": _support(cast, teams["support"], since + timedelta(days=20)),
    }
    covered = {
        "inspect": "profiler",
        "platform": "platform",
        "packs": "packs",
        "support": "support",
    }
    by_team = {team.pk: covered[key] for key, team in teams.items()}
    for surface in surfaces.values():
        if surface.team_id in by_team and surface.parent_id is None:
            rotations.cover_surface(surface=surface, schedule=made[by_team[surface.team_id]])
    return made


def _weekly(
    key: str,
    week: Week,
    people: Sequence[Person],
    teams: Mapping[str, Team],
    since: datetime,
    crisis: datetime,
) -> Schedule:
    return rotations.weekly_preset(
        key=key,
        name=key.capitalize(),
        people=week.order(people, since=since, on_at=crisis),
        time_zone=week.zone,
        team=teams[key],
        weekday=week.weekday,
        at=week.at,
        by=None,
        now=since,
    )


def _profiler(
    cast: Mapping[str, Person], team: Team, since: datetime, crisis: datetime
) -> Schedule:
    """A primary and, one turn behind, a secondary."""
    schedule = rotations.create_schedule(
        key="profiler", name="Profiler", time_zone=PROFILER.zone, team=team
    )
    people = [cast["mara"], cast["tomas"], cast["priya"]]
    for role, turn in ((Role.PRIMARY, people), (Role.SECONDARY, [*people[1:], people[0]])):
        plan = LayerPlan(
            name=str(role.label),
            people=PROFILER.order(turn, since=since, on_at=crisis),
            anchor_date=PROFILER.last(since),
            anchor_time=PROFILER.at,
            role=role,
        )
        rotations.plan_layer(schedule=schedule, plan=plan, by=cast["nora"], now=since)
    return schedule


def _packs(cast: Mapping[str, Person], team: Team, since: datetime, crisis: datetime) -> Schedule:
    """Two maintainers who do not work on Saturdays: a gap that the portal should point out."""
    schedule = rotations.create_schedule(key="packs", name="Packs", time_zone=PACKS.zone, team=team)
    plan = LayerPlan(
        name="Weekly",
        people=PACKS.order([cast["dele"], cast["ines"]], since=since, on_at=crisis),
        anchor_date=PACKS.last(since),
        anchor_time=PACKS.at,
        windows=NOT_SATURDAY,
    )
    rotations.plan_layer(schedule=schedule, plan=plan, by=cast["nora"], now=since)
    return schedule


def _support(cast: Mapping[str, Person], team: Team, since: datetime) -> Schedule:
    schedule = rotations.create_schedule(key="support", name="Support", time_zone=BERLIN, team=team)
    plan = LayerPlan(
        name="Daily",
        people=(cast["luis"], cast["hannah"]),
        anchor_date=since.astimezone(ZoneInfo(BERLIN)).date() - timedelta(days=1),
        anchor_time=time(8),
        unit="day",
    )
    rotations.plan_layer(schedule=schedule, plan=plan, by=cast["hannah"], now=since)
    return schedule


def swap_hours(
    schedules: Mapping[str, Schedule],
    cast: Mapping[str, Person],
    *,
    start: datetime,
    end: datetime,
    now: datetime,
) -> None:
    """One override: Aiko stands in for Jonas for some hours."""
    rotations.add_override(
        schedule=schedules["platform"],
        kind="replace",
        person=cast["aiko"],
        replaces=cast["jonas"],
        start_at=start,
        end_at=end,
        reason="Jonas is at the dentist and then on a train.",
        by=cast["nora"],
        now=now,
    )


def to_present(schedules: Mapping[str, Schedule], *, now: datetime) -> None:
    """Shifts up to the full horizon from now, as the nightly job would have made them."""
    for schedule in schedules.values():
        rotations.materialise(schedule=schedule, now=now)


def next_handoff(*, after: datetime, until: datetime) -> datetime | None:
    """The next instant in (after, until] at which a shift begins."""
    found = Shift.objects.filter(start_at__gt=after, start_at__lte=until).exclude(role=Role.SHADOW)
    return found.order_by("start_at").values_list("start_at", flat=True).first()


def set_policies(surfaces: Mapping[str, Surface]) -> list[EscalationPolicy]:
    """The standard one, one with the profiler's secondary, one that waits for working hours."""
    on_call, managers = {"kind": Kind.SURFACE_ON_CALL}, {"kind": Kind.MANAGERS}
    second = {"kind": Kind.SURFACE_ON_CALL, "role": Role.SECONDARY}
    owners = [{"kind": Kind.SURFACE_PRIMARY}, {"kind": Kind.SURFACE_BACKUP}]
    last = PolicyStep(10, [{"kind": Kind.SURFACE_LEAD}, managers])
    standard = paging.save_policy(
        name="Standard",
        time_zone=BERLIN,
        is_default=True,
        steps=[PolicyStep(0, [on_call]), PolicyStep(5, owners), last],
    )
    profiler = paging.save_policy(
        name="Profiler",
        time_zone=BERLIN,
        steps=[PolicyStep(0, [on_call]), PolicyStep(5, [second, *owners]), last],
    )
    paging.use_policy(surface=surfaces["inspect.profiler"], policy=profiler)
    calm = paging.save_policy(
        name="Working hours",
        time_zone=BERLIN,
        repeats=1,
        working_hours=OFFICE,
        steps=[
            PolicyStep(0, [on_call], only_in_working_hours=True),
            PolicyStep(60, owners, only_in_working_hours=True),
            PolicyStep(240, [managers], only_in_working_hours=True),
        ],
    )
    for key in ("platform.custom-domains", "factory.templates", "docs.analyst-guide"):
        paging.use_policy(surface=surfaces[key], policy=calm)
    return [standard, profiler, calm]
