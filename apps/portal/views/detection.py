"""The report on what noticed incidents first, and on what the rules are worth."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.roles import Grant
from apps.core import clock
from apps.portal.access import granted, viewer
from apps.portal.selectors import detection as selectors
from apps.portal.selectors import telemetry


@granted(Grant.SEE)
def detection(request: HttpRequest) -> HttpResponse:
    """Incidents by what noticed them, how far customers were ahead, rules that never fired or
    that flap."""
    days, now = selectors.chosen_days(request.GET.get("days", "")), clock.now()
    found = selectors.report(viewer(request), days=days, now=now)
    context = {
        "now": now,
        "days": days,
        "spans": selectors.SPANS,
        "report": found,
        "tabs": telemetry.tabs("detection"),
    }
    return render(request, "portal/slos/detection.html", context)
