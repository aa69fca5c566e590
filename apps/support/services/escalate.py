"""Waking people for a ticket: one escalation at a time, through paging's policy of the surface.

The page is locked before the ticket, here as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.text import clip, one_line
from apps.ownership.models import Surface
from apps.paging import services as paging
from apps.paging.models import Page
from apps.paging.models import Urgency as PageUrgency
from apps.support import lifecycle as states
from apps.support.models import Ticket
from apps.support.services import tickets as rows

Waiting = frozenset({Page.Status.OPEN, Page.Status.ACKNOWLEDGED, Page.Status.EXHAUSTED})


def lock_page_of(ticket: Ticket) -> Page | None:
    """The ticket's page, locked, if it is still going on. Call it before `tickets.lock`."""
    page_id = Ticket.objects.values_list("page_id", flat=True).get(pk=ticket.pk)
    if page_id is None:
        return None
    found = paging.lock([page_id])
    return found[0] if found and found[0].status in Waiting else None


@transaction.atomic
def escalate_now(*, ticket: Ticket, reason: str, actor: Actor, now: datetime) -> Page:
    """Page the surface's people at once, because somebody says why.

    A page that is already waiting is not doubled: the reason joins it, and one that was taken
    starts again. Raises Invalid without a reason, Conflict once the ticket is over.
    """
    why = clip(one_line(reason), 300)
    if not why:
        text = "Say why it cannot wait: whoever is woken reads it."
        raise Invalid(text, code="reason_missing", fields={"reason": [text]})
    standing = lock_page_of(ticket)
    ticket = rows.lock(ticket.pk)
    if ticket.status not in states.ACTIVE:
        raise Conflict(f"This ticket is {ticket.get_status_display().lower()}.")
    if standing is None and ticket.page_id is not None and _is_waiting(ticket.page_id):
        raise Conflict("Somebody escalated it in the same moment: people are being paged.")
    if standing is None:
        page = _open(
            tickets=[ticket],
            surface=ticket.surface,
            summary=f"{rows.named(ticket)}: {why}",
            actor=actor,
            now=now,
        )
    elif standing.status == Page.Status.OPEN:
        page = standing
        paging.join(page=page, text=why, actor=actor, now=now)
    else:
        page = paging.raise_page(
            page=standing,
            urgency=PageUrgency.HIGH,
            summary=f"{rows.named(ticket)}: {why}",
            reason=why,
            actor=actor,
            now=now,
        )
    rows.touch(ticket, now, page_id=page.pk, escalated_at=now)
    text = f"Escalated: {why}"
    rows.note_event(
        ticket=ticket, what="escalated", text=text, actor=actor, now=now,
        subject=("page", str(page.pk), ""),
    )  # fmt: skip
    return page


def _is_waiting(page_id: int) -> bool:
    return Page.objects.filter(pk=page_id, status__in=sorted(Waiting)).exists()


def page_for_breach(
    *,
    surface: Surface | None,
    tickets: Sequence[Ticket],
    reason: str,
    actor: Actor,
    now: datetime,
) -> Page:
    """One page for the tickets of one surface that missed a promise together.

    The caller holds the tickets' locks. Where a page of one of them, or another ticket's of the
    same surface, still rings, they join it: an outage that makes fifty tickets rings once. One of
    theirs that was taken, or that nobody took, rings again: a ticket has one page at a time.
    """
    first = tickets[0]
    more = f" and {len(tickets) - 1} more" if len(tickets) > 1 else ""
    subject = "" if first.queue.is_private else f" {first.subject}"
    summary = f"{first.ref}{more}: {reason}.{subject}"
    page = _ringing(tickets, surface)
    if page is None and (quiet := _quiet(tickets)) is not None:
        page = paging.raise_page(
            page=quiet,
            urgency=PageUrgency.HIGH,
            summary=summary,
            reason=reason,
            actor=actor,
            now=now,
        )
    elif page is None:
        page = _open(tickets=tickets, surface=surface, summary=summary, actor=actor, now=now)
    else:
        names = ", ".join(t.ref for t in tickets[:5])
        paging.join(page=page, text=f"{names}: {reason}", actor=actor, now=now)
    for ticket in tickets:
        if ticket.page_id != page.pk:
            rows.touch(ticket, now, page_id=page.pk, escalated_at=now)
        rows.note_event(
            ticket=ticket, what="paged", text=f"Paged: {reason}.", actor=actor, now=now,
            subject=("page", str(page.pk), ""),
        )  # fmt: skip
    return page


