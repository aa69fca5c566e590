"""What people do to a ticket: every button is a form, every form one service call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.core.errors import Invalid, NotAllowed
from apps.portal import formats
from apps.portal import forms_ticket as shapes
from apps.portal.access import acts, viewer
from apps.portal.forms import submit
from apps.portal.forms_ticket import NEXT, NOTE, REPLY, STAY
from apps.portal.forms_tickets import until
from apps.portal.selectors import ticket_page as selectors
from apps.portal.views.tickets import page as pages
from apps.portal.views.tickets.links import check_seen
from apps.portal.views.tickets.page import again, find, page_of
from apps.support.models import Macro, Ticket, TicketClock, TicketMessage
from apps.support.services import (
    clocks,
    conversation,
    desk,
    escalate,
    lifecycle,
    merging,
    requester,
)
from apps.support.services import tickets as services
from apps.support.services.conversation import Stale
from apps.support.services.settings import current

Form = Any  # a form of `forms_ticket`, each with fields of its own
Do = Callable[[Ticket, Person, Form, datetime], str]


def _by(person: Person, now: datetime) -> dict[str, Any]:
    return {"actor": audit.person(person), "now": now}


# -- saying something


@acts(Grant.SUPPORT, page=page_of)
def ticket_say(request: HttpRequest, ref: str) -> HttpResponse:
    """A reply or a note. When somebody wrote meanwhile, the page shows it and keeps the text."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    form = pages.make_form(request, found, "say", request.POST)
    following = _following(request, found, person, now)
    try:
        said = submit(form, lambda values: _say(found, person, values, now))
    except Stale as error:
        form.add_error(None, error.message)
        return again(request, found, "say", form, status=409)
    if said is None:
        return again(request, found, "say", form)
    kind = form.cleaned_data["kind"]
    desk.drop_draft(ticket=found, person=person, is_public=kind == REPLY)
    pages.remember_kind(request, found, kind)
    messages.success(request, said)
    if following is not None:
        return redirect(page_of(following.ref))
    return redirect(f"{page_of(found.ref)}#end")


def _following(request: HttpRequest, found: Ticket, person: Person, now: datetime) -> Ticket | None:
    """The next ticket of the list, when that is where the writer goes after sending."""
    after = request.POST.get("after", "")
    if after in {STAY, NEXT} and request.session.get(pages.AFTER, STAY) != after:
        request.session[pages.AFTER] = after
    if after != NEXT:
        return None
    query = pages.came_from(request)
    return selectors.neighbors(found, person, query, now=now).next


def _say(found: Ticket, person: Person, values: Mapping[str, Any], now: datetime) -> str:
    if values["kind"] == NOTE:
        conversation.note(
            ticket=found,
            body=values["body"],
            files_=values["attachments"] or (),
            **_by(person, now),
        )
        return "Your note stands in the timeline."
    hold = current().undo_seconds
    conversation.reply(
        ticket=found,
        body=values["body"],
        then=values["then"],
        resolution_code=values["code"],
        override_blocking=values["override"],
        hold_seconds=hold,
        files_=values["attachments"] or (),
        seen_message=values["seen"],
        **_by(person, now),
    )
    return f"Your reply goes out in {hold} s." if hold else "Your reply is on its way."


@acts(Grant.SUPPORT, page=page_of)
def ticket_undo(request: HttpRequest, ref: str) -> HttpResponse:
    """Take back a reply that is still held; its words are in the composer again."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    pk = request.POST.get("message", "")
    rows = TicketMessage.objects.filter(ticket=found)
    message = get_object_or_404(rows, pk=int(pk) if pk.isdecimal() and len(pk) < 19 else 0)
    if message.actor_id != person.pk:
        raise NotAllowed("Only whoever wrote a reply takes it back.")
    taken = conversation.withdraw(message=message, **_by(person, now))
    desk.save_draft(ticket=found, person=person, is_public=True, body=taken.body, now=now)
    pages.remember_kind(request, found, REPLY)
    messages.success(request, "The reply was not sent. Its text is below.")
    return redirect(f"{page_of(found.ref)}#compose")


@acts(Grant.SUPPORT, page=page_of)
def ticket_macro(request: HttpRequest, ref: str) -> HttpResponse:
    """A macro's words behind what is typed: as JSON for the page's script, else as a draft."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    pk = request.POST.get("macro", "")
    macro = get_object_or_404(
        Macro, pk=int(pk) if pk.isdecimal() and len(pk) < 10 else 0, archived_at=None
    )
    filled = desk.use_macro(macro=macro, ticket=found, person=person, **_by(person, now))
    kind = REPLY if filled.is_public else NOTE
    if "application/json" in request.headers.get("Accept", ""):
        answer = {"body": filled.body, "kind": kind, "then": filled.then}
        return JsonResponse({**answer, "code": filled.resolution_code})
    typed = request.POST.get("body", "").strip()
    body = f"{typed}\n\n{filled.body}" if typed else filled.body
    desk.save_draft(ticket=found, person=person, is_public=filled.is_public, body=body, now=now)
    pages.remember_kind(request, found, kind)
    return redirect(f"{page_of(found.ref)}#compose")


# -- moving it


