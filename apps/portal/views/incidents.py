"""Incidents: the list, one incident, and what people do to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.incidents import services
from apps.incidents.models import Incident, Severity
from apps.portal import listing, steps
from apps.portal.access import acts, granted, live, viewer, why_not
from apps.portal.forms import CommentForm, IncidentForm, MoveForm, SeverityForm, submit
from apps.portal.selectors import incidents as selectors
from apps.portal.selectors.now import open_by_severity, surfaces_to_route_to

WHY_AGAIN = "Why is it opened again?"
STATES = {"open": "Open", "resolved": "Ended", "all": "All"}
_REF = re.compile(r"inc-(\d{1,18})", re.IGNORECASE | re.ASCII)
Act = Callable[[Incident, Person, dict[str, Any]], str]


def page_of(ref: str) -> str:
    return reverse("incident", kwargs={"ref": ref})


def _find(request: HttpRequest, ref: str) -> Incident:
    """The incident of a reference, if its reader may see it; else 404."""
    match = _REF.fullmatch(ref)
    if match is None:
        raise Http404
    seen = Incident.objects.visible_to(viewer(request)).select_related(
        "surface", "surface__team", "commander"
    )
    return get_object_or_404(seen, pk=int(match.group(1)))


@granted(Grant.SEE)
def incidents(request: HttpRequest) -> HttpResponse:
    """The list; every filter stands in the address."""
    person, params = viewer(request), request.GET
    state = listing.choice(params, "state", STATES, "open")
    severity = listing.choice(params, "severity", Severity.values)
    surface, mine = params.get("surface", "")[:80], params.get("mine") == "1"
    rows = selectors.listed(person, state=state, severity=severity, surface=surface, mine=mine)
    given = {
        "severity": ("Severity is", severity),
        "surface": ("Surface is", surface),
        "mine": ("People include", "you" if mine else ""),
    }
    context = {
        "now": clock.now(),
        "page": listing.cut(rows, by="detected_at", params=params),
        "tabs": listing.tabs(
            request, "state", STATES, state, open=sum(open_by_severity(person).values())
        ),
        "chips": listing.chips(request, given),
        "state": state,
        "severity": severity,
        "surface": surface,
        "mine": mine,
        "severities": Severity.choices,
        "surfaces": surfaces_to_route_to(person),
        "why_respond": why_not(person, Grant.RESPOND),
    }
    return render(request, "portal/incidents/list.html", context)


def _context(request: HttpRequest, incident: Incident, bound: forms.Form | None) -> dict[str, Any]:
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
    found = _find(request, ref)
    if ref != found.ref:
        return redirect(page_of(found.ref))
    return render(request, "portal/incidents/detail.html", _context(request, found, None))


@live
def incident_live(request: HttpRequest, ref: str) -> HttpResponse:
    """Clocks, pages and timeline, fetched again while somebody watches."""
    found, instant = _find(request, ref), clock.now()
    context = {
        "now": instant,
        "incident": found,
        "story": selectors.story(found, viewer(request), now=instant),
        "lifecycle": steps.lifecycle(found),
    }
    return render(request, "portal/incidents/live.html", context)


def _act(request: HttpRequest, ref: str, form: forms.Form, act: Act) -> HttpResponse:
    """One change by a form: done and back to the page, or the page again with what is wrong."""
    found, person = _find(request, ref), viewer(request)
    said = submit(form, lambda values: act(found, person, values))
    if said is None:
        return render(
            request, "portal/incidents/detail.html", _context(request, found, form), status=400
        )
    messages.success(request, said)
    return redirect(page_of(found.ref))


@acts(Grant.RESPOND, page=page_of)
def incident_move(request: HttpRequest, ref: str) -> HttpResponse:
    """Declare, identify, mitigate, resolve, reopen, decline."""

    def act(found: Incident, person: Person, values: dict[str, Any]) -> str:
        moved = services.transition(
            incident=found,
            to=values["to"],
            note=values["note"].strip(),
            actor=audit.person(person),
            now=clock.now(),
        )
        return f"{moved.ref} is {Incident.Status(moved.status).label.lower()}."

    to = request.POST.get("to", "")
    return _act(request, ref, MoveForm(request.POST, auto_id=f"move-{to[:20]}-%s"), act)


@acts(Grant.RESPOND, page=page_of)
def incident_severity(request: HttpRequest, ref: str) -> HttpResponse:
    def act(found: Incident, person: Person, values: dict[str, Any]) -> str:
        changed = services.set_severity(
            incident=found,
            severity=values["severity"],
            reason=values["reason"],
            actor=audit.person(person),
            now=clock.now(),
        )
        return f"{changed.ref} is {changed.severity}."

    return _act(request, ref, SeverityForm(request.POST, auto_id="severity-%s"), act)


@acts(Grant.RESPOND, page=page_of)
def incident_comment(request: HttpRequest, ref: str) -> HttpResponse:
    def act(found: Incident, person: Person, values: dict[str, Any]) -> str:
        services.comment(
            incident=found, text=values["text"], actor=audit.person(person), now=clock.now()
        )
        return "Your comment stands in the timeline."

    return _act(request, ref, CommentForm(request.POST), act)


@acts(Grant.RESPOND, page=page_of)
def incident_command(request: HttpRequest, ref: str) -> HttpResponse:
    def act(found: Incident, person: Person, values: dict[str, Any]) -> str:
        services.set_commander(
            incident=found, person=person, actor=audit.person(person), now=clock.now()
        )
        return f"You command {found.ref}."

    return _act(request, ref, forms.Form(request.POST), act)


@acts(Grant.RESPOND, page=page_of)
def incident_acknowledge(request: HttpRequest, ref: str) -> HttpResponse:
    """Acknowledge every page of the incident that waits."""

    def act(found: Incident, person: Person, values: dict[str, Any]) -> str:
        count = services.acknowledge(
            incident=found, actor=audit.person(person), person=person, now=clock.now()
        )
        if not count:
            return f"No page of {found.ref} was waiting any more."
        return f"You took {found.ref}. Nobody else is woken."

    return _act(request, ref, forms.Form(request.POST), act)


@granted(Grant.RESPOND)
def incident_new(request: HttpRequest) -> HttpResponse:
    """Declare what no alert noticed."""
    person = viewer(request)
    given = {name: request.GET[name][:200] for name in ("title", "surface") if name in request.GET}
    form = IncidentForm(request.POST or None, viewer=person, initial=given)
    if request.method == "POST":
        made = submit(form, lambda values: _open(person, values))
        if made is not None:
            messages.success(request, f"{made.ref} is declared.")
            return redirect(page_of(made.ref))
    context = {"now": clock.now(), "form": form, "surfaces": surfaces_to_route_to(person)}
    status = 400 if form.errors else 200
    return render(request, "portal/incidents/new.html", context, status=status)


def _open(person: Person, values: dict[str, Any]) -> Incident:
    restricted = values["restricted"]
    return services.open_incident(
        title=values["title"],
        severity=values["severity"],
        surface=values["surface"],
        summary=values["summary"].strip(),
        commander=person if values["command"] else None,
        detection_source=values["detection_source"],
        visibility=Incident.Visibility.RESTRICTED if restricted else Incident.Visibility.OPEN,
        actor=audit.person(person),
        now=clock.now(),
    )
