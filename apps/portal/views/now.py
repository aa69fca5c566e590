"""The home page, and acknowledging from it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.paging import services as paging
from apps.paging.models import Page
from apps.portal import charts, checklist, formats
from apps.portal.access import acts, back, granted, live, reader, viewer, why_not
from apps.portal.context import link
from apps.portal.selectors import now as selectors
from apps.portal.selectors import oncall, system

HANDOFFS_SHOWN = 8
GAPS_SHOWN = 4


def _context(request: HttpRequest) -> dict[str, Any]:
    person, instant = viewer(request), clock.now()
    zone = reader(request).zone
    today = charts.local_midnight(instant.astimezone(zone).date(), zone)
    read = selectors.read(person, now=instant, today=today, vitals=system.vitals(instant))
    soon = instant + oncall.HANDOFFS_AHEAD
    return {
        "now": instant,
        "read": read,
        "figures": _figures(read, request),
        "mine": read.duties_of(person),
        "waits": read.waits_for(person),
        "handoffs": read.cover.changes[:HANDOFFS_SHOWN],
        "gaps": [gap for gap in read.cover.gaps if gap.start < soon][:GAPS_SHOWN],
        "more_handoffs": max(0, len(read.cover.changes) - HANDOFFS_SHOWN),
        "may_respond": not why_not(person, Grant.RESPOND),
        "why_respond": why_not(person, Grant.RESPOND),
        "why_route": why_not(person, Grant.ROUTE),
        "quarantine_url": _quarantine(request),
    }


def _figures(read: selectors.Now, request: HttpRequest) -> list[dict[str, Any]]:
    by_severity = ", ".join(f"{n} {severity}" for severity, n in read.open_by_severity.items())
    oldest = read.unrouted[0].first_seen_at if read.unrouted else None
    look = reader(request)
    since = formats.absolute(oldest, look.zone, look.cycle, read.now) if oldest else ""
    alarming = {"SEV1", "SEV2"} & read.open_by_severity.keys()
    return [
        {
            "label": "Pages, last 24 h",
            "value": read.answers.opened,
            "note": read.answers.note,
            "url": "#pages-waiting" if read.waiting else "",
        },
        {
            "label": "Open incidents",
            "value": read.open_incidents,
            "note": by_severity or "none",
            "tone": "danger" if alarming else "",
            "url": reverse("incidents"),
        },
        {
            "label": "Unrouted alerts",
            "value": read.unrouted_count,
            "note": f"since {since}, no surface" if oldest else "every alert has a surface",
            "tone": "warning" if oldest else "",
            "url": "#unrouted",
        },
        _cover_figure(read, request),
    ]


def _cover_figure(read: selectors.Now, request: HttpRequest) -> dict[str, Any]:
    gaps, look = read.cover.gaps, reader(request)
    if not read.cover.schedules:
        value, note = "none", "no schedule yet"
    elif not gaps:
        value, note = "complete", f"{len(read.cover.schedules)} schedules, no gap"
        note = note if len(read.cover.schedules) > 1 else "1 schedule, no gap"
    else:
        first = gaps[0]
        starts = "now" if first.start <= read.now else formats.absolute(
            first.start, look.zone, look.cycle, read.now
        )  # fmt: skip
        length = "and on" if first.open_ended else formats.duration(first.length)
        value = f"{len(gaps)} gap" + ("s" if len(gaps) > 1 else "")
        note = f"{first.schedule.name}, {starts}, {length}"
    tone = "danger" if gaps and gaps[0].start <= read.now else "warning" if gaps else ""
    return {
        "label": "Cover, next 30 days",
        "value": value,
        "note": note,
        "tone": tone,
        "url": reverse("oncall"),
    }


def _quarantine(request: HttpRequest) -> str:
    listed = link("admin:intake_delivery_changelist") if viewer(request).may(Grant.ADMIN) else ""
    return f"{listed}?status__exact=quarantined" if listed else ""


def _first_steps(request: HttpRequest, now: datetime) -> list[dict[str, Any]]:
    """What a new site still lacks, for managers; nothing once it has people and a rotation."""
    person = viewer(request)
    if not person.may(Grant.EDIT_PEOPLE) or selectors.started(person).done:
        return []
    return [asdict(item) for item in checklist.items(person, now=now)]


@granted(Grant.SEE)
def now(request: HttpRequest) -> HttpResponse:
    """What waits, what is open, who is there, whether the engine lives."""
    context = _context(request)
    context["first_steps"] = _first_steps(request, context["now"])
    return render(request, "portal/now.html", context)


@live
def now_live(request: HttpRequest) -> HttpResponse:
    """The inner part, fetched again every fifteen seconds."""
    return render(request, "portal/now_live.html", _context(request))


@acts(Grant.RESPOND, page=lambda pk: reverse("now"))
def acknowledge_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a page in place. The first acknowledgement counts."""
    person = viewer(request)
    page = get_object_or_404(Page.objects.visible_to(person), pk=pk)
    was_waiting = page.is_waiting
    page = paging.acknowledge(page=page, actor=audit.person(person), person=person, now=clock.now())
    if was_waiting and page.acknowledged_by_id == person.pk:
        messages.success(request, f"You took “{page.summary[:80]}”. Nobody else is woken.")
    elif page.status == Page.Status.RESOLVED:
        messages.info(request, "This page has ended already.")
    else:
        messages.info(request, f"{page.acknowledged_label} acknowledged this page before you.")
    return back(request, reverse("now"))
