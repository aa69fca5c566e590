"""What people do to an incident: every button is a form, every form one service call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.incidents import services
from apps.incidents.models import Incident
from apps.portal.access import acts, viewer
from apps.portal.forms import CommentForm, submit
from apps.portal.forms_incidents import MoveForm, SeverityForm
from apps.portal.views.incidents import find, page_of
from apps.portal.views.incidents.page import context_of

Act = Callable[[Incident, Person, dict[str, Any]], str]


def _act(request: HttpRequest, ref: str, form: forms.Form, act: Act) -> HttpResponse:
    """One change by a form: done and back to the page, or the page again with what is wrong."""
    found, person = find(request, ref), viewer(request)
    said = submit(form, lambda values: act(found, person, values))
    if said is None:
        return render(
            request, "portal/incidents/detail.html", context_of(request, found, form), status=400
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
