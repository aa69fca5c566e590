"""What is asked about updates: how each side's promise stands, who approves, who writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.calendars import businesstime
from apps.calendars.selectors import current_version, default_calendar, rules
from apps.incidents import cadence
from apps.incidents.models import (
    Audience,
    Incident,
    RoleAssignment,
    SeverityLevel,
    SeveritySpan,
    Snooze,
    StatusUpdate,
)
from apps.incidents.models.framework import Role

Status = StatusUpdate.Status
FIRST = {
    cadence.INTERNAL: "internal_update_seconds",
    cadence.PUBLIC: "public_update_seconds",
}


def level_of(incident: Incident) -> SeverityLevel | None:
    """What the incident's severity asks for; None on a site without the framework."""
    return SeverityLevel.objects.filter(key=incident.severity).first()


def target_at(level: SeverityLevel, seconds: int | None, since: datetime) -> datetime | None:
    """When a target of `seconds` from `since` ends by the level's clock: the wall's, or the
    default business calendar's."""
    if seconds is None:
        return None
    if level.clock == SeverityLevel.Clock.BUSINESS and (calendar := default_calendar()):
        found = businesstime.deadline(rules(current_version(calendar)), since, seconds)
        if found is not None:
            return found
    return since + timedelta(seconds=seconds)


# -- the promise of the next update


def published(incident: Incident, side: str) -> QuerySet[StatusUpdate]:
    """What one side was told, newest first."""
    rows = StatusUpdate.objects.filter(incident=incident, status=Status.PUBLISHED)
    return rows.filter(audience__side=side).order_by("-published_at", "-pk")


def track(incident: Incident, side: str, *, level: SeverityLevel | None = None) -> cadence.Track:
    """One side of an incident as the calculator takes it. `level` saves asking for it again."""
    level = level or level_of(incident)
    last = published(incident, side).first()
    started = incident.declared_at or incident.detected_at
    silent = last is None and _is_silent(incident, side)
    if level is None or incident.declared_at is None or silent:
        return cadence.Track(started_at=started)
    spans = SeveritySpan.objects.filter(incident=incident, to_at=None)
    since = spans.values_list("from_at", flat=True).first()
    found = replace(
        _by_level(level, side, started, since),
        last_at=last.published_at if last else None,
        promised_at=last.next_update_at if last else None,
    )
    return _put_off(incident, side, found)


def _is_silent(incident: Incident, side: str) -> bool:
    """Whether somebody said why this side is not told."""
    return side == cadence.PUBLIC and bool(incident.public_silence.strip())


def _by_level(
    level: SeverityLevel | None, side: str, started: datetime, since: datetime | None
) -> cadence.Track:
    """What a level that counts from `since` asks for, before anything was published."""
    if level is None:
        return cadence.Track(started_at=started, severity_since=since)
    first = getattr(level, FIRST[side])
    return cadence.Track(
        started_at=started,
        first_due_at=target_at(level, first, started),
        cadence=(_span(level.cadence_first_seconds), _span(level.cadence_after_seconds)),
        switch=timedelta(seconds=level.cadence_switch_seconds),
        severity_since=since,
        renewed_due_at=target_at(level, first, since) if since else None,
    )


def _span(seconds: int | None) -> timedelta | None:
    return timedelta(seconds=seconds) if seconds else None


def _put_off(incident: Incident, side: str, found: cadence.Track) -> cadence.Track:
    owed = cadence.due(found)
    if owed is None:
        return found
    row = Snooze.objects.filter(incident=incident, side=side, due_at=owed.owed_at).first()
    return replace(found, snoozed_until=row.until_at) if row else found


def standing(
    incident: Incident, side: str, *, now: datetime, level: SeverityLevel | None = None
) -> cadence.Standing:
    """How the next update of one side stands; `none` before it is declared and when it is over."""
    if not incident.is_standing or incident.declared_at is None:
        return cadence.Standing(state=cadence.NONE)
    return cadence.standing(track(incident, side, level=level), now)


def standings(incident: Incident, *, now: datetime) -> Mapping[str, cadence.Standing]:
    """Both sides: {"internal": …, "public": …}."""
    level = level_of(incident)
    return {side: standing(incident, side, now=now, level=level) for side in cadence.SIDES}


