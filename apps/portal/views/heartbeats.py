"""Heartbeats: jobs that say they ran, with the line to put into them, and what they said."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.roles import Grant
from apps.alerts.models import Heartbeat
from apps.alerts.services import heartbeats as services
from apps.core import audit, clock
from apps.portal import listing
from apps.portal.access import acts, granted, refuse, viewer, why_not
from apps.portal.forms import submit
from apps.portal.forms_heartbeats import AboutForm, HeartbeatForm
from apps.portal.selectors import heartbeats as selectors
from apps.portal.selectors.now import surfaces_to_route_to

ABOUT = ("owner", "runbook", "severity")
RHYTHM = ("name", "period_seconds", "cron", "time_zone", "grace_seconds")
SAID = {
    "pause": "Paused: its pings are kept, and nobody is told when they stay out.",
    "resume": "It is waited for again, from now on.",
    "archive": "Archived: its address takes no more pings.",
}


def page_of(pk: int, *_: Any, **__: Any) -> str:
    return reverse("heartbeat", kwargs={"pk": pk})


def find(request: HttpRequest, pk: int) -> Heartbeat:
    rows = Heartbeat.objects.visible_to(viewer(request))
    return get_object_or_404(
        rows.select_related("surface", "owner", "runbook", "integration"), pk=pk
    )


@granted(Grant.SEE)
def heartbeats(request: HttpRequest) -> HttpResponse:
    """The list: what is down first, then what is due soonest."""
    person, now, params = viewer(request), clock.now(), request.GET
    view = listing.choice(params, "view", selectors.VIEWS, "all")
    text = " ".join(params.get("q", "").split())[:120]
    context = {
        "now": now,
        "view": view,
        "text": text,
        "tabs": listing.tabs(
            request, "view", selectors.VIEWS, view, **selectors.counts(person)
        ),
        "chips": listing.chips(request, {"q": ("Has", text)}),
        "rows": selectors.rows(person, view, text),
        "most": selectors.MOST,
        "why_edit": why_not(person, Grant.EDIT_INTEGRATIONS),
    }  # fmt: skip
    return render(request, "portal/heartbeats/list.html", context)


@granted(Grant.SEE)
def heartbeat(request: HttpRequest, pk: int) -> HttpResponse:
    """One of them: its state, the line for the job, its pings."""
    row, person = find(request, pk), viewer(request)
    why_respond = why_not(person, Grant.RESPOND)
    page = listing.cut(row.pings.all(), by="at", params=request.GET)
    context = {
        "now": clock.now(),
        "row": row,
        "look": selectors.look(row),
        "rhythm": services.rhythm_in_words(row),
        "grace": services.length(row.grace_seconds),
        "setup": None if why_respond or row.own_job else selectors.set_up(row),
        "took": selectors.took(row.last_duration_ms),
        "page": page,
        "pings": [(ping, selectors.took(ping.duration_ms)) for ping in page.rows],
        "alert": selectors.standing_alert(row, person),
        "moves": selectors.moves(row),
        "why_respond": why_respond,
        "why_edit": why_not(person, Grant.EDIT_INTEGRATIONS),
    }
    return render(request, "portal/heartbeats/page.html", context)


@granted(Grant.EDIT_INTEGRATIONS)
def heartbeat_new(request: HttpRequest) -> HttpResponse:
    person, now = viewer(request), clock.now()
    begun = {"time_zone": person.time_zone, "severity": "error", "grace_seconds": 300}
    begun |= {"surface": request.GET.get("surface", "")[:80], "owner": person.pk}
    form = HeartbeatForm(request.POST or None, viewer=person, initial=begun)
    if request.method == "POST":
        made = submit(
            form,
            lambda values: services.create_heartbeat(
                **values, actor=audit.person(person), now=now
            ),
        )  # fmt: skip
        if made is not None:
            messages.success(request, f"{made.name} is waited for. Put the line below into it.")
            return redirect(page_of(made.pk))
    return _form_page(request, form, None)


@granted(Grant.EDIT_INTEGRATIONS)
def heartbeat_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """All of it; of OpsPortal's own jobs only whose they are and how loud."""
    row, person = find(request, pk), viewer(request)
    if row.archived_at is not None:
        messages.error(request, "This heartbeat is archived. Make a new one.")
        return redirect(page_of(pk))
    names = ABOUT if row.own_job else (*ABOUT, *RHYTHM)
    before = {name: getattr(row, name) for name in names}
    before["surface"] = row.surface.key if row.surface else ""
    shape = AboutForm if row.own_job else HeartbeatForm
    form = shape(request.POST or None, viewer=person, row=row, initial=before)
    if request.method == "POST":
        saved = submit(
            form,
            lambda values: services.change_heartbeat(
                heartbeat=row, fields=values, actor=audit.person(person), now=clock.now()
            ),
        )
        if saved is not None:
            messages.success(request, f"{saved.name} is changed.")
            return redirect(page_of(pk))
    return _form_page(request, form, row)


def _form_page(request: HttpRequest, form: forms.Form, row: Heartbeat | None) -> HttpResponse:
    context = {
        "now": clock.now(),
        "form": form,
        "row": row,
        "surfaces": surfaces_to_route_to(viewer(request)),
    }
    status = 400 if form.errors else 200
    return render(request, "portal/heartbeats/form.html", context, status=status)


@acts(Grant.RESPOND, page=page_of)
def heartbeat_act(request: HttpRequest, pk: int, do: str) -> HttpResponse:
    """Pause and resume, which whoever is on call may do; archive, which takes a manager."""
    row, person = find(request, pk), viewer(request)
    if do not in SAID:
        raise Http404
    if do == "archive" and (why := why_not(person, Grant.EDIT_INTEGRATIONS)):
        return refuse(request, why)
    act = {
        "pause": services.pause_heartbeat,
        "resume": services.resume_heartbeat,
        "archive": services.archive_heartbeat,
    }[do]
    act(heartbeat=row, actor=audit.person(person), now=clock.now())
    messages.success(request, SAID[do])
    return redirect(reverse("heartbeats") if do == "archive" else page_of(pk))
