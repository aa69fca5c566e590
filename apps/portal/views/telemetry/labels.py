"""Semantic types: how often they are right, one release against another, what changed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.roles import Grant
from apps.core import clock
from apps.portal import listing
from apps.portal.access import granted, reader, viewer
from apps.portal.selectors import telemetry as board
from apps.portal.selectors import telemetry_labels as selectors
from apps.telemetry.selectors import accuracy, compare, spans, typechanges


@granted(Grant.SEE)
def telemetry_accuracy(request: HttpRequest) -> HttpResponse:
    """Accuracy overall and by type; window, kind of sample and release stand in the address."""
    person, params, now = viewer(request), request.GET, clock.now()
    window = listing.choice(params, "window", selectors.WINDOWS, selectors.STANDARD)
    source = listing.choice(params, "of", accuracy.SAMPLED, accuracy.Truth.AUDIT)
    since = selectors.since(window, now)
    packages = accuracy.packages(user=person, since=since, source=source)
    package = listing.choice(params, "package", packages)
    found = accuracy.accuracy(user=person, since=since, until=now, source=source, package=package)
    pairs = accuracy.pairs(user=person, since=since, until=now, source=source, package=package)
    rows, floor = selectors.type_rows(found)
    corrected = accuracy.corrections(user=person, since=since, until=now)
    context = {
        "now": now,
        "found": found,
        "rows": rows,
        "axis": selectors.axis_of(floor),
        "wrong": accuracy.confusions(pairs),
        "corrected": corrected,
        "corrected_n": sum(row.n for row in corrected),
        "corrected_most": max((row.n for row in corrected), default=0),
        "by_package": accuracy.corrections_by_package(user=person, since=since, until=now),
        "windows": listing.tabs(request, "window", selectors.WINDOWS, window),
        "sampled": listing.tabs(request, "of", accuracy.SAMPLED, source),
        "of": source,
        "window": window,
        "package": package,
        "packages": packages,
        "tabs": board.tabs("telemetry_accuracy"),
    }
    return render(request, "portal/telemetry/accuracy.html", context)


@granted(Grant.SEE)
def telemetry_releases(request: HttpRequest) -> HttpResponse:
    """Two releases: on the fixtures that both read, and in the audits of each."""
    person, params, now = viewer(request), request.GET, clock.now()
    since = selectors.since("365d", now)
    names = compare.releases(person, since=since)
    after = selectors.pick(names, params.get("after", ""), 0)
    others = [name for name in names if name != after]
    before = selectors.pick(others, params.get("before", ""), 0)
    context: dict[str, Any] = {
        "now": now,
        "names": names,
        "after": after,
        "before": before,
        "tabs": board.tabs("telemetry_accuracy"),
    }
    if before and after:
        found = compare.compare(user=person, before=before, after=after, since=since, until=now)
        context |= {
            "found": found,
            "fixtures_say": selectors.verdict_words(found),
            "audits_say": selectors.audit_words(found),
        }
    return render(request, "portal/telemetry/releases.html", context)


@granted(Grant.SEE)
def telemetry_types(request: HttpRequest) -> HttpResponse:
    """Columns whose type became another: by pair of types, and each by itself."""
    person, params, now = viewer(request), request.GET, clock.now()
    key = params.get("span", "")
    span = spans.span(key if key in spans.KEYS else "7d", now)
    was, became = params.get("was", "")[:60], params.get("became", "")[:60]
    rows = typechanges.changes(
        user=person, since=span.start, until=span.end, was=was, became=became
    )
    pairs = typechanges.type_pairs(user=person, since=span.start, until=span.end)
    viewing = reader(request)
    context = {
        "now": now,
        "span": span,
        "when": board.since_words(span, viewing.zone, viewing.cycle, now),
        "spans": listing.tabs(request, "span", spans.KEYS, span.key),
        "page": listing.cut(rows, by="at", params=params, size=40),
        "pairs": pairs,
        "total": sum(pair.n for pair in pairs),
        "most": max((pair.n for pair in pairs), default=0),
        "known": typechanges.columns_known(person),
        "was": was,
        "became": became,
        "chips": listing.chips(request, {"was": ("Was", was), "became": ("Became", became)}),
        "tabs": board.tabs("telemetry_types"),
    }
    return render(request, "portal/telemetry/types.html", context)
