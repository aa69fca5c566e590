"""The page behind the link of a message: I am on it, or it is over; no login."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import Context
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.accounts.models import Person
from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.paging import links
from apps.paging import services as paging
from apps.paging.models import Page
from apps.portal import formats
from apps.portal.templatetags._viewer import Viewer, viewer_of

_NO_TRACE = {
    "Referrer-Policy": "no-referrer",  # the address is a credential
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


@login_not_required  # the signed token says which person answers for which page
@csrf_exempt  # it is the credential too: a mail program's browser has no cookie, and a tab that
# was restored hours later must still acknowledge. `no-referrer` makes the Origin "null" besides.
@require_http_methods(["GET", "HEAD", "POST"])
def acknowledge(request: HttpRequest, token: str) -> HttpResponse:
    """GET and HEAD only show: mail scanners follow links. POST acknowledges as that person, and
    with `do=resolve` ends the page as that person."""
    now = clock.now()
    try:
        page, person = _read(token)
    except NotFound as error:
        gone = {"state": "expired", "title": "This link cannot be used", "next": error.message}
        return _answer(request, {**gone, "url": "/"}, None, now, status=404)
    mine = False
    if request.method == "POST" and request.POST.get("do") == "resolve":
        page = paging.resolve(page=page, actor=audit.person(person), now=now)
    elif request.method == "POST" and page.is_waiting:
        page = paging.acknowledge(page=page, actor=audit.person(person), person=person, now=now)
        mine = page.acknowledged_by_id == person.pk
    return _answer(request, _shown(page, person, mine, request.path, now), person, now)


def _read(token: str) -> tuple[Page, Person]:
    """Page and person of a token; NotFound in words when it is not, or no longer, good."""
    page_id, person_id = links.read(token)
    page = Page.objects.select_related("surface").filter(pk=page_id).first()
    person = Person.objects.active().filter(pk=person_id).first()
    if page is None or person is None:
        raise NotFound("This page or this person is not here any more. Sign in to see what is.")
    return page, person


def _answer(
    request: HttpRequest,
    ack: dict[str, Any],
    person: Person | None,
    now: datetime,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {"ack": ack, "now": now}
    if person is not None:  # nobody need be signed in: times are written for whom the link is
        context["request"] = SimpleNamespace(user=person)
    response = render(request, "portal/ack/page.html", context, status=status)
    for name, value in _NO_TRACE.items():
        response[name] = value
    return response


def _shown(page: Page, person: Person, mine: bool, action: str, now: datetime) -> dict[str, Any]:
    look = viewer_of(Context({"request": SimpleNamespace(user=person)}))
    return {
        "state": _state(page),
        "severity": page.label,
        "surface": "" if page.kind == "real" else page.get_kind_display(),
        "title": page.summary,
        "about": [
            {"label": "Since", "value": formats.both(page.opened_at, now, look.zone, look.cycle)},
            {"label": "Surface", "value": page.surface.key if page.surface else "none yet"},
            {"label": "You are", "value": person.name},
        ],
        "links": page.links,
        "action": action,
        "button": "I am on it",
        "over": "" if page.status == Page.Status.RESOLVED else "It is over",
        "over_by": _ended_by(page),
        "by": "" if mine or page.acknowledged_by_id == person.pk else page.acknowledged_label,
        "at": page.resolved_at or page.acknowledged_at,
        "next": _next(page, mine, look, now),
        "url": page.opener_url or "/",
    }


def _over(page: Page) -> str:
    """What is over, as far as the page knows: the one who ended it may not have ended the cause."""
    return "the page is ended" if _ended_by(page) else "what fired is resolved"


def _others(page: Page) -> str:
    """Who else knows of it, by name."""
    names = [p.name for p in paging.told(page) if p.pk != page.acknowledged_by_id]
    if not names:
        return "Nobody else had been told."
    verb = "hears" if len(names) == 1 else "hear"
    return f"{', '.join(names)} had been told, and {verb} that you are on it."


def _state(page: Page) -> str:
    if page.status == Page.Status.RESOLVED:
        return "ended"
    return "open" if page.is_waiting else "acknowledged"


def _ended_by(page: Page) -> str:
    """The person who said that it is over; empty while it is not, and when nobody had to."""
    if page.status != Page.Status.RESOLVED:
        return ""
    note = page.notes.filter(what="resolved", actor__isnull=False).order_by("-at", "-pk").first()
    return note.actor_label if note else ""


def _next(page: Page, mine: bool, look: Viewer, now: datetime) -> str:
    if page.status == Page.Status.RESOLVED:
        return f"There is nothing left to do: {_over(page)}, and nobody is woken."
    if not page.is_waiting:
        if mine:
            return f"Nobody else is woken. {_others(page)}"
        return "Nobody is woken for it now."
    following = paging.next_told(page, now=now)
    if following is None:
        return "Everybody was told and nobody has answered yet."
    names, at = following
    when = formats.both(max(at, now), now, look.zone, look.cycle)
    verb = "are" if "," in names or " and " in names else "is"
    return f"If nobody answers, {names} {verb} told {when}."