def _ringing(tickets: Sequence[Ticket], surface: Surface | None) -> Page | None:
    """A page that these tickets can join. One that somebody is just taking is left alone: it is
    locked before its tickets, and here the tickets are locked already."""
    wanted = Q(pk__in=[ticket.page_id for ticket in tickets if ticket.page_id])
    if surface is not None:
        wanted |= Q(surface=surface, opener_kind="ticket")
    rows = Page.objects.filter(wanted, status=Page.Status.OPEN, kind=tickets[0].kind)
    return rows.order_by("pk").select_for_update(skip_locked=True, of=("self",)).first()


def _quiet(tickets: Sequence[Ticket]) -> Page | None:
    """The page of one of these tickets that somebody took, or nobody did; locked if it is free."""
    rows = Page.objects.filter(
        pk__in=[ticket.page_id for ticket in tickets if ticket.page_id],
        status__in=[Page.Status.ACKNOWLEDGED, Page.Status.EXHAUSTED],
    )
    return rows.order_by("pk").select_for_update(skip_locked=True, of=("self",)).first()


def _open(
    *,
    tickets: Sequence[Ticket],
    surface: Surface | None,
    summary: str,
    actor: Actor,
    now: datetime,
) -> Page:
    ticket = tickets[0]
    drill = ticket.kind != "real"
    return paging.open_page(
        summary=summary,
        urgency=PageUrgency.HIGH,
        surface=surface,
        opener_kind="ticket",
        opener_ref=str(ticket.pk),
        opener_url=f"/tickets/{ticket.ref}/" if len(tickets) == 1 else "/tickets/?sla=breached",
        thread_key=f"ticket-{ticket.pk}",
        label=ticket.priority,
        kind=ticket.kind,
        recipients=[ticket.owner_id] if drill and ticket.owner_id else [],
        actor=actor,
        now=now,
    )


def answered(*, page: Page, ticket: Ticket, actor: Actor, now: datetime) -> None:
    """The customer has an answer: the page ends with its ticket, else it is the writer's."""
    if ticket.status in states.ENDED:
        over(page=page, actor=actor, now=now)
    else:
        taken_by_reply(page=page, actor=actor, now=now)


def taken_by_reply(*, page: Page, actor: Actor, now: datetime) -> None:
    """Who answers the customer is on it: the page that still rings is theirs."""
    if page.status == Page.Status.OPEN and actor.person_id:
        person = Person.objects.filter(pk=actor.person_id).first()
        paging.acknowledge(page=page, actor=actor, now=now, person=person)


def over(*, page: Page, actor: Actor, now: datetime) -> None:
    """The ticket is over: the page ends when no other ticket of it still goes on."""
    others = Ticket.objects.filter(page_id=page.pk, status__in=sorted(states.ACTIVE))
    if not others.exists():
        paging.resolve(page=page, actor=actor, now=now)


@transaction.atomic
def page_acknowledged(*, page_id: int, actor: Actor, now: datetime) -> None:
    """Somebody took the page of a ticket: its timeline says who. The publisher holds the page."""
    for pk in Ticket.objects.filter(page_id=page_id).order_by("pk").values_list("pk", flat=True):
        ticket = rows.lock(pk)
        text = f"{actor.label} acknowledged the page."
        rows.note_event(
            ticket=ticket, what="acknowledged", text=text, actor=actor, now=now,
            subject=("page", str(page_id), ""),
        )  # fmt: skip
