"""Declaring an incident: one form, and beside it what may belong to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.errors import Invalid
from apps.incidents import severity_matrix as matrix
from apps.incidents.models import Incident
from apps.incidents.models.comms import Audience
from apps.ownership.models import Surface
from apps.portal.access import granted, viewer
from apps.portal.forms import submit
from apps.portal.forms_incidents import IncidentForm
from apps.portal.selectors import declaring
from apps.portal.selectors import incident_links as named
from apps.portal.selectors.now import surfaces_to_route_to
from apps.portal.services.incidents import declare
from apps.portal.views.incidents import page_of

PREFILLED = ("title", "surface", "summary", "type", *(one.key for one in matrix.QUESTIONS))
LOOK = "look"


@granted(Grant.RESPOND)
def incident_new(request: HttpRequest) -> HttpResponse:
    """Declare one, of nothing or of the alert, ticket or change in the address.

    POST with `do=look` shows the page again with what fits what was written: what the page's
    script does by itself.
    """
    person, now = viewer(request), clock.now()
    if request.method != "POST" or request.POST.get("do") == LOOK:
        return _form(request, person, now)
    origin = declaring.origin(request.POST, person)
    form = IncidentForm(request.POST, viewer=person)
    made = submit(form, lambda values: _open(person, form, values, origin, now))
    if made is None:
        return _page(request, form, origin, request.POST, person, now, status=400)
    messages.success(request, f"{made.ref} is declared.")
    return redirect(page_of(made.ref))


def _form(request: HttpRequest, person: Person, now: datetime) -> HttpResponse:
    """The page with nothing wrong on it, filled from the address or from what was written."""
    posted = request.method == "POST"
    params = request.POST if posted else request.GET
    origin = declaring.origin(params, person)
    names = list(IncidentForm(viewer=person).fields) if posted else PREFILLED
    given = {name: params[name][:2000] for name in names if name in params and name != "drafts"}
    drafts = params.getlist("drafts") if posted else Audience.Side.values
    form = IncidentForm(initial={**origin.initial, **given, "drafts": drafts}, viewer=person)
    return _page(request, form, origin, {**origin.initial, **given}, person, now, ticked=params)


@granted(Grant.RESPOND)
def incident_new_hints(request: HttpRequest) -> HttpResponse:
    """What stands beside the form, for what is written so far."""
    person, now = viewer(request), clock.now()
    origin = declaring.origin(request.GET, person)
    form = IncidentForm(request.GET, viewer=person)
    context = {"now": now, "look": _look(request.GET, request.GET, origin, person, now),
               "drafts": request.GET.getlist("drafts"), "form": form}  # fmt: skip
    return render(request, "portal/incidents/_declare_side.html", context)


def _page(
    request: HttpRequest,
    form: IncidentForm,
    origin: declaring.Origin,
    written: Mapping[str, Any],
    person: Person,
    now: datetime,
    *,
    ticked: QueryDict | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "now": now,
        "form": form,
        "origin": origin,
        "look": _look(written, ticked or request.POST, origin, person, now),
        "drafts": form["drafts"].value() or [],
        "surfaces": surfaces_to_route_to(person),
        "more_open": any(form[name].errors for name in ("detection_source", "type", "summary")),
    }
    return render(request, "portal/incidents/new.html", context, status=status)


def _look(
    written: Mapping[str, Any],
    params: QueryDict,
    origin: declaring.Origin,
    person: Person,
    now: datetime,
) -> declaring.Look:
    def word(name: str, limit: int) -> str:
        return str(written.get(name) or "")[:limit]

    try:
        given = {one.key: word(one.key, 20) for one in matrix.QUESTIONS}
        answers = matrix.checked({key: value for key, value in given.items() if value})
    except ValueError:
        answers = {}
    return declaring.look(
        person,
        surface=_surface(word("surface", 80), person),
        title=word("title", 200),
        summary=word("summary", 300),
        type_key=word("type", 40),
        answers=answers,
        ticked=_pairs(params),
        leave_out=origin.link,
        now=now,
    )


def _surface(key: str, person: Person) -> Surface | None:
    if not key:
        return None
    seen = Surface.objects.visible_to(person).current()
    return seen.select_related("parent", "team__lead").filter(key=key.strip().lower()).first()


def _pairs(params: QueryDict) -> set[tuple[str, str]]:
    """(kind, ref) of the hints that are ticked."""
    split = (value[:100].partition(" ") for value in params.getlist("hints")[:60])
    return {(kind, ref) for kind, _, ref in split if kind and ref}


def _open(
    person: Person,
    form: IncidentForm,
    values: dict[str, Any],
    origin: declaring.Origin,
    now: datetime,
) -> Incident:
    answers = form.answers()
    suggested = matrix.suggest(answers).key if answers else ""
    severity = values["severity"] or suggested
    if not severity:
        text = "Answer a question above, or choose a severity yourself."
        raise Invalid(text, fields={"severity": [text]})
    restricted = values["restricted"]
    try:
        return declare(
            person=person,
            drafts=values["drafts"],
            title=values["title"],
            severity=severity,
            suggested=suggested,
            severity_answers=answers,
            severity_reason=values["reason"],
            surface=values["surface"],
            type=values["type"],
            summary=values["summary"].strip(),
            commander=person if values["command"] else None,
            detection_source=values["detection_source"] or Incident.Detection.INTERNAL,
            visibility=Incident.Visibility.RESTRICTED if restricted else Incident.Visibility.OPEN,
            links=_links(person, form, values, origin, now),
            now=now,
        )
    except Invalid as error:
        if "severity_reason" in error.fields:
            error.fields["reason"] = error.fields.pop("severity_reason")
        raise


def _links(
    person: Person,
    form: IncidentForm,
    values: dict[str, Any],
    origin: declaring.Origin,
    now: datetime,
) -> list[Any]:
    """What it is made of, and the hints that were ticked as they are offered now: an address or a
    label that a browser sends is not believed."""
    ticked = form.chosen_hints()
    kept: list[Any] = [origin.link] if origin.link else []
    if ticked:
        offered = declaring.offered(
            person,
            surface=values["surface"],
            words=f"{values['title']} {values['summary'][:300]}",
            type_key=values["type"].key if values["type"] else "",
            now=now,
        )
        kept += named.readable(one for one in offered if (one.kind, one.ref) in ticked)
    return kept
