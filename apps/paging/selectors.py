"""Who was told of a page and who is told next, for many pages in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Prefetch

from apps.accounts.models import Person, Team
from apps.core.models import Kind
from apps.ownership import selectors as ownership
from apps.ownership.models import Surface
from apps.paging.models import Page, PageStep, StepTarget
from apps.rotations.models import Schedule, Shift, SurfaceSchedule

Target = StepTarget.Kind
NOBODY = "nobody yet"


@dataclass(frozen=True)
class Coming:
    """Who a waiting page goes to next ("nobody yet" when the step finds nobody), and when."""

    names: str
    at: datetime

    @property
    def found(self) -> bool:
        """Whether the step finds anybody, as it looks now."""
        return self.names != NOBODY


@dataclass(frozen=True)
class Told:
    """The last step of a page's present round that found somebody: whom, when, which of all."""

    people: tuple[Person, ...]
    at: datetime
    step: int
    steps: int


def told(pages: Sequence[Page]) -> dict[int, Told]:
    """For each page id whom its last step told; pages that told nobody yet are absent."""
    rounds = {page.pk: page for page in pages}
    taken = (
        PageStep.objects.filter(page__in=list(rounds))
        .order_by("page_id", "round", "loop", "step")
        .prefetch_related(Prefetch("people", Person.objects.get_queryset().order_by("name")))
    )
    found: dict[int, Told] = {}
    for step in taken:
        page = rounds[step.page_id]
        people = tuple(step.people.all())
        if people and step.round == page.round:
            total = len(page.policy_snapshot["steps"])
            found[page.pk] = Told(people, step.taken_at, min(step.step + 1, total), total)
    return found


def coming(pages: Sequence[Page], *, now: datetime) -> dict[int, Coming]:
    """For each waiting page id the next step, as it looks now; the same as `next_told` one by one.

    Owners are those of `now`; who is on call is read at the instant at which the step is due.
    """
    wanted = [
        (page, page.next_at)
        for page in pages
        if page.status == Page.Status.OPEN
        and page.next_at is not None
        and page.step < len(page.policy_snapshot["steps"])
    ]
    book = _Book([(page, max(at, now)) for page, at in wanted], now)
    return {page.pk: Coming(book.names(page, max(at, now)), at) for page, at in wanted}


def _targets(page: Page) -> Sequence[Mapping[str, Any]]:
    targets: Sequence[Mapping[str, Any]] = page.policy_snapshot["steps"][page.step]["targets"]
    return targets


class _Book:
    """Everything that the targets of a batch of steps can mean, each kind read once, if at all."""

    def __init__(self, wanted: Sequence[tuple[Page, datetime]], now: datetime) -> None:
        self.wanted, self.now = wanted, now
        self.targets = [target for page, _ in wanted for target in _targets(page)]

    def _ids(self, *kinds: str) -> set[int]:
        return {target["id"] for target in self.targets if target["kind"] in kinds}

    def _has(self, *kinds: str) -> bool:
        return any(target["kind"] in kinds for target in self.targets)

    @cached_property
    def surfaces(self) -> dict[int, Surface]:
        ids = {page.surface_id for page, _ in self.wanted if page.surface_id}
        return Surface.objects.select_related("team__lead").in_bulk(ids)

    @cached_property
    def covers(self) -> dict[int, int]:
        """The schedule id of each surface id, also of the parents."""
        ids = {s.pk for s in self.surfaces.values()}
        ids |= {s.parent_id for s in self.surfaces.values() if s.parent_id}
        rows = SurfaceSchedule.objects.filter(surface_id__in=ids, schedule__archived_at=None)
        return dict(rows.values_list("surface_id", "schedule_id"))

    @cached_property
    def shifts(self) -> dict[tuple[int, str], list[Shift]]:
        named = Schedule.objects.current().filter(pk__in=self._ids(Target.SCHEDULE))
        ids = set(named.values_list("pk", flat=True)) if self._ids(Target.SCHEDULE) else set()
        ids |= set(self.covers.values()) if self._has(Target.SURFACE_ON_CALL) else set()
        instants = [at for _, at in self.wanted]
        found: dict[tuple[int, str], list[Shift]] = {}
        for shift in (
            Shift.objects.filter(schedule_id__in=ids)
            .overlapping(min(instants), max(instants) + timedelta(microseconds=1))
            .select_related("person")
            .order_by("seat", "pk")
        ):
            found.setdefault((shift.schedule_id, shift.role), []).append(shift)
        return found

    @cached_property
    def owners(self) -> dict[int, ownership.Owners]:
        return ownership.owners_of(self.surfaces.values(), at=self.now)

    @cached_property
    def teams(self) -> dict[int, Team]:
        members = Prefetch("members", Person.objects.get_queryset().order_by("name"))
        teams = Team.objects.select_related("lead").prefetch_related(members)
        return teams.in_bulk(self._ids(Target.TEAM, Target.TEAM_LEAD))

    @cached_property
    def managers(self) -> list[Person]:
        return list(Person.objects.active().managers().order_by("name"))

    @cached_property
    def people(self) -> dict[int, Person]:
        return Person.objects.active().in_bulk(self._ids(Target.PERSON))

    def names(self, page: Page, at: datetime) -> str:
        """Up to three names of whom the page's next step would tell at `at`."""
        found: dict[int, str] = {}
        for target in _targets(page):
            for person in self._meant(target, self.surfaces.get(page.surface_id or 0), at):
                reachable = page.kind == Kind.REAL or person.pk in page.recipients
                if person.is_active and reachable:
                    found.setdefault(person.pk, person.name)
        names = list(found.values())
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return ", ".join(names[:3]) + more or NOBODY

    def _meant(
        self, target: Mapping[str, Any], surface: Surface | None, at: datetime
    ) -> Iterable[Person]:
        match target["kind"]:
            case Target.SURFACE_ON_CALL:
                return self._on_call(self._cover(surface), target, at)
            case Target.SCHEDULE:
                return self._on_call(target["id"], target, at)
            case Target.SURFACE_PRIMARY:
                return _some(self.owners[surface.pk].primary if surface else None)
            case Target.SURFACE_BACKUP:
                return _some(self.owners[surface.pk].backup if surface else None)
            case Target.SURFACE_LEAD:
                return _some(surface.team.lead if surface and surface.team else None)
            case Target.TEAM_LEAD:
                team = self.teams.get(target["id"])
                return _some(team.lead if team else None)
            case Target.TEAM:
                team = self.teams.get(target["id"])
                return team.members.all() if team else ()
            case Target.MANAGERS:
                return self.managers
            case _:
                return _some(self.people.get(target.get("id", 0)))

    def _cover(self, surface: Surface | None) -> int | None:
        if surface is None:
            return None
        return self.covers.get(surface.pk) or self.covers.get(surface.parent_id or 0)

    def _on_call(
        self, schedule_id: int | None, target: Mapping[str, Any], at: datetime
    ) -> list[Person]:
        rows = self.shifts.get((schedule_id or 0, target.get("role") or "primary"), [])
        return [shift.person for shift in rows if shift.start_at <= at < shift.end_at]


def _some(person: Person | None) -> tuple[Person, ...]:
    return (person,) if person else ()
