"""Mail that comes in: kept raw first, then put where it belongs, once however often it comes.

Where it belongs: the signed address it was sent to, else the mails that it answers, else the number
in its subject, and that only from somebody who takes part. Nobody is copied in by writing alone:
whoever forges a thread gets words on a ticket, and never a reply from it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q

from apps.accounts.models import Person
from apps.core import audit, jobs
from apps.core.audit import Actor
from apps.core.errors import DomainError, NotFound
from apps.core.text import clip
from apps.core.transitions import settle
from apps.customers.models import Contact
from apps.customers.services import find_or_create_contact
from apps.intake.models import Delivery
from apps.notifications.models import Message
from apps.support import mailparse, tokens
from apps.support.mailparse import ParsedMail, Verdict
from apps.support.models import (
    InboundMail,
    Mailbox,
    Queue,
    RequestType,
    Ticket,
    TicketMessage,
)
from apps.support.services import bounces, conversation, files
from apps.support.services import tickets as rows

log = structlog.get_logger("opsportal.support.mail")
Status = InboundMail.Status
MOST_AN_HOUR = 30  # mails of one sender that are posted; more is a machine that answers a machine
MOST_TRIES = 5
_COPY = re.compile(r"^c[0-9]+-(?=tck-)")  # what a copied contact's mail has before our own id


@transaction.atomic
def keep(
    *,
    raw: bytes,
    received_at: datetime,
    now: datetime,
    mailbox: Mailbox | None,
    uid_validity: int | None = None,
    uid: int | None = None,
    delivery_id: int | None = None,
    size: int | None = None,
) -> InboundMail:
    """Store a mail as it came. The same mailbox uid or Message-ID again answers the first row;
    a Message-ID that somebody else, or another day's mail, has too is another mail."""
    parsed = mailparse.parse(raw)
    mail_id = _mail_id(parsed, raw)
    known = Q(mail_id=mail_id)
    if mailbox is not None and uid is not None:
        known |= Q(mailbox=mailbox, uid_validity=uid_validity, uid=uid)
    row = InboundMail(
        mailbox=mailbox,
        uid_validity=uid_validity,
        uid=uid,
        delivery_id=delivery_id,
        mail_id=mail_id,
        sender=(parsed.from_.address if parsed.from_ else "")[:254],
        subject=parsed.subject[:200],
        raw=raw,
        size=size or len(raw),
        received_at=min(received_at, now),
        taken_at=now,
    )
    found = InboundMail.objects.filter(known).first()
    if found is None:
        InboundMail.objects.bulk_create([row], ignore_conflicts=True)
        found = InboundMail.objects.filter(known).order_by("pk").first()
    assert found is not None
    return found


def _mail_id(mail: ParsedMail, raw: bytes) -> str:
    """The Message-ID; of a mail that took another one's, with a mark of its own."""
    digest = "sha256:" + hashlib.sha256(raw).hexdigest()
    if not mail.message_id:
        return digest
    first = InboundMail.objects.filter(mail_id=mail.message_id).first()
    if first is None or _is_copy(first, mail):
        return mail.message_id
    sender = mail.from_.address.lower() if mail.from_ else ""
    words = mail.date.isoformat() if mail.date else mail.new_text
    mark = hashlib.sha256(f"{sender}\n{words}".encode("utf-8", "replace")).hexdigest()
    return f"{mail.message_id[:180]} {mark[:60]}"


def _is_copy(first: InboundMail, mail: ParsedMail) -> bool:
    """Whether it came a second time, maybe by another way: on its way a mail gets new headers, and
    by a list a new sender or footer. Ids are free to choose, so they alone do not say it."""
    if first.raw is None:  # retention took it
        return first.subject == mail.subject[:200]
    known = mailparse.parse(bytes(first.raw))
    if known.from_ and mail.from_ and known.from_.address.lower() == mail.from_.address.lower():
        return known.date == mail.date if mail.date else known.new_text == mail.new_text
    return known.new_text == mail.new_text


def take_mail(
    *,
    raw: bytes,
    received_at: datetime,
    now: datetime,
    mailbox: Mailbox | None = None,
    uid_validity: int | None = None,
    uid: int | None = None,
    delivery_id: int | None = None,
    size: int | None = None,
) -> InboundMail:
    """Keep a mail and put it where it belongs. What goes wrong after keeping is tried again."""
    row = keep(
        raw=raw,
        received_at=received_at,
        now=now,
        mailbox=mailbox,
        uid_validity=uid_validity,
        uid=uid,
        delivery_id=delivery_id,
        size=size,
    )
    return place(mail=row, now=now) if row.status == Status.RECEIVED else row


