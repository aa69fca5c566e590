"""What people decide about a runbook: to have it read, to approve it, to run it, to retire it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.core.errors import Conflict
from apps.core.models import Kind
from apps.portal.access import acts, viewer
from apps.portal.forms import submit
from apps.portal.forms_runbooks import ReasonForm, ReviewForm
from apps.portal.views.runbooks.pages import find, incident_of, page_of, show
from apps.runbooks import selectors, services
from apps.runbooks.models import Runbook, RunbookVersion
from apps.runbooks.ports import Context

MAY_RUN = (Kind.REAL, Kind.DRILL, Kind.TEST)


def _by(request: HttpRequest) -> dict[str, Any]:
    return {"actor": audit.person(viewer(request)), "now": clock.now()}


def _at_work(runbook: Runbook) -> RunbookVersion:
    version = selectors.version_at_work(runbook)
    if version is None:
        raise Conflict(f"{runbook.key} has no draft any more. Somebody else was faster.")
    return version


@acts(Grant.RESPOND, page=page_of)
def runbook_submit(request: HttpRequest, key: str) -> HttpResponse:
    version = services.submit(version=_at_work(find(request, key)), **_by(request))
    said = f"Version {version.number} is in review. Whoever may approve it was asked."
    messages.success(request, said)
    return redirect(page_of(key))


@acts(Grant.RESPOND, page=page_of)
def runbook_approve(request: HttpRequest, key: str) -> HttpResponse:
    version = services.approve(
        version=_at_work(find(request, key)), person=viewer(request), **_by(request)
    )
    messages.success(request, f"Version {version.number} is what is run from now on.")
    return redirect(page_of(key))


def _by_form(
    request: HttpRequest,
    key: str,
    form: forms.Form,
    name: str,
    act: Callable[[Runbook, dict[str, Any]], str],
) -> HttpResponse:
    """One change by a form: done and back to the page, or the page again with what is wrong."""
    found = find(request, key)
    said = submit(form, lambda values: act(found, values))
    if said is None:
        return show(request, found, status=400, **{name: form})
    messages.success(request, said)
    return redirect(page_of(key))


@acts(Grant.RESPOND, page=page_of)
def runbook_return(request: HttpRequest, key: str) -> HttpResponse:
    def act(found: Runbook, values: dict[str, Any]) -> str:
        services.return_to_draft(version=_at_work(found), comment=values["reason"], **_by(request))
        return "It went back to its author."

    return _by_form(request, key, ReasonForm(request.POST, auto_id="back-%s"), "back", act)


@acts(Grant.RESPOND, page=page_of)
def runbook_review(request: HttpRequest, key: str) -> HttpResponse:
    def act(found: Runbook, values: dict[str, Any]) -> str:
        row = services.review(runbook=found, **values, **_by(request))
        return f"Kept: {row.get_outcome_display().lower()}."

    return _by_form(request, key, ReviewForm(request.POST, auto_id="review-%s"), "review", act)


@acts(Grant.RESPOND, page=page_of)
def runbook_retire(request: HttpRequest, key: str) -> HttpResponse:
    def act(found: Runbook, values: dict[str, Any]) -> str:
        services.retire(
            runbook=found, reason=values["reason"], person=viewer(request), **_by(request)
        )
        return f"{found.key} is retired."

    return _by_form(request, key, ReasonForm(request.POST, auto_id="retire-%s"), "retire", act)


@acts(Grant.RESPOND, page=page_of)
def runbook_start(request: HttpRequest, key: str) -> HttpResponse:
    """Begin a run: of the approved version, or of the draft in a drill; `incident` names what it
    is for."""
    found = find(request, key)
    incident = incident_of(request, request.POST.get("incident", ""))
    kind = request.POST.get("kind", "")
    kind = kind if kind in MAY_RUN else Kind.REAL
    version = selectors.current_version(found)
    if request.POST.get("draft") == "1" or version is None:
        version = selectors.version_at_work(found)
    if version is None:
        raise Conflict(f"{found.key} has no version to run yet. Write its steps first.")
    given = {"kind": kind, **_for(incident)}
    run = services.start(version=version, person=viewer(request), **given, **_by(request))
    return redirect("runbook_run", ref=run.ref)


def _for(incident: Context | None) -> dict[str, Any]:
    """What a run takes from the incident that it is for: who may see it, and whether it is real."""
    if incident is None:
        return {}
    return {
        "context": ("incident", incident.ref, incident.url),
        "kind": incident.kind,
        "is_restricted": incident.is_restricted,
        "watchers": incident.watchers,
    }
