"""Objectives: how their budgets stand, one with all that spent it, set and changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.portal import listing, slo_plots, slo_words
from apps.portal.access import acts, granted, viewer, why_not
from apps.portal.forms import submit
from apps.portal.forms_slos import NewForm, SloForm
from apps.portal.selectors import slos as selectors
from apps.portal.selectors.now import surfaces_to_route_to
from apps.telemetry.models import Slo
from apps.telemetry.selectors import events
from apps.telemetry.services import slos as services

EDITED = (*("name", "sli", "window_days", "count_key", "facet", "owner", "policy", "description"),)


def page_of(key: str) -> str:
    return reverse("slo", kwargs={"key": key})


def find(request: HttpRequest, key: str) -> Slo:
    """The objective of a key, if its reader may see it; else 404."""
    return get_object_or_404(selectors.rows_of(viewer(request)), key=key)


def by(person: Person, now: datetime) -> dict[str, Any]:
    return {"actor": audit.person(person), "now": now}


@granted(Grant.SEE)
def slos(request: HttpRequest) -> HttpResponse:
    """Every objective with its budget, the most spent first."""
    person, now = viewer(request), clock.now()
    view = listing.choice(request.GET, "view", selectors.VIEWS)
    counted = selectors.counts(person)
    context = {
        "now": now,
        "view": view,
        "tabs": listing.tabs(request, "view", selectors.VIEWS, view, **counted),
        "rows": selectors.listed(person, archived=view == "archived", now=now),
        "why_edit": why_not(person, Grant.EDIT_POLICIES),
    }
    return render(request, "portal/slos/list.html", context)


@granted(Grant.SEE)
def slo(request: HttpRequest, key: str) -> HttpResponse:
    """One objective: its budget day by day, how fast it burns, what spent it, what watches it."""
    person, now = viewer(request), clock.now()
    found = find(request, key)
    page = selectors.page(person, found, now=now)
    context = {
        "now": now,
        "found": found,
        "page": page,
        "budget": page.budget,
        "burns": selectors.burns(page.budget),
        "windows": slo_words.windows(page.budget),
        "percent": slo_words.percent(found.objective),
        "allowed": slo_words.few(page.budget.state.allowed),
        "volume": slo_words.volume(page.budget.per_hour),
        "events": slo_words.EVENTS[found.sli],
        "good": slo_words.GOOD[found.sli],
        "consequence": slo_words.consequence(page.budget),
        "key": slo_plots.KEY,
        "why_edit": why_not(person, Grant.EDIT_POLICIES),
    }
    return render(request, "portal/slos/page.html", context)


@granted(Grant.EDIT_POLICIES)
def slo_new(request: HttpRequest) -> HttpResponse:
    person, now = viewer(request), clock.now()
    begins = {"window_days": 28, "policy": Slo.Policy.FREEZE, "owner": person.pk, "objective": 99}
    form = NewForm(request.POST or None, viewer=person, initial=begins)
    if request.method == "POST":
        made = submit(form, lambda values: services.create_slo(**values, **by(person, now)))
        if made is not None:
            messages.success(request, f"{made.name}: it counts from what is already there.")
            return redirect(page_of(made.key))
    return _form_page(request, form, None)


@granted(Grant.EDIT_POLICIES)
def slo_edit(request: HttpRequest, key: str) -> HttpResponse:
    found, person, now = find(request, key), viewer(request), clock.now()
    before: dict[str, Any] = {name: getattr(found, name) for name in EDITED}
    before["surface"] = found.surface.key if found.surface else ""
    before["objective"] = slo_words.percent(found.objective).removesuffix(" %")
    form = SloForm(request.POST or None, viewer=person, row=found, initial=before)
    if request.method == "POST":
        saved = submit(
            form, lambda values: services.change_slo(slo=found, **values, **by(person, now))
        )
        if saved is not None:
            messages.success(request, f"{saved.name} is changed. Its past counts by it, too.")
            return redirect(page_of(saved.key))
    return _form_page(request, form, found)


@acts(Grant.EDIT_POLICIES, page=page_of)
def slo_archive(request: HttpRequest, key: str) -> HttpResponse:
    """Lay it down, or take it up again."""
    found, person = find(request, key), viewer(request)
    down = request.POST.get("to") != "force"
    services.change_slo(slo=found, archived=down, **by(person, clock.now()))
    said = "is laid down: it stops nothing any more" if down else "is in force again"
    messages.success(request, f"{found.name} {said}.")
    return redirect(page_of(key))


def _form_page(request: HttpRequest, form: forms.Form, found: Slo | None) -> HttpResponse:
    context = {
        "now": clock.now(),
        "form": form,
        "found": found,
        "surfaces": surfaces_to_route_to(viewer(request)),
        "count_keys": events.count_keys(viewer(request)),
    }
    return render(request, "portal/slos/form.html", context, status=400 if form.errors else 200)
