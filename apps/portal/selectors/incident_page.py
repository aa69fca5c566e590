"""One incident as its page shows it: who is on it, what is to do, what belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.accounts.models import Person, Team
from apps.accounts.roles import GRANTS, Grant
from apps.customers.models import Account
from apps.followups.models import FollowUp
from apps.incidents.models import (
    Impact,
    Incident,
    IncidentLink,
    IncidentTask,
    Merge,
    Review,
    RoleAssignment,
    SeverityLevel,
    SeveritySpan,
    StatusUpdate,
)
from apps.incidents.models.comms import Stage
from apps.incidents.models.framework import Role
from apps.incidents.ports import Hint
from apps.incidents.selectors.hints import hints_for
from apps.incidents.selectors.updates import level_of
from apps.incidents.services.merging import UNDO_WITHIN
from apps.portal.selectors.incident_updates import ENDED
from apps.portal.selectors.oncall import schedules_of
from apps.rotations import selectors as rotations
from apps.runbooks.models import Execution, StepResult

LINKS = 100
ELSEWHERE = ("page", "alert", "run")  # kinds of links that have a place of their own on the page
LAST_WORDS = {Stage.RESOLVED, Stage.POSTMORTEM}
UPDATES = 20
TASKS = 6  # open ones that are shown at once
OPEN_TASKS_FIRST = {"open": 0, "done": 1, "dropped": 2}
HEADS = {"ticket": "Tickets", "change": "Changes", "incident": "Incidents"}
# Roles that everybody looks for; the others are shown once somebody has them.
WANTED = (Role.COMMANDER, Role.COMMS)


@dataclass(frozen=True)
class RoleRow:
    """A role and who has it now; `since` and `why` only when somebody does."""

    key: str
    name: str
    person: Person | None
    since: datetime | None = None
    why: str = ""


@dataclass(frozen=True)
class Links:
    """What belongs to it, by kind; alerts and pages stand elsewhere."""

    suspects: Sequence[IncidentLink]
    groups: Sequence[tuple[str, Sequence[IncidentLink]]]

    @property
    def count(self) -> int:
        return len(self.suspects) + sum(len(rows) for _, rows in self.groups)


@dataclass(frozen=True)
class Run:
    """A run of a runbook inside the incident and how far it is."""

    execution: Execution
    done: int
    total: int
    at: str  # the title of the step that is next; empty when none is left

    @property
    def percent(self) -> float:
        return 100 * self.done / self.total if self.total else 0


@dataclass(frozen=True)
class Child:
    """An incident that went into this one."""

    incident: Incident
    merge: Merge
    can_undo: bool


@dataclass(frozen=True)
class Board:
    """Everything on the page that a refresh does not bring."""

    level: SeverityLevel | None
    roles: Sequence[RoleRow]
    tasks: Sequence[IncidentTask]
    unsent: Sequence[StatusUpdate]
    published: Sequence[StatusUpdate]
    links: Links
    runs: Sequence[Run]
    impacts: Sequence[Impact]
    follow_ups: Sequence[FollowUp]
    review: Review | None
    children: Sequence[Child]
    surfaces: Sequence[IncidentLink] = field(default=())
    end_untold: bool = False

    @property
    def open_tasks(self) -> int:
        return sum(1 for task in self.tasks if task.status == IncidentTask.Status.OPEN)

    @property
    def tasks_first(self) -> Sequence[IncidentTask]:
        """The open tasks that are shown at once."""
        return self.tasks[: min(self.open_tasks, TASKS)]

    @property
    def tasks_rest(self) -> Sequence[IncidentTask]:
        return self.tasks[len(self.tasks_first) :]

    @property
    def tasks_more(self) -> int:
        return self.open_tasks - len(self.tasks_first)

    @property
    def tasks_ended(self) -> int:
        return len(self.tasks) - self.open_tasks

    @property
    def still_hurt(self) -> int:
        return sum(1 for impact in self.impacts if impact.to_at is None)


def board(incident: Incident, viewer: Person, *, now: datetime) -> Board:
    """The page's parts; a fixed number of queries."""
    updates = _updates(incident)
    linked = _linked(incident, viewer)
    return Board(
        level=level_of(incident),
        roles=roles(incident),
        tasks=_tasks(incident),
        unsent=[row for row in updates if row.status in {"draft", "pending"}],
        published=[row for row in updates if row.status == "published"],
        links=_links(linked),
        runs=_runs(incident, viewer),
        impacts=list(incident.impacts.select_related("account").order_by("created_at", "pk")),
        follow_ups=_follow_ups(incident, viewer),
        review=Review.objects.filter(incident=incident).first(),
        children=_children(incident, viewer, now),
        surfaces=[row for row in linked if row.kind == "surface"],
        end_untold=_end_untold(incident, updates),
    )


