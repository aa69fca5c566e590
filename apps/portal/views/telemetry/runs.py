"""Runs and reports: lists that every filter of stands in the address, and one run."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render

from apps.accounts.roles import Grant
from apps.core import clock
from apps.portal import listing
from apps.portal.access import granted, viewer
from apps.portal.context import link
from apps.portal.selectors import telemetry as board
from apps.portal.selectors import telemetry_runs as selectors
from apps.portal.selectors.telemetry_runs import Wanted
from apps.portal.templatetags.telemetry import size_name, warehouse
from apps.telemetry.models import (
    DiagnosticCode,
    DurationObjective,
    ProfiledSource,
    ProfileRun,
    Size,
)
from apps.telemetry.selectors import spans

STANDARD = "7d"


def _span(params: QueryDict, now: Any) -> spans.Span:
    """As the dashboard's, but a week unless the address says: a list is for looking back."""
    if params.get("span"):
        return board.chosen_span(params, now)
    given = params.copy()
    given["span"] = STANDARD
    return board.chosen_span(given, now)


def _wanted(params: QueryDict) -> Wanted:
    source = params.get("source", "")
    return Wanted(
        show=listing.choice(params, "show", selectors.SHOW, "all"),
        warehouse=params.get("warehouse", "")[:40],
        size=listing.choice(params, "size", Size.values),
        source=int(source) if source.isascii() and source.isdigit() and len(source) < 10 else None,
        code=str(params["code"])[:60] if "code" in params else None,
        package=params.get("package", "")[:60],
        template=params.get("template", "")[:60],
    )


@granted(Grant.SEE)
def telemetry_runs(request: HttpRequest) -> HttpResponse:
    """Runs, newest first, of a week unless the address says otherwise."""
    person, params, now = viewer(request), request.GET, clock.now()
    span, wanted = _span(params, now), _wanted(params)
    source = None
    if wanted.source:
        seen = ProfiledSource.objects.visible_to(person)
        source = seen.filter(pk=wanted.source).first()
    by = "received_at" if wanted.show == "running" else "finished_at"
    page = listing.cut(selectors.runs(person, span, wanted), by=by, params=params, size=40)
    until = board.moment(params.get("until", ""))
    given = {
        "warehouse": ("Warehouse is", warehouse(wanted.warehouse) if wanted.warehouse else ""),
        "size": ("Size is", size_name(wanted.size) if wanted.size else ""),
        "source": ("Source is", str(source) if source else ("gone" if wanted.source else "")),
        "code": ("Code is", "" if wanted.code is None else wanted.code or "not sent"),
        "package": ("Package is", wanted.package),
        "until": ("Ended before", f"{until:%Y-%m-%d %H:%M} UTC" if until else ""),
    }
    context = {
        "now": now,
        "page": page,
        "span": span,
        "spans": listing.tabs(request, "span", spans.KEYS, span.key),
        "tabs": board.tabs("telemetry_runs"),
        "views": listing.tabs(request, "show", selectors.SHOW, wanted.show),
        "chips": listing.chips(request, given),
        "wanted": wanted,
        "choices": selectors.choices(person),
        "sizes": [(value, size_name(value)) for value in Size.values],
    }
    return render(request, "portal/telemetry/runs.html", context)


@granted(Grant.SEE)
def telemetry_run(request: HttpRequest, pk: int) -> HttpResponse:
    """One attempt of a run: what was sent of it, what it counts as and why, its tables."""
    person = viewer(request)
    seen = ProfileRun.objects.visible_to(person)
    run = get_object_or_404(seen.select_related("source", "integration", "surface"), pk=pk)
    code = DiagnosticCode.objects.filter(code=run.diagnostic_code).first()
    limit = DurationObjective.objects.filter(size=run.size).first()
    tables, total = selectors.tables(run.source, run)
    context = {
        "now": clock.now(),
        "run": run,
        "code": code,
        "limit": limit,
        "attempts": selectors.attempts(run, person),
        "tables": [(one, selectors.is_changed_after(one.row)) for one in tables],
        "tables_total": total,
        "tables_here": any(one.is_here for one in tables),
        "code_url": _code_url(code) if person.may(Grant.ADMIN) else "",
    }
    return render(request, "portal/telemetry/run.html", context)


def _code_url(code: DiagnosticCode | None) -> str:
    if code is None:
        return link("admin:telemetry_diagnosticcode_changelist")
    return link("admin:telemetry_diagnosticcode_change", object_id=code.pk)


@granted(Grant.SEE)
def telemetry_reports(request: HttpRequest) -> HttpResponse:
    """Reports that were made or were not, newest first."""
    person, params, now = viewer(request), request.GET, clock.now()
    span, wanted = _span(params, now), _wanted(params)
    page = listing.cut(
        selectors.reports(person, span, wanted), by="finished_at", params=params, size=40
    )
    given = {
        "template": ("Template is", wanted.template.replace("_", " ")),
        "code": ("Code is", "" if wanted.code is None else wanted.code or "not sent"),
    }
    views = {key: words for key, words in selectors.SHOW.items() if key != "running"}
    context = {
        "now": now,
        "page": page,
        "span": span,
        "spans": listing.tabs(request, "span", spans.KEYS, span.key),
        "views": listing.tabs(request, "show", views, wanted.show),
        "chips": listing.chips(request, given),
        "wanted": wanted,
        "tabs": board.tabs("telemetry"),
    }
    return render(request, "portal/telemetry/reports.html", context)
