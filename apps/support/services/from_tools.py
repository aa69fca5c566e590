"""What tools open, change and close: over the API in one call, and by events such as an issue's.

A ticket that an event opened is found again by (source, source_ref): the integration, and the
tool's own name of the thing. Whoever opened it there becomes the requester: under their mail
address where the tool tells it, else as a contact of the tool, `<login>@<tool>.example`, to which
no mail is ever sent.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.core import audit
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.models import Kind
from apps.core.text import clip
from apps.customers import services as customers
from apps.customers.models import Contact
from apps.intake.models import Event, Integration
from apps.ownership.models import Surface
from apps.support import lifecycle as states
from apps.support.models import RequestType, Ticket, TicketLink
from apps.support.services import conversation, escalate, lifecycle, links
from apps.support.services import files as attachments
from apps.support.services import tickets as rows

_LOCK = 0x4F50_0011
FALLBACK_TYPE = "other"
_NOT_LOCAL = re.compile(r"[^a-z0-9]+")


# -- over the API


@transaction.atomic
def log_ticket(
    *,
    requester: str,
    actor: Actor,
    now: datetime,
    files: Sequence[tuple[str, bytes]] = (),
    **facts: Any,
) -> Ticket:
    """Open a ticket for an address, `Ana Ruiz <ana@bramble.example>` or bare, known or new.

    `facts` are those of `tickets.open_ticket`, files as (name, bytes). Raises Invalid with the
    fields that are wrong; then nothing is kept, no contact either.
    """
    try:
        contact, _ = customers.find_or_create_contact(email=requester, actor=actor, now=now)
    except Invalid as error:
        raise Invalid(error.message, fields={"requester": [error.message]}) from error
    return rows.open_ticket(
        requester=contact,
        files_=attachments.accept_all(files),
        actor=actor,
        now=now,
        **facts,
    )


@transaction.atomic
def change(
    *,
    ticket: Ticket,
    changes: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    seen_version: int | None = None,
) -> Ticket:
    """Several changes of a ticket at once, all or none.

    `changes` holds facts of `tickets.edit`, and `owner` (None for nobody), `tags` (all that it is
    to have), `priority` with `priority_reason`. Raises Conflict, code stale, when the ticket has
    another version than `seen_version`.
    """
    given = dict(changes)
    ticket = rows.lock(ticket.pk)
    if seen_version is not None and seen_version != ticket.version:
        text = "Somebody changed this ticket meanwhile. Read it again."
        raise Conflict(text, code="stale")
    by: dict[str, Any] = {"actor": actor, "now": now}
    owner, tags = given.pop("owner", ...), given.pop("tags", None)
    priority, reason = given.pop("priority", ""), given.pop("priority_reason", "")
    ticket = rows.edit(ticket=ticket, **by, **given)
    if priority:
        rows.set_priority(ticket=ticket, priority=priority, reason=reason, **by)
    if tags is not None:
        gone = set(ticket.tags) - set(rows.clean_tags(tags))
        rows.tag(ticket=ticket, add=tags, remove=gone, **by)
    if owner is not ...:
        rows.assign(ticket=ticket, owner=owner, **by)
    return ticket


# -- by events


@transaction.atomic
def take(*, event: Event, integration: Integration, now: datetime) -> Ticket | None:
    """Open or resolve the ticket of an event (`open_ticket`, `close_ticket`).

    The same event again changes nothing. One that opens what is resolved reopens it, or opens a
    follow-up once that is too late; one that is older than the resolution is left out. Answers
    the ticket, None where there is none to close.
    """
    _one_at_a_time(integration)
    source, ref = _names(event, integration)
    known = Ticket.objects.filter(source=source, source_ref=ref).first()
    actor = audit.system(integration.name)
    if event.action == "close_ticket":
        return _close(_newest(known), event, actor, now) if known else None
    if event.action != "open_ticket":
        return None
    if known is None:
        return _open(event, integration, (source, ref), actor, now)
    return _again(_newest(known), event, integration, actor, now)


def _one_at_a_time(integration: Integration) -> None:
    """Two events about one thing must not both find that it is new."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, integration.pk & 0x7FFF_FFFF]
        )


def _names(event: Event, integration: Integration) -> tuple[str, str]:
    """(source, source_ref), which fit their columns; a test event never meets a real ticket."""
    source = f"{integration.kind}:{integration.pk}"
    key = event.dedup_key or f"delivery:{event.delivery_id}:{event.seq}"
    key = f"test:{key}" if event.test else key
    if len(key) > 120:
        key = hashlib.sha256(key.encode()).hexdigest()
    return source, key


def _newest(ticket: Ticket) -> Ticket:
    """The last of the follow-ups, where there are any."""
    seen: set[int] = set()
    while ticket.pk not in seen:
        seen.add(ticket.pk)
        ticket = Ticket.objects.filter(follows=ticket).order_by("-pk").first() or ticket
    return ticket


