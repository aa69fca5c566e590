"""One ticket: its page, what is fetched again while somebody reads it, drafts, who is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.text import clip, one_line
from apps.portal import forms_ticket as shapes
from apps.portal.access import acts, granted, live, reader, viewer, why_not
from apps.portal.forms_ticket import NOTE, REPLY, STAY
from apps.portal.selectors import ticket_page as selectors
from apps.portal.selectors.now import surfaces_to_route_to
from apps.portal.selectors.tickets import agents
from apps.support.models import Draft, Ticket, TicketMessage
from apps.support.selectors import queue
from apps.support.selectors import ticket as facts
from apps.support.services import desk
from apps.support.services.settings import current
from apps.support.services.tickets import MAX_BODY

_REF = re.compile(r"tck-(\d{1,18})", re.IGNORECASE | re.ASCII)
MODES, FROM, AFTER = "ticket_modes", "ticket_from", "ticket_after"  # what a session remembers
REMEMBERED = 60  # tickets whose composer's kind is remembered


def page_of(ref: str, *_: Any, **__: Any) -> str:
    return reverse("ticket", kwargs={"ref": ref})


def find(request: HttpRequest, ref: str) -> Ticket:
    """The ticket of a reference, if its reader may see it; else 404."""
    match = _REF.fullmatch(ref)
    if match is None:
        raise Http404
    rows = Ticket.objects.visible_to(viewer(request)).select_related(
        *("request_type", "queue__team", "requester", "account", "org", "surface__team", "owner"),
        *("merged_into", "follows", "split_from"),
    )
    return get_object_or_404(rows, pk=int(match[1]))


# -- the page

UNBOUND: Mapping[str, type[shapes.TicketForm]] = {
    "assign": shapes.AssignForm,
    "priority": shapes.PriorityForm,
    "edit": shapes.EditForm,
    "facts": shapes.FactsForm,
    "wait": shapes.WaitForm,
    "wait_third_party": shapes.ThirdPartyForm,
    "snooze": shapes.SnoozeForm,
    "resolve": shapes.ResolveForm,
    "merge": shapes.MergeForm,
    "split": shapes.SplitForm,
    "escalate": shapes.EscalateForm,
    "tag": shapes.TagForm,
    "copied": shapes.CopiedForm,
    "waive": shapes.WaiveForm,
    "link": shapes.LinkForm,
}


def make_form(
    request: HttpRequest, ticket: Ticket, name: str, data: Any = None, **more: Any
) -> shapes.TicketForm:
    """The form of an action, empty or with what was sent."""
    kind = shapes.SayForm if name == "say" else UNBOUND.get(name, shapes.PlainForm)
    given: dict[str, Any] = {
        "ticket": ticket,
        "viewer": viewer(request),
        "zone": reader(request).zone,
        "auto_id": f"{name}-%s",
        **more,
    }
    if name == "facts":
        given["asked"] = list(ticket.request_type.fields.all())
    if data is not None:
        return kind(data, request.FILES, **given)
    return kind(**given)


def _initial(ticket: Ticket, name: str) -> dict[str, Any]:
    if name == "priority":
        return {"priority": ticket.priority, "reason": ticket.priority_reason}
    if name == "edit":
        return {
            "subject": ticket.subject,
            "type": ticket.request_type.key,
            "queue": ticket.queue.key,
            "surface": ticket.surface.key if ticket.surface else "",
            "impact": ticket.impact,
            "urgency": ticket.urgency,
        }
    return {}


def _to_split(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    """What the form for splitting begins with, when the address names a message."""
    pk = request.GET.get("split", "")
    if not (pk.isdecimal() and len(pk) < 19):
        return {}
    rows = TicketMessage.objects.said().filter(ticket=ticket, author="requester")
    message = rows.filter(pk=int(pk)).first()
    if message is None:
        return {}
    return {
        "message": message.pk,
        "subject": clip(one_line(message.body), 80),
        "type": ticket.request_type.key,
    }


def context(
    request: HttpRequest, ticket: Ticket, bound: Mapping[str, forms.Form], *, now: datetime
) -> dict[str, Any]:
    """The whole page; `bound` holds forms that were sent and are shown again, by action."""
    person = viewer(request)
    shown = told(request, ticket, now=now)
    all_facts = selectors.facts(ticket, person, now=now)
    steps = selectors.steps(ticket, person, all_facts.blockers)
    begins = {name: _initial(ticket, name) for name in UNBOUND}
    begins["split"] = _to_split(request, ticket)
    known = {
        name: bound.get(name) or make_form(request, ticket, name, initial=begins[name])
        for name in UNBOUND
    }
    return {
        **shown,
        **composer(request, ticket, bound.get("say"), shown["story"].newest),
        "facts": all_facts,
        "steps": steps,
        "form": known,
        "wrong": next((form for name, form in bound.items() if name != "say"), None),
        "open": next(iter(bound), "split" if begins["split"] else ""),
        "neighbors": selectors.neighbors(ticket, person, came_from(request), now=now),
        "macros": selectors.macros_for(ticket),
        "agents": agents(),
        "surfaces": surfaces_to_route_to(person),
        "pages_whom": selectors.paged_by(ticket, now=now) if "escalate" in steps else "",
        "why_write": selectors.why_not_write(ticket, person),
        "undo_seconds": current().undo_seconds,
        "is_snoozed": ticket.snoozed_until is not None and ticket.snoozed_until > now,
    }


def told(request: HttpRequest, ticket: Ticket, *, now: datetime) -> dict[str, Any]:
    """What is fetched again and again: timeline, promises, who is there."""
    person = viewer(request)
    before = request.GET.get("before", "")[:60]
    story = facts.story(ticket, person, before=before)
    seen = request.GET.get("seen", "")
    return {
        "now": now,
        "ticket": ticket,
        "story": story,
        "lines": selectors.lines(story, seen=int(seen) if seen.isdecimal() else None),
        "before": before,
        "promises": facts.promises_of(ticket, now=now),
        "present": queue.present([ticket], beside=person, now=now).get(ticket.pk, []),
        "may_waive": person.may(Grant.EDIT_SUPPORT),
        "why_support": why_not(person, Grant.SUPPORT),
        "me": person,
    }


def composer(
    request: HttpRequest, ticket: Ticket, bound: forms.Form | None, newest: int
) -> dict[str, Any]:
    """The kind of message, the words that were not sent yet, what comes after sending."""
    drafts = selectors.drafts_of(ticket, viewer(request))
    kind = remembered_kind(request, ticket, drafts)
    words = {REPLY: drafts.get(True), NOTE: drafts.get(False)}
    form = bound or make_form(request, ticket, "say", initial={"kind": kind, "seen": newest})
    if bound is not None:
        kind = bound.data.get("kind", kind)
    other = REPLY if kind == NOTE else NOTE
    mine, theirs = words[kind if kind in words else NOTE], words[other]
    return {
        "say": form,
        "say_kind": kind,
        "say_body": bound.data.get("body", "") if bound else (mine.body if mine else ""),
        "say_other": theirs.body if theirs else "",
        "say_saved_at": mine.saved_at if mine else None,
        "say_seen": newest,
        "say_after": request.session.get(AFTER, STAY),
        "max_body": MAX_BODY,
    }


def remembered_kind(request: HttpRequest, ticket: Ticket, drafts: Mapping[bool, Draft]) -> str:
    """Note, unless this ticket was last answered, or only an unsent answer waits."""
    modes = request.session.get(MODES, {})
    if str(ticket.pk) in modes:
        return REPLY if modes[str(ticket.pk)] == REPLY else NOTE
    return REPLY if True in drafts and False not in drafts else NOTE


def remember_kind(request: HttpRequest, ticket: Ticket, kind: str) -> None:
    modes = dict(request.session.get(MODES, {}))
    if modes.get(str(ticket.pk)) == kind:
        return
    modes.pop(str(ticket.pk), None)
    kept = list(modes.items())[-REMEMBERED + 1 :]
    request.session[MODES] = dict([*kept, (str(ticket.pk), kind)])


def came_from(request: HttpRequest) -> str:
    """The list that tickets are opened from, as its query string; remembered from page to page."""
    referer = urlsplit(request.headers.get("Referer", ""))
    if referer.netloc != request.get_host() or not referer.path.startswith(reverse("tickets")):
        return ""
    if referer.path == reverse("tickets"):
        given = queue.parse(parse_qs(referer.query, max_num_fields=100))
        query = given.query() or f"view={given.view}"
        if request.session.get(FROM) != query:
            request.session[FROM] = query
    return str(request.session.get(FROM, ""))


@granted(Grant.SEE)
def ticket(request: HttpRequest, ref: str) -> HttpResponse:
    found = find(request, ref)
    if ref != found.ref:
        return redirect(page_of(found.ref))
    now = clock.now()
    return render(request, "portal/tickets/page.html", context(request, found, {}, now=now))


@live
def ticket_live(request: HttpRequest, ref: str) -> HttpResponse:
    """Timeline, promises and state again, for a page that is being read."""
    found, now = find(request, ref), clock.now()
    shown = told(request, found, now=now)
    return render(request, "portal/tickets/parts_live.html", shown)


def again(
    request: HttpRequest, found: Ticket, name: str, form: forms.Form, status: int = 400
) -> HttpResponse:
    """The page with a form that could not be taken, and what is wrong in it."""
    shown = context(request, found, {name: form}, now=clock.now())
    return render(request, "portal/tickets/page.html", shown, status=status)


# -- the desk


@acts(Grant.SUPPORT, page=page_of)
def ticket_draft(request: HttpRequest, ref: str) -> HttpResponse:
    """Keep what is typed so far; said every few seconds. `kind` reply or note, `body`."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    kind = REPLY if request.POST.get("kind") == REPLY else NOTE
    body = request.POST.get("body", "")
    draft = desk.save_draft(
        ticket=found, person=person, is_public=kind == REPLY, body=body, now=now
    )
    remember_kind(request, found, kind)
    return JsonResponse({"saved": draft is not None})


@acts(Grant.SEE, page=page_of)
def ticket_presence(request: HttpRequest, ref: str) -> HttpResponse:
    """I am here (`writing` 1 or 0), or `leave`; answers who else is."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    if request.POST.get("leave"):
        desk.leave(ticket=found, person=person)
    else:
        writing = request.POST.get("writing") == "1" and person.may(Grant.SUPPORT)
        desk.be_present(ticket=found, person=person, is_writing=writing, now=now)
    there = queue.present([found], beside=person, now=now).get(found.pk, [])
    return render(request, "portal/tickets/parts_present.html", {"present": there})
