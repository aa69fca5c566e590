"""Who may open a page and press its buttons: every view of the portal wears one of these."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.template import Context
from django.utils.http import url_has_allowed_host_and_scheme

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core.errors import Conflict
from apps.portal.templatetags._viewer import Viewer, viewer_of

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

_WHY = {
    Grant.SEE: "You have no role here yet. Ask a manager to give you one.",
    Grant.RESPOND: "Your role only reads.",
    Grant.ROUTE: "Routing alerts takes the role of responder, maintainer or manager.",
}
_WHY_ELSE = "Your role does not include this. A manager can change roles."


def viewer(request: HttpRequest) -> Person:
    """The signed-in person; only for views behind the login."""
    assert isinstance(request.user, Person)
    return request.user


def why_not(person: Person, grant: Grant) -> str:
    """Why a person may not do something, in a sentence; empty when they may."""
    return "" if person.may(grant) else _WHY.get(grant, _WHY_ELSE)


def refuse(request: HttpRequest, why: str, status: int = 403) -> HttpResponse:
    """A refusal as a page that says why."""
    return render(request, f"errors/{status}.html", {"message": why}, status=status)


def granted(grant: Grant) -> Callable[[View[P]], View[P]]:
    """A page that takes a grant; without it 403, and without a login the sign-in page."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            why = why_not(viewer(request), grant)
            return refuse(request, why) if why else view(request, *args, **kwargs)

        return guarded

    return decorate


def acts(grant: Grant, *, page: Callable[P, str]) -> Callable[[View[P]], View[P]]:
    """A view that changes something: POST only and with the grant.

    GET leads to the page that the form stands on, which is where a login in between ends up.
    Whoever comes too late (somebody else was faster) is told so there.
    """

    def decorate(view: View[P]) -> View[P]:
        guarded = granted(grant)(view)

        @wraps(view)
        def posted(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method == "POST":
                try:
                    return guarded(request, *args, **kwargs)
                except Conflict as error:
                    messages.error(request, error.message)
                    return redirect(page(*args, **kwargs))
            if request.method in {"GET", "HEAD"}:
                return redirect(page(*args, **kwargs))
            return HttpResponseNotAllowed(["POST"])

        return posted

    return decorate


def live(view: View[P]) -> View[P]:
    """A part of a page that htmx fetches again and again.

    Whoever is not signed in any more is sent to sign in as a whole page: a redirect would put the
    sign-in form into the middle of the old one.
    """
    seen = granted(Grant.SEE)(view)

    @login_not_required
    @wraps(view)
    def polled(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return HttpResponse(status=401, headers={"HX-Refresh": "true"})
        return seen(request, *args, **kwargs)

    return polled


def back(request: HttpRequest, default: str) -> HttpResponse:
    """To the page that the form says it stood on, when that is ours."""
    to = request.POST.get("next", "")
    local = to.startswith("/") and url_has_allowed_host_and_scheme(to, None)
    return redirect(to if local else default)


def reader(request: HttpRequest) -> Viewer:
    """The zone, clock and week in which the request's reader sees times."""
    return viewer_of(Context({"request": request}))
