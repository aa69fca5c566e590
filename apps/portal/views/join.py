"""The link of an invitation: name, password, time zone, and in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.core import clock
from apps.notifications import services as notifications
from apps.portal import services
from apps.portal.forms import submit
from apps.portal.forms_setup import JoinForm
from apps.portal.views.welcome import BACKEND


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Whoever holds the link comes in as the person it was sent to, once."""
    now = clock.now()
    invitation = notifications.open_invitation(token=token, now=now)
    person = invitation.person
    initial = {"name": person.name, "time_zone": person.time_zone}
    form = JoinForm(request.POST if request.method == "POST" else None, initial=initial)
    joined = submit(
        form,
        lambda values: services.accept_invitation(invitation=invitation, now=now, **values),
    )
    if joined is not None:
        login(request, joined, backend=BACKEND)
        messages.success(request, "Welcome. Add a phone below, so that a page can wake you.")
        return redirect("profile")
    context = {"form": form, "person": person, "by": invitation.invited_by, "now": now}
    response = render(request, "portal/join/join.html", context)
    # The address is a credential: the next page must not learn it. "no-referrer" would also take
    # the Origin header away that the form's own check needs.
    response["Referrer-Policy"] = "strict-origin"
    return response
