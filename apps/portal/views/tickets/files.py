"""What came with a ticket from outside: files, and mails as they were, each harmless to open."""

from __future__ import annotations

from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from apps.accounts.roles import Grant
from apps.core import clock
from apps.portal.access import granted, viewer
from apps.portal.views.tickets.page import find
from apps.support.models import Attachment, Ticket, TicketMessage
from apps.support.selectors.ticket import merged_into

# Somebody else's bytes: no script, no form, no request to anywhere, no frame but ours.
ALONE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
IN_FRAME = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox"
)


def _messages(request: HttpRequest, found: Ticket) -> list[int]:
    """The ticket and those that went into it, by id."""
    return [found.pk, *merged_into(found, viewer(request))]


@granted(Grant.SEE)
def ticket_file(request: HttpRequest, ref: str, pk: int) -> HttpResponse:
    """A file as a download, whatever it is: nothing from outside opens under our address."""
    found = find(request, ref)
    rows = Attachment.objects.filter(message__ticket__in=_messages(request, found))
    return download(get_object_or_404(rows.select_related("stored"), pk=pk))


def download(one: Attachment) -> HttpResponse:
    """The answer that makes a browser save and never show it."""
    response = HttpResponse(bytes(one.stored.content), content_type="application/octet-stream")
    plain = "".join(c if (c.isascii() and c.isalnum()) or c in "._-" else "_" for c in one.name)
    response["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(one.name, safe='')}"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = ALONE
    response["Cache-Control"] = "private, no-store"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _message(request: HttpRequest, ref: str, pk: int) -> tuple[Ticket, TicketMessage]:
    found = find(request, ref)
    rows = TicketMessage.objects.said().filter(ticket__in=_messages(request, found))
    return found, get_object_or_404(rows, pk=pk)


@granted(Grant.SEE)
def ticket_text(request: HttpRequest, ref: str, pk: int) -> HttpResponse:
    """The whole of a message as plain text: what was said, and what was quoted below it."""
    _, message = _message(request, ref, pk)
    quoted = f"\n\n----\n{message.quoted}" if message.quoted else ""
    response = HttpResponse(message.body + quoted, content_type="text/plain; charset=utf-8")
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = ALONE
    response["Cache-Control"] = "private, no-store"
    return response


@granted(Grant.SEE)
def ticket_message(request: HttpRequest, ref: str, pk: int) -> HttpResponse:
    """A mail as its program shows it, in a frame of its own in which nothing can be clicked."""
    found, message = _message(request, ref, pk)
    if not message.html:
        raise Http404
    context = {"now": clock.now(), "ticket": found, "message": message}
    return render(request, "portal/tickets/parts_message.html", context)


@granted(Grant.SEE)
def ticket_html(request: HttpRequest, ref: str, pk: int) -> HttpResponse:
    """The cleaned HTML of a mail, alone in a sandbox."""
    _, message = _message(request, ref, pk)
    if not message.html:
        raise Http404
    response = HttpResponse(f"<!doctype html><meta charset=utf-8>{message.html}")
    response["Content-Security-Policy"] = IN_FRAME
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Cache-Control"] = "private, no-store"
    return response
