"""The life of a page, from its opening to its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.accounts.models import Person
from apps.core import events
from apps.core.audit import Actor
from apps.core.errors import Conflict
from apps.core.models import Kind
from apps.core.transitions import move
from apps.notifications import services as notifications
from apps.notifications import wording
from apps.ownership.models import Surface
from apps.paging import plan
from apps.paging.events import PageAcknowledged
from apps.paging.models import Page, PageNote, Urgency
from apps.paging.services.policies import policy_of, snapshot_for

Status = Page.Status
MAX_LINKS = 5


def write_note(*, page: Page, what: str, text: str, actor: Actor, now: datetime) -> PageNote:
    """Add a row to the page's own timeline."""
    return PageNote.objects.create(page=page, at=now, what=what, text=text[:500], **actor.columns())


def wake_engine() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('opsportal_wake', 'page')")


def lock(pks: Iterable[int]) -> list[Page]:
    """Lock pages for the rest of the transaction, lowest first.

    The page is the first thing that anybody locks (then groups, alerts, incidents, messages), so
    that two who change the same story wait for each other instead of for ever.
    """
    found = Page.objects.filter(pk__in=list(pks)).order_by("pk").select_for_update(of=("self",))
    return list(found)


@transaction.atomic
def open_page(
    *,
    summary: str,
    urgency: str,
    surface: Surface | None,
    opener_kind: str,
    opener_ref: str,
    thread_key: str,
    actor: Actor,
    now: datetime,
    opener_url: str = "",
    label: str = "",
    kind: str = Kind.REAL,
    recipients: Sequence[int] = (),
    links: Sequence[Mapping[str, str]] = (),
) -> Page:
    """Start an escalation with the surface's policy, frozen as it is now."""
    policy = policy_of(surface)
    snapshot = snapshot_for(policy)
    first = plan.start(snapshot, now)
    page = Page.objects.create(
        summary=summary[:1024],
        urgency=urgency,
        surface=surface,
        opener_kind=opener_kind,
        opener_ref=opener_ref,
        opener_url=opener_url,
        label=label,
        kind=kind,
        thread_key=thread_key,
        policy=policy,
        policy_snapshot=snapshot,
        next_at=first.due_at if first else now,
        opened_at=now,
        recipients=list(recipients),
        links=[dict(link) for link in links[:MAX_LINKS]],
    )
    write_note(page=page, what="opened", text=f"Opened: {summary}", actor=actor, now=now)
    wake_engine()
    return page


def join(*, page: Page, text: str, actor: Actor, now: datetime) -> None:
    """Another alert belongs to the page; nobody is told again for it."""
    write_note(page=page, what="joined", text=f"Joined: {text}", actor=actor, now=now)


@transaction.atomic
def raise_page(
    *, page: Page, urgency: str, summary: str, reason: str, actor: Actor, now: datetime
) -> Page:
    """Something worse joined: raise the urgency and start the escalation again.

    Also after an acknowledgement: whoever took a warning has not taken an outage.
    """
    page = Page.objects.select_for_update().get(pk=page.pk)
    if page.status == Status.RESOLVED:
        raise Conflict("This page is resolved.")
    was = page.urgency
    values: dict[str, Any] = {
        "urgency": Urgency.HIGH if Urgency.HIGH in {urgency, was} else Urgency.LOW,
        "summary": summary[:1024],
    }
    notifications.cancel(subject=("page", str(page.pk)), now=now)
    _restart(page, actor, now, "raised", values)
    write_note(
        page=page,
        what="raised",
        text=f"Raised, escalation starts again: {reason}",
        actor=actor,
        now=now,
    )
    return page


def _restart(page: Page, actor: Actor, now: datetime, note: str, values: dict[str, Any]) -> None:
    first = plan.start(page.policy_snapshot, now)
    values |= {
        "round": page.round + 1,
        "loop": 0,
        "step": 0,
        "next_at": first.due_at if first else now,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "acknowledged_label": "",
    }
    if page.status == Status.OPEN:
        Page.objects.filter(pk=page.pk).update(**values)
        for name, value in values.items():
            setattr(page, name, value)
    else:
        move(page, to=Status.OPEN, actor=actor, now=now, note=note, **values)
    wake_engine()


