"""The in-app mailbox: what demo people would have been sent, as it would look."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.errors import NotAllowed
from apps.notifications.models import Channel, Message
from apps.notifications.services.site import sender
from apps.portal import listing
from apps.portal.access import granted, viewer


def _visible(person: Person) -> QuerySet[Message]:
    """A demo person's own messages; to a manager all demo people's and demo customers'."""
    rows = Message.objects.filter(channel=Channel.MAILBOX)
    if person.may(Grant.EDIT_PEOPLE):
        return rows.filter(Q(person__is_demo=True) | Q(is_outside=True))
    if person.is_demo:
        return rows.filter(person=person)
    raise NotAllowed("The mailbox shows demo people's messages, to them and to managers.")


@granted(Grant.SEE)
def mailbox(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The list, and the message that was chosen, or the newest."""
    person = viewer(request)
    rows = _visible(person).select_related("person")
    readers = list(
        Person.objects.get_queryset()
        .filter(is_demo=True, messages__in=rows)
        .distinct()
        .order_by("name")
    )
    chosen = request.GET.get("to", "")
    if chosen.isdigit() and int(chosen) in {reader.pk for reader in readers}:
        rows = rows.filter(person_id=int(chosen))
    page = listing.cut(rows, by="created_at", params=request.GET, size=20)
    opened = get_object_or_404(_visible(person).select_related("person"), pk=pk) if pk else None
    opened = opened or (page.rows[0] if page.rows else None)
    context = {
        "page": page,
        "readers": readers if len(readers) > 1 else [],
        "chosen": chosen,
        "query": request.GET.urlencode(),
        "opened": opened,
        "mail": _mail(opened) if opened else None,
        "now": clock.now(),
    }
    return render(request, "portal/mailbox/mailbox.html", context)


def _mail(message: Message) -> dict[str, Any]:
    """As the mail component takes it."""
    who = sender()
    return {
        "channel": f"{who.name} <{who.address}>",
        "icon": "mail",
        "to": message.person.name if message.person else message.to_name or "A customer",
        "subject": message.subject,
        "at": message.sent_at or message.created_at,
        "status": message.status,
        "text": message.body,
    }


# A mail is somebody else's HTML: no script, no form, no request to anywhere, only in our frame.
_SANDBOX = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox"
)


@granted(Grant.SEE)
def mailbox_html(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML part alone, in a sandbox of its own."""
    message = get_object_or_404(_visible(viewer(request)), pk=pk)
    response = HttpResponse(message.body_html or "<!doctype html><title>No HTML part</title>")
    response["Content-Security-Policy"] = _SANDBOX
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Cache-Control"] = "no-store"
    return response
