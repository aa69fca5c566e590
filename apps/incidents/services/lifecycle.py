"""The steps of an incident."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.accounts.models import ApiKey, Person
from apps.accounts.roles import Grant, Scope
from apps.core import events
from apps.core.audit import Actor, ActorKind
from apps.core.errors import Conflict, IllegalTransition, Invalid, NotAllowed
from apps.core.transitions import allowed, move
from apps.incidents import guards
from apps.incidents.events import IncidentResolved
from apps.incidents.guards import Blocker
from apps.incidents.models import Incident
from apps.incidents.selectors import blockers as held
from apps.incidents.services import announcing, impacts, reviews, running, status
from apps.incidents.services.commanding import Command, take_command
from apps.incidents.services.pages import end_duties, lock_pages
from apps.incidents.services.severity import begin_span, end_span
from apps.incidents.services.timeline import record
from apps.ownership.models import Surface

Status = Incident.Status
CLOSED_REOPENS_WITHIN = timedelta(days=14)

_SENTENCES = {
    Status.INVESTIGATING: "declared the incident",
    Status.IDENTIFIED: "identified the cause",
    Status.MITIGATED: "called it mitigated",
    Status.RESOLVED: "resolved the incident",
    Status.CLOSED: "closed the incident",
    Status.DECLINED: "declined it: not an incident",
    Status.TRIAGE: "put it back into triage",
    Status.IN_REVIEW: "opened the review",
}


class Blocked(Invalid):
    """Something must be said with the step; `fields` says what to send, `blockers` all of it."""

    code = "blocked"

    def __init__(self, found: list[Blocker]) -> None:
        fields: dict[str, list[str]] = {}
        for one in found:
            if one.field:
                fields.setdefault(one.field, []).append(one.reason)
        only_reason = all(one.key == "reason" for one in found)
        super().__init__(
            " ".join(one.reason for one in found),
            code="note_needed" if only_reason else None,
            fields=fields,
        )
        self.blockers = found


class Held(Blocked):
    """Something must be done before the step, beside what must be said with it."""

    status = 409


@dataclass(frozen=True)
class Said:
    """What came along with a step; what is empty stays as it was."""

    note: str = ""
    impact_summary: str = ""
    detection_source: str = ""
    mitigation_note: str = ""
    public_silence: str = ""

    def columns(self, to: str) -> dict[str, str]:
        """What is written to the incident."""
        given = {
            "impact_summary": self.impact_summary.strip(),
            "detection_source": self.detection_source,
            "public_silence": self.public_silence.strip(),
            "mitigation_note": self.mitigation_note.strip(),
        }
        if to == Status.MITIGATED and not given["mitigation_note"]:
            given["mitigation_note"] = self.note.strip()
        return {name: value for name, value in given.items() if value}


@transaction.atomic
def transition(
    *,
    incident: Incident,
    to: str,
    actor: Actor,
    now: datetime,
    note: str = "",
    impact_summary: str = "",
    detection_source: str = "",
    mitigation_note: str = "",
    public_silence: str = "",
    surface: Surface | None = None,
    commander: Person | None = None,
) -> Incident:
    """Move an incident on, with what the step asks for; resolving ends its pages.

    `impact_summary`, `detection_source`, `mitigation_note` (else `note`) and `public_silence` are
    kept where they are given. Declaring takes `surface` and `commander`; a commander who is not
    named is found, and where nobody is, the person who declares commands.

    Raises IllegalTransition for a step that the state does not have, Conflict when somebody else
    was faster or a closed incident is too old, NotAllowed when only a manager may open it again,
    and Blocked with all that holds the step up (see `guards`).
    """
    if to == Status.MERGED or incident.status == Status.MERGED:
        raise IllegalTransition(
            "Merging and its undoing name the other incident: not a plain step."
        )
    said = Said(note, impact_summary, detection_source, mitigation_note, public_silence)
    _check_words(said)
    locked = _lock(incident)
    reopening = _check_step(locked, to, actor, now)
    declaring = to == Status.INVESTIGATING and locked.declared_at is None
    first = Command.find(locked, surface, commander, actor, now) if declaring else None
    _guard(locked, to, said, surface, first)
    if first is not None:
        _man(incident, surface, first, actor, now)
    stamps = _stamps(incident, to, now, reopening) | said.columns(to)
    was = incident.status
    move(incident, to=to, actor=actor, now=now, note=note, **stamps)
    _tell(incident, was, said, reopening, declaring, actor, now)
    _effects(incident, reopening, declaring, note, actor, now)
    return incident


@transaction.atomic
def declare_opened(incident: Incident, first: Command, actor: Actor, now: datetime) -> Incident:
    """The step from triage for what was opened by hand a moment ago.

    No guard holds it up: a tool that cries for help at night is not asked who answers for it. What
    is not known is said in the timeline.
    """
    take_command(incident, first, actor, now)
    at = max(now, incident.detected_at)
    move(incident, to=Status.INVESTIGATING, actor=actor, now=now, declared_at=at)
    _tell(incident, Status.TRIAGE, Said(), False, True, actor, now)
    _effects(incident, False, True, "", actor, now)
    return incident


def _check_words(said: Said) -> None:
    texts = {
        "note": said.note, "impact_summary": said.impact_summary,
        "mitigation_note": said.mitigation_note, "public_silence": said.public_silence,
    }  # fmt: skip
    long = {
        name: ["Up to 10,000 characters."] for name, text in texts.items() if len(text) > 10_000
    }
    if said.detection_source and said.detection_source not in Incident.Detection.values:
        long["detection_source"] = [f"One of {', '.join(Incident.Detection.values)}."]
    if long:
        raise Invalid("That is more than an incident can keep.", fields=long)


def _check_step(incident: Incident, to: str, actor: Actor, now: datetime) -> bool:
    """Whether the step opens an ended incident again; raises where the step cannot be."""
    if to not in allowed(incident):
        raise IllegalTransition(f"This incident is {incident.status}; it cannot become {to}.")
    if to == Status.TRIAGE and incident.declared_at is not None:
        raise IllegalTransition("It was declared once: open it again as under investigation.")
    reopening = not incident.is_standing and to in {Status.INVESTIGATING, Status.TRIAGE}
    if reopening and incident.status == Status.CLOSED:
        _check_closed(incident, actor, now)
    return reopening


def _check_closed(incident: Incident, actor: Actor, now: datetime) -> None:
    if incident.closed_at is not None and now - incident.closed_at > CLOSED_REOPENS_WITHIN:
        raise Conflict(
            f"{incident.ref} is closed for more than 14 days. Declare a new incident and link "
            "this one.",
            code="closed_for_good",
        )
    if not _is_manager(actor):
        raise NotAllowed("A closed incident is opened again by a manager. Ask one of them.")


def _is_manager(actor: Actor) -> bool:
    """A person who may see restricted incidents, or a key that acts as one."""
    if actor.person_id is not None:
        person = Person.objects.filter(pk=actor.person_id).first()
        return person is not None and person.may(Grant.SEE_RESTRICTED)
    if actor.kind == ActorKind.KEY:
        return ApiKey.objects.filter(prefix=actor.ref, scopes__contains=[Scope.ADMIN]).exists()
    return False


def _man(
    incident: Incident, surface: Surface | None, first: Command, actor: Actor, now: datetime
) -> None:
    """Give a declared incident its surface and somebody who commands it."""
    if surface is not None and incident.surface_id != surface.pk:
        incident.surface = surface
        incident.save(update_fields=["surface"])
        text = f"Belongs to {surface.key}."
        record(incident=incident, what="routed", text=text, actor=actor, now=now)
    take_command(incident, first, actor, now)


def _lock(incident: Incident) -> Incident:
    """The incident's row as it is now, locked after its pages; Conflict when it moved on."""
    lock_pages(incident)
    locked = Incident.objects.select_for_update().get(pk=incident.pk)  # no join: it would be stale
    if locked.status != incident.status:
        raise Conflict(
            f"This incident was changed by somebody else meanwhile: it is {locked.status}. "
            "Reload to see its state."
        )
    return locked


