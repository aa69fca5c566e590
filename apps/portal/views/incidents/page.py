"""One incident: the page, and the part of it that is fetched again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import clock
from apps.incidents.models import Incident
from apps.incidents.selectors.updates import may_approve
from apps.portal import forms_incidents as shapes
from apps.portal import steps
from apps.portal.access import granted, live, viewer, why_not
from apps.portal.forms import CommentForm
from apps.portal.selectors import incident_clocks as clocks
from apps.portal.selectors import incident_page as parts
from apps.portal.selectors import incidents as selectors
from apps.portal.selectors.now import surfaces_to_route_to
from apps.portal.views.incidents import find, page_of

WHY_AGAIN = "Why is it opened again?"
LABELS = {
    "investigating": {"note": WHY_AGAIN},
    "triage": {"note": WHY_AGAIN},
    "declined": {"note": "Why is it not an incident?"},
}


def move_form(incident: Incident, step: steps.Step, data: Any, viewer: Person) -> forms.Form:
    """The form of a step; its note asks what the step asks."""
    form = shapes.MoveForm(
        data,
        viewer=viewer,
        initial={
            "to": step.to,
            "detection_source": incident.detection_source,
            "mitigation_note": incident.mitigation_note,
            "impact_summary": incident.impact_summary,
        },
        auto_id=f"{step.form_id}-%s",
    )
    if not incident.is_standing or step.to == Incident.Status.DECLINED:
        form.fields["note"].label = LABELS.get(step.to, {}).get("note", form.fields["note"].label)
    return form


def form_of(
    name: str, incident: Incident, person: Person, data: Any = None, **more: Any
) -> forms.Form:
    """The form of an action, empty or with what was sent."""
    kind = SHAPES.get(name, shapes.PlainForm)
    given: dict[str, Any] = {"auto_id": f"{name}-%s", **more}
    if issubclass(kind, shapes.PeopleForm):
        given["people"] = more.get("people") or parts.people()
    if kind is shapes.EditForm:
        given["viewer"] = person
        given["initial"] = {
            "title": incident.title,
            "surface": incident.surface.key if incident.surface else "",
            "type": incident.type.key if incident.type else "",
            "summary": incident.summary,
        }
    if kind is shapes.SeverityForm:
        given["initial"] = {"severity": incident.severity}
    if kind is CommentForm:
        given["auto_id"] = "id_%s"
    return kind(data, **given)


SHAPES: Mapping[str, type[forms.Form]] = {
    "comment": CommentForm,
    "severity": shapes.SeverityForm,
    "edit": shapes.EditForm,
    "role": shapes.RoleForm,
    "task_add": shapes.TaskForm,
    "link": shapes.LinkForm,
    "impact": shapes.ImpactForm,
    "impact_remove": shapes.ReasonForm,
    "merge": shapes.MergeForm,
    "snooze": shapes.SnoozeForm,
}


def context_of(
    request: HttpRequest, incident: Incident, bound: Mapping[str, forms.Form] | None = None
) -> dict[str, Any]:
    """The whole page; `bound` holds forms that were sent and are shown again, by action."""
    person, now, bound = viewer(request), clock.now(), bound or {}
    before = request.GET.get("before", "")
    digits = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    story = selectors.story(incident, person, now=now, before=digits)
    board = parts.board(incident, person, now=now)
    people = parts.people()
    offered = parts.hints(incident, person, now=now)
    begun = {run.execution.version.runbook.key for run in board.runs}
    known = {name: form_of(name, incident, person, people=people)
             for name in ("role", "task_add")}  # fmt: skip
    for name in ("comment", "severity", "edit", "link", "impact", "merge"):
        known[name] = form_of(name, incident, person)
    return {
        **shared(incident, person, story, board.roles, seen=parts.mark(incident), now=now),
        **_moves(incident, person, bound.get("move")),
        "facts": selectors.facts(incident, person, now=now),
        "board": board,
        "form": {**known, **bound},
        "wrong": next((form for name, form in bound.items() if name != "comment"), None),
        "open": next(iter(bound), ""),
        "hints": [hint for hint in offered if hint.kind != "runbook"],
        "books": [hint for hint in offered if hint.kind == "runbook" and hint.ref not in begun],
        "accounts": parts.accounts_offered(person),
        "surfaces": surfaces_to_route_to(person),
        "snoozes": shapes.SNOOZES,
        "why_acknowledge": steps.why_not_acknowledge(len(story.waiting), person),
        "why_command": steps.why_not_command(incident, person),
        "why_severity": steps.why_not_severity(incident, person),
        "why_respond": why_not(person, Grant.RESPOND),
        "why_page": steps.why_not_page(incident, person),
        "sees_into": parts.sees(incident.merged_into, person),
        "may_approve": may_approve(person, incident),
        "may_unmerge": parts.may_unmerge(incident, now=now) and person.may(Grant.RESPOND),
        "incident_url": page_of(incident.ref),
        "before": before,
        "me": person,
    }


def _moves(incident: Incident, person: Person, bound: forms.Form | None) -> dict[str, Any]:
    """Every step with its form; the next one forward apart."""
    chosen = bound.data.get("to", "") if bound is not None else ""
    moves = steps.steps(incident, person)
    rows = [
        (move, bound if move.to == chosen and bound else move_form(incident, move, None, person))
        for move in moves
    ]
    first = rows[0] if rows and rows[0][0].label != "Reopen" else None
    return {
        "next": first,
        "moves": rows[1:] if first else rows,
        "next_move": first[0] if first and first[0].is_one_click else None,
        "chosen": chosen,
    }


def shared(
    incident: Incident,
    person: Person,
    story: selectors.Story,
    roles: Any,
    *,
    seen: str,
    now: datetime,
) -> dict[str, Any]:
    """What the page and its refresh both show."""
    ticking = clocks.clocks(incident, now=now)
    return {
        "now": now,
        "incident": incident,
        "story": story,
        "roles": roles,
        "clocks": ticking,
        "alias": clocks.alias_of(ticking.level),
        "lifecycle": steps.lifecycle(incident),
        "seen": seen,
        "may_correct": not why_not(person, Grant.RESPOND),
    }


@granted(Grant.SEE)
def incident(request: HttpRequest, ref: str) -> HttpResponse:
    found = find(request, ref)
    if ref != found.ref:
        return redirect(page_of(found.ref))
    return render(request, "portal/incidents/detail.html", context_of(request, found))


@live
def incident_live(request: HttpRequest, ref: str) -> HttpResponse:
    """Clocks, people, pages and timeline, fetched again while somebody watches. `seen` is what
    the page was built from: when the incident is another one by now, the page says so."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    story = selectors.story(found, person, now=now)
    seen, newest = request.GET.get("seen", "")[:120], parts.mark(found)
    context = shared(found, person, story, parts.roles(found), seen=seen or newest, now=now)
    context["is_newer"] = bool(seen) and seen != newest
    return render(request, "portal/incidents/live.html", context)


def again(
    request: HttpRequest, found: Incident, name: str, form: forms.Form, status: int = 400
) -> HttpResponse:
    """The page with a form that could not be taken, and what is wrong in it."""
    context = context_of(request, found, {name: form})
    return render(request, "portal/incidents/detail.html", context, status=status)
