"""Bringing another desk's tickets along: no promise starts, nobody is told, twice is once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from apps.accounts.models import Person
from apps.core import audit
from apps.core.audit import Actor
from apps.core.errors import DomainError
from apps.core.models import Kind
from apps.core.text import clip, one_line
from apps.customers.models import Contact
from apps.customers.selectors import account_of
from apps.customers.services import find_or_create_contact
from apps.ownership.models import Surface
from apps.support import priority as levels
from apps.support.importing import Comment, Export, Imported, Problem
from apps.support.models import RequestType, Ticket, TicketMessage
from apps.support.services import search
from apps.support.services import tickets as rows

BATCH = 200
_LEVELS = {"P1": ("high", "high"), "P2": ("high", "medium"), "P3": ("medium", "medium")}


@dataclass
class Result:
    """What an import did, or would do."""

    created: int = 0
    known: int = 0
    contacts: int = 0
    problems: list[Problem] = field(default_factory=list)


class _Undo(Exception):
    """Ends a dry run's transaction."""


def import_tickets(
    *, export: Export, source: str, actor: Actor, now: datetime, dry_run: bool
) -> Result:
    """Bring the tickets of an export here; each is known by (source, its own number).

    Open ones come in as open without clocks, so that somebody looks at them and none is late from
    the start; what is over stays over. `dry_run` does it all and takes it back.
    """
    result = Result(problems=list(export.problems))
    for start in range(0, len(export.tickets), BATCH):
        batch = export.tickets[start : start + BATCH]
        try:
            with transaction.atomic():
                _take(batch, start, source, actor, now, result)
                if dry_run:
                    raise _Undo
        except _Undo:
            continue
    return result


def _take(
    batch: Sequence[Imported],
    start: int,
    source: str,
    actor: Actor,
    now: datetime,
    result: Result,
) -> None:
    refs = [one.ref for one in batch]
    known = set(
        Ticket.objects.filter(source=source, source_ref__in=refs).values_list(
            "source_ref", flat=True
        )
    )
    fresh = []
    for number, one in enumerate(batch, start=start + 1):
        if one.ref in known:
            result.known += 1
            continue
        try:
            with transaction.atomic():
                fresh.append(_one(one, source, actor, now, result))
        except DomainError as error:
            result.problems.append(Problem(number, one.ref, error.message))
    search.index_all(pks=fresh)


def _one(one: Imported, source: str, actor: Actor, now: datetime, result: Result) -> int:
    contact, is_new = find_or_create_contact(
        email=one.requester_email, name=one.requester_name, actor=actor, now=now
    )
    result.contacts += is_new
    kind = _type(one)
    since = min(one.created_at or now, now)
    ended = one.status in {"resolved", "closed"}
    priority = one.priority or levels.priority(kind.impact, kind.urgency)
    impact, urgency = _LEVELS.get(priority, ("low", "low"))
    resolved = max(min(one.resolved_at or now, now), since) if ended else None
    surface = Surface.objects.current().filter(key=one.surface).first() if one.surface else None
    ticket = Ticket.objects.create(
        subject=clip(one_line(one.subject), 200),
        status="closed" if ended else "open",
        kind=Kind.BACKFILLED if ended else Kind.REAL,
        channel=Ticket.Channel.IMPORT,
        request_type=kind,
        queue=kind.queue,
        requester=contact,
        account=account_of(contact),
        org=contact.org,
        impact=impact,
        urgency=urgency,
        priority=priority,
        surface=surface or kind.surface,
        owner=Person.objects.active().filter(email__iexact=one.owner_email).first()
        if one.owner_email
        else None,
        tags=rows.clean_tags(one.tags),
        route_note=f"Imported from {source}.",
        triaged_at=since,
        first_replied_at=_first_reply(one, contact),
        resolved_at=resolved,
        closed_at=resolved,
        resolution_code="answered" if ended else "",
        created_at=since,
        updated_at=now,
        awaits_us=not ended,
        source=source[:40],
        source_ref=one.ref,
        source_url=one.url,
    )
    _say(ticket, one, contact, since, now)
    text = f"Imported from {source} {one.ref}."
    rows.note_event(ticket=ticket, what="imported", text=text, actor=actor, now=now)
    result.created += 1
    return ticket.pk


def _type(one: Imported) -> RequestType:
    found = RequestType.objects.filter(archived_at=None)
    return found.filter(key=one.request_type).first() or found.get(key="other")


def _first_reply(one: Imported, contact: Contact) -> datetime | None:
    theirs = contact.email.lower()
    answers = (c.at for c in one.comments if c.public and c.author_email.lower() != theirs)
    return next((at for at in answers if at is not None), None)


def _say(ticket: Ticket, one: Imported, contact: Contact, since: datetime, now: datetime) -> None:
    """What was said there, under its own times and names."""
    made = []
    if one.body:
        who = audit.contact(contact.pk, str(contact))
        made.append(_message(ticket, "requester", one.body, since, now, who, contact))
    for comment in one.comments:
        made.append(_comment(ticket, comment, contact, since, now))
    TicketMessage.objects.bulk_create(made)
    if made:
        last = max(made, key=lambda m: m.at)
        public = [m for m in made if m.author != "note"]
        words = clip(one_line(max(public, key=lambda m: m.at).body), 200) if public else ""
        Ticket.objects.filter(pk=ticket.pk).update(last_message_at=last.at, last_public_text=words)


def _comment(
    ticket: Ticket, comment: Comment, contact: Contact, since: datetime, now: datetime
) -> TicketMessage:
    theirs = comment.author_email.lower() == contact.email.lower()
    label = comment.author_name or comment.author_email or "Unknown"
    who = audit.contact(contact.pk, label) if theirs else audit.system(label)
    author = "note" if not comment.public else "requester" if theirs else "agent"
    at = max(min(comment.at or now, now), since)
    return _message(ticket, author, comment.body, at, now, who, contact if theirs else None)


def _message(
    ticket: Ticket,
    author: str,
    body: str,
    at: datetime,
    now: datetime,
    who: Actor,
    contact: Contact | None,
) -> TicketMessage:
    return TicketMessage(
        ticket=ticket,
        author=author,
        contact=contact,
        channel=Ticket.Channel.IMPORT,
        body=body[: rows.MAX_BODY],
        at=at,
        recorded_at=now,
        **who.columns(),
    )
