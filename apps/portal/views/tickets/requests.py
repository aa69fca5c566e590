"""The requester's page: where a request stands, what was said, and what to add. No login."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.core import audit, clock
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.middleware import client_ip
from apps.core.text import clip, markdown
from apps.customers.models import Contact
from apps.portal.forms import submit
from apps.portal.forms_tickets import FilesField, ManyFiles
from apps.portal.limits import Limit
from apps.portal.views.tickets.files import download
from apps.support import tokens
from apps.support.models import Csat, Ticket, TicketMessage
from apps.support.selectors import requested as selectors
from apps.support.selectors.requested import Requested, Word
from apps.support.services import conversation, requester
from apps.support.services.files import MAX_FILE, MAX_FILES
from apps.support.services.settings import current
from apps.support.services.tickets import MAX_BODY

NO_TRACE = {
    "Referrer-Policy": "no-referrer",  # the address is a credential
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
AN_HOUR = timedelta(hours=1)
WORDS_AN_HOUR = 20  # of one person on one ticket
LONGEST, LEAST, BUDGET = 12_000, 400, 44_000  # characters of a message, of all on the page
LOOKS = Limit(120, 60)  # at any page of requests, from one address

STATES: Mapping[str, tuple[str, str, str, str]] = {  # state → glyph, tone, title, sentence
    "new": ("clock", "", "We have your request", "Somebody looks at it soon."),
    "open": ("q2", "", "We are working on it", ""),
    "waiting_customer": (
        "pause", "warning", "We wait for your answer", "Write below, or answer our last mail.",
    ),
    "waiting_third_party": (
        "q2", "", "We are working on it", "Something else has to be ready first.",
    ),
    "resolved": (
        "check", "success", "We think that this is solved",
        "If it is not, say so below and we go on.",
    ),
    "closed": (
        "check", "success", "This is closed",
        "If you write again, it becomes a new request that knows this one.",
    ),
}  # fmt: skip
DONE = {
    "reply": "Thank you. Your words have reached us.",
    "not_solved": "Thank you for saying so. We look at it again.",
    "rate": "Thank you for your opinion.",
}


class WordsForm(forms.Form):
    body = forms.CharField(
        label="Your message",
        required=False,
        max_length=MAX_BODY,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    attachments = FilesField(
        label="Files",
        required=False,
        widget=ManyFiles,
        help_text=f"Up to {MAX_FILES}, {MAX_FILE // 1024 // 1024} MB each.",
    )


class RateForm(forms.Form):
    score = forms.ChoiceField(
        label="How was it?", choices=Csat.Score.choices, widget=forms.RadioSelect
    )
    comment = forms.CharField(
        label="What should we know?",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


def traceless(response: HttpResponse) -> HttpResponse:
    for name, value in NO_TRACE.items():
        response[name] = value
    return response


def gone(request: HttpRequest, why: str, status: int = 404) -> HttpResponse:
    """What to do where there is nothing to see."""
    context = {
        "why": why,
        "now": clock.now(),
        "team": current().sender_name,
        "report_url": reverse("report") if current().form_is_open else "",
    }
    return traceless(render(request, "portal/requests/gone.html", context, status=status))


@login_not_required  # the signed token says which ticket and for whom
@csrf_exempt  # it is the credential, too; `no-referrer` makes the Origin "null" besides
@require_http_methods(["GET", "HEAD", "POST"])
def ticket_request(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows (mail scanners follow links); POST acts: `do` reply, not_solved or rate."""
    if not LOOKS.take(client_ip(request)):
        return gone(request, "This was asked too often. Wait a minute and try again.", 429)
    try:
        ticket, reader = requester.seat_of(token)
    except NotFound as error:
        return gone(request, error.message)
    now = clock.now()
    if request.method == "POST":
        return _act(request, token, ticket, reader, now)
    return _page(request, token, ticket, reader, now)


def _act(
    request: HttpRequest, token: str, ticket: Ticket, reader: Contact, now: datetime
) -> HttpResponse:
    do = request.POST.get("do", "reply")
    if do == "rate":
        return _rate(request, token, ticket, reader, now)
    form = WordsForm(request.POST, request.FILES)
    said = None
    if _wrote_much(ticket, reader, now):
        form.is_valid()
        text = "That were many messages in an hour. Yours is below: send it a little later."
        form.add_error(None, text)
        return _page(request, token, ticket, reader, now, words=form, status=429)
    said = submit(form, lambda values: _say(do, ticket, reader, values, now))
    if said is None:
        return _page(request, token, ticket, reader, now, words=form, status=400)
    if said.ticket.follows_id is not None and said.ticket_id != ticket.pk:
        fresh = said.ticket
        other = reader.pk if reader.pk != fresh.requester_id else None
        token = tokens.make(fresh.pk, fresh.access_version, other)
    return _back(token, do if do in DONE else "reply")


