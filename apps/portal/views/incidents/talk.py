"""Updates of an incident: written, looked at, approved, published."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.core.errors import Invalid
from apps.incidents import templating
from apps.incidents.models import Audience, CommsTemplate, Incident, StatusUpdate
from apps.incidents.models.comms import State
from apps.incidents.selectors.updates import may_approve, needs_approval
from apps.incidents.services import updates
from apps.portal.access import acts, granted, reader, viewer
from apps.portal.forms import submit
from apps.portal.forms_incident_pages import UpdateForm
from apps.portal.selectors import incident_updates as selectors
from apps.portal.services.incidents import say
from apps.portal.views.incidents import find, page_of

PUBLISH, PREVIEW = "publish", "preview"


@granted(Grant.RESPOND)
def update_new(request: HttpRequest, ref: str) -> HttpResponse:
    """Write an update; `audience`, `stage` and `template` in the address choose what it begins
    with."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    known = selectors.audiences(found)
    if not known:
        raise Http404
    keys = {one.key: one for one in known}
    side = request.GET.get("side", "")
    first = next((one for one in known if one.side == side), known[0])
    audience = keys.get(request.GET.get("audience", ""), first)
    if request.method == "POST":
        return _sent(request, found, audience, None, person, now)
    form = _fresh(request, found, audience, now)
    return _page(request, found, audience, None, form, person, now, known=known)


@granted(Grant.RESPOND)
def update_edit(request: HttpRequest, ref: str, pk: int) -> HttpResponse:
    """A draft again, to be changed, looked at, sent."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    update = _update(found, pk)
    if request.method == "POST":
        return _sent(request, found, update.audience, update, person, now)
    zone = reader(request).zone
    promised = update.next_update_at
    initial = {
        "stage": update.stage,
        "subject": update.subject,
        "body": update.body,
        "next_update_at": promised.astimezone(zone).replace(tzinfo=None) if promised else None,
        "version": update.version,
    }
    form = _form(None, zone, initial)
    return _page(request, found, update.audience, update, form, person, now)


@acts(Grant.RESPOND, page=lambda ref, pk, do: page_of(ref))
def update_act(request: HttpRequest, ref: str, pk: int, do: str) -> HttpResponse:
    """Publish, send back or throw away a draft from the incident's page."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    update, actor = _update(found, pk), audit.person(viewer(request))
    version = request.POST.get("version", "")
    if do == "publish":
        seen = int(version) if version.isdecimal() and len(version) < 9 else None
        sent = updates.publish(update=update, person=person, actor=actor, now=now, version=seen)
        messages.success(request, said_of(sent))
    elif do == "send-back":
        reason = request.POST.get("reason", "")[:300]
        updates.send_back(update=update, reason=reason, person=person, actor=actor, now=now)
        messages.success(request, "Its author hears what is missing.")
    elif do == "withdraw":
        updates.withdraw(update=update, actor=actor, now=now)
        messages.success(request, "The draft is thrown away.")
    else:
        raise Http404
    return redirect(f"{page_of(found.ref)}#updates")


def said_of(update: StatusUpdate) -> str:
    """What became of an update that somebody sent."""
    if update.status == StatusUpdate.Status.PENDING:
        return "It waits for a yes of the commander or a manager, who were told."
    return f"Published for {update.audience.name}."


def _update(found: Incident, pk: int) -> StatusUpdate:
    rows = StatusUpdate.objects.filter(incident=found, status__in=["draft", "pending"])
    return get_object_or_404(rows.select_related("audience", "incident", "author"), pk=pk)


def _form(data: Any, zone: Any, initial: dict[str, Any] | None = None) -> UpdateForm:
    form = UpdateForm(data, zone=zone, initial=initial, auto_id="update-%s")
    stage = form.fields["stage"]
    assert isinstance(stage, forms.ChoiceField)
    stage.choices = selectors.STAGES
    return form


