"""What tools measured and counted: the last word of each, against its limit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.roles import Grant
from apps.core import clock
from apps.portal import listing
from apps.portal import telemetry_plots as plots
from apps.portal.access import granted, viewer
from apps.portal.selectors import telemetry as board
from apps.telemetry.models import Measurement
from apps.telemetry.selectors import latest, spans

WARN = (timedelta(days=3), timedelta(days=14), timedelta(days=30))
SILENT = timedelta(days=1)


@granted(Grant.SEE)
def telemetry_measurements(request: HttpRequest) -> HttpResponse:
    """Every series with its last value and limit, and what ends when."""
    person, now = viewer(request), clock.now()
    rows = latest.latest(user=person)
    ends = sorted((row for row in rows if row.not_after), key=lambda row: row.not_after or row.at)
    read = latest.with_past([row for row in rows if row.value is not None])
    series = [_series(one, now) for one in read]
    context = {
        "now": now,
        "series": sorted(series, key=lambda row: (not row["over"], row["row"].metric)),
        "ends": [_end(row, now) for row in ends],
        "over": sum(1 for row in series if row["over"]),
        "points": latest.POINTS,
        "cut": len(rows) >= latest.MOST,
        "most": latest.MOST,
        "tabs": board.tabs("telemetry_measurements"),
    }
    return render(request, "portal/telemetry/measurements.html", context)


def _series(one: latest.Reading, now: datetime) -> dict[str, Any]:
    return {
        "row": one.row,
        "over": one.is_over,
        "spark": plots.spark(one.values, one.row.limit),
        "words": f"The last {len(one.values)} readings of {one.row}",
        "silent": now - one.row.at > SILENT,
    }


def _end(row: Measurement, now: datetime) -> dict[str, Any]:
    """An end date: over, within three, fourteen or thirty days, or far."""
    left = (row.not_after or now) - now
    if left <= timedelta():
        return {"row": row, "left": left, "tone": "danger", "text": "Over", "glyph": "over"}
    if left <= WARN[1]:
        tone = "danger" if left <= WARN[0] else "warning"
        return {"row": row, "left": left, "tone": tone, "text": "Ends soon", "glyph": "clock"}
    if left <= WARN[2]:
        return {"row": row, "left": left, "tone": "", "text": "Ends this month", "glyph": "clock"}
    return {"row": row, "left": left, "tone": "plain", "text": "Far", "glyph": "check"}


@granted(Grant.SEE)
def telemetry_counts(request: HttpRequest) -> HttpResponse:
    """Good of total, by indicator and part, over a span."""
    person, params, now = viewer(request), request.GET, clock.now()
    key = params.get("span", "")
    span = spans.span(key if key in spans.KEYS else "24h", now)
    names = latest.slis()
    found = latest.counted(user=person, since=span.start, until=span.end, names=names)
    drawn = plots.shares([_rate(one) for one in found])
    groups: dict[str, list[Any]] = {}
    for one, bar in zip(found, drawn.bars, strict=True):
        groups.setdefault(one.sli, []).append((one, bar, _rate(one)))
    context = {
        "now": now,
        "span": span,
        "spans": listing.tabs(request, "span", spans.KEYS, span.key),
        "groups": groups,
        "axis": drawn,
        "silent": [name for name in names if name not in groups],
        "tabs": board.tabs("telemetry_counts"),
    }
    return render(request, "portal/telemetry/counts.html", context)


def _rate(one: latest.Counted) -> plots.Rate:
    """Drawn as what went wrong, as everywhere: short bars are good."""
    good = one.good_share
    upper = None if good.lower is None else 1 - good.lower
    lower = None if good.upper is None else 1 - good.upper
    return plots.Rate(one.bad, one.total, None if good.p is None else 1 - good.p, lower, upper)
