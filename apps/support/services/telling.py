"""Who hears of what on a ticket: the requester by mail, ours by their own rules.

Nobody is told of what they did themselves.
"""

from __future__ import annotations

import secrets as entropy
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from apps.accounts.models import Person
from apps.core import audit
from apps.core.audit import Actor, ActorKind
from apps.core.models import Kind
from apps.core.text import markdown
from apps.customers.models import Contact
from apps.notifications import services as notifications
from apps.notifications.models import Message as Outgoing
from apps.support import letters, tokens
from apps.support.models import Mailbox, Ticket, TicketMessage
from apps.support.models.sla import Metric, TicketClock
from apps.support.services import announcing, settings

DEMO = (".example",)  # RFC 2606: nobody lives there, so nothing is sent there


# -- the requester


def message_id_for(ticket: Ticket, now: datetime) -> str:
    """A Message-ID of our own: kept in the row, so that sending again has the same."""
    return f"tck-{ticket.pk}-{entropy.token_hex(10)}@{notifications.site_host()}"


def mailbox_of(ticket: Ticket) -> Mailbox | None:
    """The address that answers come back to: the queue's own, else any that is read."""
    found = Mailbox.objects.filter(is_active=True, archived_at=None)
    own = found.filter(queue_id=ticket.queue_id).order_by("pk").first()
    return own or found.order_by("pk").first()


def _outside(ticket: Ticket, contact: Contact) -> letters.Outside:
    other = contact.pk if contact.pk != ticket.requester_id else None
    url = f"/requests/{tokens.make(ticket.pk, ticket.access_version, other)}/"
    return letters.Outside(
        ref=ticket.ref,
        subject=ticket.subject,
        name=contact.name,
        zone=ZoneInfo(contact.time_zone),
        page_url=notifications.absolute(url),
        team=settings.current().sender_name,
    )


def _mail(
    *,
    ticket: Ticket,
    contact: Contact,
    letter: letters.Letter,
    what: str,
    subject_ref: tuple[str, str],
    dedupe: str,
    message_id: str,
    now: datetime,
    automatic: bool,
    agent: str = "",
    files: Iterable[tuple[str, str, str]] = (),
    lane: int = Outgoing.Lane.NORMAL,
) -> None:
    """One mail into the outbox; from the ticket's mailbox, threaded on all that was said."""
    box = mailbox_of(ticket)
    thread = [one for one in _thread(ticket) if one != message_id]
    team = settings.current().sender_name
    notifications.mail_outside(
        to_address=contact.email,
        to_name=contact.name,
        from_name=f"{agent} at {team}" if agent else team,
        from_address=box.address if box else "",
        reply_to=_reply_address(ticket, box),
        subject=letter.subject,
        body_text=letter.text,
        body_html=letter.html,
        message_id=message_id,
        in_reply_to=thread[-1] if thread else "",
        references=thread,
        what=what,
        subject_ref=subject_ref,
        dedupe=dedupe,
        now=now,
        automatic=automatic,
        kind=ticket.kind,
        attachments=list(files),
        lane=lane,
        is_demo=contact.email.lower().endswith(DEMO),
    )


def _reply_address(ticket: Ticket, box: Mailbox | None) -> str:
    if box is None:
        return ""
    local, _, domain = box.address.partition("@")
    return f"{local}+{tokens.reply_tag(ticket.pk, ticket.access_version)}@{domain}"


def _thread(ticket: Ticket) -> list[str]:
    """The ids of the public mails so far, oldest first: what was quoted to us, then ours."""
    said = TicketMessage.objects.public().filter(ticket=ticket).order_by("at", "pk")
    known = said.exclude(message_id="").values_list("message_id", flat=True)
    return list(known)[-20:]


def receipt(*, ticket: Ticket, now: datetime) -> None:
    """Tell the requester that it arrived, and by when we answer."""
    due = (
        TicketClock.objects.filter(ticket=ticket, metric=Metric.FIRST_REPLY)
        .values_list("due_at", flat=True)
        .first()
    )
    facts = _outside(ticket, ticket.requester)
    _mail(
        ticket=ticket,
        contact=ticket.requester,
        letter=letters.receipt(facts, now, due),
        what="ticket_receipt",
        subject_ref=("ticket", str(ticket.pk)),
        dedupe=f"ticket:{ticket.pk}:receipt",
        message_id=message_id_for(ticket, now),
        now=now,
        automatic=True,
    )


