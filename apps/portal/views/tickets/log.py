"""Logging a ticket in under twenty seconds: the form, and what it asks while somebody types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.core.errors import Invalid, NotFound
from apps.customers.models import Account, Contact
from apps.customers.selectors import account_of, search_contacts
from apps.ownership.models import Surface
from apps.portal import listing
from apps.portal.access import granted, viewer
from apps.portal.forms import submit
from apps.portal.forms_tickets import LogForm, fact_name
from apps.portal.selectors import tickets as selectors
from apps.portal.selectors.pasted import pasted
from apps.portal.views.tickets import page_of
from apps.support.models import Level, RequestType, Ticket
from apps.support.priority import priority
from apps.support.selectors import promises
from apps.support.selectors.promises import PromiseLine
from apps.support.selectors.search import similar
from apps.support.services import desk

PREFILLED = (
    *("subject", "type", "requester", "body", "surface", "impact", "urgency"),
    *("channel", "tags", "incident"),
)
HINTS = 5
TYPES = 12  # tiles whose questions the stylesheet can show by itself


def _types() -> list[RequestType]:
    """Current request types, each with its questions (`asked`)."""
    rows = RequestType.objects.filter(archived_at=None).select_related("surface")
    return list(rows.prefetch_related("fields").order_by("position", "name"))


@granted(Grant.SUPPORT)
def ticket_log(request: HttpRequest) -> HttpResponse:
    """The form, filled from the address; POST logs the ticket and opens it, or the next form."""
    person, types = viewer(request), _types()
    if request.method != "POST":
        return _form(request, _empty(request, person, types), types)
    form = LogForm(request.POST, _attached(request), viewer=person, types=types)
    if request.POST.get("do") == "read":
        return _read(request, person, types)
    if pk := request.POST.get("me_too", ""):
        return _me_too(request, form, types, pk)
    made = submit(form, lambda values: _log(form, person, values))
    if made is None:
        if request.FILES:
            form.add_error("attachments", "Attach the files again: a page cannot keep them.")
        return _form(request, form, types, status=400)
    said = format_html(
        '<a href="{}">{}</a> is logged: {}', page_of(made.ref), made.ref, made.subject
    )
    messages.success(request, said)
    if request.POST.get("do") != "next":
        return redirect(page_of(made.ref))
    kept = {"type": made.request_type.key, "requester": made.requester.email}
    return redirect(f"{reverse('ticket_log')}?{urlencode(kept)}")


def _attached(request: HttpRequest) -> Any:
    return {"attachments": request.FILES.getlist("attachments")}


def _empty(request: HttpRequest, person: Person, types: Sequence[RequestType]) -> LogForm:
    given = {name: request.GET[name][:2000] for name in PREFILLED if name in request.GET}
    return LogForm(initial=given, viewer=person, types=types)


def _log(form: LogForm, person: Person, values: Mapping[str, Any]) -> Ticket:
    kind: RequestType = values["type"]
    return desk.log_ticket(
        requester=values["requester"],
        subject=values["subject"],
        request_type=kind,
        body=values["body"],
        channel=values["channel"] or Ticket.Channel.PORTAL,
        impact=values["impact"],
        urgency=values["urgency"],
        surface=values["surface"],
        fields=form.facts(list(kind.fields.all())),
        tags=values["tags"],
        answered=values["answered"],
        incident=values["incident"],
        files=values["attachments"],
        actor=audit.person(person),
        now=clock.now(),
    )


def _form(
    request: HttpRequest,
    form: LogForm,
    types: Sequence[RequestType],
    *,
    status: int = 200,
    given: Mapping[str, Any] | None = None,
    **more: Any,
) -> HttpResponse:
    """The page; `given` are the answers to the types' questions where no form is sent."""
    answers = given or (request.POST if form.is_bound else None)
    context = {
        "now": clock.now(),
        "form": form,
        "tiles": [_tile(form, one, answers, request.GET) for one in types],
        "surfaces": selectors.surfaces(viewer(request)),
        "incident": form["incident"].value() or "",
        "rest_open": any(form[name].errors or form[name].value() for name in _REST),
        **more,
    }
    return render(request, "portal/tickets/log.html", context, status=status)


_REST = ("surface", "impact", "urgency", "tags", "attachments")


def _tile(
    form: LogForm, kind: RequestType, answers: Mapping[str, Any] | None, prefill: Mapping[str, Any]
) -> dict[str, Any]:
    """A type, whether it is chosen, and its questions with what was answered so far."""
    asked = []
    for one in kind.fields.all():
        name = fact_name(one)
        value = prefill.get(one.key, "") if answers is None else answers.get(name, "")
        asked.append({"field": one, "name": name, "value": str(value)[:2000]})
    return {"type": kind, "chosen": form["type"].value() == kind.key, "asked": asked}