@transaction.atomic
def keep_delivery(*, delivery: Delivery, now: datetime) -> InboundMail:
    """Keep a mail that came by the hook; the worker puts it where it belongs."""
    raw = bytes(delivery.body)
    row = keep(
        raw=raw,
        received_at=delivery.received_at,
        now=now,
        mailbox=_mailbox_of(delivery, mailparse.parse(raw)),
        delivery_id=delivery.pk,
    )
    if row.status == Status.RECEIVED:
        jobs.enqueue("apps.support.tasks.place_mail", mail=row.pk)
    return row


def _mailbox_of(delivery: Delivery, mail: ParsedMail) -> Mailbox | None:
    """The mailbox of a hook's own, else the one that the mail was written to."""
    boxes = list(Mailbox.objects.filter(archived_at=None).order_by("pk"))
    own = next((b for b in boxes if b.hook_integration_id == delivery.integration_id), None)
    if own is not None:
        return own
    to = [*(a.address for a in (*mail.to, *mail.cc)), *mail.delivered_to]
    plain = {re.sub(r"\+[^@]*@", "@", address.lower()) for address in to}
    return next((b for b in boxes if b.address.lower() in plain), None)


def place_kept(*, pk: int, now: datetime) -> None:
    """Place one kept mail; gone or placed already is no fault."""
    row = InboundMail.objects.filter(pk=pk).first()
    if row is not None:
        place(mail=row, now=now)


def place_waiting(*, now: datetime, limit: int = 50) -> int:
    """Take up mails that were kept and not placed: the process died, or the first try failed."""
    waiting = InboundMail.objects.filter(
        Q(status=Status.RECEIVED) | Q(status=Status.FAILED, attempts__lt=MOST_TRIES),
        taken_at__lte=now - timedelta(seconds=30),
    ).order_by("taken_at")
    found = list(waiting.values_list("pk", flat=True)[:limit])
    for pk in found:
        place(mail=InboundMail(pk=pk), now=now)
    return len(found)


def purge(*, now: datetime, keep: timedelta, limit: int = 5_000) -> int:
    """Forget the raw bytes of old mails, in batches; the row stays, so none is taken again."""
    old = InboundMail.objects.filter(taken_at__lt=now - keep, raw__isnull=False)
    pks = list(old.order_by("taken_at").values_list("pk", flat=True)[:limit])
    return InboundMail.objects.filter(pk__in=pks).update(raw=None)


def place(*, mail: InboundMail, now: datetime, by_hand: bool = False) -> InboundMail:
    """Put a kept mail on its ticket, or open one. `by_hand` posts what was ignored, too."""
    try:
        with transaction.atomic():
            row = InboundMail.objects.select_for_update(of=("self",)).get(pk=mail.pk)
            allowed = {Status.RECEIVED, Status.FAILED} | ({Status.IGNORED} if by_hand else set())
            if row.status not in allowed or row.raw is None:
                return row
            with transaction.atomic():
                return _place(row, mailparse.parse(bytes(row.raw)), now, by_hand)
    except Exception as error:
        # Whatever it is: the mail is kept, the next one is not held up, and it is tried again.
        log.exception("mail not placed", mail=mail.pk)
        return _failed(mail.pk, error)


def _failed(pk: int, error: Exception) -> InboundMail:
    with transaction.atomic():
        row = InboundMail.objects.select_for_update(of=("self",)).get(pk=pk)
        if row.status in {Status.RECEIVED, Status.FAILED}:
            reason = clip(str(getattr(error, "message", "") or type(error).__name__), 300)
            settle(row, to=Status.FAILED, reason=reason, attempts=F("attempts") + 1)
            row.refresh_from_db()
        return row


# -- where it belongs


@dataclass(frozen=True)
class Place:
    """The ticket of a mail, and whether its sender takes part in it already."""

    ticket: Ticket
    known: bool
    how: str


def _place(row: InboundMail, mail: ParsedMail, now: datetime, by_hand: bool) -> InboundMail:
    if mail.verdict == Verdict.BOUNCE and mail.bounce is not None:
        return _bounce(row, mail, now)
    if mail.verdict == Verdict.LOOP and _is_our_mail(mail):
        return settle(row, to=Status.IGNORED, reason="Our own mail came back.")
    if mail.from_ is None:
        return settle(row, to=Status.IGNORED, reason="It names no sender.")
    own = {box.lower() for box in Mailbox.objects.values_list("address", flat=True)}
    if mail.from_.address.lower() in own:
        return settle(row, to=Status.IGNORED, reason="It comes from our own mailbox.")
    place = _find(row, mail, own)
    by_list = mail.verdict == Verdict.BULK and row.mailbox and row.mailbox.takes_lists
    if mail.verdict in {Verdict.AUTO_REPLY, Verdict.BULK} and not (by_hand or by_list):
        return _automatic(row, mail, place, now)
    if not by_hand and _too_many(row, now):
        reason = f"More than {MOST_AN_HOUR} mails of this sender within an hour."
        return settle(row, to=Status.IGNORED, reason=reason)
    contact, _ = find_or_create_contact(
        email=mail.from_.address,
        name=mail.from_.name,
        actor=audit.system("Mail"),
        now=now,
    )
    if contact.blocked_at and not by_hand:
        return settle(row, to=Status.IGNORED, reason="The sender is blocked.")
    if place is not None and _is_ours(mail.from_.address):
        return _note(row, place.ticket, _words(mail)[0], contact, now)
    message = _say(row, mail, place, contact, now)
    return settle(row, to=Status.POSTED, ticket=message.ticket, message=message, reason="")


