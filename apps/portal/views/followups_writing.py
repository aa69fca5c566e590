"""A follow-up is promised or changed by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.core.errors import Conflict
from apps.followups import services
from apps.followups.models import FollowUp
from apps.portal import forms_followups as shapes
from apps.portal import listing
from apps.portal.access import granted, reader, viewer
from apps.portal.forms import submit
from apps.portal.selectors import followups as selectors
from apps.portal.selectors.now import surfaces_to_route_to
from apps.portal.views.followups import find, page_of

STALE = "stale"
FORTNIGHT = timedelta(days=14)  # what the form for a new one begins with
EDITED = (
    *("title", "acceptance", "aim", "priority", "owner", "due_on"),
    *("surface", "factor", "details"),
)


def by(person: Person, now: datetime) -> dict[str, Any]:
    return {"actor": audit.person(person), "now": now}


@granted(Grant.RESPOND)
def followup_new(request: HttpRequest) -> HttpResponse:
    """Promise something; the address may say what it comes from, and for which surface."""
    person, now = viewer(request), clock.now()
    form = shapes.NewForm(request.POST or None, viewer=person, initial=_begins(request, now))
    if request.method == "POST":
        made = submit(form, lambda values: _open(values, person, now))
        if made is not None:
            messages.success(request, f"{made.ref} stands. {_told(made, person)}")
            return redirect(page_of(made.ref))
    return _form_page(request, form, None)


def _begins(request: HttpRequest, now: datetime) -> dict[str, Any]:
    params, today = request.GET, selectors.today_of(now, reader(request).zone)
    given = {name: params.get(name, "") for name in (*shapes.SOURCE, "surface")}
    aim = listing.choice(params, "aim", FollowUp.Aim.values, FollowUp.Aim.PREVENT)
    begun = {"owner": viewer(request).pk, "due_on": today + FORTNIGHT, "priority": "P1"}
    return {**given, **begun, "aim": aim, "title": params.get("title", "")}


def _open(values: dict[str, Any], person: Person, now: datetime) -> FollowUp:
    kind, ref, url, label = (values.pop(name) for name in shapes.SOURCE)
    source = (kind, ref, url, label) if kind else services.HAND
    return services.open_follow_up(**values, source=source, **by(person, now))


def _told(made: FollowUp, person: Person) -> str:
    if made.owner_id == person.pk:
        return "You are reminded three days before it is due."
    return f"{made.owner.first_name} hears of it now."


@granted(Grant.RESPOND)
def followup_edit(request: HttpRequest, ref: str) -> HttpResponse:
    found, person, now = find(request, ref), viewer(request), clock.now()
    before: dict[str, Any] = {name: getattr(found, name) for name in EDITED}
    before["surface"] = found.surface.key if found.surface else ""
    initial = {**before, "version": found.version}
    form = shapes.EditForm(request.POST or None, viewer=person, row=found, initial=initial)
    if request.method == "POST":
        try:
            saved = submit(form, lambda values: _edit(found, values, person, now))
        except Conflict as error:
            if error.code != STALE:
                raise
            newer = shapes.EditForm(as_read_now(request, found), viewer=person, row=found)
            newer.is_valid()
            newer.add_error(None, f"{error.message} What you typed stands below.")
            return _form_page(request, newer, found, status=409)
        if saved is not None:
            messages.success(request, f"{saved.ref} is changed.")
            return redirect(page_of(saved.ref))
    return _form_page(request, form, found)


def as_read_now(request: HttpRequest, found: FollowUp) -> QueryDict:
    """What was typed, on top of the version that the page shows again."""
    data = request.POST.copy()
    data["version"] = str(found.version)
    return data


def _edit(found: FollowUp, values: dict[str, Any], person: Person, now: datetime) -> FollowUp:
    seen = values.pop("version")
    return services.edit(follow_up=found, seen_version=seen, **values, **by(person, now))


def _form_page(
    request: HttpRequest, form: forms.Form, found: FollowUp | None, status: int = 400
) -> HttpResponse:
    source = {name.removeprefix("source_"): form[name].value() or "" for name in shapes.SOURCE
              if name in form.fields}  # fmt: skip
    context = {
        "now": clock.now(),
        "form": form,
        "found": found,
        "source": source,
        "surfaces": surfaces_to_route_to(viewer(request)),
    }
    status = status if form.errors else 200
    return render(request, "portal/followups/form.html", context, status=status)