def reply(*, message: TicketMessage, ticket: Ticket, now: datetime) -> None:
    """Send an agent's public words to the requester and to whoever is copied in."""
    agent = message.actor_label.split(" ")[0] if message.actor_kind == ActorKind.PERSON else ""
    resolved = message.after.get("then") == "resolve"
    files = [(a.name, a.content_type, f"support:{a.stored_id}") for a in message.attachments.all()]
    others = ticket.contacts.select_related("contact").order_by("pk")
    for contact in [ticket.requester, *(row.contact for row in others)]:
        mine = contact.pk == ticket.requester_id
        facts = _outside(ticket, contact)
        letter = letters.reply(facts, message.body, markdown(message.body), agent, resolved)
        own_id = message.message_id if mine else f"c{contact.pk}-{message.message_id}"
        _mail(
            ticket=ticket,
            contact=contact,
            letter=letter,
            what="ticket_reply",
            subject_ref=("ticket_message", str(message.pk)),
            dedupe=f"ticket-message:{message.pk}:c{contact.pk}",
            message_id=own_id,
            now=now,
            automatic=False,
            agent=agent,
            files=files,
        )


def by_itself(*, ticket: Ticket, body: str, now: datetime) -> TicketMessage:
    """Say something to the requester that nobody wrote; it answers no promise."""
    message = TicketMessage.objects.create(
        ticket=ticket,
        author=TicketMessage.Author.AUTO,
        body=body,
        at=now,
        recorded_at=now,
        message_id=message_id_for(ticket, now),
        **audit.SYSTEM.columns(),
    )
    facts = _outside(ticket, ticket.requester)
    _mail(
        ticket=ticket,
        contact=ticket.requester,
        letter=letters.reply(facts, body, markdown(body), "", resolved=False),
        what="ticket_notice",
        subject_ref=("ticket_message", str(message.pk)),
        dedupe=f"ticket-message:{message.pk}:c{ticket.requester_id}",
        message_id=message.message_id,
        now=now,
        automatic=True,
    )
    return message


# -- ours


def _notify(
    *,
    person: Person,
    ticket: Ticket,
    what: str,
    clause: str,
    why: str,
    dedupe: str,
    now: datetime,
    words: str = "",
    urgency: str = "low",
) -> None:
    url = notifications.absolute(f"/tickets/{ticket.ref}/")
    due = None
    if ticket.sla_due_at and ticket.sla_metric:
        due = (Metric(ticket.sla_metric).label, ticket.sla_due_at)
    customer = ticket.account.name if ticket.account else str(ticket.requester)
    notifications.notify(
        person=person,
        what=what,
        write=letters.news,
        facts=letters.News(
            ref=ticket.ref,
            subject=ticket.subject,
            what=clause,
            why=why,
            url=url,
            priority=ticket.priority,
            customer=customer,
            due=due,
            words=words,
        ),
        urgency=urgency,
        subject=("ticket", str(ticket.pk)),
        dedupe=dedupe,
        now=now,
        thread_key=f"ticket-{ticket.pk}",
        kind=ticket.kind,
        link=url,
    )


def _is_own(person: Person, actor: Actor) -> bool:
    return actor.person_id == person.pk


def opened(*, ticket: Ticket, actor: Actor, now: datetime, with_receipt: bool) -> None:
    """A ticket was logged: its owner hears of it, else those who give out work."""
    if with_receipt:
        receipt(ticket=ticket, now=now)
    ticket.refresh_from_db(fields=["sla_due_at", "sla_metric", "sla_state"])
    for person, why in _responsible(ticket):
        if not _is_own(person, actor):
            _notify(
                person=person,
                ticket=ticket,
                what="ticket_new",
                clause="is new" if ticket.owner_id else "is new and nobody owns it",
                why=why,
                dedupe=f"ticket:{ticket.pk}:new",
                now=now,
                words=ticket.last_public_text,
            )
    announcing.created(ticket=ticket, now=now)


def _responsible(ticket: Ticket) -> list[tuple[Person, str]]:
    """Owner; where there is none the queue team's lead, else the managers."""
    if ticket.owner and ticket.owner.is_active:
        return [(ticket.owner, "you own it")]
    team = ticket.queue.team
    if team and team.lead and team.lead.is_active:
        return [(team.lead, f"you lead {team.name}")]
    managers = Person.objects.active().managers().order_by("pk")
    return [(person, "you are a manager") for person in managers]


