"""Incidents as their pages show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from apps.accounts.models import Person
from apps.alerts.models import Alert
from apps.incidents import severity_matrix as matrix
from apps.incidents.models import Incident, IncidentLink, SeverityLevel, TimelineEntry
from apps.incidents.querysets import ENDED, IncidentQuerySet
from apps.incidents.selectors.framework import aliases
from apps.ownership import selectors as ownership
from apps.paging.models import Page
from apps.portal.selectors import oncall, paged
from apps.rotations import selectors as rotations
from apps.rotations.models import Shift

TIMELINE = 80
LINKS = 50

# What happened → (glyph, tone, weight) of its line.
LOOKS: dict[str, tuple[str, str, str]] = {
    "opened": ("tri", "danger", "key"),
    "alert": ("over", "danger", ""),
    "alert_resolved": ("check", "success", ""),
    "all_clear": ("check", "success", "key"),
    "paged": ("up", "info", ""),
    "exhausted": ("over", "danger", "key"),
    "gap": ("warn", "danger", "key"),
    "acknowledged": ("check", "success", "key"),
    "investigating": ("q1", "warning", "key"),
    "identified": ("q2", "warning", "key"),
    "mitigated": ("q3", "info", "key"),
    "resolved": ("check", "success", "key"),
    "reopened": ("over", "danger", "key"),
    "triage": ("new", "warning", "key"),
    "declined": ("slash", "", "key"),
    "severity": ("tri", "warning", "key"),
    "in_review": ("dot", "info", "key"),
    "closed": ("check", "", "key"),
    "merged": ("up", "info", "key"),
    "unmerged": ("up", "warning", "key"),
    "update": ("info", "info", "key"),
    "still_broken": ("over", "danger", "key"),
    "correction": ("warn", "warning", ""),
    "paged_by_hand": ("up", "info", "key"),
    "snoozed": ("clock", "warning", ""),
    "runbook": ("q2", "", ""),
}


@dataclass(frozen=True)
class Line:
    """One line of a timeline and how it looks."""

    entry: TimelineEntry
    after: timedelta  # since the incident was detected
    glyph: str
    tone: str
    weight: str
    origin: str = ""  # the merged incident that it comes from
    corrections: Sequence[TimelineEntry] = ()

    @property
    def is_ours(self) -> bool:
        """It may be corrected here: it is this incident's, and no correction itself."""
        return not self.origin and self.entry.corrects_id is None


@dataclass(frozen=True)
class Story:
    """What is fetched again while somebody watches: timeline and pages."""

    incident: Incident
    lines: Sequence[Line]
    older: str  # the cursor of what stands before the first line; empty at the beginning
    pages: Sequence[paged.Paged]

    @property
    def waiting(self) -> list[paged.Paged]:
        return [row for row in self.pages if row.page.is_waiting]

    @property
    def acknowledged_after(self) -> timedelta | None:
        return self._after(self.incident.acknowledged_at)

    @property
    def mitigated_after(self) -> timedelta | None:
        return self._after(self.incident.mitigated_at)

    @property
    def lasted(self) -> timedelta | None:
        return self._after(self.incident.resolved_at)

    def _after(self, at: datetime | None) -> timedelta | None:
        return at - self.incident.detected_at if at else None


@dataclass(frozen=True)
class Facts:
    """Who answers for it and what belongs to it."""

    owners: ownership.Owners
    on_call: Sequence[Shift]
    schedule_key: str
    schedule_name: str
    alerts: Sequence[Alert]
    participants: Sequence[Person]


@dataclass(frozen=True)
class Suggestion:
    """A severity that answers suggest, the team's own word for it, and a sentence that says why."""

    key: str
    alias: str
    why: str


def levels() -> list[SeverityLevel]:
    """The severity framework, the worst level first."""
    return list(SeverityLevel.objects.prefetch_related("audiences").order_by("key"))


def suggested(answers: Mapping[str, str]) -> Suggestion:
    """What the answers of the four questions suggest."""
    key, why = matrix.suggest(answers)
    alias = SeverityLevel.objects.filter(pk=key).values_list("alias", flat=True).first() or ""
    return Suggestion(key, alias, f"{why[:1].upper()}{why[1:]}.")


