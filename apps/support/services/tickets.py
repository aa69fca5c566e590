"""Logging, routing and changing tickets. Whoever changes one holds its lock first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.models import Kind
from apps.core.text import clip, one_line
from apps.customers.models import Account, Connection, Contact
from apps.customers.selectors import account_of
from apps.ownership.models import Surface
from apps.ownership.selectors import owners
from apps.rotations.selectors import on_call, schedule_of
from apps.support import priority as levels
from apps.support.models import (
    Level,
    Priority,
    Queue,
    RequestType,
    Ticket,
    TicketContact,
    TicketEvent,
    TicketMessage,
    TicketWatcher,
)
from apps.support.services import announcing, clocks, files, search, telling
from apps.support.services.files import Accepted

MAX_BODY = 200_000  # characters; a 5,000-line paste has about half of it
MAX_TAGS, MAX_TAG = 20, 40
MAX_FIELDS, MAX_FIELD = 40, 2_000
# Who wrote before us hears that it arrived; who was spoken to knows.
SENDS_RECEIPT = frozenset({Ticket.Channel.MAIL, Ticket.Channel.FORM, Ticket.Channel.API})


def lock(pk: int) -> Ticket:
    """The ticket, locked for the rest of the transaction.

    Its key never changes, so rows that point to it are not kept waiting: those of a transaction
    that holds another ticket could otherwise wait in a circle.
    """
    return Ticket.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)


def touch(ticket: Ticket, now: datetime, **values: Any) -> None:
    """Write columns of a locked ticket; every change has a version of its own."""
    Ticket.objects.filter(pk=ticket.pk).update(version=F("version") + 1, updated_at=now, **values)
    for name, value in values.items():
        setattr(ticket, name, value)
    ticket.version += 1
    ticket.updated_at = now


def note_event(
    *,
    ticket: Ticket,
    what: str,
    text: str,
    actor: Actor,
    now: datetime,
    subject: tuple[str, str, str] = ("", "", ""),
) -> TicketEvent:
    """Add a row to the ticket's own history; `subject` is (kind, ref, url) of what it is about."""
    kind, ref, url = subject
    return TicketEvent.objects.create(
        ticket=ticket,
        what=what,
        text=clip(text, 500),
        at=now,
        subject_kind=kind,
        subject_ref=ref[:60],
        subject_url=url[:300],
        **actor.columns(),
    )


def named(ticket: Ticket) -> str:
    """How it is named where others read who may not see it: a private one by its number alone."""
    return ticket.ref if ticket.queue.is_private else f"{ticket.ref} {ticket.subject}"


# -- logging


@dataclass(frozen=True)
class Route:
    """Where a ticket goes and why."""

    queue: Queue
    surface: Surface | None
    owner: Person | None
    note: str


def route(
    *,
    request_type: RequestType,
    surface: Surface | None,
    queue: Queue | None,
    owner: Person | None,
    now: datetime,
) -> Route:
    """Surface and queue by the type where nobody says otherwise; the owner by the surface.

    A surface without owner and backup gives the ticket to whoever is on call for it; where there
    is nobody either, it stays unassigned and the queue's lead hears of it.
    """
    place = surface or request_type.surface
    answers = owners(place, at=now)
    found, why = owner, "as asked"
    if found is None and request_type.owner and request_type.owner.is_active:
        found, why = request_type.owner, f"keeps {request_type.name}"
    if found is None and answers.primary:
        found, why = answers.primary, "owner"
    if found is None and answers.backup:
        found, why = answers.backup, "backup, there is no owner"
    if found is None and (people := _on_call(place, now)):
        found, why = people[0], "on call, there is no owner"
    chosen = queue or request_type.queue
    where = f"surface {place.key}" if place else "no surface"
    whose = f"{found.name} ({why})" if found else "nobody owns it yet"
    text = f"Routed to {chosen.name} by request type {request_type.name}; {where}, {whose}."
    return Route(chosen, place, found, clip(text, 300))


def _on_call(surface: Surface | None, now: datetime) -> list[Person]:
    schedule = schedule_of(surface)
    return on_call(schedule, at=now) if schedule else []


