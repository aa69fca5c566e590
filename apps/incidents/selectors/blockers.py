"""What holds an incident up, read from the database for the guards to judge."""

from __future__ import annotations

from dataclasses import replace

from apps.core import providers
from apps.core.models import Kind, StatusChange
from apps.core.transitions import allowed
from apps.followups.models import FollowUp
from apps.incidents import guards
from apps.incidents.guards import Blocker, Facts
from apps.incidents.models import Audience, Incident, Review, SeverityLevel, StatusUpdate
from apps.incidents.ports import CloseBlocker
from apps.incidents.querysets import ENDED
from apps.incidents.selectors.updates import level_of

Status = Incident.Status
OUTSIDE_HEARS = frozenset({Kind.REAL})  # nobody is told of drills, tests and old stories
_IN_ORDER = [choice[0] for choice in Status.choices]


def of(incident: Incident) -> list[Blocker]:
    """For every step that the state allows, what holds it up; in the order of the states.

    That somebody can be found to command is taken for granted: a person who declares takes it.
    """
    if incident.status == Status.MERGED:
        return []  # only undoing the merge leads out
    open_to = allowed(incident) - {Status.MERGED}
    steps = [to for to in _IN_ORDER if to in open_to]
    facts = facts_of(incident, steps)
    return [found for to in steps for found in guards.blockers(facts, to)]


def facts_of(incident: Incident, steps: list[str]) -> Facts:
    """The incident as the guards see it; asks the database only for what `steps` need."""
    facts = Facts(
        status=incident.status,
        has_severity=bool(incident.severity),
        is_declared=incident.declared_at is not None,
        mitigation_note=incident.mitigation_note,
        impact_summary=incident.impact_summary,
        detection_source=incident.detection_source,
        tells_the_public=incident.kind in OUTSIDE_HEARS,
        public_silence=incident.public_silence,
    )
    if Status.INVESTIGATING in steps and not facts.is_declared:
        facts = replace(facts, has_surface=has_surface(incident), has_commander=True)
    if Status.RESOLVED in steps:
        facts = _resolving(incident, facts)
    return _closing(incident, facts) if Status.CLOSED in steps else facts


def has_surface(incident: Incident) -> bool:
    """Whether anything at all is named that it hurts."""
    return bool(incident.surface_id) or incident.links.filter(kind="surface").exists()


def _resolving(incident: Incident, facts: Facts) -> Facts:
    unsent = [StatusUpdate.Status.DRAFT, StatusUpdate.Status.PENDING]
    return replace(
        facts,
        public_told=facts.tells_the_public and _told(incident),
        unsent_updates=incident.updates.filter(status__in=unsent).count(),
    )


def _told(incident: Incident) -> bool:
    """Whether customers heard of it since it was last opened."""
    published = incident.updates.filter(
        status=StatusUpdate.Status.PUBLISHED, audience__side=Audience.Side.PUBLIC
    ).order_by("-published_at")
    last = published.values_list("published_at", flat=True).first()
    if last is None:
        return False
    reopened = StatusChange.objects.filter(
        kind=Incident._meta.label_lower, ref=str(incident.pk), was__in=ENDED, at__gt=last
    )
    return not reopened.exclude(was=Status.MERGED).exclude(became__in=ENDED).exists()


def _closing(incident: Incident, facts: Facts) -> Facts:
    review = Review.objects.filter(incident=incident).first()
    own = FollowUp.objects.filter(source_kind="incident", source_ref=incident.ref)
    alone = own.filter(status__in=["open", "in_progress", "done"], owner__is_active=False)
    said = [
        text
        for port in providers.ask(CloseBlocker)  # type: ignore[type-abstract] # a port is its protocol
        for text in port.blockers(incident=incident)
    ]
    return replace(
        facts,
        review_required=review_asked_for(incident) or (review is not None and review.is_required),
        review_published=review is not None and _tells_all(review, incident),
        follow_ups_without_owner=tuple(one.ref for one in alone.order_by("pk")),
        elsewhere=tuple(said),
    )


def _tells_all(review: Review, incident: Incident) -> bool:
    """Published, and after the incident last ended."""
    if review.status != Review.Status.PUBLISHED or review.published_at is None:
        return False
    return incident.resolved_at is None or review.published_at >= incident.resolved_at


def review_asked_for(incident: Incident) -> bool:
    """Whether its severity always asks for a review. What cleared up by itself before anybody
    declared it needs none, nor does what is not real."""
    if incident.declared_at is None or incident.kind != Kind.REAL:
        return False
    level = level_of(incident)
    return level is not None and level.review == SeverityLevel.Review.REQUIRED
