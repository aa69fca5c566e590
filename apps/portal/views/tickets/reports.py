"""Reports on tickets: one page, and each table of it as a file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.text import csv_cell
from apps.portal import listing
from apps.portal.access import granted, reader, viewer
from apps.portal.selectors import ticket_reports as selectors
from apps.support.models import Metric
from apps.support.selectors.reports import Top


@granted(Grant.SEE)
def ticket_reports(request: HttpRequest) -> HttpResponse:
    """Promises, flow and backlog; the window and a metric stand in the address."""
    person, now = viewer(request), clock.now()
    window = selectors.window(request.GET, now=now, zone=reader(request).zone)
    metric = listing.choice(request.GET, "metric", Metric.values)
    report = selectors.report(person, window, metric, now=now)
    chosen = {**window.query, **({"metric": metric} if metric else {})}
    context = {
        "now": now,
        "report": report,
        "window": window,
        "metric": metric,
        "metric_name": Metric(metric).label if metric else "",
        "metrics": selectors.METRICS,
        "spans": selectors.WEEKS,
        "titles": selectors.KEPT,
        "drawn": selectors.drawings(report),
        "tops": [
            _top("types", "Request types", "type", report.types, window),
            _top("surfaces", "Surfaces", "surface", report.surfaces, window),
        ],
        "address": f"?{urlencode(chosen)}",
    }
    return render(request, "portal/tickets/reports.html", context)


def _top(
    table: str, title: str, name: str, rows: Sequence[Top], window: selectors.Window
) -> dict[str, Any]:
    """What is asked for most, each row with the queue that shows its tickets."""
    return {
        "table": table,
        "title": title,
        "most": max((row.count for row in rows), default=0),
        "rows": [(row, selectors.queue_address(window, **{name: row.key})) for row in rows],
    }


@granted(Grant.SEE)
def ticket_report_file(request: HttpRequest, table: str) -> HttpResponse:
    """One table as CSV; no cell of it is a formula for a spreadsheet."""
    lines = selectors.TABLES.get(table)
    if lines is None:
        raise Http404
    person, now = viewer(request), clock.now()
    window = selectors.window(request.GET, now=now, zone=reader(request).zone)
    metric = listing.choice(request.GET, "metric", Metric.values)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"tickets-{table}-{window.first}-to-{window.last}{metric and '-' + metric}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response.write("\ufeff")
    out = csv.writer(response)
    for line in lines(person, window, metric, now):
        out.writerow([csv_cell(cell) for cell in line])
    return response