def roles(incident: Incident) -> list[RoleRow]:
    """Who has which role; those that everybody looks for also when nobody has them."""
    standing = RoleAssignment.objects.filter(incident=incident, to_at=None)
    held = {row.role: row for row in standing.select_related("person")}
    rows = []
    for role in Role:
        row = held.get(role)
        if row is not None:
            rows.append(RoleRow(role, role.label, row.person, row.from_at, row.why))
        elif role in WANTED and incident.is_standing:
            rows.append(RoleRow(role, role.label, None))
    return rows


def in_severity(incident: Incident) -> tuple[datetime, str] | None:
    """Since when it has its severity, and which one it had before; None while none counts."""
    spans = list(SeveritySpan.objects.filter(incident=incident).order_by("-from_at", "-pk")[:2])
    if not spans or spans[0].to_at is not None:
        return None
    before = spans[1].severity if len(spans) > 1 else ""
    return spans[0].from_at, before if before != incident.severity else ""


def _tasks(incident: Incident) -> list[IncidentTask]:
    rows = incident.tasks.select_related("assignee").order_by("position", "pk")
    return sorted(rows, key=lambda task: OPEN_TASKS_FIRST[task.status])


def _updates(incident: Incident) -> list[StatusUpdate]:
    """What is not sent yet, the oldest first, then what was, the newest first."""
    rows = (
        incident.updates.exclude(status=StatusUpdate.Status.WITHDRAWN)
        .select_related("audience", "author", "approver")
        .order_by("-published_at", "pk")
    )
    found = list(rows[: UPDATES * 2])
    return found[:UPDATES] if len(found) > UPDATES else found


def _end_untold(incident: Incident, updates: Sequence[StatusUpdate]) -> bool:
    """Whether the last that people outside read promises more, though it is over."""
    told = [row for row in updates if row.status == "published" and row.audience.side == "public"]
    if incident.status not in ENDED or not told:
        return False
    return max(told, key=lambda row: (row.published_at, row.pk)).stage not in LAST_WORDS


def _linked(incident: Incident, viewer: Person) -> list[IncidentLink]:
    """Links but for pages and alerts; of an incident that the viewer may not see only the ref."""
    rows = list(incident.links.exclude(kind__in=ELSEWHERE).order_by("created_at", "pk")[:LINKS])
    others = [row for row in rows if row.kind == "incident"]
    numbers = [row.ref.removeprefix("INC-") for row in others]
    seen = Incident.objects.visible_to(viewer).filter(
        pk__in=[int(one) for one in numbers if one.isdecimal()]
    )
    known = {one.ref for one in seen} if others else set()
    for row in others:
        if row.ref not in known:
            row.label = ""
    return rows


def _links(rows: Sequence[IncidentLink]) -> Links:
    suspect = IncidentLink.Relation.SUSPECT
    suspects = [row for row in rows if row.relation == suspect]
    rest = [row for row in rows if row.relation != suspect and row.kind != "surface"]
    groups: dict[str, list[IncidentLink]] = {}
    for row in rest:
        groups.setdefault(HEADS.get(row.kind, "Other things"), []).append(row)
    order = [*HEADS.values(), "Other things"]
    return Links(suspects, sorted(groups.items(), key=lambda group: order.index(group[0])))


def _runs(incident: Incident, viewer: Person) -> list[Run]:
    """Runs of runbooks here, the newest first."""
    rows = list(
        Execution.objects.visible_to(viewer)
        .filter(context_kind="incident", context_ref=incident.ref)
        .select_related("version__runbook", "started_by")
        .order_by("-started_at", "-pk")[:10]
    )
    if not rows:
        return []
    results: dict[int, list[StepResult]] = {row.pk: [] for row in rows}
    found = StepResult.objects.filter(execution__in=rows).select_related("step")
    for result in found.order_by("step__position"):
        results[result.execution_id].append(result)
    return [_run(row, results[row.pk]) for row in rows]