def _open(
    event: Event,
    integration: Integration,
    names: tuple[str, str],
    actor: Actor,
    now: datetime,
) -> Ticket:
    link: dict[str, str] = next(iter(event.links), {})
    url = str(link.get("href", ""))[:500]
    ticket = rows.open_ticket(
        subject=event.summary or "Without a title",
        request_type=_type_of(event),
        requester=_requester(event, integration, actor, now),
        actor=actor,
        now=now,
        body=_body(event, url),
        channel=Ticket.Channel.TOOL,
        surface=_surface_of(event, integration),
        tags=_labels(event)[: rows.MAX_TAGS],
        kind=Kind.TEST if event.test else Kind.REAL,
        created_at=event.delivery.received_at,
        source=(*names, url),
    )
    if url:
        links.link(
            ticket=ticket,
            kind=TicketLink.Kind.URL,
            ref=clip(url, 300),
            relation=TicketLink.Relation.RELATED,
            url=url,
            label=str(link.get("text", "")),
            actor=actor,
            now=now,
        )
    return ticket


def _again(
    ticket: Ticket, event: Event, integration: Integration, actor: Actor, now: datetime
) -> Ticket:
    """It was opened before: nothing to do, unless it is over here and news there."""
    if ticket.status in states.ACTIVE or ticket.status == Ticket.Status.SPAM:
        return ticket
    at = event.occurred_at
    if ticket.resolved_at is not None and at is not None and at <= ticket.resolved_at:
        return ticket  # it says what was so before it was resolved
    message = conversation.requester_wrote(
        ticket=ticket,
        body=f"Opened again in {integration.get_kind_display()}.",
        contact=_requester(event, integration, actor, now),
        actor=actor,
        now=now,
        channel=Ticket.Channel.TOOL,
        copy_in=False,
    )
    return message.ticket


def _close(ticket: Ticket, event: Event, actor: Actor, now: datetime) -> Ticket:
    """Closed there is resolved here, since when it was closed; what is over stays as it is."""
    page = escalate.lock_page_of(ticket)
    ticket = rows.lock(ticket.pk)
    if ticket.status not in states.ACTIVE:
        return ticket
    at = max(min(event.occurred_at or now, now), ticket.created_at)
    lifecycle.apply(
        ticket=ticket,
        verb="resolve",
        at=at,
        actor=actor,
        now=now,
        note=f"closed in {event.source or 'the tool'}",
        resolution_code=Ticket.Resolution.FIXED,
    )
    if page is not None:
        escalate.over(page=page, actor=actor, now=now)
    return ticket


# -- what an event says


def _requester(event: Event, integration: Integration, actor: Actor, now: datetime) -> Contact:
    details = event.details
    author = str(details.get("author") or details.get("login") or "").strip()[:60]
    by: dict[str, Any] = {"actor": actor, "now": now}
    for told in (details.get("email"), details.get("author_email")):
        if isinstance(told, str) and told.strip():
            try:
                return customers.find_or_create_contact(email=told, name=author, **by)[0]
            except Invalid:
                continue  # no address that a mail could be sent to
    tool = integration.get_kind_display()
    local = _NOT_LOCAL.sub("-", author.lower()).strip("-")
    email = f"{local or integration.kind}@{integration.kind}.example"
    name = f"{author} ({tool})" if author else tool
    return customers.find_or_create_contact(email=email, name=name, **by)[0]


def _type_of(event: Event) -> RequestType:
    """The type that a label names by key or name, else “something else”, else the first."""
    types = list(RequestType.objects.filter(archived_at=None).select_related("queue", "surface"))
    if not types:
        raise Invalid("There is no request type that such a ticket could have.")
    named = {label: one for one in types for label in (one.key, one.name.lower())}
    for label in _labels(event):
        if found := named.get(label) or named.get(re.sub(r"[\s-]+", "_", label)):
            return found
    return named.get(FALLBACK_TYPE) or types[0]


def _surface_of(event: Event, integration: Integration) -> Surface | None:
    named = Surface.objects.current().filter(key=event.surface_key.lower()).first()
    if named is not None and integration.speaks_for(named):
        return named
    return integration.surface


def _labels(event: Event) -> list[str]:
    given = event.details.get("labels")
    texts = given if isinstance(given, list) else []
    found = [str(text).strip().lower() for text in texts]
    return [text for text in found if 0 < len(text) <= rows.MAX_TAG]


def _body(event: Event, url: str) -> str:
    """The tool's own words, cut to what fits, and where they stand."""
    words = event.details.get("body")
    text = words.strip() if isinstance(words, str) else ""
    tail = f"\n\n{url}" if url else ""
    return clip(text, rows.MAX_BODY - len(tail) - 2) + tail if text else url