def listed(
    viewer: Person, *, state: str, severity: str, surface: str, mine: bool, kind: str = ""
) -> QuerySet[Incident]:
    """The incidents of a list: state open, resolved or all; `mine`: commanded or joined."""
    found: IncidentQuerySet = Incident.objects.visible_to(viewer)
    if state == "open":
        found = found.standing()
    elif state == "resolved":
        found = found.filter(status__in=ENDED)
    if severity:
        found = found.filter(severity=severity)
    if surface:
        found = found.filter(surface__key=surface)
    if kind:
        found = found.filter(kind=kind)
    if mine:
        ids = (
            Incident.objects.filter(commander=viewer)
            .values("pk")
            .union(Incident.objects.filter(participants=viewer).values("pk"))
        )
        found = found.filter(pk__in=ids)
    return found.select_related("surface", "commander")


def dress(rows: Iterable[Incident]) -> None:
    """Give each row of a list the team's own word for its severity, as `alias`."""
    names = aliases()
    for row in rows:
        row.alias = names.get(row.severity, "")  # type: ignore[attr-defined] # for the template


def story(incident: Incident, viewer: Person, *, now: datetime, before: int | None = None) -> Story:
    """The newest lines (before an entry's id, if given) and the pages. What happened in incidents
    that were merged into it stands between its own."""
    refs = {incident.pk: ""} | {
        child.pk: child.ref
        for child in Incident.objects.visible_to(viewer).filter(merged_into=incident)[:50]
    }
    entries = TimelineEntry.objects.filter(incident__in=refs)
    if before is not None:
        mark = entries.filter(pk=before).first()
        if mark is not None:
            entries = entries.filter(Q(at__lt=mark.at) | Q(at=mark.at, pk__lt=mark.pk))
    found = list(entries.order_by("-at", "-pk")[: TIMELINE + 1])
    pages = list(
        Page.objects.visible_to(viewer)
        .filter(pk__in=_refs(incident, "page"))
        .select_related("surface")
        .order_by("-opened_at", "-pk")
    )
    shown = found[:TIMELINE]
    corrected = _corrections(shown)
    return Story(
        incident=incident,
        lines=[
            replace(
                _line(entry, incident),
                origin=refs[entry.incident_id],
                corrections=corrected.get(entry.pk, ()),
            )
            for entry in shown
        ],
        older=str(found[TIMELINE - 1].pk) if len(found) > TIMELINE else "",
        pages=paged.paged(pages, now=now, messages=True),
    )


def _corrections(entries: Sequence[TimelineEntry]) -> dict[int, list[TimelineEntry]]:
    """What was said to be wrong with entries, by the entry, in the order it was said."""
    found: dict[int, list[TimelineEntry]] = {}
    rows = TimelineEntry.objects.filter(corrects__in=[entry.pk for entry in entries])
    for row in rows.order_by("at", "pk"):
        found.setdefault(row.corrects_id or 0, []).append(row)
    return found


def _line(entry: TimelineEntry, incident: Incident) -> Line:
    after = max(timedelta(), entry.at - incident.detected_at)
    found_nobody = entry.what == "paged" and "found nobody" in entry.text
    look = LOOKS["gap"] if found_nobody else LOOKS.get(entry.what, ("dot", "", ""))
    return Line(entry, after, *look)


def _refs(incident: Incident, kind: str) -> list[int]:
    refs = (
        IncidentLink.objects.filter(incident=incident, kind=kind)
        .order_by("-created_at", "-pk")
        .values_list("ref", flat=True)[:LINKS]
    )
    return [int(ref) for ref in refs if ref.isdigit()]


def facts(incident: Incident, viewer: Person, *, now: datetime) -> Facts:
    schedule = rotations.schedule_of(incident.surface)
    shifts = [
        shift
        for duty in (oncall.duties_of([schedule], now=now) if schedule else [])
        for shift in duty.shifts
        if duty.role == "primary"
    ]
    return Facts(
        owners=ownership.owners(incident.surface, at=now),
        on_call=shifts,
        schedule_key=schedule.key if schedule else "",
        schedule_name=schedule.name if schedule else "",
        alerts=list(
            Alert.objects.visible_to(viewer)
            .filter(pk__in=_refs(incident, "alert"))
            .select_related("integration")
            .order_by("-first_seen_at", "-pk")
        ),
        participants=list(incident.participants.order_by("name")),
    )
