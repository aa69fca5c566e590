"""The list of incidents."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.models import Kind
from apps.incidents.models import Severity
from apps.portal import listing
from apps.portal.access import granted, viewer, why_not
from apps.portal.selectors import incidents as selectors
from apps.portal.selectors.now import open_by_severity, surfaces_to_route_to

STATES = {"open": "Open", "resolved": "Ended", "all": "All"}


@granted(Grant.SEE)
def incidents(request: HttpRequest) -> HttpResponse:
    """The list; every filter stands in the address."""
    person, params = viewer(request), request.GET
    state = listing.choice(params, "state", STATES, "open")
    severity = listing.choice(params, "severity", Severity.values)
    surface, mine = params.get("surface", "")[:80], params.get("mine") == "1"
    kind = listing.choice(params, "kind", Kind.values)
    rows = selectors.listed(
        person, state=state, severity=severity, surface=surface, mine=mine, kind=kind
    )
    given = {
        "severity": ("Severity is", severity),
        "surface": ("Surface is", surface),
        "kind": ("Kind is", Kind(kind).label.lower() if kind else ""),
        "mine": ("People include", "you" if mine else ""),
    }
    now = clock.now()
    page = listing.cut(rows, by="detected_at", params=params)
    selectors.dress(page.rows)
    context = {
        "now": now,
        "page": page,
        "tabs": listing.tabs(
            request, "state", STATES, state, open=sum(open_by_severity(person).values())
        ),
        "chips": listing.chips(request, given),
        "state": state,
        "severity": severity,
        "surface": surface,
        "mine": mine,
        "kind": kind,
        "kinds": Kind.choices,
        "severities": Severity.choices,
        "surfaces": surfaces_to_route_to(person),
        "why_respond": why_not(person, Grant.RESPOND),
    }
    return render(request, "portal/incidents/list.html", context)