def _wrote_much(ticket: Ticket, reader: Contact, now: datetime) -> bool:
    rows = TicketMessage.objects.filter(
        contact=reader, author=TicketMessage.Author.REQUESTER, recorded_at__gt=now - AN_HOUR
    )
    return rows.count() >= WORDS_AN_HOUR


def _say(
    do: str, ticket: Ticket, reader: Contact, values: Mapping[str, Any], now: datetime
) -> TicketMessage:
    body, files = values["body"], values["attachments"] or ()
    if do == "not_solved" and not files:
        return requester.not_solved(ticket=ticket, body=body, contact=reader, now=now)
    return conversation.requester_wrote(
        ticket=ticket,
        body=body,
        contact=reader,
        actor=audit.contact(reader.pk, str(reader)),
        now=now,
        channel=Ticket.Channel.FORM,
        files_=files,
    )


def _rate(
    request: HttpRequest, token: str, ticket: Ticket, reader: Contact, now: datetime
) -> HttpResponse:
    form = RateForm(request.POST)

    def act(values: dict[str, Any]) -> Csat:
        if reader.pk != ticket.requester_id:
            raise Invalid("Only whoever asked can rate this.")
        try:
            return requester.rate(
                ticket=ticket, score=values["score"], comment=values["comment"], now=now
            )
        except Conflict as error:
            raise Invalid(error.message) from error

    if submit(form, act) is None:
        return _page(request, token, ticket, reader, now, rate=form, status=400)
    return _back(token, "rate")


def _back(token: str, done: str) -> HttpResponse:
    address = reverse("ticket_request", kwargs={"token": token})
    return traceless(redirect(f"{address}?done={done}#said"))


def _page(
    request: HttpRequest,
    token: str,
    ticket: Ticket,
    reader: Contact,
    now: datetime,
    *,
    words: WordsForm | None = None,
    rate: RateForm | None = None,
    status: int = 200,
) -> HttpResponse:
    seen = selectors.requested(ticket, reader)
    context = {
        # Nobody is signed in: times are written for whom the link is.
        "request": SimpleNamespace(user=reader, GET=request.GET),
        "now": now,
        "team": current().sender_name,
        "token": token,
        "seen": seen,
        "said": _bodies(seen),
        "state": _state(seen),
        "late": seen.due_at is not None and seen.due_at <= now,
        "words": words or WordsForm(),
        "rate": rate or RateForm(initial=_rated(request, seen)),
        "done": DONE.get(request.GET.get("done", ""), ""),
    }
    return traceless(render(request, "portal/requests/page.html", context, status=status))


def _bodies(seen: Requested) -> list[tuple[Word, SafeString, bool]]:
    """Each message with its text as safe HTML, and whether it is cut: the page stays small."""
    budget, found = BUDGET, []
    for word in reversed(seen.words):
        limit = min(LONGEST, max(LEAST, budget // 2))
        html = markdown(clip(word.message.body, limit))
        if len(html) > limit * 2:  # markup outgrew its source
            html = markdown(clip(word.message.body, limit // 4))
        budget = max(0, budget - len(html))
        found.append((word, html, len(word.message.body) > limit))
    return found[::-1]


def _state(seen: Requested) -> dict[str, str]:
    found = STATES.get(seen.standing.status, STATES["open"])
    return dict(zip(("glyph", "tone", "title", "text"), found, strict=True))


def _rated(request: HttpRequest, seen: Requested) -> dict[str, str]:
    """The button that was pressed in the mail, or what was said before."""
    asked = request.GET.get("rate", "")
    if asked in Csat.Score.values:
        return {"score": asked}
    if seen.rated is not None:
        return {"score": seen.rated.score, "comment": seen.rated.comment}
    return {}


@login_not_required  # the token again
@require_http_methods(["GET", "HEAD"])
def ticket_request_file(request: HttpRequest, token: str, pk: int) -> HttpResponse:
    """A file of the public conversation, as a download."""
    if not LOOKS.take(client_ip(request)):
        return gone(request, "This was asked too often. Wait a minute and try again.", 429)
    try:
        ticket, reader = requester.seat_of(token)
    except NotFound as error:
        return gone(request, error.message)
    found = selectors.file_of(ticket, reader, pk)
    if found is None:
        return gone(request, "This file is not here any more.")
    return traceless(download(found))