@transaction.atomic
def open_ticket(
    *,
    subject: str,
    request_type: RequestType,
    requester: Contact,
    actor: Actor,
    now: datetime,
    body: str = "",
    channel: str = Ticket.Channel.PORTAL,
    impact: str = "",
    urgency: str = "",
    priority: str = "",
    priority_reason: str = "",
    surface: Surface | None = None,
    queue: Queue | None = None,
    owner: Person | None = None,
    fields: Mapping[str, Any] | None = None,
    tags: Sequence[str] = (),
    blocks_work: bool | None = None,
    connection: Connection | None = None,
    kind: str = Kind.REAL,
    created_at: datetime | None = None,
    answered: bool = False,
    files_: Sequence[Accepted] = (),
    message_id: str = "",
    references: Sequence[str] = (),
    quoted: str = "",
    html: str = "",
    follows: Ticket | None = None,
    source: tuple[str, str, str] = ("", "", ""),
) -> Ticket:
    """Log a ticket: it is routed, its promises start, and those who must know hear of it.

    `created_at` is when it was said (a mail's receive time); `answered` ticks the first reply as
    given on the spot, which a call or chat may be. Raises Invalid for an empty subject, a level or
    priority that does not exist, or words that are too long.
    """
    title = clip(one_line(subject), 200)
    if not title:
        raise Invalid("Write a subject.", fields={"subject": ["Write a subject."]})
    if follows is None:  # what follows is nobody's choice: a customer's words must land somewhere
        _check_current(request_type, requester)
    check_length(body)
    impact, urgency = impact or request_type.impact, urgency or request_type.urgency
    chosen, reason = _priority(impact, urgency, priority, priority_reason)
    way = route(request_type=request_type, surface=surface, queue=queue, owner=owner, now=now)
    since = min(created_at or now, now)
    ticket = Ticket.objects.create(
        subject=title,
        kind=kind,
        channel=channel,
        request_type=request_type,
        queue=way.queue,
        requester=requester,
        account=account_of(requester),
        org=requester.org,
        connection=connection,
        impact=impact,
        urgency=urgency,
        priority=chosen,
        priority_reason=reason,
        blocks_work=blocks_work,
        surface=way.surface,
        owner=way.owner,
        fields=clean_fields(fields or {}),
        tags=clean_tags(tags),
        route_note=way.note,
        follows=follows,
        created_at=since,
        updated_at=now,
        source=source[0],
        source_ref=source[1],
        source_url=source[2],
    )
    note_event(ticket=ticket, what="routed", text=way.note, actor=actor, now=now)
    if body.strip() or files_:
        _first_words(ticket, body, since, actor, now, files_, message_id, references, quoted, html)
    clocks.start_all(ticket=ticket, actor=actor, now=now)
    if answered:
        clocks.agent_replied(ticket=ticket, at=since, actor=actor, now=now)
        touch(ticket, now, first_replied_at=since, awaits_us=False)
        text = "Answered on the spot."
        note_event(ticket=ticket, what="answered", text=text, actor=actor, now=now)
    search.index(ticket=ticket)
    telling.opened(ticket=ticket, actor=actor, now=now, with_receipt=channel in SENDS_RECEIPT)
    ticket.refresh_from_db()
    return ticket


def _check_current(request_type: RequestType, requester: Contact) -> None:
    if request_type.archived_at:
        raise Invalid(f"{request_type.name} is no longer used.", fields={"type": ["Pick another."]})
    if requester.archived_at:
        raise Invalid("This contact is archived.", fields={"requester": ["Pick another."]})


def kind_after(ticket: Ticket) -> str:
    """The kind of what grows out of a ticket: after one of the past it happens today, with
    promises and mails."""
    return Kind.REAL if ticket.kind == Kind.BACKFILLED else ticket.kind


