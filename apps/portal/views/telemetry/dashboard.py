"""The dashboard of profiling, and its tables as files."""

from __future__ import annotations

import csv
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.text import csv_cell
from apps.portal import listing
from apps.portal import telemetry_plots as plots
from apps.portal.access import granted, reader, viewer, why_not
from apps.portal.selectors import telemetry as selectors
from apps.portal.selectors import telemetry_figures as summed
from apps.portal.selectors.telemetry_files import TABLES
from apps.telemetry.models import Grain, Size
from apps.telemetry.selectors import durations, spans
from apps.telemetry.selectors.dashboard import Board, board


@granted(Grant.SEE)
def telemetry(request: HttpRequest) -> HttpResponse:
    """How profiling goes; span, warehouse type and size stand in the address."""
    person, now = viewer(request), clock.now()
    found, chosen = _read(request, person, now)
    sources = summed.fresh_rows(person, now)
    context = {
        "now": now,
        "board": found,
        "span": found.span,
        "chosen": chosen,
        "spans": _spans(request, found.span.key),
        "tabs": selectors.tabs("telemetry"),
        "fresh": sources[: summed.WORST],
        "fresh_more": max(0, len(sources) - summed.WORST),
        "why_edit": why_not(person, Grant.EDIT_INTEGRATIONS),
        **_drawn(request, found, person),
        **_summed(found, chosen, sources, person),
    }
    return render(request, "portal/telemetry/dashboard.html", context)


def _read(request: HttpRequest, person: Person, now: datetime) -> tuple[Board, dict[str, str]]:
    params = request.GET
    chosen = {
        "warehouse": params.get("warehouse", "")[:40],
        "size": listing.choice(params, "size", Size.values),
        "until": params.get("until", "") if selectors.moment(params.get("until", "")) else "",
    }
    span = selectors.chosen_span(params, now)
    return board(user=person, span=span, facet=chosen["warehouse"], size=chosen["size"]), chosen


def _spans(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    return listing.tabs(request, "span", spans.KEYS, current)


def _drawn(request: HttpRequest, found: Board, person: Person) -> dict[str, Any]:
    """The drawings, with the tables behind them."""
    viewing = reader(request)
    changes = selectors.releases(person, found.span)
    rows, axis = selectors.rate_rows(found)
    reports, reports_axis = selectors.report_rows(found.report_parts)
    packages, packages_axis = selectors.package_rows(found)
    lengths = plots.spreads(selectors.lengths(found.sizes))
    return {
        "rows": rows,
        "axis": axis,
        "over_time": selectors.over_time(found, changes, viewing),
        "steps": selectors.named_steps(found, viewing),
        "changes": changes,
        "sizes": list(zip(found.sizes, lengths.rows, strict=True)),
        "lengths": lengths,
        "trend": selectors.trend(found, changes, viewing),
        "trend_label": Size(found.trend_size).label if found.trend_size else "",
        "error": round(100 * durations.error(found.span)),
        "packages": packages,
        "packages_axis": packages_axis,
        "reports": reports,
        "reports_axis": reports_axis,
        "when": selectors.since_words(found.span, viewing.zone, viewing.cycle, found.span.end),
        "is_long": found.span.grain == Grain.DAY,
    }


def _summed(
    found: Board, chosen: dict[str, str], sources: list[Any], person: Person
) -> dict[str, Any]:
    address = selectors.address(found.span, **chosen)
    count = summed.fresh_count(sources)
    changed = summed.changed_types(person, found.span)
    types = summed.audited(person, found.span)
    return {
        "address": address,
        "fresh_count": count,
        "figures": summed.figures(found, count, changed, types, address),
        "is_fed": bool(sources or types.n) or summed.is_anything_sent(found, person),
    }


@granted(Grant.SEE)
def telemetry_file(request: HttpRequest, table: str) -> HttpResponse:
    """One table of the dashboard as CSV; no cell of it is a formula for a spreadsheet."""
    lines = TABLES.get(table)
    if lines is None:
        raise Http404
    found, _ = _read(request, viewer(request), clock.now())
    return as_csv(f"profiling-{table}-{found.span.key}", lines(found))


def as_csv(name: str, lines: Any) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.write("\ufeff")
    out = csv.writer(response)
    for line in lines:
        out.writerow([csv_cell(cell) for cell in line])
    return response
