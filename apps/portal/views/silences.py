"""Silences: the list, one of them, a new one, changed, ended; and one click from an alert."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.roles import Grant
from apps.alerts import services
from apps.alerts.models import Alert, Silence
from apps.alerts.routing import literal
from apps.core import audit, clock
from apps.portal import forms_silences as shapes
from apps.portal import listing
from apps.portal.access import acts, granted, reader, viewer, why_not
from apps.portal.forms import submit
from apps.portal.selectors import silences as selectors
from apps.portal.selectors.now import surfaces_to_route_to


def page_of(pk: int) -> str:
    return reverse("silence", kwargs={"pk": pk})


def _find(request: HttpRequest, pk: int) -> Silence:
    rows = Silence.objects.visible_to(viewer(request))
    related = rows.select_related("surface", "integration", "rule", "created_by")
    return get_object_or_404(related, pk=pk)


@granted(Grant.SEE)
def silences(request: HttpRequest) -> HttpResponse:
    """What is muted now, what will be, what was."""
    person, now, params = viewer(request), clock.now(), request.GET
    view = listing.choice(params, "view", selectors.VIEWS, "holding")
    page = listing.cut(selectors.listed(person, view, now), by="starts_at", params=params)
    counted = selectors.counts(person, now)
    context = {
        "now": now,
        "view": view,
        "tabs": listing.tabs(request, "view", selectors.VIEWS, view, **counted),
        "page": page,
        "rows": selectors.rows(page.rows, person, now),
        "work": selectors.work(person, now) if view == "holding" else [],
        "unpaged": selectors.unpaged(person),
        "why_respond": why_not(person, Grant.RESPOND),
    }
    return render(request, "portal/silences/list.html", context)


@granted(Grant.SEE)
def silence(request: HttpRequest, pk: int) -> HttpResponse:
    """One silence with the alerts that it fits."""
    return _page(request, _find(request, pk), None)


def _page(request: HttpRequest, found: Silence, bound: forms.Form | None) -> HttpResponse:
    person, now = viewer(request), clock.now()
    (row,) = selectors.rows([found], person, now)
    over = "It is over." if row.state == "over" else ""
    context = {
        "now": now,
        "row": row,
        "change": bound or _change_form(request, found),
        "why_not": over or why_not(person, Grant.RESPOND),
    }
    return render(request, "portal/silences/page.html", context, status=400 if bound else 200)


def _change_form(request: HttpRequest, found: Silence) -> shapes.ChangeSilenceForm:
    zone = reader(request).zone
    given = {"reason": found.reason, "ends_at": _local(found.ends_at, zone)}
    return shapes.ChangeSilenceForm(request.POST or None, zone=zone, initial=given)


def _local(at: Any, zone: Any) -> Any:
    return at.astimezone(zone).replace(tzinfo=None)


@granted(Grant.RESPOND)
def silence_new(request: HttpRequest) -> HttpResponse:
    """A new silence; the address may say of which alert, surface or rule. Asked to look first, it
    shows which standing alerts would be muted."""
    person, now, zone = viewer(request), clock.now(), reader(request).zone
    form = shapes.SilenceForm(
        request.POST or None, viewer=person, zone=zone, initial=_begins(request)
    )
    would: list[Alert] | None = None
    if request.method == "POST" and request.POST.get("do") == "look":
        would = selectors.would_fit(_draft(form), person) if form.is_valid() else None
    elif request.method == "POST":
        by: dict[str, Any] = {"actor": audit.person(person), "now": now}
        made = submit(form, lambda _: services.create_silence(**form.values(now), **by))
        if made is not None:
            messages.success(request, "Nobody is paged for what fits. The alerts are kept.")
            return redirect(page_of(made.pk))
    context = {
        "now": now,
        "form": form,
        "would": would,
        "surfaces": surfaces_to_route_to(person),
    }
    status = 400 if form.errors else 200
    return render(request, "portal/silences/form.html", context, status=status)


def _draft(form: shapes.SilenceForm) -> Silence:
    names = ("surface", "integration", "rule", "dedup_key", "class_name")
    return Silence(**{name: form.cleaned_data[name] for name in names})


def _begins(request: HttpRequest) -> dict[str, Any]:
    """What the form begins with: all that the address names."""
    params = request.GET
    names = ("surface", "rule", "reason")
    given: dict[str, Any] = {name: params.get(name, "")[:120] for name in names}
    pk = params.get("alert", "")
    if pk.isascii() and pk.isdigit() and len(pk) < 19:
        alert = Alert.objects.visible_to(viewer(request)).filter(pk=int(pk)).first()
        if alert is not None:
            given |= {"dedup_key": literal(alert.dedup_key), "integration": alert.integration_id}
    return given


@acts(Grant.RESPOND, page=page_of)
def silence_end(request: HttpRequest, pk: int) -> HttpResponse:
    """It mutes nobody any more; what still stands pages within a minute."""
    found, person = _find(request, pk), viewer(request)
    services.end_silence(silence=found, actor=audit.person(person), now=clock.now())
    messages.success(request, "The silence is over. What still stands pages within a minute.")
    return redirect(page_of(pk))


@acts(Grant.RESPOND, page=page_of)
def silence_change(request: HttpRequest, pk: int) -> HttpResponse:
    found, person = _find(request, pk), viewer(request)
    form = _change_form(request, found)

    def act(values: dict[str, Any]) -> Silence:
        return services.change_silence(
            silence=found, fields=values, actor=audit.person(person), now=clock.now()
        )

    if submit(form, act) is None:
        return _page(request, found, form)
    messages.success(request, "The silence is changed.")
    return redirect(page_of(pk))