def _first_words(
    ticket: Ticket,
    body: str,
    at: datetime,
    actor: Actor,
    now: datetime,
    given: Sequence[Accepted],
    message_id: str,
    references: Sequence[str],
    quoted: str,
    html: str,
) -> None:
    """What the requester said, whoever wrote it down."""
    message = TicketMessage.objects.create(
        ticket=ticket,
        author=TicketMessage.Author.REQUESTER,
        contact=ticket.requester,
        channel=ticket.channel,
        body=body,
        quoted=quoted[:MAX_BODY],
        html=html,
        at=at,
        recorded_at=now,
        message_id=message_id,
        references=list(references)[-20:],
        **actor.columns(),
    )
    files.attach(message=message, given=given)
    values = {"last_message_at": at, "last_public_text": clip(one_line(body), 200)}
    Ticket.objects.filter(pk=ticket.pk).update(**values)


def check_length(body: str) -> None:
    if len(body) > MAX_BODY:
        text = f"This has {len(body):,} characters; {MAX_BODY:,} fit. Attach it as a file."
        raise Invalid(text, code="too_long", fields={"body": [text]})


def _priority(impact: str, urgency: str, wanted: str, reason: str) -> tuple[str, str]:
    """The matrix's priority, or another one with its reason."""
    for name, value in (("impact", impact), ("urgency", urgency)):
        if value not in Level.values:
            raise Invalid(f"{name} is high, medium or low.", fields={name: ["high, medium or low"]})
    computed = levels.priority(impact, urgency)
    if not wanted or wanted == computed:
        return computed, ""
    if wanted not in Priority.values:
        raise Invalid("Priority is P1 to P4.", fields={"priority": ["P1 to P4"]})
    if not reason.strip():
        text = f"Say why it is {wanted}: by impact and urgency it is {computed}."
        raise Invalid(text, code="reason_missing", fields={"priority_reason": [text]})
    return wanted, clip(one_line(reason), 300)


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Lower-case, each once, in order; Invalid when there are too many or one is too long."""
    found = list(dict.fromkeys(tag for raw in tags if (tag := one_line(raw).lower().strip("# "))))
    if len(found) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in found):
        text = f"At most {MAX_TAGS} tags of {MAX_TAG} characters."
        raise Invalid(text, fields={"tags": [text]})
    return found


def clean_fields(fields: Mapping[str, Any]) -> dict[str, str]:
    """The facts of a request as short texts; what is empty is left out."""
    if len(fields) > MAX_FIELDS:
        text = f"At most {MAX_FIELDS} fields."
        raise Invalid(text, fields={"fields": [text]})
    found = {}
    for key, value in fields.items():
        text = str(value if value is not None else "").strip()
        if len(str(key)) > 60 or len(text) > MAX_FIELD:
            words = f"A field has at most {MAX_FIELD:,} characters."
            raise Invalid(words, fields={"fields": [words]})
        if text:
            found[str(key)] = text
    return found


# -- changing


@transaction.atomic
def edit(
    *,
    ticket: Ticket,
    actor: Actor,
    now: datetime,
    subject: str | None = None,
    request_type: RequestType | None = None,
    impact: str | None = None,
    urgency: str | None = None,
    surface: Surface | None = None,
    queue: Queue | None = None,
    fields: Mapping[str, Any] | None = None,
    connection: Connection | None = None,
    account: Account | None = None,
) -> Ticket:
    """Change facts of a ticket; what is None stays. Promises follow type, priority and queue."""
    ticket = lock(ticket.pk)
    said: list[str] = []
    values: dict[str, Any] = {}
    if subject is not None and (title := clip(one_line(subject), 200)) != ticket.subject:
        if not title:
            raise Invalid("Write a subject.", fields={"subject": ["Write a subject."]})
        values["subject"] = title
        said.append(f"Subject was “{ticket.subject}”.")
    if request_type is not None and request_type.pk != ticket.request_type_id:
        values["request_type"] = request_type
        said.append(f"Type: {ticket.request_type} → {request_type}.")
    if queue is not None and queue.pk != ticket.queue_id:
        values["queue"] = queue
        said.append(f"Queue: {ticket.queue} → {queue}.")
    if surface is not None and surface.pk != ticket.surface_id:
        values["surface"] = surface
        said.append(f"Surface: {ticket.surface or 'none'} → {surface}.")
    if connection is not None and connection.pk != ticket.connection_id:
        values["connection"] = connection
        said.append(f"Connection: {connection}.")
    if account is not None and account.pk != ticket.account_id:
        values["account"] = account
        said.append(f"Customer: {account}.")
    if fields is not None and (cleaned := clean_fields(fields)) != ticket.fields:
        values["fields"] = cleaned
        said.append("Facts changed.")
    values |= _levels(ticket, impact, urgency, said)
    if not values:
        return ticket
    touch(ticket, now, **values)
    if "surface" in values and ticket.owner_id is None:
        _own_by_surface(ticket, actor, now)
    note_event(ticket=ticket, what="changed", text=" ".join(said), actor=actor, now=now)
    if values.keys() & {"request_type", "queue", "priority", "account"}:
        clocks.retarget(ticket=ticket, cause=" ".join(said)[:200], actor=actor, now=now)
    if "subject" in values:
        search.index(ticket=ticket)
    announcing.updated(ticket=ticket, changed=sorted(values), by=actor, now=now)
    return ticket


def _levels(
    ticket: Ticket, impact: str | None, urgency: str | None, said: list[str]
) -> dict[str, Any]:
    """New impact and urgency, and the priority that follows unless somebody set it by hand."""
    if impact is None and urgency is None:
        return {}
    levels_now = (impact or ticket.impact, urgency or ticket.urgency)
    if levels_now == (ticket.impact, ticket.urgency):
        return {}
    computed, _ = _priority(*levels_now, "", "")
    values: dict[str, Any] = {"impact": levels_now[0], "urgency": levels_now[1]}
    said.append(f"Impact {levels_now[0]}, urgency {levels_now[1]}.")
    if computed != ticket.priority and not ticket.priority_reason:
        values["priority"] = computed
        said.append(f"Priority: {ticket.priority} → {computed}.")
    return values


def _own_by_surface(ticket: Ticket, actor: Actor, now: datetime) -> None:
    answers = owners(ticket.surface, at=now)
    person = answers.primary or answers.backup
    if person is not None:
        touch(ticket, now, owner=person)
        telling.assigned(ticket=ticket, actor=actor, now=now)


@transaction.atomic
def set_priority(
    *, ticket: Ticket, priority: str, reason: str, actor: Actor, now: datetime
) -> Ticket:
    """Another priority than the matrix's, with its reason; the matrix's own needs none."""
    ticket = lock(ticket.pk)
    chosen, why = _priority(ticket.impact, ticket.urgency, priority, reason)
    if (chosen, why) == (ticket.priority, ticket.priority_reason):
        return ticket
    was = ticket.priority
    touch(ticket, now, priority=chosen, priority_reason=why)
    text = f"Priority: {was} → {chosen}" + (f": {why}" if why else ", as by impact and urgency.")
    note_event(ticket=ticket, what="priority", text=text, actor=actor, now=now)
    if was != chosen:
        clocks.retarget(ticket=ticket, cause=f"priority {was} → {chosen}", actor=actor, now=now)
        announcing.updated(ticket=ticket, changed=["priority"], by=actor, now=now)
    return ticket


@transaction.atomic
def assign(*, ticket: Ticket, owner: Person | None, actor: Actor, now: datetime) -> Ticket:
    """Give the ticket to somebody, or to nobody. No promise moves by it."""
    ticket = lock(ticket.pk)
    if owner is not None and not owner.is_active:
        raise Invalid(f"{owner.name} is not active.", fields={"owner": ["Pick somebody else."]})
    if ticket.owner_id == (owner.pk if owner else None):
        return ticket
    was = ticket.owner.name if ticket.owner else "nobody"
    touch(ticket, now, owner=owner)
    text = f"Owner: {was} → {owner.name if owner else 'nobody'}."
    note_event(ticket=ticket, what="assigned", text=text, actor=actor, now=now)
    telling.assigned(ticket=ticket, actor=actor, now=now)
    announcing.updated(ticket=ticket, changed=["owner"], by=actor, now=now)
    return ticket


@transaction.atomic
def tag(
    *,
    ticket: Ticket,
    actor: Actor,
    now: datetime,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
) -> Ticket:
    """Add and remove tags; promises move only where a policy asks for a tag."""
    ticket = lock(ticket.pk)
    gone = set(clean_tags(remove))
    tags = clean_tags([*(t for t in ticket.tags if t not in gone), *add])
    if tags == ticket.tags:
        return ticket
    was = set(ticket.tags)
    touch(ticket, now, tags=tags)
    words = [f"+{t}" for t in tags if t not in was] + [f"-{t}" for t in sorted(was - set(tags))]
    note_event(ticket=ticket, what="tags", text=f"Tags: {' '.join(words)}", actor=actor, now=now)
    clocks.retarget(ticket=ticket, cause="tags", actor=actor, now=now)
    return ticket


@transaction.atomic
def watch(*, ticket: Ticket, person: Person, actor: Actor, now: datetime) -> None:
    """`person` hears of news on the ticket."""
    TicketWatcher.objects.get_or_create(ticket=ticket, person=person, defaults={"created_at": now})


@transaction.atomic
def unwatch(*, ticket: Ticket, person: Person, actor: Actor, now: datetime) -> None:
    """`person` hears no more of it."""
    TicketWatcher.objects.filter(ticket=ticket, person=person).delete()


@transaction.atomic
def snooze(*, ticket: Ticket, until: datetime | None, actor: Actor, now: datetime) -> Ticket:
    """Out of sight until then; every promise runs on, and any word of the customer wakes it."""
    ticket = lock(ticket.pk)
    if not ticket.is_active:
        raise Conflict(f"This ticket is {ticket.get_status_display().lower()}.")
    if until is not None and until <= now:
        text = "Pick a time that is still to come."
        raise Invalid(text, fields={"until": [text]})
    touch(ticket, now, snoozed_until=until)
    set_wake(ticket)
    text = f"Snoozed until {until:%Y-%m-%d %H:%M} UTC." if until else "No longer snoozed."
    note_event(ticket=ticket, what="snoozed", text=text, actor=actor, now=now)
    return ticket


def set_wake(ticket: Ticket) -> None:
    """The least of the ticket's own timers, which the sweep looks for."""
    times = (ticket.remind_at, ticket.expected_by, ticket.close_at, ticket.snoozed_until)
    wake = min((t for t in times if t is not None), default=None)
    Ticket.objects.filter(pk=ticket.pk).update(wake_at=wake)
    ticket.wake_at = wake


