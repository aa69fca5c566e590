"""What a ticket has to do with other things, by their references."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from apps.changes.models import Change
from apps.core import jobs
from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.core.text import clip, one_line
from apps.incidents.models import Incident
from apps.support.models import Ticket, TicketLink
from apps.support.services import tickets as rows

Kind = TicketLink.Kind
# A change in the ledger under one of these kinds and the link's ref means that it is done.
CHANGES = frozenset(
    {Kind.CHANGE, Kind.RELEASE, Kind.DEPLOYMENT, Kind.PACK_VERSION, Kind.PACK, Kind.DEFECT}
)


@transaction.atomic
def link(
    *,
    ticket: Ticket,
    kind: str,
    ref: str,
    relation: str,
    actor: Actor,
    now: datetime,
    url: str = "",
    label: str = "",
) -> TicketLink:
    """Link a ticket to something by its reference; a second time changes relation and label.

    Raises Invalid for a kind that does not exist, or an incident or ticket that does not.
    """
    ticket = rows.lock(ticket.pk)
    ref = one_line(ref)
    if kind not in Kind.values or relation not in TicketLink.Relation.values:
        text = f"A link is of kind {', '.join(Kind.values)}."
        raise Invalid(text, fields={"kind": [text]})
    if not 1 <= len(ref) <= 300:
        text = "Write the reference, such as INC-42."
        raise Invalid(text, fields={"ref": [text]})
    if url and not url.startswith(("http://", "https://", "/")):
        text = "An address begins with https://."
        raise Invalid(text, fields={"url": [text]})
    ref, url, label, done_at = _known(kind, ref, url[:500], label, now, ticket)
    row, fresh = TicketLink.objects.update_or_create(
        ticket=ticket,
        kind=kind,
        ref=ref,
        defaults={"relation": relation, "url": url, "label": clip(one_line(label), 300)},
        create_defaults={
            "relation": relation,
            "url": url,
            "label": clip(one_line(label), 300),
            "created_at": now,
            "done_at": done_at,
            **actor.columns(),
        },
    )
    if fresh:
        how = row.get_relation_display().lower()
        text = f"Linked to {row.get_kind_display().lower()} {ref} ({how})."
        rows.touch(ticket, now)
        rows.note_event(
            ticket=ticket, what="linked", text=text, actor=actor, now=now, subject=(kind, ref, url)
        )
        if kind == Kind.INCIDENT:  # by a task: an incident is locked before its tickets
            jobs.enqueue(
                "apps.support.tasks.tie_incident", ticket=ticket.pk, ref=ref, person=actor.person_id
            )
    return row


def _known(
    kind: str, ref: str, url: str, label: str, now: datetime, ticket: Ticket
) -> tuple[str, str, str, datetime | None]:
    """(ref, url, label, done at) of what lives here; what lives elsewhere is taken as written."""
    if kind == Kind.INCIDENT:
        incident = Incident.objects.filter(pk=_number(ref, "INC-")).first()
        if incident is None:
            raise _unknown(ref)
        done = incident.resolved_at or now if not incident.is_standing else None
        hidden = incident.visibility == Incident.Visibility.RESTRICTED
        title = "" if hidden else incident.title  # the label is read by all who see the ticket
        return incident.ref, f"/incidents/{incident.ref}/", title, done
    if kind == Kind.TICKET:
        other = Ticket.objects.filter(pk=_number(ref, "TCK-")).first()
        if other is None or other.pk == ticket.pk:
            raise _unknown(ref)
        subject = "" if other.queue.is_private else other.subject
        return other.ref, f"/tickets/{other.ref}/", subject, None
    if kind in CHANGES:
        change = _changes(kind, ref).first()
        if change is not None:
            return ref, url or change.url, label or change.summary, change.occurred_at
    return ref, url, label, None


def _changes(kind: str, ref: str) -> QuerySet[Change]:
    found = Change.objects.filter(ref=ref)
    return found if kind == Kind.CHANGE else found.filter(kind=kind)


def _number(ref: str, prefix: str) -> int:
    digits = ref.upper().removeprefix(prefix)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0


def _unknown(ref: str) -> Invalid:
    text = f"There is no {ref}."
    return Invalid(text, fields={"ref": [text]})
