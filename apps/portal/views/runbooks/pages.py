"""Runbooks as one looks for them and reads them, also at three in the morning."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from apps.accounts.roles import Grant
from apps.core import clock
from apps.portal import listing
from apps.portal.access import granted, viewer, why_not
from apps.portal.context import link
from apps.portal.forms_runbooks import ReasonForm, ReviewForm
from apps.portal.selectors import runbooks as selectors
from apps.runbooks import exchange, services
from apps.runbooks import selectors as standing
from apps.runbooks.models import Runbook
from apps.runbooks.ports import Context

_NUMBER = re.compile(r"\d{1,6}", re.ASCII)
_TYPES = {"yaml": ("application/yaml", "yaml"), "markdown": ("text/markdown", "md")}


def page_of(key: str) -> str:
    return reverse("runbook", kwargs={"key": key})


def find(request: HttpRequest, key: str) -> Runbook:
    """A runbook that the viewer may see, by its key; 404."""
    seen = Runbook.objects.visible_to(viewer(request)).select_related("owner", "backup")
    found: Runbook = get_object_or_404(seen, key=key)
    return found


def incident_of(request: HttpRequest, ref: str) -> Context | None:
    """The incident that a run is for, when the viewer may see it."""
    return selectors.Incidents().find(user=viewer(request), ref=ref)


@granted(Grant.SEE)
def runbooks(request: HttpRequest) -> HttpResponse:
    """Every runbook and how far it can be trusted; every filter stands in the address."""
    person, params, now = viewer(request), request.GET, clock.now()
    state = listing.choice(params, "state", selectors.STATES, "all")
    text = " ".join(params.get("q", "").replace("\x00", "").split())[:120]
    surface = params.get("surface", "").replace("\x00", "")[:80]
    rows = selectors.listed(person, text=text, surface=surface, retired=state == "retired", now=now)
    counts = {}
    if state != "retired":
        names = ("attention", "drafts")
        counts = {name: len(selectors.of_state(rows, name)) or "" for name in names}
    context = {
        "now": now,
        "rows": selectors.of_state(rows, state),
        "tabs": listing.tabs(request, "state", selectors.STATES, state, **counts),
        "chips": listing.chips(request, {"q": ("Has", text), "surface": ("Surface is", surface)}),
        "state": state,
        "text": text,
        "why_respond": why_not(person, Grant.RESPOND),
    }
    return render(request, "portal/runbooks/list.html", context)


@granted(Grant.SEE)
def runbook(request: HttpRequest, key: str) -> HttpResponse:
    return show(request, find(request, key))


def show(
    request: HttpRequest, found: Runbook, *, status: int = 200, **bound: forms.Form
) -> HttpResponse:
    """The page of a runbook; `bound` are forms that were sent and are shown again."""
    person, now = viewer(request), clock.now()
    wanted = request.GET.get("version", "")
    number = int(wanted) if _NUMBER.fullmatch(wanted) else None
    whole = selectors.whole(found, person, number=number, now=now)
    if whole is None:
        raise Http404
    incident = incident_of(request, request.GET.get("incident", ""))
    context: dict[str, Any] = {
        "now": now,
        "runbook": found,
        "whole": whole,
        "incident": incident,
        "why_respond": why_not(person, Grant.RESPOND),
        "why_approve": services.why_not_approve(whole.at_work, person) if whole.at_work else "",
        "why_retire": services.why_not_retire(found, person) or why_not(person, Grant.RESPOND),
        "surfaces": found.surfaces.order_by("key"),
        "triggers": found.triggers.order_by("by", "value"),
        "review": ReviewForm(auto_id="review-%s"),
        "back": ReasonForm(auto_id="back-%s"),
        "retire": ReasonForm(auto_id="retire-%s"),
        "admin_url": link("admin:runbooks_runbook_change", object_id=found.pk)
        if person.may(Grant.ADMIN)
        else "",
        **bound,
    }
    return render(request, "portal/runbooks/detail.html", context, status=status)


@granted(Grant.SEE)
def runbook_export(request: HttpRequest, key: str) -> HttpResponse:
    """The runbook as a file: `?as=yaml` or `?as=markdown`."""
    found = find(request, key)
    form = listing.choice(request.GET, "as", exchange.FORMATS, "yaml")
    version = standing.current_version(found) or standing.version_at_work(found)
    text = exchange.write(standing.document_of(found, version), form=form)
    kind, ending = _TYPES[form]
    response = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.key}.{ending}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