def _find(row: InboundMail, mail: ParsedMail, own: Iterable[str]) -> Place | None:
    """Signed address, then what it answers, then the number from somebody who takes part."""
    assert mail.from_ is not None
    sender = mail.from_.address.lower()
    to = [*(a.address for a in (*mail.to, *mail.cc)), *mail.delivered_to]
    for box in own:
        tag = mailparse.reply_token(to, box)
        found = tokens.read_reply_tag(tag) if tag else None
        if found:
            ticket = Ticket.objects.filter(pk=found[0], access_version=found[1]).first()
            if ticket is not None:
                return Place(ticket, _takes_part(ticket, sender), "address")
    answered = [_COPY.sub("", one) for one in (mail.in_reply_to, *reversed(mail.references)) if one]
    for message in _messages(answered):
        known = _takes_part(message.ticket, sender)
        if known or message.author != TicketMessage.Author.REQUESTER:
            # Only who got our mail knows its id; a customer's own ids may be known to others.
            return Place(message.ticket, known, "thread")
    for number in mailparse.ticket_refs(mail.subject):
        ticket = Ticket.objects.filter(pk=number).first()
        if ticket is not None and _takes_part(ticket, sender):
            return Place(ticket, True, "number")
    return None


def _messages(ids: Sequence[str]) -> list[TicketMessage]:
    """The messages that were named, in the order of the names: the latest answered one first."""
    found = {
        message.message_id: message
        for message in TicketMessage.objects.filter(message_id__in=ids).select_related("ticket")
    }
    return [found[one] for one in dict.fromkeys(ids) if one in found]


def _takes_part(ticket: Ticket, sender: str) -> bool:
    who = Q(pk=ticket.requester_id) | Q(pk__in=ticket.contacts.values("contact_id"))
    return Contact.objects.filter(who, email__iexact=sender).exists()


def _is_our_mail(mail: ParsedMail) -> bool:
    """Another company's OpsPortal marks its mails as ours does: the id tells them apart."""
    return Message.objects.filter(message_id=mail.message_id).exists() if mail.message_id else True


def _is_ours(address: str) -> bool:
    return Person.objects.active().filter(email__iexact=address).exists()


def _too_many(row: InboundMail, now: datetime) -> bool:
    lately = InboundMail.objects.filter(
        sender__iexact=row.sender, taken_at__gt=now - timedelta(hours=1), status=Status.POSTED
    )
    return bool(row.sender) and lately.count() >= MOST_AN_HOUR


# -- what becomes of it


def _say(
    row: InboundMail, mail: ParsedMail, place: Place | None, contact: Contact, now: datetime
) -> TicketMessage:
    actor = audit.contact(contact.pk, str(contact))
    body, quoted, extra = _words(mail)
    given, refused = _files(mail, extra)
    message_id = mail.message_id
    if TicketMessage.objects.filter(message_id=message_id).exists():
        message_id = ""  # a copy of a mail that stands on a ticket already
    if place is None:
        message = _open(row, mail, contact, actor, body, quoted, given, message_id, now)
    else:
        message = conversation.requester_wrote(
            ticket=place.ticket,
            body=body or "(no text)",
            contact=contact,
            actor=actor,
            now=now,
            at=row.received_at,
            channel=Ticket.Channel.MAIL,
            files_=given,
            message_id=message_id,
            in_reply_to=mail.in_reply_to,
            references=mail.references,
            quoted=quoted,
            html=mail.html,
            copy_in=place.known,
        )
        if not place.known:
            text = f"{contact} is new here and is not copied in: add them if they belong."
            _event(message.ticket, "stranger", text, now)
    if refused:
        _event(message.ticket, "files_refused", f"Not taken over: {'; '.join(refused)}", now)
    if row.raw is not None and row.size > len(row.raw):
        size = row.size / 1024 / 1024
        text = f"The mail has {size:.0f} MB and was not taken over; it is still in the mailbox."
        _event(message.ticket, "too_large", text, now)
    return message


