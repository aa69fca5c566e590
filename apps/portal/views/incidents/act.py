"""What people do to an incident: every button is a form, every form one service call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.core.errors import Invalid
from apps.incidents import services
from apps.incidents.models import Impact, Incident, IncidentLink, IncidentTask
from apps.incidents.models.framework import Role
from apps.incidents.services import cadence, impacts, links, merging, roles, tasks
from apps.incidents.services.describing import describe
from apps.incidents.services.lifecycle import Blocked
from apps.portal import formats, steps
from apps.portal.access import acts, reader, viewer
from apps.portal.forms import submit
from apps.portal.selectors import incident_links as named
from apps.portal.selectors import incident_page as parts
from apps.portal.views.incidents import find, page_of
from apps.portal.views.incidents.page import again, form_of, move_form

Values = Mapping[str, Any]
Do = Callable[[Incident, Person, Values, datetime], str]


def _by(person: Person, now: datetime) -> dict[str, Any]:
    return {"actor": audit.person(person), "now": now}


# -- moving it on


@acts(Grant.RESPOND, page=page_of)
def incident_move(request: HttpRequest, ref: str) -> HttpResponse:
    """Declare, identify, mitigate, resolve, review, close, reopen, decline."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    to = request.POST.get("to", "")[:20]
    known = {step.to: step for step in steps.steps(found, person)}
    # What is no step at all names no form either.
    step = known.get(to, steps.Step(to if to in Incident.Status.values else "", "", ""))
    form = move_form(found, step, request.POST, person)
    moved = submit(form, lambda values: _move(found, person, form, values, now))
    if moved is None:
        return again(request, found, "move", form)
    messages.success(request, f"{moved.ref} is {moved.get_status_display().lower()}.")
    return redirect(page_of(found.ref))


def _move(
    found: Incident, person: Person, form: forms.Form, values: Values, now: datetime
) -> Incident:
    try:
        return services.transition(
            incident=found,
            to=values["to"],
            note=values["note"].strip(),
            impact_summary=values["impact_summary"],
            detection_source=values["detection_source"],
            mitigation_note=values["mitigation_note"],
            public_silence=values["public_silence"],
            surface=values["surface"],
            **_by(person, now),
        )
    except Blocked as error:
        if error.fields:  # they are said beside their fields; what must be done is said above
            for one in error.blockers:
                if one.field not in form.fields:
                    form.add_error(None, one.reason)
        raise


# -- buttons with an address of their own


