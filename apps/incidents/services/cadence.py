"""The minute job of standing incidents: reminders of what is owed, each once, and putting them off.

It asks what is due now and was not dealt with, so a worker that slept sends the newest reminder of
each thing and marks the older ones as passed over. The marks are the memory: a slot is used once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from apps.accounts.models import Person
from apps.core import audit
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.models import Kind
from apps.core.text import clip, one_line
from apps.incidents import cadence
from apps.incidents.models import (
    Incident,
    Mark,
    RoleAssignment,
    Severity,
    SeverityLevel,
    Snooze,
)
from apps.incidents.models.framework import Role
from apps.incidents.selectors import updates as facts
from apps.incidents.selectors.commander import WHY
from apps.incidents.services import outreach, word_back
from apps.incidents.services.timeline import record
from apps.ownership.selectors import owners

_CADENCE = audit.system("Cadence")
log = structlog.get_logger("opsportal.incidents")
COMMS_LEAD_WITHIN = timedelta(minutes=10)
FOUND = [why for how, why in WHY.items() if how != Incident.Named.CHOSEN]
URGENT = frozenset({Severity.SEV1, Severity.SEV2})
WHOM = {cadence.INTERNAL: "people here", cadence.PUBLIC: "customers"}
Told = list[tuple[Person, str]]


def remind_due(*, now: datetime, limit: int = 500) -> int:
    """Every reminder that is due; answers how many messages were written.

    One incident that cannot be read holds up no other, and one that somebody is just changing is
    taken a minute later.
    """
    told = 0
    rows = Incident.objects.standing().filter(kind__in=[Kind.REAL, Kind.DRILL])
    for pk in list(rows.order_by("pk").values_list("pk", flat=True)[:limit]):
        try:
            told += _remind(pk, now)
        except Exception:
            log.exception("incident not reminded of", incident=pk)
    return told


@transaction.atomic
def _remind(pk: int, now: datetime) -> int:
    rows = Incident.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    incident = rows.select_related("commander", "surface__team__lead").filter(pk=pk).first()
    if incident is None or not incident.is_standing:
        return 0
    told = int(word_back.tell_commander(incident=incident, now=now))
    level = facts.level_of(incident)
    if level is None or incident.declared_at is None:
        return told
    used = set(Mark.objects.filter(incident=incident).values_list("slot", flat=True))
    for side in cadence.SIDES:
        told += _remind_of_update(incident, level, side, used, now)
    return told + _remind_of_targets(incident, level, used, now)


# -- the next update


def _remind_of_update(
    incident: Incident, level: SeverityLevel, side: str, used: set[str], now: datetime
) -> int:
    owed = facts.standing(incident, side, now=now, level=level).due
    if owed is None:
        return 0
    stem = f"update:{side}:{_stamp(owed.at)}:"
    due = [slot for slot in cadence.slots(owed, now) if stem + slot.name not in used]
    if not due:
        return 0
    newest = due[-1]
    _mark(incident, [stem + slot.name for slot in due[:-1]], now, was_sent=False)
    _mark(incident, [stem + newest.name], now, was_sent=True)
    what = f"The update for {WHOM[side]} is due"
    if newest.reach:
        what = f"The update for {WHOM[side]} is overdue"
    return outreach.remind(
        incident=incident,
        people=_reach(incident, newest.reach),
        what=what,
        at=owed.at,
        detail=_detail(side, newest.reach),
        do="Write the update",
        dedupe=f"incident:{incident.pk}:{stem}{newest.name}",
        urgency="high" if incident.severity in URGENT and newest.name != "soon" else "low",
        now=now,
    )


def _detail(side: str, reach: int) -> str:
    if reach >= 2:
        return "A whole interval has passed without it. If its writers are busy, write it yourself."
    if side == cadence.PUBLIC:
        return "Also “nothing new, we are still on it” is an update; say when the next one comes."
    return "A sentence is enough: what is known, what is being done, when you write again."


def _reach(incident: Incident, reach: int) -> Told:
    """Who writes; from half an interval on the deputy or backup owner, then the team's lead.

    A drill reaches nobody who does not take part in it.
    """
    found = dict(_keyed(facts.writers(incident)))
    if reach >= 1:
        _add(found, _deputies(incident))
    if reach >= 2:
        _add(found, _leads(incident))
    if not found:
        _add(found, _deputies(incident))
        _add(found, _leads(incident))
    if incident.kind != Kind.REAL:
        taking_part = {person.pk for person in facts.involved(incident)}
        found = {pk: one for pk, one in found.items() if pk in taking_part}
    return list(found.values())


def _keyed(people: Told) -> Iterable[tuple[int, tuple[Person, str]]]:
    return ((person.pk, (person, why)) for person, why in people)


def _add(found: dict[int, tuple[Person, str]], people: Told) -> None:
    for pk, one in _keyed(people):
        found.setdefault(pk, one)


def _deputies(incident: Incident) -> Told:
    deputy = facts.holder(incident, Role.DEPUTY)
    if deputy is not None:
        return [(deputy, "you are deputy, and those who write it did not")]
    answers = owners(incident.surface, at=_since(incident))
    backup = answers.backup or answers.primary
    if backup is None or not backup.is_active or incident.surface is None:
        return []
    return [(backup, f"you own {incident.surface.key}, and those who write it did not")]


def _leads(incident: Incident) -> Told:
    team = incident.surface.team if incident.surface else None
    if team is not None and team.lead is not None and team.lead.is_active:
        return [(team.lead, f"you lead {team.name}, and nobody below did it")]
    managers = Person.objects.active().managers().order_by("pk")
    return [(one, "you are a manager, and nobody else did it") for one in managers]


def _since(incident: Incident) -> datetime:
    return incident.declared_at or incident.detected_at


# -- targets that were missed, and a role that nobody has


def _remind_of_targets(
    incident: Incident, level: SeverityLevel, used: set[str], now: datetime
) -> int:
    """What is owed once after a declaration: a communication lead, a commander, an answer."""
    declared = _since(incident)
    told = 0
    if incident.severity in URGENT and facts.holder(incident, Role.COMMS) is None:
        told += _once(
            incident, "comms_lead", declared + COMMS_LEAD_WITHIN, used, now,
            people=facts.writers(incident) or _leads(incident),
            what="Nobody is communication lead",
            detail="Give the role to somebody, so that you can lead and they can write.",
        )  # fmt: skip
    due = facts.target_at(level, level.commander_seconds, declared)
    if incident.commander_id is None and due is not None:
        told += _once(
            incident, "commander", due, used, now,
            people=[*_deputies(incident), *_leads(incident)],
            what="Nobody commands it",
            detail="Name a commander, or take it yourself.",
        )  # fmt: skip
    due = facts.target_at(level, level.acknowledge_seconds, declared)
    if due is not None and facts.was_paged(incident) and not _is_taken(incident):
        told += _once(
            incident, "acknowledge", due, used, now,
            people=[*facts.writers(incident), *_deputies(incident)],
            what="Nobody has acknowledged it",
            detail="Acknowledge it, or page somebody else from the incident.",
        )  # fmt: skip
    return told


def _is_taken(incident: Incident) -> bool:
    """Whether somebody answered: a page was acknowledged, or a person leads it whom people named.
    Who was only found by the schedule or as owner may be asleep."""
    if incident.acknowledged_at is not None:
        return True
    standing = RoleAssignment.objects.filter(incident=incident, to_at=None, person__is_active=True)
    return standing.exclude(why__in=FOUND).exists()


def _once(
    incident: Incident,
    name: str,
    due: datetime,
    used: set[str],
    now: datetime,
    *,
    people: Told,
    what: str,
    detail: str,
) -> int:
    slot = f"{name}:{_stamp(_since(incident))}"
    if now < due or slot in used:
        return 0
    _mark(incident, [slot], now, was_sent=True)
    found: dict[int, tuple[Person, str]] = {}
    _add(found, people)
    if incident.kind != Kind.REAL:
        taking_part = {person.pk for person in facts.involved(incident)}
        found = {pk: one for pk, one in found.items() if pk in taking_part}
    record_text = f"{what}. {', '.join(person.name for person, _ in found.values())} told."
    record(incident=incident, what="reminded", text=record_text, actor=_CADENCE, now=now)
    return outreach.remind(
        incident=incident,
        people=found.values(),
        what=what,
        detail=detail,
        dedupe=f"incident:{incident.pk}:{slot}",
        urgency="high" if incident.severity in URGENT else "low",
        now=now,
    )


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _mark(incident: Incident, slots: list[str], now: datetime, *, was_sent: bool) -> None:
    rows = [Mark(incident=incident, slot=slot, at=now, was_sent=was_sent) for slot in slots]
    Mark.objects.bulk_create(rows, ignore_conflicts=True)


# -- putting it off


@transaction.atomic
def snooze(
    *, incident: Incident, side: str, until: datetime, reason: str, actor: Actor, now: datetime
) -> Snooze:
    """Put the reminders of the next update of a side off, once and by one interval at most.

    The reason stands in the timeline, and the update counts as late all the same. Raises Invalid
    by field, Conflict where nothing is owed or it was put off already.
    """
    rows = Incident.objects.select_for_update(of=("self",), no_key=True)
    incident = rows.select_related("surface").get(pk=incident.pk)
    if side not in WHOM:
        raise Invalid("An update is for people here or outside.", fields={"side": ["Unknown."]})
    why = clip(one_line(reason), 300)
    if not why:
        raise Invalid("Say why it can wait.", fields={"reason": ["Say why it can wait."]})
    owed = facts.standing(incident, side, now=now).due
    if owed is None:
        raise Conflict(f"No update for {WHOM[side]} is owed.", code="nothing_due")
    if Snooze.objects.filter(incident=incident, side=side, due_at=owed.owed_at).exists():
        raise Conflict("It was put off once already: write the update.", code="snoozed")
    furthest = cadence.furthest_snooze(owed, now)
    if until <= now or until > furthest:
        text = f"It can be put off by one interval at most, until {furthest:%H:%M} UTC."
        text = "Pick a time that is still to come." if until <= now else text
        raise Invalid(text, fields={"until": [text]})
    row = Snooze.objects.create(
        incident=incident,
        side=side,
        due_at=owed.owed_at,
        until_at=until,
        reason=why,
        at=now,
        **actor.columns(),
    )
    text = f"{actor.label} put off the update for {WHOM[side]} to {until:%H:%M} UTC: {why}"
    record(incident=incident, what="snoozed", text=text, actor=actor, now=now)
    return row