def _guard(
    incident: Incident, to: str, said: Said, surface: Surface | None, first: Command | None
) -> None:
    """Raises Blocked unless all that the step asks for stands there or came along."""
    facts = replace(held.facts_of(incident, [to]), note=said.note)
    given = said.columns(to)
    facts = replace(
        facts,
        has_surface=facts.has_surface or surface is not None,
        has_commander=first is None or first.person is not None,
        mitigation_note=given.get("mitigation_note", facts.mitigation_note),
        impact_summary=given.get("impact_summary", facts.impact_summary),
        detection_source=given.get("detection_source", facts.detection_source),
        public_silence=given.get("public_silence", facts.public_silence),
    )
    found = guards.blockers(facts, to)
    if found:
        raise Blocked(found) if all(one.field for one in found) else Held(found)


def _stamps(incident: Incident, to: str, now: datetime, reopening: bool) -> dict[str, Any]:
    """Milestones never run backwards, whatever two clocks say."""
    latest = max(
        instant
        for instant in (now, incident.detected_at, incident.declared_at, incident.mitigated_at)
        if instant is not None
    )
    stamps: dict[str, datetime | None] = {}
    if to == Status.INVESTIGATING and incident.declared_at is None:
        stamps["declared_at"] = max(now, incident.detected_at)
    if reopening or (incident.status == Status.MITIGATED and to == Status.INVESTIGATING):
        stamps |= {"resolved_at": None, "closed_at": None, "mitigated_at": None}
    if to == Status.MITIGATED:
        stamps["mitigated_at"] = latest
    if to == Status.RESOLVED:
        stamps["resolved_at"] = latest
    if to == Status.CLOSED:
        stamps["closed_at"] = max(now, incident.resolved_at or now)
    return stamps


