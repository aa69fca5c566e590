"""Figures on incidents: one page, and its tables as files."""

from __future__ import annotations

import csv
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.models import Kind
from apps.core.text import csv_cell
from apps.incidents.models import Severity
from apps.incidents.selectors.figures import Figures
from apps.portal import listing
from apps.portal.access import granted, viewer
from apps.portal.selectors import incident_figures as selectors


@granted(Grant.SEE)
def incident_figures(request: HttpRequest) -> HttpResponse:
    """How incidents went: months, kind and severity stand in the address; kinds never mix."""
    person, now = viewer(request), clock.now()
    chosen, found = _read(request, person, now)
    months = chosen["months"]
    context = {
        "now": now,
        "found": found,
        "measured": selectors.measured(found),
        "months": selectors.every_month(found, months, now),
        "drawn": selectors.drawing(found, months, now),
        "most": max((one.n for one in (*found.detection, *found.severities)), default=0),
        "chosen": chosen,
        "spans": selectors.MONTHS,
        "tabs": listing.tabs(request, "kind", selectors.KINDS, chosen["kind"]),
        "severities": Severity.choices,
        "address": f"?{urlencode({key: value for key, value in chosen.items() if value})}",
    }
    return render(request, "portal/incidents/figures.html", context)


def _read(request: HttpRequest, person: Person, now: datetime) -> tuple[dict[str, Any], Figures]:
    params = request.GET
    chosen: dict[str, Any] = {
        "months": selectors.chosen_months(params.get("months", "")),
        "kind": listing.choice(params, "kind", selectors.KINDS, Kind.REAL),
        "severity": listing.choice(params, "severity", Severity.values),
        "surface": params.get("surface", "")[:80],
    }
    return chosen, selectors.read(person, now=now, **chosen)


@granted(Grant.SEE)
def incident_figures_file(request: HttpRequest, table: str) -> HttpResponse:
    """One table as CSV; no cell of it is a formula for a spreadsheet."""
    lines = selectors.TABLES.get(table)
    if lines is None:
        raise Http404
    chosen, found = _read(request, viewer(request), clock.now())
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"incidents-{table}-{chosen['kind']}-since-{found.since:%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response.write("\ufeff")
    out = csv.writer(response)
    for line in lines(found):
        out.writerow([csv_cell(cell) for cell in line])
    return response