@transaction.atomic
def reroute(*, page: Page, surface: Surface, actor: Actor, now: datetime) -> Page:
    """The page belongs to another surface: its people are asked, from the first step."""
    page = Page.objects.select_for_update().get(pk=page.pk)
    policy = policy_of(surface)
    values: dict[str, Any] = {
        "surface": surface,
        "policy": policy,
        "policy_snapshot": snapshot_for(policy),
    }
    if page.is_waiting:
        page.policy_snapshot = values["policy_snapshot"]
        notifications.cancel(subject=("page", str(page.pk)), now=now)
        _restart(page, actor, now, "rerouted", values)
    else:
        Page.objects.filter(pk=page.pk).update(**values)
    write_note(page=page, what="rerouted", text=f"Routed to {surface.key}.", actor=actor, now=now)
    return page


def relabel(*, page_id: int, label: str, opener_url: str, thread_key: str) -> None:
    """The page got a severity, and a place where its story is told."""
    Page.objects.filter(pk=page_id).update(
        label=label, opener_url=opener_url, thread_key=thread_key
    )


@transaction.atomic
def acknowledge(*, page: Page, actor: Actor, now: datetime, person: Person | None = None) -> Page:
    """Take the page: nobody else is woken. Acknowledging twice is no fault, the first counts.

    Unsent messages are cancelled in this transaction, and others who were told hear who took it.
    """
    page = Page.objects.select_for_update().get(pk=page.pk)
    if page.status in {Status.ACKNOWLEDGED, Status.RESOLVED}:
        return page
    move(
        page,
        to=Status.ACKNOWLEDGED,
        actor=actor,
        now=now,
        acknowledged_at=now,
        acknowledged_by=person,
        acknowledged_label=actor.label,
        next_at=None,
    )
    notifications.cancel(subject=("page", str(page.pk)), now=now)
    write_note(
        page=page, what="acknowledged", text=f"Acknowledged by {actor.label}.", actor=actor, now=now
    )
    events.publish(PageAcknowledged(page_id=page.pk, by=actor, at=now))
    page.refresh_from_db()
    _tell_told(page, "acknowledged", actor, now, skip=person)
    return page


@transaction.atomic
def resolve(*, page: Page, actor: Actor, now: datetime) -> Page:
    """End the page: unsent messages are cancelled, whoever was told gets one "resolved"."""
    page = Page.objects.select_for_update().get(pk=page.pk)
    if page.status == Status.RESOLVED:
        return page
    move(page, to=Status.RESOLVED, actor=actor, now=now, resolved_at=now, next_at=None)
    notifications.cancel(subject=("page", str(page.pk)), now=now)
    write_note(page=page, what="resolved", text=f"Resolved by {actor.label}.", actor=actor, now=now)
    _tell_told(page, "resolved", actor, now)
    return page


def told(page: Page) -> list[Person]:
    """Everyone to whom a message about the page has gone out, or is going."""
    return list(
        Person.objects.active()
        .filter(
            messages__subject_kind="page",
            messages__subject_ref=str(page.pk),
            messages__what="page_step",
            messages__status__in=["sending", "sent", "bundled"],
        )
        .distinct()
    )


def topic(page: Page) -> wording.Topic:
    return wording.Topic(title=page.summary, label=page.label, kind=page.kind)


def _tell_told(
    page: Page, what: str, actor: Actor, now: datetime, skip: Person | None = None
) -> None:
    url = notifications.absolute(page.opener_url or "/")
    for person in told(page):
        if skip is not None and person.pk == skip.pk:
            continue
        common: dict[str, Any] = {
            "person": person,
            "what": what,
            "urgency": page.urgency,
            "subject": ("page", str(page.pk)),
            "thread_key": page.thread_key,
            "dedupe": f"page:{page.pk}:r{page.round}:{what}",
            "kind": page.kind,
            "now": now,
            "link": url,
        }
        if what == "resolved":
            by_person = actor.label if actor.person_id else ""
            notifications.notify(
                write=wording.resolved,
                facts=wording.Resolved(
                    topic=topic(page),
                    started_at=page.opened_at,
                    resolved_at=now,
                    by=by_person,
                    acknowledged_by=page.acknowledged_label,
                    page_url=url,
                ),
                **common,
            )
        else:
            notifications.notify(
                write=wording.acknowledged,
                facts=wording.Acknowledged(topic=topic(page), by=actor.label, at=now, page_url=url),
                **common,
            )