def _tell(
    incident: Incident,
    was: str,
    said: Said,
    reopening: bool,
    declaring: bool,
    actor: Actor,
    now: datetime,
) -> None:
    text = "reopened it" if reopening else _SENTENCES[Status(incident.status)]
    if was == Status.MITIGATED and incident.status == Status.INVESTIGATING:
        text = "went back to investigating"
    parts = [f"{actor.label} {text}.", *_words(incident, said)]
    if declaring and incident.surface_id is None and not held.has_surface(incident):
        parts.append("Which surface it hurts is not known yet.")
    if declaring and incident.commander_id is None:
        parts.append("Nobody was found to command it.")
    record(incident=incident, what=incident.status, text=" ".join(parts), actor=actor, now=now)
    if declaring:
        announcing.declared(incident=incident, by=actor, now=now)
    else:
        announcing.moved(incident=incident, was=was, by=actor, now=now)


def _words(incident: Incident, said: Said) -> Iterator[str]:
    """What was said with the step, each thing once."""
    note, mitigation = said.note.strip(), said.mitigation_note.strip()
    if note:
        yield _sentence(note)
    if mitigation and mitigation != note:
        yield _sentence(f"Mitigation: {mitigation}")
    if summary := said.impact_summary.strip():
        yield _sentence(f"Impact: {summary}")
    if silence := said.public_silence.strip():
        yield _sentence(f"No public message: {silence}")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _effects(
    incident: Incident,
    reopening: bool,
    declaring: bool,
    note: str,
    actor: Actor,
    now: datetime,
) -> None:
    """What a step sets going."""
    if reopening:
        begin_span(incident, reason=f"opened again: {note}", actor=actor, now=now)
    if declaring:
        running.make_tasks(incident=incident, actor=actor, now=now)
    if incident.status in {Status.RESOLVED, Status.DECLINED}:
        end_span(incident, now=now)
        end_duties(incident, actor, now)
        status.clear(incident=incident, now=now)
    if incident.status == Status.RESOLVED:
        at = incident.resolved_at or now
        impacts.end_all(incident=incident, at=at, actor=actor, now=now)
        announce_resolved(incident, now)
    if incident.status == Status.IN_REVIEW:
        reviews.open_review(incident=incident, actor=actor, now=now)


def announce_resolved(incident: Incident, now: datetime) -> None:
    """What waited for the incident, or for one that was merged into it, may go on."""
    events.publish(IncidentResolved(incident_id=incident.pk, at=now))
    for child in Incident.objects.filter(merged_into=incident).order_by("pk"):
        announce_resolved(child, now)
