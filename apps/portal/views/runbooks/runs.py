"""A run of a runbook: one step in focus, what came out of it, and where to go from there."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.core.errors import Conflict
from apps.portal import listing
from apps.portal.access import acts, granted, live, viewer, why_not
from apps.portal.forms import submit
from apps.portal.forms_runbooks import MoveForm, RecordForm, WrongForm
from apps.portal.selectors import runbooks as selectors
from apps.runbooks import selectors as standing
from apps.runbooks import services
from apps.runbooks.models import Execution
from apps.runbooks.services import Recorded

STATES = {"open": "Under way", "all": "All"}
_REF = re.compile(r"run-(\d{1,18})", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"\d{1,4}", re.ASCII)
SAID = {
    "paused": "is paused",
    "running": "goes on",
    "completed": "is completed",
    "abandoned": "is abandoned",
}


def page_of(ref: str) -> str:
    return reverse("runbook_run", kwargs={"ref": ref})


def page_at(ref: str, position: int) -> str:
    """The page with a step in focus; without one it chooses the first that is still to be done."""
    return f"{page_of(ref)}?step={position}#focus" if position else page_of(ref)


def _find(request: HttpRequest, ref: str) -> Execution:
    """The run of a reference, if its reader may see it; else 404."""
    match = _REF.fullmatch(ref)
    if match is None:
        raise Http404
    seen = standing.executions(viewer(request))
    found: Execution = get_object_or_404(seen, pk=int(match.group(1)))
    return found


def _by(request: HttpRequest) -> dict[str, Any]:
    return {"actor": audit.person(viewer(request)), "now": clock.now()}


@granted(Grant.SEE)
def runs(request: HttpRequest) -> HttpResponse:
    """Runs, newest first; every filter stands in the address."""
    params, state = request.GET, listing.choice(request.GET, "state", STATES, "open")
    found = standing.executions(viewer(request))
    if state == "open":
        found = found.filter(status__in=["running", "paused"])
    key = params.get("runbook", "").replace("\x00", "")[:60]
    if key:
        found = found.filter(version__runbook__key=key)
    page = listing.cut(found, by="started_at", params=params)
    context = {
        "now": clock.now(),
        "page": page,
        "rows": [(run, selectors.Look(*selectors.RUN_LOOKS[run.status])) for run in page.rows],
        "tabs": listing.tabs(request, "state", STATES, state),
        "chips": listing.chips(request, {"runbook": ("Runbook is", key)}),
    }
    return render(request, "portal/runbooks/runs.html", context)


@granted(Grant.SEE)
def run(request: HttpRequest, ref: str) -> HttpResponse:
    found = _find(request, ref)
    if ref != found.ref:
        return redirect(page_of(found.ref))
    wanted = request.GET.get("step", "")
    return _page(request, found, int(wanted) if _NUMBER.fullmatch(wanted) else None)


def _page(
    request: HttpRequest,
    found: Execution,
    position: int | None,
    *,
    status: int = 200,
    **bound: Any,
) -> HttpResponse:
    """The page of a run; `bound` are forms that were sent and are shown again, and `asked`, the
    second question about a step that cannot be undone."""
    story = selectors.story(found, position=position)
    focus = story.focus
    was = focus.result.status if focus and focus.result else ""
    context = {
        "now": clock.now(),
        "run": found,
        "story": story,
        "record": RecordForm(initial={"was": was}, auto_id="step-%s"),
        "wrong": WrongForm(auto_id="wrong-%s"),
        "move": MoveForm(auto_id="move-%s"),
        "why_respond": why_not(viewer(request), Grant.RESPOND),
        "asked": False,
        **bound,
    }
    return render(request, "portal/runbooks/run.html", context, status=status)


@live
def run_live(request: HttpRequest, ref: str) -> HttpResponse:
    """The list of steps, fetched again while somebody watches: others record, too."""
    found = _find(request, ref)
    wanted = request.GET.get("step", "")
    position = int(wanted) if _NUMBER.fullmatch(wanted) else None
    context = {
        "now": clock.now(), "run": found, "story": selectors.story(found, position=position),
    }  # fmt: skip
    return render(request, "portal/runbooks/live.html", context)


@acts(Grant.RESPOND, page=page_at)
def run_step(request: HttpRequest, ref: str, position: int) -> HttpResponse:
    """Record a step. What cannot be undone is asked a second time before it is kept."""
    found, form = _find(request, ref), RecordForm(request.POST, auto_id="step-%s")
    try:
        done = submit(form, lambda values: _record(request, found, position, values))
    except Conflict as error:
        if error.code != "confirm_needed":
            raise
        return _page(request, found, position, record=form, asked=True)
    if done is None:
        return _page(request, found, position, status=400, record=form)
    status = done.result.status
    if status in {"failed", "in_progress"}:
        return redirect(page_at(found.ref, position))
    return redirect(page_at(found.ref, done.next or 0))


def _record(
    request: HttpRequest, found: Execution, position: int, values: dict[str, Any]
) -> Recorded:
    return services.record_step(
        execution=found,
        step_position=position,
        status=values["status"],
        output=values["output"],
        evidence_url=values["evidence_url"],
        confirmed=values["confirmed"],
        was=values["was"] or None,
        person=viewer(request),
        **_by(request),
    )


@acts(Grant.RESPOND, page=page_at)
def run_wrong(request: HttpRequest, ref: str, position: int) -> HttpResponse:
    """Say that the runbook is wrong here; also after the run."""
    found, form = _find(request, ref), WrongForm(request.POST, auto_id="wrong-%s")
    made = submit(
        form,
        lambda values: services.say_wrong(
            execution=found,
            step_position=position,
            note=values["note"],
            person=viewer(request),
            **_by(request),
        ),
    )
    if made is None:
        return _page(request, found, position, status=400, wrong=form)
    messages.success(request, f"Thank you. {made.owner.name} has {made.ref} to mend it.")
    return redirect(page_at(found.ref, position))


@acts(Grant.RESPOND, page=page_of)
def run_move(request: HttpRequest, ref: str) -> HttpResponse:
    """Pause, resume, complete or abandon."""
    found, form = _find(request, ref), MoveForm(request.POST, auto_id="move-%s")
    moved = submit(
        form,
        lambda values: services.transition(
            execution=found, to=values["to"], reason=values["reason"], **_by(request)
        ),
    )
    if moved is None:
        return _page(request, found, None, status=400, move=_shown(form))
    messages.success(request, f"{moved.ref} {SAID[moved.status]}.")
    return redirect(page_of(moved.ref))


def _shown(form: forms.Form) -> forms.Form:
    """A form whose hidden field was wrong says so above, as there is nothing to point at."""
    if "to" in form.errors:
        form.add_error(None, "There is no such step.")
    return form
