"""One incident: the page, and the part of it that is fetched again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.accounts.roles import Grant
from apps.core import clock
from apps.incidents.models import Incident
from apps.portal import steps
from apps.portal.access import granted, live, viewer, why_not
from apps.portal.forms import CommentForm
from apps.portal.forms_incidents import MoveForm, SeverityForm
from apps.portal.selectors import incidents as selectors
from apps.portal.views.incidents import find, page_of

WHY_AGAIN = "Why is it opened again?"


def context_of(
    request: HttpRequest, incident: Incident, bound: forms.Form | None
) -> dict[str, Any]:
    """The whole page; `bound` is the form that was sent and is shown again with what is wrong."""
    person, instant = viewer(request), clock.now()
    before = request.GET.get("before", "")
    digits = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    story = selectors.story(incident, person, now=instant, before=digits)
    moves = steps.steps(incident, person)
    chosen = bound.data.get("to") if isinstance(bound, MoveForm) else ""
    if isinstance(bound, MoveForm) and any(m.needs_note for m in moves if m.to == chosen):
        bound.fields["note"].label = WHY_AGAIN
    return {
        "now": instant,
        "incident": incident,
        "story": story,
        "facts": selectors.facts(incident, person, now=instant),
        "lifecycle": steps.lifecycle(incident),
        "moves": [
            (
                move,
                bound
                if move.to == chosen
                else MoveForm(initial={"to": move.to}, auto_id=f"{move.form_id}-%s"),
            )
            for move in moves
        ],
        "chosen": chosen,
        "why_again": WHY_AGAIN,
        "next_move": next((move for move in moves if not move.why and not move.needs_note), None),
        "comment": bound if isinstance(bound, CommentForm) else CommentForm(),
        "severity_form": bound
        if isinstance(bound, SeverityForm)
        else SeverityForm(initial={"severity": incident.severity}, auto_id="severity-%s"),
        "why_acknowledge": steps.why_not_acknowledge(len(story.waiting), person),
        "why_command": steps.why_not_command(incident, person),
        "why_severity": steps.why_not_severity(incident, person),
        "why_respond": why_not(person, Grant.RESPOND),
        "before": before,
    }


@granted(Grant.SEE)
def incident(request: HttpRequest, ref: str) -> HttpResponse:
    found = find(request, ref)
    if ref != found.ref:
        return redirect(page_of(found.ref))
    return render(request, "portal/incidents/detail.html", context_of(request, found, None))


@live
def incident_live(request: HttpRequest, ref: str) -> HttpResponse:
    """Clocks, pages and timeline, fetched again while somebody watches."""
    found, instant = find(request, ref), clock.now()
    context = {
        "now": instant,
        "incident": found,
        "story": selectors.story(found, viewer(request), now=instant),
        "lifecycle": steps.lifecycle(found),
    }
    return render(request, "portal/incidents/live.html", context)