def _act(request: HttpRequest, ref: str, do: str, act: Do) -> HttpResponse:
    """One change by a form: done and back to the page, or the page again with what is wrong."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    form = form_of(do, found, person, request.POST)
    said = submit(form, lambda values: act(found, person, values, now))
    if said is None:
        return again(request, found, do, form)
    messages.success(request, said)
    return redirect(page_of(found.ref))


@acts(Grant.RESPOND, page=page_of)
def incident_severity(request: HttpRequest, ref: str) -> HttpResponse:
    def act(found: Incident, person: Person, values: Values, now: datetime) -> str:
        changed = services.set_severity(
            incident=found,
            severity=values["severity"],
            reason=values["reason"],
            **_by(person, now),
        )
        return f"{changed.ref} is {changed.severity}."

    return _act(request, ref, "severity", act)


@acts(Grant.RESPOND, page=page_of)
def incident_comment(request: HttpRequest, ref: str) -> HttpResponse:
    def act(found: Incident, person: Person, values: Values, now: datetime) -> str:
        services.comment(incident=found, text=values["text"], **_by(person, now))
        return "Your comment stands in the timeline."

    return _act(request, ref, "comment", act)


@acts(Grant.RESPOND, page=page_of)
def incident_command(request: HttpRequest, ref: str) -> HttpResponse:
    def act(found: Incident, person: Person, values: Values, now: datetime) -> str:
        services.set_commander(incident=found, person=person, **_by(person, now))
        return f"You command {found.ref}."

    return _act(request, ref, "command", act)


@acts(Grant.RESPOND, page=page_of)
def incident_acknowledge(request: HttpRequest, ref: str) -> HttpResponse:
    """Acknowledge every page of the incident that waits."""

    def act(found: Incident, person: Person, values: Values, now: datetime) -> str:
        count = services.acknowledge(incident=found, person=person, **_by(person, now))
        if not count:
            return f"No page of {found.ref} was waiting any more."
        return f"You took {found.ref}. Nobody else is woken."

    return _act(request, ref, "acknowledge", act)


# -- everything else, by its name


def _edit(found: Incident, person: Person, values: Values, now: datetime) -> str:
    describe(
        incident=found,
        title=values["title"],
        summary=values["summary"],
        surface=values["surface"],
        type=values["type"],
        **_by(person, now),
    )
    return "The changes are kept."


def _role(found: Incident, person: Person, values: Values, now: datetime) -> str:
    chosen: Person | None = values["person"]
    roles.assign(
        incident=found,
        role=values["role"],
        person=chosen,
        handover_note=values["handover_note"],
        why="chosen" if chosen else "",
        **_by(person, now),
    )
    name = Role(values["role"]).label.lower()
    return f"{chosen.name if chosen else 'Nobody'} is {name}."


def _task_add(found: Incident, person: Person, values: Values, now: datetime) -> str:
    tasks.add(incident=found, text=values["text"], assignee=values["assignee"], **_by(person, now))
    return "The task is on the list."


def _task(act: Callable[..., IncidentTask], said: str) -> Do:
    def do(found: Incident, person: Person, values: Values, now: datetime) -> str:
        task = get_object_or_404(IncidentTask, incident=found, pk=values["pk"] or 0)
        act(task=task, **_by(person, now))
        return f"{said}: {task.text}"

    return do


def _task_take(found: Incident, person: Person, values: Values, now: datetime) -> str:
    task = get_object_or_404(IncidentTask, incident=found, pk=values["pk"] or 0)
    tasks.assign(task=task, person=person, **_by(person, now))
    return f"You do it: {task.text}"


def _link(found: Incident, person: Person, values: Values, now: datetime) -> str:
    target = named.target(values["ref"], person)
    fresh = links.add_link(
        incident=found,
        kind=target.kind,
        ref=target.ref,
        url=target.url,
        label=target.label,
        relation=values["relation"],
        **_by(person, now),
    )
    return f"{target.ref} is linked." if fresh else f"{target.ref} was linked already."


def _unlink(found: Incident, person: Person, values: Values, now: datetime) -> str:
    row = get_object_or_404(IncidentLink, incident=found, pk=values["pk"] or 0)
    links.unlink(incident=found, link=row, **_by(person, now))
    return f"{row.ref} is not linked any more."


def _impact(found: Incident, person: Person, values: Values, now: datetime) -> str:
    account = named.account(values["who"], person)
    made = impacts.add(
        incident=found,
        account=account,
        label="" if account else values["who"],
        note=values["note"],
        from_at=found.impact_started_at,
        **_by(person, now),
    )
    return f"{made} is on the list of those it hurts."


def _impact_end(found: Incident, person: Person, values: Values, now: datetime) -> str:
    row = get_object_or_404(Impact, incident=found, pk=values["pk"] or 0)
    impacts.end(impact=row, at=now, **_by(person, now))
    return f"{row} suffers no more."


def _impact_remove(found: Incident, person: Person, values: Values, now: datetime) -> str:
    row = get_object_or_404(Impact, incident=found, pk=values["pk"] or 0)
    impacts.remove(impact=row, reason=values["reason"], **_by(person, now))
    return f"{row} is off the list."


def _merge(found: Incident, person: Person, values: Values, now: datetime) -> str:
    into = named.incident(values["into"], person)
    if into is None:
        raise Invalid("There is no such incident.", fields={"into": ["There is none."]})
    merging.merge(child=found, into=into, reason=values["reason"], **_by(person, now))
    return f"{found.ref} went into {into.ref}. Within 24 hours it can be taken out again."


def _unmerge(found: Incident, person: Person, values: Values, now: datetime) -> str:
    """Of this one, or of one that went into it (`pk`)."""
    seen = Incident.objects.visible_to(person).filter(merged_into=found)
    child = get_object_or_404(seen, pk=values["pk"]) if values["pk"] else found
    merging.undo_merge(child=child, **_by(person, now))
    return f"{child.ref} stands for itself again."


ACTIONS: Mapping[str, Do] = {
    "edit": _edit,
    "role": _role,
    "task_add": _task_add,
    "task_take": _task_take,
    "task_done": _task(tasks.finish, "Done"),
    "task_drop": _task(tasks.drop, "Not needed"),
    "task_reopen": _task(tasks.reopen, "Open again"),
    "link": _link,
    "unlink": _unlink,
    "impact": _impact,
    "impact_end": _impact_end,
    "impact_remove": _impact_remove,
    "merge": _merge,
    "unmerge": _unmerge,
}


@acts(Grant.RESPOND, page=lambda ref, do: page_of(ref))
def incident_act(request: HttpRequest, ref: str, do: str) -> HttpResponse:
    """One action by its name: done and back to the page, or the page with what is wrong."""
    act = ACTIONS.get(do)
    if act is None:
        raise Http404
    return _act(request, ref, do, act)


@acts(Grant.RESPOND, page=page_of)
def incident_hint(request: HttpRequest, ref: str) -> HttpResponse:
    """Confirm one of the offered hints: `hint` is its kind, a space and its reference."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    kind, _, wanted = request.POST.get("hint", "")[:100].partition(" ")
    offered = parts.hints(found, person, now=now)
    hint = next((one for one in offered if (one.kind, one.ref) == (kind, wanted)), None)
    if hint is None:
        messages.error(request, "This is not offered any more; it may be linked already.")
        return redirect(page_of(found.ref))
    links.link_all(incident=found, links=named.readable([hint]), **_by(person, now))
    messages.success(request, f"{hint.label} is linked.")
    return redirect(page_of(found.ref))


# -- the clock of updates


@acts(Grant.RESPOND, page=page_of)
def incident_snooze(request: HttpRequest, ref: str) -> HttpResponse:
    """Put the reminder of an update off, at most by one interval and with a reason."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    form = form_of("snooze", found, person, request.POST)
    until = submit(form, lambda values: _snooze(found, person, values, now))
    if until is None:
        return again(request, found, "snooze", form)
    messages.success(
        request, f"Reminders are put off until {formats.until(until, now, reader(request).zone)}."
    )
    return redirect(page_of(found.ref))


def _snooze(found: Incident, person: Person, values: Values, now: datetime) -> datetime:
    row = cadence.snooze(
        incident=found,
        side=values["side"],
        until=now + timedelta(minutes=int(values["minutes"])),
        reason=values["reason"],
        **_by(person, now),
    )
    return row.until_at
