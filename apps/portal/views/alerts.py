"""Alerts: the list, one alert, and what people do to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.alerts import services
from apps.alerts.models import Alert, Severity
from apps.alerts.routing import literal
from apps.core import audit, clock
from apps.portal import listing, steps
from apps.portal.access import acts, back, granted, viewer
from apps.portal.forms import CommentForm, ResolveForm, RouteForm, submit
from apps.portal.forms_silences import QuickSilenceForm
from apps.portal.selectors import alerts as selectors
from apps.portal.selectors import silences
from apps.portal.selectors.now import surfaces_to_route_to

STATES = {
    "open": "Open",
    "unrouted": "Unrouted",
    "firing": "Firing",
    "acknowledged": "Acknowledged",
    "resolved": "Resolved",
    "all": "All",
}
Act = Callable[[Alert, Person, dict[str, Any]], str]


def page_of(pk: int) -> str:
    return reverse("alert", kwargs={"pk": pk})


def _find(request: HttpRequest, pk: int) -> Alert:
    seen = Alert.objects.visible_to(viewer(request)).select_related(
        "surface", "integration", "group"
    )
    return get_object_or_404(seen, pk=pk)


@granted(Grant.SEE)
def alerts(request: HttpRequest) -> HttpResponse:
    """The list; every filter stands in the address."""
    person, params = viewer(request), request.GET
    state = listing.choice(params, "state", STATES, "open")
    severity = listing.choice(params, "severity", Severity.values)
    surface = params.get("surface", "")[:80]
    rows = selectors.listed(person, state=state, severity=severity, surface=surface)
    given = {"severity": ("Severity is", severity), "surface": ("Surface is", surface)}
    context = {
        "now": clock.now(),
        "page": listing.cut(rows, by="last_seen_at", params=params),
        "tabs": listing.tabs(request, "state", STATES, state),
        "chips": listing.chips(request, given),
        "state": state,
        "severity": severity,
        "surface": surface,
        "severities": Severity.choices,
        "surfaces": surfaces_to_route_to(person),
    }
    return render(request, "portal/alerts/list.html", context)


def _context(request: HttpRequest, alert: Alert, bound: forms.Form | None) -> dict[str, Any]:
    """The whole page; `bound` is the form that was sent and is shown again with what is wrong."""
    person, instant = viewer(request), clock.now()
    refusals = steps.alert_refusals(alert, person)
    return {
        "now": instant,
        "alert": alert,
        "story": selectors.story(alert, person, now=instant),
        "muted": silences.muted(alert, instant),
        "refusals": refusals,
        "comment": bound if isinstance(bound, CommentForm) else CommentForm(),
        "resolve": bound if isinstance(bound, ResolveForm) else ResolveForm(auto_id="resolve-%s"),
        "silence": bound
        if isinstance(bound, QuickSilenceForm)
        else QuickSilenceForm(auto_id="silence-%s"),
        "route": bound
        if isinstance(bound, RouteForm)
        else RouteForm(viewer=person, auto_id="route-%s"),
        "surfaces": [] if refusals["route"] else surfaces_to_route_to(person),
    }


@granted(Grant.SEE)
def alert(request: HttpRequest, pk: int) -> HttpResponse:
    found = _find(request, pk)
    return render(request, "portal/alerts/detail.html", _context(request, found, None))


def _act(request: HttpRequest, pk: int, form: forms.Form, act: Act) -> HttpResponse:
    """One change by a form: done and back to the page, or the page again with what is wrong."""
    found, person = _find(request, pk), viewer(request)
    said = submit(form, lambda values: act(found, person, values))
    if said is None:
        context = _context(request, found, form)
        return render(request, "portal/alerts/detail.html", context, status=400)
    messages.success(request, said)
    return back(request, page_of(pk))


@acts(Grant.RESPOND, page=page_of)
def alert_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the alert; its page is acknowledged with it. The first acknowledgement counts."""
    found, person = _find(request, pk), viewer(request)
    if found.status != Alert.Status.FIRING:
        messages.info(request, f"This alert is {found.get_status_display().lower()} already.")
        return redirect(page_of(pk))
    services.acknowledge(alert=found, actor=audit.person(person), person=person, now=clock.now())
    messages.success(request, "You took this alert. Nobody else is woken for it.")
    return redirect(page_of(pk))


@acts(Grant.RESPOND, page=page_of)
def alert_resolve(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Alert, person: Person, values: dict[str, Any]) -> str:
        services.resolve(
            alert=found, note=values["note"].strip(), actor=audit.person(person), now=clock.now()
        )
        return "The alert is resolved. If its source still fires, it opens a new one."

    return _act(request, pk, ResolveForm(request.POST, auto_id="resolve-%s"), act)


@acts(Grant.RESPOND, page=page_of)
def alert_comment(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Alert, person: Person, values: dict[str, Any]) -> str:
        services.comment(
            alert=found, text=values["text"], actor=audit.person(person), now=clock.now()
        )
        return "Your comment stands in the timeline."

    return _act(request, pk, CommentForm(request.POST), act)


@acts(Grant.ROUTE, page=page_of)
def alert_route(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the alert a surface, and if wanted a rule for its like."""

    def act(found: Alert, person: Person, values: dict[str, Any]) -> str:
        surface, remember = values["surface"], values["remember"]
        services.give_surface(
            alert=found,
            surface=surface,
            remember=remember,
            actor=audit.person(person),
            now=clock.now(),
        )
        always = " So will its like from now on." if remember else ""
        return f"The alert belongs to {surface.key}.{always}"

    form = RouteForm(request.POST, viewer=viewer(request), auto_id="route-%s")
    return _act(request, pk, form, act)


@acts(Grant.RESPOND, page=page_of)
def alert_silence(request: HttpRequest, pk: int) -> HttpResponse:
    """Page nobody for this alert, by its key, for a while; it is kept and goes on."""

    def act(found: Alert, person: Person, values: dict[str, Any]) -> str:
        now = clock.now()
        services.create_silence(
            reason=values["reason"],
            ends_at=form.ends_at(now),
            integration=found.integration,
            dedup_key=literal(found.dedup_key),
            actor=audit.person(person),
            now=now,
        )
        return "Nobody is paged anew for this alert meanwhile. A page that is out goes on."

    form = QuickSilenceForm(request.POST, auto_id="silence-%s")
    return _act(request, pk, form, act)
