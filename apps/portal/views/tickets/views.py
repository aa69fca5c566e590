"""Saved views: keeping, naming, ordering and deleting them."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.errors import Invalid, NotFound
from apps.portal.access import acts, granted, viewer
from apps.portal.views.tickets import queue_again
from apps.support.models import SavedView
from apps.support.selectors import queue
from apps.support.services import desk


@granted(Grant.SEE)
def ticket_views(request: HttpRequest) -> HttpResponse:
    """GET: all views that the person has. POST: keep the list's present filters under a name."""
    if request.method == "POST":
        return _keep(request, viewer(request))
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    person = viewer(request)
    views = queue.views_of(person)
    context = {
        "mine": [view for view in views if view.person_id == person.pk],
        "shared": [view for view in views if view.person_id is None],
        "may_share": person.may(Grant.EDIT_SUPPORT),
    }
    return render(request, "portal/tickets/queue_views.html", context)


def _keep(request: HttpRequest, person: Person) -> HttpResponse:
    given = request.POST
    try:
        view = desk.save_view(
            view=None,
            person=person,
            name=given.get("name", "")[:200],
            query=given.get("query", "")[:4000],
            shared=given.get("shared") == "1",
            now=clock.now(),
        )
    except Invalid as error:
        messages.error(request, error.message)
        return redirect(queue_again(request))
    messages.success(request, f"The view {view.name} is saved.")
    return redirect(_shown(view))


def _shown(view: SavedView) -> str:
    return f"{reverse('tickets')}?{view.query}{'&' if view.query else ''}saved={view.pk}"


def _page(pk: int) -> str:
    return reverse("ticket_views")


@acts(Grant.SEE, page=_page)
def ticket_view(request: HttpRequest, pk: int) -> HttpResponse:
    """`do`: rename (with `name`), filters (with `query`), up, down or delete."""
    person, given, now = viewer(request), request.POST, clock.now()
    try:
        view = desk.find_view(pk=pk, person=person)
    except NotFound as error:
        raise Http404 from error
    do = given.get("do", "")
    try:
        if do == "delete":
            desk.delete_view(view=view, person=person)
            messages.success(request, f"The view {view.name} is deleted. Its tickets stay.")
        elif do in {"up", "down"}:
            desk.move_view(view=view, person=person, by=-1 if do == "up" else 1)
        elif do == "filters":
            query = given.get("query", "")[:4000]
            desk.save_view(view=view, person=person, name=view.name, query=query, now=now)
            messages.success(request, f"{view.name} shows these filters now.")
            return redirect(_shown(view))
        else:
            name = given.get("name", "")[:200]
            desk.save_view(view=view, person=person, name=name, now=now)
    except Invalid as error:
        messages.error(request, error.message)
    return redirect("ticket_views")