def _fresh(request: HttpRequest, found: Incident, audience: Audience, now: datetime) -> UpdateForm:
    """An empty form with the words that are prepared for this audience and stage."""
    zone = reader(request).zone
    chosen = request.GET.get("template", "")
    template = (
        CommsTemplate.objects.filter(audience=audience, archived_at=None, pk=int(chosen)).first()
        if chosen.isdecimal() and len(chosen) < 10
        else None
    )
    stages = dict(selectors.STAGES)
    stage = request.GET.get("stage", "")
    if stage not in stages:
        stage = template.stage if template else selectors.fitting_stage(found, audience, now=now)
    promised = selectors.promise(found, stage=stage, now=now)
    subject, body = selectors.words(found, audience, stage, template, now=now, next_update_at=None)
    initial = {
        "stage": stage,
        "subject": subject,
        "body": body,
        "next_update_at": promised.astimezone(zone).replace(tzinfo=None) if promised else None,
    }
    return _form(None, zone, initial)


def _sent(
    request: HttpRequest,
    found: Incident,
    audience: Audience,
    update: StatusUpdate | None,
    person: Person,
    now: datetime,
) -> HttpResponse:
    """Looked at, kept as a draft, or sent. What cannot be sent is shown again with its words."""
    form, do = _form(request.POST, reader(request).zone), request.POST.get("do", "")
    parts = selectors.parts(found, audience, update)
    states = selectors.states_of(parts, {name: str(request.POST.get(name, "")) for name in
                                         (part.name for part in parts)})  # fmt: skip
    if any(state not in State.values for state in states.values()):
        raise Http404
    if do == PREVIEW:
        return _page(request, found, audience, update, form, person, now,
                     shown=_preview(form, found, audience, now), states=states)  # fmt: skip

    def act(values: dict[str, Any]) -> StatusUpdate:
        words = {name: values[name] for name in ("stage", "subject", "body", "next_update_at")}
        return say(
            incident=found,
            audience=audience,
            known=update,
            words={**words, "states": states},
            version=values["version"],
            send=do == PUBLISH,
            person=person,
            now=now,
        )

    made = submit(form, act)
    if made is None:
        return _page(request, found, audience, update, form, person, now, states=states)
    messages.success(request, said_of(made) if do == PUBLISH else "The draft is kept.")
    return redirect(f"{page_of(found.ref)}#updates")


def _preview(
    form: UpdateForm, found: Incident, audience: Audience, now: datetime
) -> tuple[str, str] | None:
    """What would go out: subject and Markdown; None when it could not, which the form then says."""
    if not form.is_valid():
        return None
    values = form.cleaned_data
    words = {name: values[name] for name in ("stage", "subject", "body", "next_update_at")}
    try:
        return updates.preview(
            update=StatusUpdate(incident=found, audience=audience, **words), now=now
        )
    except Invalid as error:
        for name, texts in error.fields.items():
            form.add_error(name if name in form.fields else None, texts)
        return None


def _page(
    request: HttpRequest,
    found: Incident,
    audience: Audience,
    update: StatusUpdate | None,
    form: UpdateForm,
    person: Person,
    now: datetime,
    *,
    known: list[Audience] | None = None,
    shown: tuple[str, str] | None = None,
    states: dict[str, str] | None = None,
) -> HttpResponse:
    parts = selectors.parts(found, audience, update)
    outside = audience.side == Audience.Side.PUBLIC
    waits = needs_approval(found, audience) and not may_approve(person, found)
    context = {
        "now": now,
        "incident": found,
        "audience": audience,
        "audiences": known or [],
        "update": update,
        "form": form,
        "shown": shown,
        "parts": [(part, (states or {}).get(part.component.key, part.state)) for part in parts],
        "states": State.choices,
        "templates": selectors.templates_of(found, audience) if update is None else [],
        "placeholders": templating.allowed(outside=outside),
        "waits": waits,
        "is_outside": outside,
        "chosen_template": request.GET.get("template", ""),
    }
    status = 400 if form.errors else 200
    return render(request, "portal/incidents/update.html", context, status=status)
