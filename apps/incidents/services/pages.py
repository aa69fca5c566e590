"""The pages of an incident: locked before it, acknowledged and ended with it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Conflict
from apps.core.models import Kind
from apps.incidents.models import Incident
from apps.incidents.services.links import link
from apps.incidents.services.timeline import record, thread_of, url_of
from apps.paging import services as paging
from apps.paging.models import Page
from apps.paging.services import by_hand


def page_ids(incident: Incident) -> list[int]:
    """The pages that belong to an incident."""
    refs = incident.links.filter(kind="page").values_list("ref", flat=True)
    return [int(ref) for ref in refs if ref.isdecimal()]


def lock_pages(incident: Incident) -> list[Page]:
    """Lock the incident's pages before the incident, as everybody does."""
    return paging.lock(page_ids(incident))


def end_duties(incident: Incident, actor: Actor, now: datetime) -> None:
    """Nobody is woken any more for what is over; firing alerts stay the source's to resolve."""
    for page in Page.objects.filter(pk__in=page_ids(incident)).standing():
        paging.resolve(page=page, actor=actor, now=now)


def show_on_pages(incident: Incident) -> None:
    """The pages of an incident bear its severity and lead to where its story is told."""
    for pk in page_ids(incident):
        show_on_page(incident, pk)


def show_on_page(incident: Incident, page_id: int) -> None:
    """As `show_on_pages`, for one of them. The caller holds the page."""
    paging.relabel(
        page_id=page_id,
        label=incident.severity,
        opener_url=url_of(incident),
        thread_key=thread_of(incident),
    )


@transaction.atomic
def acknowledge(*, incident: Incident, actor: Actor, person: Person | None, now: datetime) -> int:
    """Acknowledge every waiting page of the incident; answers how many there were."""
    waiting = [page for page in lock_pages(incident) if page.is_waiting]
    for page in waiting:
        paging.acknowledge(page=page, actor=actor, person=person, now=now)
    return len(waiting)


@transaction.atomic
def page_by_hand(
    *,
    incident: Incident,
    target: by_hand.Target,
    summary: str,
    actor: Actor,
    now: datetime,
    urgency: str = "high",
) -> Page:
    """Wake a person, everybody in a team, or who is on call in a schedule, for a standing incident.

    `target` is ("person" | "team" | "schedule", its id). An empty `summary` takes the title;
    everybody reads pages, so the title of a restricted incident is never taken. The door asks for
    Grant.PAGE. In a drill or test nobody but its participants is reached. Raises
    Conflict for an incident that is over or of the past, for somebody outside a drill, and while
    the same target is being paged for it; Invalid for a target that is not there.
    """
    locked = Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
    _check_pageable(locked, target)
    name = by_hand.name_of(target)
    real = locked.kind == Kind.REAL
    recipients = [] if real else list(locked.participants.values_list("pk", flat=True))
    page = by_hand.open_page_to(
        target=target,
        summary=_summary(locked, summary),
        urgency=urgency,
        surface=locked.surface,
        opener_kind="incident",
        opener_ref=locked.ref,
        opener_url=url_of(locked),
        thread_key=thread_of(locked),
        label=locked.severity,
        kind=locked.kind,
        recipients=recipients,
        actor=actor,
        now=now,
    )
    link(locked, "page", str(page.pk), "", page.summary, now)
    if target[0] == "person" and locked.visibility == Incident.Visibility.RESTRICTED:
        locked.participants.add(target[1])  # whoever is called in must be able to see it
    record(
        incident=locked,
        what="paged_by_hand",
        text=f"{actor.label} pages {name}: {page.summary}",
        actor=actor,
        now=now,
        subject=("page", str(page.pk), ""),
    )
    return page


def _summary(incident: Incident, said: str) -> str:
    """What the page says; of a restricted incident no more than its reference."""
    said = said.strip()
    if incident.visibility == Incident.Visibility.OPEN:
        return said or incident.title
    hidden = not said or incident.title.casefold() in said.casefold()
    return f"You are needed in {incident.ref}, which is restricted" if hidden else said


def _check_pageable(incident: Incident, target: by_hand.Target) -> None:
    if not incident.is_standing:
        state = incident.get_status_display().lower()
        raise Conflict(f"{incident.ref} is {state}: nobody is woken for it.")
    if incident.kind == Kind.BACKFILLED:
        raise Conflict("This incident is of the past: nobody is woken for it.")
    outside = target[0] == "person" and not incident.participants.filter(pk=target[1]).exists()
    if incident.kind != Kind.REAL and outside:
        raise Conflict("This is no real incident: only people who take part in it are paged.")