def assigned(*, ticket: Ticket, actor: Actor, now: datetime) -> None:
    """Whoever has it now hears so."""
    if ticket.owner and not _is_own(ticket.owner, actor):
        _notify(
            person=ticket.owner,
            ticket=ticket,
            what="ticket_assigned",
            clause="is yours now",
            why=f"{actor.label} gave it to you",
            dedupe=f"ticket:{ticket.pk}:assigned:v{ticket.version}",
            now=now,
            words=ticket.last_public_text,
        )


def _followers(ticket: Ticket) -> dict[int, tuple[Person, str]]:
    found = {person.pk: (person, why) for person, why in _responsible(ticket)}
    watching = Person.objects.active().filter(watched_tickets__ticket=ticket)
    for person in watching:
        if _may_see(person, ticket):
            found.setdefault(person.pk, (person, "you watch it"))
    return found


def _may_see(person: Person, ticket: Ticket) -> bool:
    """Whoever began to watch before a ticket went into a private queue may not any more."""
    if not ticket.queue.is_private:
        return True
    return Ticket.objects.filter(pk=ticket.pk).visible_to(person).exists()


def requester_wrote(*, message: TicketMessage, ticket: Ticket, now: datetime) -> None:
    """The customer's words, to those who follow the ticket."""
    for person, why in _followers(ticket).values():
        _notify(
            person=person,
            ticket=ticket,
            what="ticket_message",
            clause="has an answer from the customer",
            why=why,
            dedupe=f"ticket-message:{message.pk}:news",
            now=now,
            words=message.body,
        )


def noted(
    *, message: TicketMessage, ticket: Ticket, named: list[Person], actor: Actor, now: datetime
) -> None:
    """A note: who is named in it, and who follows the ticket."""
    found = {person.pk: (person, f"{actor.label} named you") for person in named}
    for pk, entry in _followers(ticket).items():
        found.setdefault(pk, entry)
    for person, why in found.values():
        if not _is_own(person, actor):
            _notify(
                person=person,
                ticket=ticket,
                what="ticket_note",
                clause=f"has a note by {actor.label}",
                why=why,
                dedupe=f"ticket-message:{message.pk}:news",
                now=now,
                words=message.body,
            )


def returned(*, ticket: Ticket, why: str, now: datetime) -> None:
    """A ticket came back from waiting."""
    for person, reason in _responsible(ticket):
        _notify(
            person=person,
            ticket=ticket,
            what="ticket_returned",
            clause=f"is back: {why}",
            why=reason,
            dedupe=f"ticket:{ticket.pk}:returned:v{ticket.version}",
            now=now,
        )


def mail_failed(*, message: TicketMessage, ticket: Ticket, error: str, now: datetime) -> None:
    """A reply did not reach the customer: whoever follows the ticket must find another way."""
    for person, why in _followers(ticket).values():
        _notify(
            person=person,
            ticket=ticket,
            what="ticket_bounced",
            clause="has a reply that did not arrive",
            why=why,
            dedupe=f"ticket-message:{message.pk}:bounced:v{ticket.version}",
            now=now,
            words=error,
        )


def freed(*, tickets: Sequence[Ticket], person: Person, now: datetime) -> None:
    """Who gives out work hears of all that `person` left behind; what is not real tells nobody."""
    heaps: dict[int, tuple[Person, str, list[Ticket]]] = {}
    for ticket in tickets:
        if ticket.kind == Kind.REAL:
            for reader, why in _responsible(ticket):
                heaps.setdefault(reader.pk, (reader, why, []))[2].append(ticket)
    url = notifications.absolute("/tickets/?view=unassigned")
    for reader, why, left in heaps.values():
        notifications.notify(
            person=reader,
            what="ticket_freed",
            write=letters.freed,
            facts=letters.Freed(
                person=person.name,
                tickets=[(ticket.ref, ticket.subject) for ticket in left],
                why=why,
                url=url,
            ),
            urgency="low",
            subject=("person", str(person.pk)),
            dedupe=f"person:{person.pk}:freed:{now.isoformat()}",
            now=now,
            link=url,
        )