# -- the same problem


def _me_too(
    request: HttpRequest, form: LogForm, types: Sequence[RequestType], pk: str
) -> HttpResponse:
    """Instead of a new ticket: the requester joins a known one."""
    person = viewer(request)
    number = int(pk) if pk.isascii() and pk.isdigit() and len(pk) < 19 else 0
    try:
        known = desk.log_me_too(
            user=person,
            pk=number,
            requester=request.POST.get("requester", "")[:400],
            body=request.POST.get("body", "")[:400],
            actor=audit.person(person),
            now=clock.now(),
        )
    except (Invalid, NotFound) as error:
        form.errors.clear()
        about = "requester" if "requester" in error.fields else None
        form.add_error(about, f"Say who has the same problem. {error.message}")
        return _form(request, form, types, status=400)
    messages.success(request, f"{known.ref} counts one person more. No new ticket was opened.")
    return redirect(page_of(known.ref))


@granted(Grant.SUPPORT)
def log_similar(request: HttpRequest) -> HttpResponse:
    """Tickets and open incidents that may be the same, for the subject as typed so far."""
    person, given = viewer(request), request.GET
    key = given.get("surface", "")[:80].strip().lower()
    surface = Surface.objects.visible_to(person).current().filter(key=key).first() if key else None
    if surface is None and (kind := _type(given.get("type", ""))):
        surface = kind.surface
    found = similar(person, subject=given.get("subject", "")[:200], surface=surface, limit=HINTS)
    return render(request, "portal/tickets/log_similar.html", {"found": found})


def _type(key: str) -> RequestType | None:
    rows = RequestType.objects.filter(archived_at=None, key=key[:40])
    return rows.select_related("surface", "queue").first()


# -- who, and what is promised


@granted(Grant.SUPPORT)
def log_requesters(request: HttpRequest) -> JsonResponse:
    """Contacts for what is typed: [{email, name, account}]."""
    found = search_contacts(viewer(request), request.GET.get("q", "")[:200])
    rows = [
        {"email": one.email, "name": one.name, "account": str(account_of(one) or "")}
        for one in found
    ]
    return JsonResponse({"results": rows})


@granted(Grant.SUPPORT)
def log_promise(request: HttpRequest) -> HttpResponse:
    """What would be promised now: "P2: first reply by today 15:30"."""
    given, now = request.GET, clock.now()
    kind = _type(given.get("type", ""))
    lines: list[PromiseLine] = []
    level = ""
    if kind is not None:
        impact = listing.choice(given, "impact", Level.values, kind.impact)
        urgency = listing.choice(given, "urgency", Level.values, kind.urgency)
        level = priority(impact, urgency)
        lines = promises.preview(
            request_type=kind,
            priority=level,
            account=_account(given.get("requester", "")),
            queue=kind.queue,
            tags=given.get("tags", "")[:400].replace(",", " ").lower().split(),
            at=now,
        )
    context = {"now": now, "priority": level, "type": kind}
    context["lines"] = [line for line in lines if line.due_at]
    return render(request, "portal/tickets/log_promise.html", context)


def _account(written: str) -> Account | None:
    """Whose contact an address is."""
    address = written.rpartition("<")[2].strip("> ").lower()[:254]
    known = Contact.objects.select_related("account", "org__account").filter(email=address).first()
    return account_of(known) if known else None


# -- what was pasted


@granted(Grant.SUPPORT)
def log_read(request: HttpRequest) -> JsonResponse:
    """What a pasted text gives away: {found: [{name, value, label}]}, by the form's own names."""
    text = request.POST.get("paste", "")
    found = pasted(text, _types(), chosen=request.POST.get("type", ""), person=viewer(request))
    return JsonResponse({"found": [one.__dict__ for one in found]})


def _read(request: HttpRequest, person: Person, types: Sequence[RequestType]) -> HttpResponse:
    """The same without a script: the form again, what was empty filled from the pasted text."""
    data, said = request.POST.copy(), []
    text = data.pop("paste", [""])[-1]
    for one in pasted(str(text), types, chosen=data.get("type", ""), person=person):
        if not data.get(one.name, "").strip():
            data[one.name] = one.value
            said.append(one.label)
    form = LogForm(initial=data.dict(), viewer=person, types=types)
    return _form(request, form, types, given=data, filled=said, nothing_read=not said)
