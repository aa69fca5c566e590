"""`{% load telemetry %}`: how runs, shares and lengths are written and drawn. Pure rendering.

`{{ share|percent }}` "33.9 %"  `{% bounds interval %}` "25.8–43.1"  `{{ seconds|took }}` "6 m 12 s"
`{{ "bigquery"|warehouse }}` "BigQuery"  `{% outcome run %}` a state, "Too slow" where that is why
`{% rate_bar bar %}` `{% axis ticks %}` `{% spread row %}` `{% whisker row %}` `{% strip squares %}`
`{% spark line %}` one row of a drawing each; `{% over_time plot %}` `{% trend plot %}` whole ones
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol

from django.template import Library
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.customers.cadence import words as every
from apps.portal import telemetry_plots as plots
from apps.portal.templatetags._status import EMPTY, _chip, _state
from apps.portal.templatetags._vocabulary import Look

register = Library()
WAREHOUSES = {
    "": "Type not sent",
    "athena": "Athena",
    "bigquery": "BigQuery",
    "clickhouse": "ClickHouse",
    "databricks": "Databricks",
    "duckdb": "DuckDB",
    "mysql": "MySQL",
    "postgres": "Postgres",
    "postgresql": "Postgres",
    "redshift": "Redshift",
    "snowflake": "Snowflake",
    "sqlserver": "SQL Server",
    "trino": "Trino",
}
OUTCOMES = {
    "running": Look("Running", "q2", "info"),
    "succeeded": Look("Succeeded", "check", "success"),
    "partial": Look("Partly failed", "q2", "warning"),
    "failed": Look("Failed", "over", "danger"),
    "timed_out": Look("Timed out", "clock", "danger"),
    "canceled": Look("Canceled", "slash"),
}
FRESH = {
    "fresh": Look("Fresh", "check", "plain"),
    "late": Look("Late", "clock", "warning"),
    "stale": Look("Stale", "over", "danger"),
    "never": Look("Never profiled", "over", "danger"),
    "suppressed": Look("Paused", "pause", "dashed"),
}
LOOKS = {
    "firing": Look("Below target", "over", "danger"),
    "warning": Look("Maybe below", "warn", "warning"),
    "ok": Look("Not proven", "q2", "plain"),
    "proven": Look("Proven", "check", "success"),
    "insufficient_data": Look("Too few", "dash", "dashed"),
    "no_data": Look("No data", "dash", "dashed"),
}


class Bounded(Protocol):
    lower: float | None
    upper: float | None


@register.filter
def percent(share: float | None) -> str:
    return plots.percent(share)


@register.filter
def points(difference: float | None) -> str:
    """A difference of two shares: "+2.1 points"."""
    return "" if difference is None else f"{100 * difference:+.1f}".replace("-", "−")


@register.simple_tag
def bounds(interval: Bounded) -> str:
    return plots.bounds(interval.lower, interval.upper)


@register.filter
def took(seconds: float | None) -> str:
    return plots.length(seconds)


@register.filter
def took_ms(milliseconds: int | None) -> str:
    return plots.length(None if milliseconds is None else milliseconds / 1000)


@register.filter
def warehouse(key: str) -> str:
    """A warehouse type by its own name; one that is not known as it was sent."""
    return WAREHOUSES.get(key, key)


@register.filter
def size_name(size: str) -> str:
    return f"{size.capitalize()}" if size != "unknown" else "Size not sent"


@register.simple_tag
def outcome(run: Any) -> SafeString:
    """How a run or a table ended; a run that took too long says so, as it counts as bad."""
    if run.outcome == "succeeded" and getattr(run, "verdict", "") == "bad":
        return _state(Look("Too slow", "clock", "warning"))
    return _state(OUTCOMES.get(run.outcome, Look(run.outcome, "dot")))


@register.simple_tag
def counts_as(verdict: str) -> SafeString:
    """Good ones say nothing; what does not count is framed, not hidden."""
    if verdict == "excluded":
        return _chip(Look("Left out", "slash", "dashed"))
    return EMPTY


@register.simple_tag
def fresh(state: str, age: str = "") -> SafeString:
    return _chip(FRESH.get(state, Look(state, "dot")), age)


@register.simple_tag
def accuracy_verdict(look: str) -> SafeString:
    return _chip(LOOKS[look])


# -- drawings of one row


@register.simple_tag
def rate_bar(bar: plots.Bar, tone: str = "", limit: float | None = None) -> SafeString:
    """The bar of a share with its interval; a dashed frame where there is too little to judge."""
    if bar.few:
        return format_html(
            '<svg class="tp-bar" height="14" aria-hidden="true"><title>{}</title>'
            '<rect class="tp-few" x="0.5" y="1.5" width="99.8%" height="11"/></svg>',
            bar.title,
        )
    return format_html(
        '<svg class="tp-bar" height="14" aria-hidden="true"><title>{}</title>'
        '<line class="tp-zero" y1="0" y2="14"/><rect class="tp-fill{}" y="1" width="{}%"'
        ' height="12"/>{}<line class="tp-iv" x1="{l}%" x2="{u}%" y1="7" y2="7"/>'
        '<line class="tp-iv" x1="{l}%" x2="{l}%" y1="3" y2="11"/>{end}</svg>',
        bar.title, f" tp-fill--{tone}" if tone else "", bar.width, _threshold(limit, 14),
        l=bar.lower, u=bar.upper,
        end=EMPTY if bar.is_cut else format_html(
            '<line class="tp-iv" x1="{u}%" x2="{u}%" y1="3" y2="11"/>', u=bar.upper),
    )  # fmt: skip


def _threshold(at: float | None, height: int) -> SafeString:
    if at is None:
        return EMPTY
    return format_html('<line class="tp-thr" x1="{x}%" x2="{x}%" y1="0" y2="{h}"/>', x=at, h=height)


@register.simple_tag
def axis(ticks: Sequence[plots.Tick]) -> SafeString:
    """The common axis below rows of bars."""
    marks = format_html_join(
        "",
        '<line class="tp-tick" x1="{x}%" x2="{x}%" y1="0" y2="4"/>'
        '<text class="tp-ax tp-{a}" x="{x}%" y="16">{t}</text>',
        ({"x": tick.at, "a": tick.anchor, "t": tick.text} for tick in ticks),
    )
    return format_html(
        '<svg class="tp-axis" height="20" aria-hidden="true"><line class="tp-base" x2="100%"'
        ' y1="0.5" y2="0.5"/>{}</svg>',
        marks,
    )


@register.simple_tag
def spread(row: plots.Spread) -> SafeString:
    """p50, p95 and p99 on the axis of lengths; the objective as a dashed line."""
    parts = [_threshold(row.limit, 20)]
    if row.p50 is not None and row.last is not None:
        parts.append(format_html('<line class="tp-range" x1="{}%" x2="{}%" y1="10" y2="10"/>',
                                 row.p50, row.last))  # fmt: skip
    if row.p50 is not None:
        parts.append(format_html('<circle class="tp-p50" cx="{}%" cy="10" r="4"/>', row.p50))
    if row.p95 is not None:
        parts.append(format_html(
            '<svg class="tp-at" x="{}%" y="10" overflow="visible"><rect class="tp-p95" x="-4"'
            ' y="-4" width="8" height="8"/></svg>', row.p95))  # fmt: skip
    if row.p99 is not None:
        parts.append(format_html('<line class="tp-p99" x1="{x}%" x2="{x}%" y1="4" y2="16"/>',
                                 x=row.p99))  # fmt: skip
    return format_html(
        '<svg class="tp-spread" height="20" aria-hidden="true"><title>{}</title>'
        '<line class="tp-base" x2="100%" y1="10" y2="10"/>{}</svg>',
        row.title, format_html_join("", "{}", ((part,) for part in parts)),
    )  # fmt: skip


@register.simple_tag
def whisker(row: plots.Whisker | None, tone: str = "") -> SafeString:
    """A share as a point on its interval, with the target that it should keep."""
    if row is None:
        return EMPTY
    target = _threshold(row.target, 20)
    look = f" tp-w--{tone}" if tone else ""
    return format_html(
        '<svg class="tp-spread" height="20" aria-hidden="true"><line class="tp-base" x2="100%"'
        ' y1="10" y2="10"/><line class="tp-w{look}" x1="{}%" x2="{}%" y1="10" y2="10"/>{}'
        '<circle class="tp-pt{look}" cx="{}%" cy="10" r="4"/></svg>',
        row.lower, row.upper, target, row.point, look=look,
    )  # fmt: skip


@register.simple_tag
def strip(squares: Sequence[plots.Square], label: str) -> SafeString:
    """One cell a day; what did not run is an empty one."""
    cells = format_html_join(
        "",
        '<rect class="tp-{}" x="{}%" y="{}" width="{}%" height="{}" rx="1"><title>{}</title>'
        "</rect>",
        (
            (one.look, one.x, 5 if one.look == "part" else 0.5, one.width,
             14.5 if one.look == "part" else 19, one.title)
            for one in squares
        ),
    )  # fmt: skip
    return format_html(
        '<svg class="tp-strip" height="20" role="img" aria-label="{}">{}</svg>', label, cells
    )


@register.simple_tag
def strip_of(bands: Sequence[plots.Band], label: str) -> SafeString:
    """As `strip`, in a few short paths, for a list of many."""
    paths = format_html_join(
        "", '<path class="tp-{}" d="{}"/>', ((band.look, band.path) for band in bands)
    )
    return format_html(
        '<svg class="tp-strip" viewBox="0 0 2800 20" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>',
        label, paths,
    )  # fmt: skip


@register.filter
def reading(value: float | None) -> str:
    """A value as far as it says something: three figures, or all before the point."""
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


@register.filter
def rhythm(cadence: timedelta | None) -> str:
    """ "daily", "every 6 h", or that none is known."""
    words = every(round(cadence.total_seconds())) if cadence else ""
    return words or "no rhythm known"


@register.simple_tag
def spark(line: plots.Spark | None, label: str) -> SafeString:
    if line is None:
        return EMPTY
    limit = EMPTY if line.limit is None else format_html(
        '<line class="tp-thr" x2="100" y1="{y}" y2="{y}"/>', y=line.limit)  # fmt: skip
    return format_html(
        '<svg class="tp-spark" viewBox="0 0 100 100" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}<polyline points="{}"/></svg>',
        label, limit, line.points,
    )  # fmt: skip


# -- whole drawings


@register.inclusion_tag("portal/telemetry/_over_time.html")
def over_time(plot: plots.OverTime, label: str) -> dict[str, Any]:
    return {"plot": plot, "label": label}


@register.inclusion_tag("portal/telemetry/_trend.html")
def trend(plot: plots.Trend, label: str) -> dict[str, Any]:
    return {"plot": plot, "label": label}