def compliance(incident: Incident, *, now: datetime) -> Mapping[str, cadence.Compliance]:
    """How many of the updates that were owed came in time, by side, each judged by the severity
    that held when it was due."""
    until = incident.resolved_at or now
    levels = SeverityLevel.objects.in_bulk(field_name="key")
    spans = list(SeveritySpan.objects.filter(incident=incident).order_by("from_at", "pk"))
    if not spans:  # brought in from elsewhere
        spans = [SeveritySpan(severity=incident.severity)]
    found = {}
    for side in cadence.SIDES:
        told = published(incident, side).values_list("published_at", "next_update_at")
        came = [(at, promised) for at, promised in told if at is not None]
        stretches = _stretches(incident, side, spans, levels, is_told=bool(came))
        found[side] = cadence.compliance(stretches, came, until=until)
    return found


def _stretches(
    incident: Incident,
    side: str,
    spans: Sequence[SeveritySpan],
    levels: Mapping[str, SeverityLevel],
    *,
    is_told: bool,
) -> list[cadence.Stretch]:
    """The times in each severity, the first from the beginning; none where nothing was owed."""
    started = incident.declared_at
    if started is None or (not is_told and _is_silent(incident, side)):
        return []
    found = []
    for number, span in enumerate(spans):
        since = span.from_at if number else None
        track = _by_level(levels.get(span.severity), side, started, since)
        found.append(cadence.Stretch(track=track, to_at=span.to_at))
    return found


def next_promise(incident: Incident, side: str, *, now: datetime) -> datetime | None:
    """When a message that goes out now should promise the next one: a cadence later, by the
    level in force; None where the level has none."""
    level = level_of(incident)
    if level is None:
        return None
    started = incident.declared_at or incident.detected_at
    early = now - started < timedelta(seconds=level.cadence_switch_seconds)
    span = _span(level.cadence_first_seconds if early else level.cadence_after_seconds)
    return now + span if span else None


# -- people


def holder(incident: Incident, role: str) -> Person | None:
    """Who has a role now; None for nobody, and for somebody who is not active any more."""
    rows = RoleAssignment.objects.filter(incident=incident, role=role, to_at=None)
    found = rows.select_related("person").first()
    return found.person if found and found.person.is_active else None


def commander(incident: Incident) -> Person | None:
    """Who leads it, when they are still here."""
    person = incident.commander
    return person if person is not None and person.is_active else None


def involved(incident: Incident) -> QuerySet[Person]:
    """Everybody on it: participants, the commander, who has a role."""
    ids = set(incident.participants.values_list("pk", flat=True))
    ids |= set(incident.roles.filter(to_at=None).values_list("person_id", flat=True))
    ids |= {incident.commander_id} - {None}
    return Person.objects.active().filter(pk__in=ids).order_by("pk")


def may_approve(user: Any, incident: Incident) -> bool:
    """Whether somebody's yes is enough for people outside: the commander's or a manager's."""
    if user is None or not user.may(Grant.RESPOND):
        return False
    mine = isinstance(user, Person) and user.pk == incident.commander_id
    return mine or bool(user.may(Grant.SEE_RESTRICTED))


def needs_approval(incident: Incident, audience: Audience) -> bool:
    """Whether the severity framework wants a yes for a message to this audience."""
    if audience.side != Audience.Side.PUBLIC:
        return False
    return SeverityLevel.objects.filter(key=incident.severity, approve_updates=True).exists()


def approvers(incident: Incident) -> list[Person]:
    """Who is asked for a yes: the commander; the managers where there is none."""
    found = commander(incident)
    if found is not None:
        return [found]
    return list(Person.objects.active().managers().order_by("pk"))


def writers(incident: Incident) -> list[tuple[Person, str]]:
    """Who is reminded of an update first, and why: the communication lead and the commander."""
    found: dict[int, tuple[Person, str]] = {}
    lead = holder(incident, Role.COMMS)
    if lead is not None:
        found[lead.pk] = (lead, "you are communication lead")
    leads = commander(incident)
    if leads is not None:
        why = "you command it" if lead else "you command it and nobody is communication lead"
        found.setdefault(leads.pk, (leads, why))
    return list(found.values())


def was_paged(incident: Incident) -> bool:
    """Whether anybody was woken for it: without a page there is nothing to acknowledge."""
    return incident.links.filter(kind="page").exists()