def _open(
    row: InboundMail,
    mail: ParsedMail,
    contact: Contact,
    actor: Actor,
    body: str,
    quoted: str,
    given: Sequence[files.Accepted],
    message_id: str,
    now: datetime,
) -> TicketMessage:
    box = row.mailbox
    request_type = box.request_type if box else _default_type()
    ticket = rows.open_ticket(
        subject=mail.subject or "(no subject)",
        request_type=request_type,
        requester=contact,
        actor=actor,
        now=now,
        body=body or "(no text)",
        channel=Ticket.Channel.MAIL,
        queue=box.queue if box else None,
        created_at=row.received_at,
        files_=given,
        message_id=message_id,
        references=mail.references,
        quoted=quoted,
        html=mail.html,
    )
    others = [a.address for a in (*mail.to, *mail.cc) if not box or a.address != box.address]
    if mail.forwarded is not None:
        text = f"It looks forwarded: {mail.forwarded.address} may be the requester. Please check."
        _event(ticket, "forwarded", text, now)
    elif others:
        _event(ticket, "also_to", f"Also addressed to {', '.join(others[:10])}.", now)
    return ticket.messages.earliest("pk")


def _default_type() -> RequestType:
    """For mail that came by no mailbox of ours: the type that fits everything."""
    found = RequestType.objects.filter(archived_at=None)
    chosen = found.filter(key="other").first() or found.order_by("position").last()
    if chosen is None or not Queue.objects.exists():
        raise NotFound("There is no request type yet: open the support settings once.")
    return chosen


def _words(mail: ParsedMail) -> tuple[str, str, str]:
    """(new words, the history below them, what is too long to be said and becomes a file)."""
    body = mail.new_text or mail.text
    quoted = mail.text if mail.text != body else ""
    if len(body) > rows.MAX_BODY:
        return clip(body, 20_000) + "\n\n(The whole text is attached.)", "", body
    return body, quoted[: rows.MAX_BODY], ""


def _files(mail: ParsedMail, extra: str) -> tuple[list[files.Accepted], list[str]]:
    given: list[files.Accepted] = []
    refused: list[str] = []
    whole = [("mail.txt", extra.encode())] if extra else []
    offered = [(a.filename, a.content) for a in mail.attachments if not a.inline or a.content]
    total = 0
    for name, content in [*whole, *offered]:
        try:
            if content is None:
                raise files.refused(f"{name} is too large.")
            one = files.accept(name=name, content=content)
        except DomainError as error:
            refused.append(error.message)
            continue
        total += len(one.content)
        if len(given) >= files.MAX_FILES or total > files.MAX_TOTAL:
            refused.append(f"{one.name}: too many files, or too much together.")
        else:
            given.append(one)
    return given, refused


def _event(ticket: Ticket, what: str, text: str, now: datetime) -> None:
    rows.note_event(ticket=ticket, what=what, text=text, actor=audit.system("Mail"), now=now)


def _bounce(row: InboundMail, mail: ParsedMail, now: datetime) -> InboundMail:
    assert mail.bounce is not None
    if mail.bounce.action == "delayed":
        return settle(row, to=Status.IGNORED, reason="A mail server is still trying.")
    found = _messages([_COPY.sub("", mail.bounce.message_id)])
    if not found:
        return settle(row, to=Status.IGNORED, reason="A bounce of a mail that is not a reply.")
    error = f"{mail.bounce.address}: {mail.bounce.status or 'returned by the mail server'}"
    bounces.not_delivered(message_pk=found[0].pk, error=error, now=now)
    return settle(row, to=Status.NOTED, ticket=found[0].ticket, reason="A reply bounced.")


def _automatic(
    row: InboundMail, mail: ParsedMail, place: Place | None, now: datetime
) -> InboundMail:
    """An out-of-office note is worth knowing on its ticket; it wakes and answers nothing."""
    if place is None or not place.known or mail.verdict == Verdict.BULK:
        return settle(row, to=Status.IGNORED, reason=clip(f"Automatic: {mail.reason}", 300))
    assert mail.from_ is not None
    text = f"Automatic answer of {mail.from_.address}: {clip(_words(mail)[0], 400)}"
    _event(place.ticket, "auto_reply", text, now)
    return settle(row, to=Status.NOTED, ticket=place.ticket, reason=clip(mail.reason, 300))


def _note(
    row: InboundMail, ticket: Ticket, body: str, contact: Contact, now: datetime
) -> InboundMail:
    """One of us wrote by mail. A sender can be forged, so it never goes out to the customer."""
    message = conversation.note(
        ticket=ticket,
        body=f"By mail from {contact.email}:\n\n{body or '(no text)'}",
        actor=audit.system("Mail"),
        now=now,
    )
    return settle(row, to=Status.NOTED, ticket=ticket, message=message, reason="A note by mail.")
