"""Many tickets at once: each answers for itself what was done, or why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.core.text import one_line
from apps.portal.access import acts, reader, viewer
from apps.portal.forms_tickets import BulkForm, until
from apps.portal.selectors.tickets import agents
from apps.portal.views.tickets import queue_again
from apps.support.models import Ticket
from apps.support.services import conversation, desk, lifecycle, merging, tickets
from apps.support.services.desk import Outcome

Act = Callable[[Ticket], object]
Values = dict[str, Any]
NAMED = 12  # references written out of those that went well


def _queue() -> str:
    return reverse("tickets")


@acts(Grant.SUPPORT, page=_queue)
def tickets_bulk(request: HttpRequest) -> HttpResponse:
    """One action for the selected tickets, then back to the list as it stood."""
    person, now = viewer(request), clock.now()
    form = BulkForm(request.POST)
    try:
        outcome, said = _run(request, form, person, now)
    except Invalid as error:
        messages.error(request, error.message)
        return redirect(queue_again(request))
    _tell(request, outcome, said)
    return redirect(queue_again(request))


def _run(
    request: HttpRequest, form: BulkForm, person: Person, now: datetime
) -> tuple[Outcome, str]:
    if not form.is_valid():
        wrong = next(iter(form.errors.values()))
        raise Invalid(f"{wrong[0]} Nothing was changed.")
    values, pks = form.cleaned_data, _selected(request)
    actor = audit.person(person)
    if values["do"] == "merge":
        into, pks = _target(person, values["into"], pks)
        act, said = _merging(into, actor, now), f"merged into {into.ref}"
    else:
        act, said = _act(values, person, actor, request, now)
    return desk.for_each(user=person, pks=pks, act=act), said


def _selected(request: HttpRequest) -> list[int]:
    given = request.POST.getlist("ids")
    return [int(pk) for pk in given if pk.isascii() and pk.isdigit() and len(pk) < 19]


def _act(
    values: Values, person: Person, actor: Actor, request: HttpRequest, now: datetime
) -> tuple[Act, str]:
    """What to do with each ticket, and how that is said of those it was done with."""
    by: dict[str, Any] = {"actor": actor, "now": now}
    do = values["do"]
    if do == "assign":
        owner = _owner(values["owner"], person)
        name = "you" if owner == person else owner.name if owner else "nobody"
        return (lambda t: tickets.assign(ticket=t, owner=owner, **by)), f"assigned to {name}"
    if do == "priority":
        level, why = _given(values, "priority", "Pick a priority."), values["reason"]
        return (
            lambda t: tickets.set_priority(ticket=t, priority=level, reason=why, **by)
        ), f"set to {level}"
    if do == "tag":
        written = _given(values, "tag", "Write a tag.").replace(",", " ").split()
        words = tickets.clean_tags(written)
        return (lambda t: tickets.tag(ticket=t, add=words, **by)), f"tagged {' '.join(words)}"
    if do == "snooze":
        end = until(values, reader(request).zone, now)
        if end is None:
            raise Invalid("Say until when.")
        return (lambda t: tickets.snooze(ticket=t, until=end, **by)), "snoozed"
    if do == "resolve":
        code, silent = _given(values, "code", "Say how it ended."), values["no_reply_needed"]
        return (
            lambda t: lifecycle.transition(
                ticket=t, verb="resolve", resolution_code=code, no_reply_needed=silent, **by
            )
        ), "resolved"
    if do == "reply":
        body = _given(values, "reply", "Write the reply first.")
        return (lambda t: conversation.reply(ticket=t, body=body, **by)), "replied to"
    body = _given(values, "note", "Write the note first.")
    return (lambda t: conversation.note(ticket=t, body=body, **by)), "noted"


def _given(values: Values, name: str, missing: str) -> str:
    value = str(values[name]).strip()
    if not value:
        raise Invalid(missing)
    return value


def _owner(value: str, person: Person) -> Person | None:
    if value == "me":
        return person
    if value == "none":
        return None
    found = next((one for one in agents() if str(one.pk) == value), None)
    if found is None:
        raise Invalid("Pick who shall own them.")
    return found


def _target(person: Person, written: str, pks: Sequence[int]) -> tuple[Ticket, list[int]]:
    """What to merge into: the ticket that is named, else the first of those selected."""
    digits = one_line(written).upper().removeprefix("TCK-").removeprefix("#")
    if written.strip() and not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise Invalid(f"{written} is no ticket. Write it like TCK-7.")
    if not digits and len(pks) < 2:
        raise Invalid("Select two tickets or more, or name the one to merge into.")
    pk = int(digits) if digits else pks[0]
    into = Ticket.objects.visible_to(person).filter(pk=pk).first()
    if into is None:
        raise Invalid(f"There is no TCK-{pk}.")
    return into, [one for one in pks if one != pk]


def _merging(into: Ticket, actor: Actor, now: datetime) -> Act:
    return lambda ticket: merging.merge(ticket=ticket, into=into, actor=actor, now=now)


def _tell(request: HttpRequest, outcome: Outcome, said: str) -> None:
    """What was done, and what was refused for which reason."""
    if outcome.done:
        count, named = len(outcome.done), ", ".join(outcome.done[:NAMED])
        more = f" and {count - NAMED} more" if count > NAMED else ""
        noun = "1 ticket" if count == 1 else f"{count} tickets"
        messages.success(request, f"{noun} {said}: {named}{more}.")
    reasons: dict[str, list[str]] = {}
    for ref, why in outcome.refused:
        reasons.setdefault(why, []).append(ref)
    for why, refs in reasons.items():
        messages.error(request, f"Not done with {', '.join(refs)}: {why}")
