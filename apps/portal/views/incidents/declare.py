"""Declaring an incident."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.incidents import services
from apps.incidents.models import Incident
from apps.portal.access import granted, viewer
from apps.portal.forms import submit
from apps.portal.forms_incidents import IncidentForm
from apps.portal.selectors.now import surfaces_to_route_to
from apps.portal.views.incidents import page_of


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