@transaction.atomic
def me_too(
    *, ticket: Ticket, contact: Contact, actor: Actor, now: datetime, note: str = ""
) -> Ticket:
    """Somebody else has the same problem: counted, and copied in, instead of another ticket."""
    ticket = lock(ticket.pk)
    fresh = False
    if contact.pk != ticket.requester_id:
        _, fresh = TicketContact.objects.get_or_create(
            ticket=ticket,
            contact=contact,
            defaults={"role": TicketContact.Role.ME_TOO, "created_at": now},
        )
    if fresh:
        touch(ticket, now, me_too_count=ticket.me_too_count + 1)
    text = f"{contact} has the same problem." + (f" {note}" if note else "")
    note_event(ticket=ticket, what="me_too", text=text, actor=actor, now=now)
    return ticket


@transaction.atomic
def copy_in(*, ticket: Ticket, contact: Contact, actor: Actor, now: datetime) -> None:
    """`contact` gets our replies from now on, too."""
    ticket = lock(ticket.pk)
    if contact.pk == ticket.requester_id:
        return
    _, fresh = TicketContact.objects.get_or_create(
        ticket=ticket, contact=contact, defaults={"created_at": now}
    )
    if fresh:
        touch(ticket, now)
        text = f"{contact} is copied in."
        note_event(ticket=ticket, what="copied_in", text=text, actor=actor, now=now)


@transaction.atomic
def leave_out(*, ticket: Ticket, contact: Contact, actor: Actor, now: datetime) -> None:
    """`contact` gets no more of our replies."""
    ticket = lock(ticket.pk)
    if TicketContact.objects.filter(ticket=ticket, contact=contact).delete()[0]:
        touch(ticket, now)
        text = f"{contact} is no longer copied in."
        note_event(ticket=ticket, what="left_out", text=text, actor=actor, now=now)
