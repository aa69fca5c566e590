"""What of an incident has a page of its own: paging somebody, its times, a correction, a run."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.incidents.models import Incident, TimelineEntry
from apps.incidents.services.milestones import set_milestones
from apps.incidents.services.pages import page_by_hand
from apps.incidents.services.timeline import correct
from apps.portal import steps
from apps.portal.access import acts, granted, reader, viewer
from apps.portal.forms import submit
from apps.portal.forms_incident_pages import CallForm, CorrectForm, TimesForm
from apps.portal.selectors import incident_page as parts
from apps.portal.views.incidents import find, page_of
from apps.runbooks.models import RunbookVersion
from apps.runbooks.services import running


@granted(Grant.PAGE)
def incident_call(request: HttpRequest, ref: str) -> HttpResponse:
    """Page a person, a team or whoever is on call, by hand."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    form = CallForm(
        request.POST or None,
        targets=parts.targets(found, person),
        initial={"summary": found.title},
        auto_id="call-%s",
    )
    if request.method == "POST":

        def act(values: dict[str, Any]) -> Any:
            return page_by_hand(
                incident=found,
                target=values["target"],
                summary=values["summary"],
                actor=audit.person(person),
                now=now,
            )

        if submit(form, act) is not None:
            messages.success(request, "They are being told now, and again until somebody answers.")
            return redirect(page_of(found.ref))
    why = steps.why_not_page(found, person)
    context = {"now": now, "incident": found, "form": form, "why": why}
    return render(
        request, "portal/incidents/call.html", context, status=400 if form.errors else 200
    )


@granted(Grant.RESPOND)
def incident_times(request: HttpRequest, ref: str) -> HttpResponse:
    """When what really happened, with the reason for changing it."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    zone = reader(request).zone
    reached = [
        name
        for name in TimesForm.times
        if getattr(found, name) is not None or name in {"impact_started_at", "acknowledged_at"}
    ]
    initial = {
        name: at.astimezone(zone).replace(tzinfo=None)
        for name in reached
        if (at := getattr(found, name)) is not None
    }
    form = TimesForm(request.POST or None, zone=zone, initial=initial, auto_id="times-%s")
    for name in set(TimesForm.times) - set(reached):
        del form.fields[name]
    form.times = tuple(reached)
    if request.method == "POST":
        changed = submit(form, lambda values: _set(found, person, form, values, now))
        if changed is not None:
            messages.success(request, "The times are kept; old and new stand in the timeline.")
            return redirect(page_of(found.ref))
    context = {"now": now, "incident": found, "form": form}
    return render(
        request, "portal/incidents/times.html", context, status=400 if form.errors else 200
    )


def _set(
    found: Incident, person: Person, form: TimesForm, values: dict[str, Any], now: Any
) -> Incident:
    """Only what was changed: a field that was not touched has lost its seconds."""
    changed = {name: values[name] for name in form.times if name in form.changed_data}
    return set_milestones(
        incident=found,
        reason=values["reason"],
        actor=audit.person(person),
        now=now,
        **changed,
    )


@granted(Grant.RESPOND)
def incident_correct(request: HttpRequest, ref: str, pk: int) -> HttpResponse:
    """Say what is wrong with an entry of the timeline; the entry stays."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    rows = TimelineEntry.objects.filter(incident=found, corrects=None)
    entry = get_object_or_404(rows, pk=pk)
    form = CorrectForm(request.POST or None, auto_id="correct-%s")
    if request.method == "POST":
        made = submit(
            form,
            lambda values: correct(
                entry=entry, text=values["text"], actor=audit.person(person), now=now
            ),
        )
        if made is not None:
            messages.success(request, "The correction stands in the timeline.")
            return redirect(page_of(found.ref))
    context = {"now": now, "incident": found, "entry": entry, "form": form}
    return render(
        request, "portal/incidents/correct.html", context, status=400 if form.errors else 200
    )


@acts(Grant.RESPOND, page=page_of)
def incident_run(request: HttpRequest, ref: str) -> HttpResponse:
    """Begin a runbook (`runbook`, its key) inside the incident and go to its first step."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    versions = RunbookVersion.objects.filter(
        status=RunbookVersion.Status.APPROVED, runbook__archived_at=None
    )
    version = get_object_or_404(versions, runbook__key=request.POST.get("runbook", "")[:60])
    restricted = found.visibility == Incident.Visibility.RESTRICTED
    run = running.start(
        version=version,
        person=person,
        actor=audit.person(person),
        now=now,
        context=("incident", found.ref, page_of(found.ref)),
        kind=found.kind,
        is_restricted=restricted,
        watchers=list(found.participants.all()) if restricted else (),
    )
    return redirect(reverse("runbook_run", kwargs={"ref": run.ref}))
