"""What people do to a follow-up: every button is a form, every form one service call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.errors import Conflict
from apps.followups import services
from apps.followups.models import Evidence, FollowUp
from apps.portal.access import acts, viewer
from apps.portal.forms import submit
from apps.portal.views.followups import FORMS, context, find, form_of, page_of
from apps.portal.views.followups_writing import STALE, as_read_now, by


@acts(Grant.RESPOND, page=page_of)
def followup_act(request: HttpRequest, ref: str, do: str) -> HttpResponse:
    """One of the page's buttons: a step, a comment, evidence brought or taken back."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    if do not in FORMS:
        raise Http404
    form = form_of(do, found, request.POST)
    try:
        said = submit(form, lambda values: DO[do](found, person, values, now))
    except Conflict as error:
        return _stale(request, found, do, error)
    if said is None:
        shown = context(request, found, {do: form})
        return render(request, "portal/followups/page.html", shown, status=400)
    messages.success(request, said)
    return redirect(page_of(found.ref))


def _stale(request: HttpRequest, found: FollowUp, do: str, error: Conflict) -> HttpResponse:
    """The page as it is now, with the words that were typed; without the step, only a refusal."""
    form = form_of(do, found, as_read_now(request, found))
    form.is_valid()
    form.add_error(None, error.message)
    shown = context(request, found, {do: form})
    if error.code != STALE or all(step.do != do or step.why for step, _ in shown["steps"]):
        raise error
    return render(request, "portal/followups/page.html", shown, status=409)


Do = Callable[[FollowUp, Person, dict[str, Any], datetime], str]


def _common(found: FollowUp, values: Mapping[str, Any], person: Person, now: datetime) -> Any:
    return {"follow_up": found, "seen_version": values["version"], **by(person, now)}


def _start(found: FollowUp, person: Person, values: dict[str, Any], now: datetime) -> str:
    services.start(person=person, note=values["note"], **_common(found, values, person, now))
    return f"{found.ref} is in progress."


def _done(found: FollowUp, person: Person, values: dict[str, Any], now: datetime) -> str:
    services.mark_done(person=person, note=values["note"], **_common(found, values, person, now))
    return f"{found.ref} is done. It counts once it is verified."


def _verify(found: FollowUp, person: Person, values: dict[str, Any], now: datetime) -> str:
    services.verify(person=person, note=values["note"], **_common(found, values, person, now))
    return f"{found.ref} is verified."


def _drop(found: FollowUp, person: Person, values: dict[str, Any], now: datetime) -> str:
    services.wont_do(person=person, reason=values["reason"], **_common(found, values, person, now))
    return f"{found.ref} won't be done."


def _fail(found: FollowUp, person: Person, values: dict[str, Any], now: datetime) -> str:
    services.not_held(reason=values["reason"], **_common(found, values, person, now))
    return f"{found.ref} is open again."


def _reopen(found: FollowUp, person: Person, values: dict[str, Any], now: datetime) -> str:
    services.reopen(reason=values["reason"], **_common(found, values, person, now))
    return f"{found.ref} is open again."


def _comment(found: FollowUp, person: Person, values: dict[str, Any], now: datetime) -> str:
    services.comment(follow_up=found, text=values["text"], **by(person, now))
    return "Your comment stands below."


def _evidence(found: FollowUp, person: Person, values: dict[str, Any], now: datetime) -> str:
    services.add_evidence(follow_up=found, **values, **by(person, now))
    return "The evidence stands."


def _withdraw(found: FollowUp, person: Person, values: dict[str, Any], now: datetime) -> str:
    rows = Evidence.objects.filter(follow_up=found).select_related("follow_up")
    piece = get_object_or_404(rows, pk=values["piece"])
    services.withdraw(piece=piece, why=values["why"], **by(person, now))
    return "The evidence does not count any more."


DO: Mapping[str, Do] = {
    "start": _start,
    "done": _done,
    "verify": _verify,
    "drop": _drop,
    "fail": _fail,
    "reopen": _reopen,
    "comment": _comment,
    "evidence": _evidence,
    "withdraw": _withdraw,
}