def _accept(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    lifecycle.triage(ticket=found, **_by(person, now))
    return f"{found.ref} is accepted."


def _verb(name: str) -> Do:
    def act(found: Ticket, person: Person, form: Form, now: datetime) -> str:
        moved = lifecycle.transition(ticket=found, verb=name, **_by(person, now))
        return f"{moved.ref} is {moved.get_status_display().lower()}."

    return act


def _wait(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    values = form.cleaned_data
    lifecycle.transition(
        ticket=found, verb="wait", remind_at=values["remind_at"], **_by(person, now)
    )
    return f"{found.ref} waits for the customer."


def _wait_third_party(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    values = form.cleaned_data
    named = shapes.link_target(values) if values["ref"].strip() else None
    if named is not None:
        check_seen(named, person)
    lifecycle.transition(
        ticket=found,
        verb="wait_third_party",
        link=named,
        expected_by=values["expected_by"],
        **_by(person, now),
    )
    return f"{found.ref} waits, and comes back by itself."


def _resolve(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    values = form.cleaned_data
    lifecycle.transition(
        ticket=found,
        verb="resolve",
        resolution_code=values["code"],
        no_reply_needed=values["no_reply_needed"],
        override_blocking=values["override"],
        **_by(person, now),
    )
    return f"{found.ref} is resolved."


def _snooze(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    wake = form.cleaned_data["until"]
    if form.cleaned_data["snooze"]:
        wake = until({"snooze": form.cleaned_data["snooze"], "until": None}, form.zone, now)
    if wake is None and found.snoozed_until is None:
        raise Invalid("Say until when.", fields={"until": ["Say until when."]})
    services.snooze(ticket=found, until=wake, **_by(person, now))
    if wake is None:
        return f"{found.ref} is no longer snoozed."
    return f"{found.ref} is snoozed until {formats.until(wake, now, form.zone)}."


# -- changing it


def _assign(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    owner = form.cleaned_data["owner"]
    services.assign(ticket=found, owner=owner, **_by(person, now))
    if owner is None:
        return f"Nobody owns {found.ref} now."
    return f"{'You own' if owner == person else f'{owner.name} owns'} {found.ref} now."


def _priority(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    values = form.cleaned_data
    changed = services.set_priority(
        ticket=found, priority=values["priority"], reason=values["reason"], **_by(person, now)
    )
    return f"{changed.ref} is {changed.priority}."


def _edit(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    values = form.cleaned_data
    services.edit(
        ticket=found,
        subject=values["subject"],
        request_type=values["type"],
        queue=values["queue"],
        surface=values["surface"],
        impact=values["impact"],
        urgency=values["urgency"],
        **_by(person, now),
    )
    return "The changes are kept."


def _facts(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    services.edit(ticket=found, fields=form.facts(), **_by(person, now))
    return "The facts are kept."


def _tag(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    remove = form.cleaned_data["remove"]
    services.tag(
        ticket=found, add=form.words(), remove=[remove] if remove else [], **_by(person, now)
    )
    return "The tags are kept."


def _copied(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    values = form.cleaned_data
    desk.change_copied(ticket=found, add=values["add"], remove=values["remove"], **_by(person, now))
    return "Who is copied in is kept."


def _watch(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    services.watch(ticket=found, person=person, **_by(person, now))
    return f"You watch {found.ref}."


def _unwatch(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    services.unwatch(ticket=found, person=person, **_by(person, now))
    return f"You no longer watch {found.ref}."


def _end_links(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    requester.end_links(ticket=found, **_by(person, now))
    return "Links that were sent before no longer open. The next mail has a new one."


# -- several tickets


def _merge(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    into = form.cleaned_data["into"]
    both = form.cleaned_data["both_customers"]
    merging.merge(ticket=found, into=into, both_customers=both, **_by(person, now))
    return f"{found.ref} went into {into.ref}."


def _unmerge(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    merging.unmerge(ticket=found, **_by(person, now))
    return f"{found.ref} stands for itself again."


def _split(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    values = form.cleaned_data
    rows = TicketMessage.objects.filter(ticket=found)
    message = get_object_or_404(rows, pk=values["message"])
    fresh = merging.split(
        message=message,
        subject=values["subject"],
        request_type=values["type"],
        **_by(person, now),
    )
    return f"{fresh.ref} is a ticket of its own."


# -- people


def _escalate(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    escalate.escalate_now(ticket=found, reason=form.cleaned_data["reason"], **_by(person, now))
    return f"{found.ref} is escalated: people are being paged."


def _waive(found: Ticket, person: Person, form: Form, now: datetime) -> str:
    if not person.may(Grant.EDIT_SUPPORT):
        raise NotAllowed("A missed promise is waived by a manager.")
    rows = TicketClock.objects.filter(ticket=found)
    row = get_object_or_404(rows, pk=form.cleaned_data["clock"])
    clocks.waive(clock=row, reason=form.cleaned_data["reason"], **_by(person, now))
    return "The promise is waived; the reason stands in the timeline."


ACTIONS: Mapping[str, Do] = {
    "accept": _accept,
    "wait": _wait,
    "wait_third_party": _wait_third_party,
    "resume": _verb("resume"),
    "resolve": _resolve,
    "reopen": _verb("reopen"),
    "close": _verb("close"),
    "spam": _verb("spam"),
    "not_spam": _verb("not_spam"),
    "snooze": _snooze,
    "assign": _assign,
    "priority": _priority,
    "edit": _edit,
    "facts": _facts,
    "tag": _tag,
    "copied": _copied,
    "watch": _watch,
    "unwatch": _unwatch,
    "end_links": _end_links,
    "merge": _merge,
    "unmerge": _unmerge,
    "split": _split,
    "escalate": _escalate,
    "waive": _waive,
}


@acts(Grant.SUPPORT, page=page_of)
def ticket_act(request: HttpRequest, ref: str, do: str) -> HttpResponse:
    """One action by its name: done and back to the page, or the page with what is wrong."""
    act = ACTIONS.get(do)
    if act is None:
        raise Http404
    found, person, now = find(request, ref), viewer(request), clock.now()
    form = pages.make_form(request, found, do, request.POST)
    said = submit(form, lambda values: act(found, person, form, now))
    if said is None:
        return again(request, found, do, form)
    messages.success(request, said)
    return redirect(page_of(found.ref))
