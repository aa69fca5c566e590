"""What the review of an incident is made of: its facts, the story, the last words to customers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from django.db.models import Count, Q, QuerySet

from apps.changes.models import Change
from apps.core.audit import ActorKind
from apps.core.text import clip, one_line
from apps.followups.models import FollowUp
from apps.followups.selectors import of_source
from apps.incidents import cadence, review_facts, suspects
from apps.incidents.models import (
    Impact,
    Incident,
    IncidentLink,
    Review,
    RoleAssignment,
    SeveritySpan,
    StatusUpdate,
    TimelineEntry,
)
from apps.incidents.review_drafting import Moment, Source
from apps.incidents.review_facts import Facts
from apps.incidents.selectors import hints, updates
from apps.incidents.selectors.figures import milestones_of
from apps.paging.models import Page, PageStep
from apps.runbooks.models import Execution

MOST: Final = 20  # rows of one sort
MOST_LINES: Final = 400
SIDES: Final = {cadence.INTERNAL: "People here", cadence.PUBLIC: "Customers"}
# What tells the story even where no person wrote it.
KEY_LINES: Final = frozenset(
    {"opened", "reopened", "acknowledged", "all_clear", "exhausted", "severity", "merged"}
)
# The desk work around it, which the figures tell or nobody asks for.
NO_STORY: Final = frozenset(
    {"alert", "alert_resolved", "described", "impact", "linked", "milestones", "paged"}
    | {"reminded", "review", "routed", "snoozed", "task", "tasks", "unlinked"}
)


def facts_of(review: Review, *, now: datetime) -> Facts:
    """As they were when it was published, else as they are now."""
    kept = Facts.from_json(review.facts) if review.status == Review.Status.PUBLISHED else None
    return kept or facts(review.incident, now=now)


def follow_ups(incident: Incident) -> QuerySet[FollowUp]:
    """What was promised from the incident, in the order in which it was promised."""
    return of_source("incident", incident.ref).order_by("pk")


def facts(incident: Incident, *, now: datetime) -> Facts:
    """The figures of an incident as they are now."""
    at = milestones_of(incident)
    return Facts(
        computed_at=now,
        severity=incident.severity,
        detection=incident.detection_source,
        detection_label=incident.get_detection_source_display() or "",
        milestones=review_facts.milestones(at),
        lengths=review_facts.lengths(at),
        spells=tuple(_spells(incident)),
        sides=tuple(_sides(incident, now)),
        pages=tuple(_pages(incident)),
        tickets=tuple(_refs(incident, "ticket")),
        customers=tuple(_customers(incident)),
        changes=tuple(_changes(incident)),
        runs=tuple(_runs(incident)),
        duties=tuple(_duties(incident)),
    )


def source(incident: Incident, *, now: datetime) -> Source:
    """All that a first draft is made of."""
    last = updates.published(incident, cadence.PUBLIC).values_list("body", flat=True).first()
    return Source(
        facts=facts(incident, now=now),
        detected_at=incident.detected_at,
        story=_story(incident),
        impact_summary=incident.impact_summary,
        said=last or "",
    )


def _spells(incident: Incident) -> Iterable[review_facts.Spell]:
    for span in SeveritySpan.objects.filter(incident=incident).order_by("from_at", "pk"):
        yield review_facts.Spell(span.severity, span.from_at, span.to_at, span.reason)


def _sides(incident: Incident, now: datetime) -> Iterable[review_facts.Side]:
    kept = updates.compliance(incident, now=now)
    told: dict[str, list[datetime]] = {side: [] for side in SIDES}
    published = StatusUpdate.objects.filter(incident=incident, published_at__isnull=False)
    for side, at in published.order_by("published_at").values_list(
        "audience__side", "published_at"
    ):
        if at is not None:
            told[side].append(at)
    for side, label in SIDES.items():
        rows = kept[side].rows
        owed = tuple(review_facts.Update(row.due_at, row.came_at, row.in_time) for row in rows)
        first = told[side][0] if told[side] else None
        start = incident.declared_at
        after = int((first - start).total_seconds()) if first and start else None
        yield review_facts.Side(side, label, len(told[side]), owed, after)


def _pages(incident: Incident) -> Iterable[review_facts.Paged]:
    pks = [int(ref) for ref in _refs(incident, "page") if ref.isdigit()]
    pages = list(Page.objects.filter(pk__in=pks).order_by("opened_at", "pk")[:MOST])
    told = _told(pages)
    for page in pages:
        yield review_facts.Paged(
            summary=clip(one_line(page.summary), 200),
            opened_at=page.opened_at,
            told=tuple(told.get(page.pk, ())),
            acknowledged_by=page.acknowledged_label,
            acknowledged_at=page.acknowledged_at,
        )


def _told(pages: Sequence[Page]) -> dict[int, list[review_facts.Told]]:
    """By page: everybody whom a step told, when first."""
    found: dict[int, dict[str, datetime]] = {}
    steps = PageStep.objects.filter(page__in=pages).order_by("taken_at", "pk")
    for step in steps.prefetch_related("people"):
        names = found.setdefault(step.page_id, {})
        for person in sorted(step.people.all(), key=lambda one: one.name):
            names.setdefault(person.name, step.taken_at)
    return {
        pk: [review_facts.Told(name, at) for name, at in names.items()]
        for pk, names in found.items()
    }


def _refs(incident: Incident, kind: str) -> list[str]:
    links = IncidentLink.objects.filter(incident=incident, kind=kind).order_by("created_at", "pk")
    return list(links.values_list("ref", flat=True))


def _customers(incident: Incident) -> list[str]:
    rows = Impact.objects.filter(incident=incident).select_related("account")
    return sorted({str(row) for row in rows}, key=str.casefold)


def _changes(incident: Incident) -> Iterable[review_facts.Changed]:
    """Of the 24 hours before: on the surface and on what it leans on hard, the likeliest first."""
    began = incident.impact_started_at or incident.detected_at
    near = hints.leans_on(incident.surface)
    if not near:
        return
    rows = Change.objects.filter(
        Q(surface_id__in=near) | Q(surface=None),
        occurred_at__gte=began - suspects.WINDOW,
        occurred_at__lte=began,
    )
    for one in suspects.rank(map(_happened, rows.order_by("-occurred_at")[:500]), near, began):
        change = one.change
        yield review_facts.Changed(
            summary=clip(one_line(change.summary), 200),
            kind=change.kind,
            at=change.at,
            url=change.url if change.url.startswith(("https://", "http://")) else "",
            why=one.why,
        )


def _happened(row: Change) -> suspects.Happened:
    return suspects.Happened(
        pk=row.pk,
        kind=row.get_kind_display(),
        ref=row.ref,
        summary=row.summary,
        url=row.url,
        surface=row.surface_id,
        at=row.occurred_at,
    )


def _runs(incident: Incident) -> Iterable[review_facts.Run]:
    rows = (
        Execution.objects.filter(context_kind="incident", context_ref=incident.ref)
        .select_related("version__runbook", "started_by")
        .annotate(
            steps=Count("results"),
            done=Count("results", filter=Q(results__status="done")),
            wrong=Count("results", filter=Q(results__was_wrong=True)),
        )
        .order_by("started_at", "pk")
    )
    for row in rows[:MOST]:
        yield review_facts.Run(
            ref=row.ref,
            runbook=row.version.runbook.key,
            title=row.version.runbook.title,
            status=row.get_status_display(),
            steps=getattr(row, "steps"),  # noqa: B009 - annotated
            done=getattr(row, "done"),  # noqa: B009 - annotated
            wrong=getattr(row, "wrong"),  # noqa: B009 - annotated
            by=row.started_by.name if row.started_by else "",
        )


def _duties(incident: Incident) -> Iterable[review_facts.Duty]:
    rows = RoleAssignment.objects.filter(incident=incident).select_related("person")
    for row in rows.order_by("from_at", "pk")[:MOST]:
        yield review_facts.Duty(row.get_role_display(), row.person.name, row.from_at, row.to_at)


def _story(incident: Incident) -> list[Moment]:
    """What people did and wrote, and what the system found out; corrected lines are left out."""
    entries = TimelineEntry.objects.filter(incident=incident, corrections=None)
    entries = entries.exclude(what__in=NO_STORY)
    if incident.resolved_at is not None:
        entries = entries.filter(at__lte=incident.resolved_at)
    told = entries.filter(Q(actor_kind=ActorKind.PERSON) | Q(what__in=KEY_LINES))
    return [Moment(one.at, one.text) for one in told.order_by("at", "pk")[:MOST_LINES]]