def _run(execution: Execution, results: Sequence[StepResult]) -> Run:
    left = [one for one in results if one.status in {"pending", "in_progress"}]
    return Run(
        execution=execution,
        done=len(results) - len(left),
        total=len(results),
        at=str(left[0].step) if left else "",
    )


def _follow_ups(incident: Incident, viewer: Person) -> list[FollowUp]:
    return list(
        FollowUp.objects.visible_to(viewer)
        .filter(source_kind="incident", source_ref=incident.ref)
        .select_related("owner")
        .order_by("due_on", "pk")[:50]
    )


def _children(incident: Incident, viewer: Person, now: datetime) -> list[Child]:
    seen = Incident.objects.visible_to(viewer)
    rows = (
        Merge.objects.filter(into=incident, undone_at=None, child__in=seen)
        .select_related("child")
        .order_by("-at", "-pk")[:20]
    )
    return [Child(row.child, row, now - row.at <= UNDO_WITHIN) for row in rows]


def sees(incident: Incident | None, viewer: Person) -> bool:
    """Whether the viewer may see the incident that another one went into."""
    return (
        incident is not None and Incident.objects.visible_to(viewer).filter(pk=incident.pk).exists()
    )


def may_unmerge(incident: Incident, *, now: datetime) -> bool:
    """It was merged, and not so long ago that nobody can take it out again."""
    if incident.status != Incident.Status.MERGED:
        return False
    row = Merge.objects.filter(child=incident, undone_at=None).first()
    return row is not None and now - row.at <= UNDO_WITHIN


# -- how a page tells that the incident changed under it


def _count(rows: QuerySet[Any]) -> Coalesce:
    """How many of `rows` an incident has, as part of a query for it."""
    mine = rows.filter(incident=OuterRef("pk")).order_by().values("incident")
    return Coalesce(Subquery(mine.annotate(n=Count("pk")).values("n")), 0)


def mark(incident: Incident) -> str:
    """Another text whenever somebody did what a refresh does not show by itself. One query."""
    told = StatusUpdate.objects.filter(incident=OuterRef("pk")).order_by("-changed_at")
    row = (
        Incident.objects.filter(pk=incident.pk)
        .annotate(
            told=Subquery(told.values("changed_at")[:1]),
            tasks_made=_count(IncidentTask.objects.all()),
            tasks_ended=_count(IncidentTask.objects.filter(ended_at__isnull=False)),
            roles_given=_count(RoleAssignment.objects.all()),
            hurt=_count(Impact.objects.all()),
            linked=_count(IncidentLink.objects.exclude(kind__in=("page", "alert"))),
        )
        .values_list(
            *("status", "severity", "told", "tasks_made", "tasks_ended", "roles_given", "hurt"),
            "linked",
        )
        .get()
    )
    parts = [f"{one:%j%H%M%S}" if isinstance(one, datetime) else str(one or 0) for one in row]
    return "-".join(parts)


# -- what forms offer


def people() -> list[Person]:
    """Everybody who can be given something to do in an incident."""
    roles = [role.value for role, grants in GRANTS.items() if Grant.RESPOND in grants]
    return list(Person.objects.active().filter(roles__overlap=roles).order_by("name", "pk")[:300])


def targets(incident: Incident, viewer: Person) -> list[tuple[str, list[tuple[str, str]]]]:
    """Whom one can page: schedules first (the incident's own in front), teams, people."""
    schedules = [(f"schedule:{one.pk}", one.name) for one in schedules_of(viewer)]
    own = rotations.schedule_of(incident.surface)
    if own is not None:
        schedules.sort(key=lambda pair: pair[0] != f"schedule:{own.pk}")
    teams = Team.objects.filter(archived_at=None).order_by("name")
    return [
        ("Who is on call for", schedules),
        ("Everybody in", [(f"team:{one.pk}", one.name) for one in teams]),
        ("One person", [(f"person:{one.pk}", one.name) for one in people() if one != viewer]),
    ]


def accounts_offered(viewer: Person) -> list[Account]:
    """Customers that are likely to be meant: a short list for a field that completes."""
    return list(Account.objects.visible_to(viewer).order_by("name")[:60])


def hints(incident: Incident, viewer: Person, *, now: datetime) -> list[Hint]:
    """What may belong to it and is not linked yet; nothing once it is over."""
    return hints_for(incident, user=viewer, now=now) if incident.is_standing else []
