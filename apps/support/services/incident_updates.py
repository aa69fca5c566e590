"""Incidents and their tickets: one update answers all of them, and what customers say goes back.

All of it runs in tasks of its own, one ticket at a time: an incident is locked before its tickets
everywhere, and a hundred answers do not keep a publisher waiting. What ran already is not done
again, so a task that failed half way goes on where it stopped.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from apps.accounts.models import Person
from apps.core import audit, jobs
from apps.core.audit import Actor
from apps.core.models import Kind, StatusChange
from apps.core.text import clip, one_line
from apps.incidents import services as incidents
from apps.incidents.models import Incident, IncidentLink, StatusUpdate
from apps.incidents.models.comms import Stage
from apps.incidents.services.updates import still_broken
from apps.support import complaints
from apps.support.models import Ticket, TicketLink, TicketMessage
from apps.support.selectors import incident_ties as ties
from apps.support.services import announcing, clocks, links, search, telling, unblocking
from apps.support.services import tickets as rows

log = structlog.get_logger("opsportal.support")
Author = TicketMessage.Author
Relation = IncidentLink.Relation
ASKS_BACK = (
    "If it is not solved for you, simply answer: your words go straight to the people who work on "
    "it."
)
BATCH = 100  # tickets that one task answers: each has a mail and its clocks
AFTER = frozenset({Incident.Status.RESOLVED, Incident.Status.IN_REVIEW})


class Unanswered(Exception):
    """Some tickets did not get the update; the task is tried again and goes on with those."""


# -- one update, every ticket


def update_published(*, update_id: int) -> None:
    """An update went out: its tickets get it from a task, if its audience has any."""
    update = StatusUpdate.objects.select_related("audience").get(pk=update_id)
    if update.audience.to_tickets:
        jobs.enqueue("apps.support.tasks.answer_incident", update=update_id)


def answer_tickets(*, update_id: int, now: datetime, after: int = 0) -> int:
    """The update as the publisher's public reply on every ticket of its incident; answers how
    many got it now.

    It pauses nothing and moves no state: promises of a reply are kept by it, others run on.
    Tickets that are over stay as they are. A hundred are answered at once, those beyond ticket id
    `after`; a further task takes the next. One that fails holds up no other; Unanswered is raised
    at the end, so that the task is tried again.
    """
    update = StatusUpdate.objects.select_related("audience", "incident").get(pk=update_id)
    incident = update.incident
    published = update.status == StatusUpdate.Status.PUBLISHED
    if not (published and update.audience.to_tickets and incident.kind == Kind.REAL):
        return 0
    by = _publisher(update)
    done, failed = 0, []
    waiting = [one for one in ties.tickets_of(incident) if one.is_active and one.pk > after]
    if waiting[BATCH:]:
        jobs.enqueue(
            "apps.support.tasks.answer_incident", update=update_id, after=waiting[BATCH - 1].pk
        )
    for ticket in waiting[:BATCH]:
        try:
            done += _answer(ticket.pk, update, by, now)
        except Exception:
            log.exception("ticket not answered by update", ticket=ticket.pk, update=update.pk)
            failed.append(ticket.ref)
    if failed:
        raise Unanswered(f"{len(failed)} tickets: {', '.join(failed[:20])}")
    return done


def _publisher(update: StatusUpdate) -> Actor:
    """Who published it, from the history of its state."""
    kind = StatusUpdate._meta.label_lower
    row = StatusChange.objects.filter(kind=kind, ref=str(update.pk), became="published").first()
    if row is None:
        return audit.SYSTEM
    return Actor(row.actor_kind, row.actor_ref, row.actor_label, row.actor_id)  # type: ignore[arg-type] # the column holds a value of ActorKind


@transaction.atomic
def _answer(pk: int, update: StatusUpdate, by: Actor, now: datetime) -> bool:
    ticket = rows.lock(pk)
    if not ticket.is_active or _has(ticket, update):
        return False
    at = update.published_at or now
    body = update.body
    if update.stage == Stage.RESOLVED:
        body = f"{body.rstrip()}\n\n{ASKS_BACK}"
    message = TicketMessage.objects.create(
        ticket=ticket,
        author=Author.UPDATE,
        channel=Ticket.Channel.PORTAL if by.person_id else Ticket.Channel.API,
        body=body,
        at=at,
        recorded_at=now,
        after={"update": update.pk},
        message_id=telling.message_id_for(ticket, now),
        **by.columns(),
    )
    _take_effect(ticket, message, by, now)
    _show_on_ticket(ticket, update, by, now)
    search.index(ticket=ticket)
    telling.reply(message=message, ticket=ticket, now=now)
    announcing.said(ticket=ticket, message=message, now=now)
    return True


def _has(ticket: Ticket, update: StatusUpdate) -> bool:
    mine = TicketMessage.objects.filter(ticket=ticket, author=Author.UPDATE)
    return mine.filter(after__update=update.pk).exists()


def _take_effect(ticket: Ticket, message: TicketMessage, by: Actor, now: datetime) -> None:
    """Columns and clocks of a public word at the time at which it was published."""
    values: dict[str, Any] = {}
    newer = TicketMessage.objects.filter(ticket=ticket, author=Author.REQUESTER)
    if not newer.filter(at__gt=message.at).exists():
        values = {
            "awaits_us": False,
            "last_message_at": message.at,
            "last_public_text": clip(one_line(message.body), 200),
        }
    if ticket.first_replied_at is None:
        values["first_replied_at"] = max(message.at, ticket.created_at)
    rows.touch(ticket, now, **values)
    clocks.agent_replied(ticket=ticket, at=message.at, actor=by, now=now)


def _show_on_ticket(ticket: Ticket, update: StatusUpdate, by: Actor, now: datetime) -> None:
    """The ticket says which incident it belongs to, and that its promises run on."""
    ref = update.incident.ref
    if not TicketLink.objects.filter(ticket=ticket, kind="incident", ref=ref).exists():
        links.link(
            ticket=ticket, kind="incident", ref=ref, relation="related", actor=by, now=now
        )  # fmt: skip
    rows.note_event(
        ticket=ticket,
        what="incident_update",
        text=f"An update of {ref} went out as a public reply. No promise is paused by it.",
        actor=by,
        now=now,
        subject=("incident", ref, f"/incidents/{ref}/#update-{update.pk}"),
    )


# -- what customers say back


def requester_wrote(*, message: TicketMessage, ticket: Ticket) -> None:
    """A word from outside: when the ticket belongs to an incident, a task looks at what it says."""
    if ticket.kind == Kind.REAL and ties.is_tied(ticket):
        jobs.enqueue("apps.support.tasks.hear_customer", message=message.pk)


def hear_customer(*, message_id: int, now: datetime) -> int:
    """Tell the commanders of the ticket's incidents what the customer said, where it says that it
    is still broken; answers how many incidents heard of it.

    While an incident stands every answer to one of its updates counts, except mere thanks. Once
    it is over only what says so, or what opened the ticket again.
    """
    message = TicketMessage.objects.select_related("ticket__queue").get(pk=message_id)
    ticket = message.ticket
    heard = 0
    for incident in ties.incidents_of(ticket):
        if _says_so(message, ticket, incident):
            still_broken(
                incident=incident,
                ref=ticket.ref,
                url=f"/tickets/{ticket.ref}/#m{message.pk}",
                text="" if ticket.queue.is_private else message.body,
                actor=audit.contact(message.contact_id or 0, "The customer"),
                now=now,
            )
            heard += 1
    return heard


def _says_so(message: TicketMessage, ticket: Ticket, incident: Incident) -> bool:
    if incident.kind != ticket.kind:
        return False
    reading = complaints.reads_as(message.body)
    if incident.is_standing:
        return reading == complaints.BROKEN or (
            reading == complaints.OTHER and _answers_an_update(message, incident)
        )
    if incident.status not in AFTER:
        return False
    return reading == complaints.BROKEN or _reopened(message, ticket)


def _answers_an_update(message: TicketMessage, incident: Incident) -> bool:
    told = TicketMessage.objects.filter(
        ticket_id=message.ticket_id, author=Author.UPDATE, at__lte=message.at
    )
    ids = [row["update"] for row in told.values_list("after", flat=True) if "update" in row]
    return StatusUpdate.objects.filter(pk__in=ids, incident=incident).exists()


def _reopened(message: TicketMessage, ticket: Ticket) -> bool:
    """Whether this word opened a resolved ticket again."""
    steps = StatusChange.objects.filter(kind=Ticket._meta.label_lower, ref=str(ticket.pk))
    return steps.filter(was="resolved", became="open", at=message.recorded_at).exists()


# -- belonging to each other


@transaction.atomic
def attach(
    *,
    ticket: Ticket,
    incident: Incident,
    actor: Actor,
    now: datetime,
    relation: str = Relation.REPORTED_BY,
) -> None:
    """Ticket and incident belong to each other from now on, and both show it."""
    incidents.add_link(
        incident=incident, kind=ties.KIND, ref=ticket.ref, url=f"/tickets/{ticket.ref}/",
        label=rows.named(ticket).removeprefix(ticket.ref).strip(), relation=relation,
        actor=actor, now=now,
    )  # fmt: skip
    ref = incident.ref
    if not TicketLink.objects.filter(ticket=ticket, kind="incident", ref=ref).exists():
        links.link(
            ticket=ticket, kind="incident", ref=ref, relation="related", actor=actor, now=now
        )


@transaction.atomic
def detach(*, ticket: Ticket, incident: Incident, actor: Actor, now: datetime) -> None:
    """They do not belong to each other: no update answers the ticket, and it holds nothing open.

    A ticket that waited for the incident alone returns to open.
    """
    for link in incident.links.filter(kind=ties.KIND, ref=ticket.ref):
        incidents.unlink(incident=incident, link=link, actor=actor, now=now)
    for row in TicketLink.objects.filter(ticket=ticket, kind="incident", ref=incident.ref):
        unblocking.unlink(link=row, actor=actor, now=now)


def linked_on_ticket(*, ticket_id: int, ref: str, person_id: int | None, now: datetime) -> None:
    """A ticket was linked to an incident on its own page: the incident shows it too."""
    found = _pair(ticket_id, ref)
    if found is not None and found[1].merged_into is None:
        ticket, incident = found
        attach(ticket=ticket, incident=incident, actor=_actor(person_id), now=now)


def unlinked_on_ticket(*, ticket_id: int, ref: str, person_id: int | None, now: datetime) -> None:
    """The same when the link was taken away there."""
    found = _pair(ticket_id, ref)
    if found is not None and found[1].merged_into is None:
        ticket, incident = found
        still = TicketLink.objects.filter(ticket=ticket, kind="incident", ref=incident.ref)
        if not still.exists():
            detach(ticket=ticket, incident=incident, actor=_actor(person_id), now=now)


def _pair(ticket_id: int, ref: str) -> tuple[Ticket, Incident] | None:
    ticket = Ticket.objects.select_related("queue").filter(pk=ticket_id).first()
    incident = Incident.objects.filter(pk=ties.number(ref, "INC-")).first()
    return (ticket, incident) if ticket and incident else None


def _actor(person_id: int | None) -> Actor:
    person = Person.objects.filter(pk=person_id).first() if person_id else None
    return audit.person(person) if person else audit.system("Support")
