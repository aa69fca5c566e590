"""Profiled sources: all of them by freshness, and one with its runs, tables and rhythm."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.portal import listing
from apps.portal import telemetry_plots as plots
from apps.portal.access import granted, refuse, viewer, why_not
from apps.portal.forms import submit
from apps.portal.forms_telemetry import SourceForm
from apps.portal.selectors import telemetry as board
from apps.portal.selectors import telemetry_figures as figures
from apps.portal.selectors import telemetry_runs as selectors
from apps.portal.selectors.now import surfaces_to_route_to
from apps.telemetry import services
from apps.telemetry.models import ProfiledSource
from apps.telemetry.selectors import freshness
from apps.telemetry.selectors.freshness import Freshness

SHOW = {"all": "All", "trouble": "Not fresh", "paused": "Paused"}
SIZE = 50  # sources on one page: freshness is reckoned of all, their days only of these
KEPT = {"trouble": figures.TROUBLE, "paused": ("suppressed",)}


@granted(Grant.SEE)
def telemetry_sources(request: HttpRequest) -> HttpResponse:
    """Every source, the one whose profile is oldest against its rhythm first."""
    person, now = viewer(request), clock.now()
    found = figures.fresh_rows(person, now)
    show = listing.choice(request.GET, "show", SHOW, "all")
    rows = [row for row in found if show == "all" or row.state in KEPT[show]]
    count = figures.fresh_count(found)
    pages = Paginator(rows, SIZE)
    page = pages.get_page(request.GET.get("page"))
    context = {
        "now": now,
        "rows": _with_days(list(page.object_list), now),
        "page": page,
        "previous": _page_address(request, page.number - 1, pages),
        "next": _page_address(request, page.number + 1, pages),
        "days": selectors.DAYS,
        "count": count,
        "tabs": board.tabs("telemetry_sources"),
        "views": listing.tabs(
            request, "show", SHOW, show, trouble=count.trouble + count.late, paused=count.paused
        ),
        "show": show,
    }
    return render(request, "portal/telemetry/sources.html", context)


def _page_address(request: HttpRequest, number: int, pages: Paginator[Freshness]) -> str:
    if number not in pages.page_range:
        return ""
    return listing.address(request.GET, page=str(number) if number > 1 else "")


def _with_days(rows: list[Freshness], now: Any) -> list[dict[str, Any]]:
    days = selectors.days_of([row.source.pk for row in rows if row.source], now)
    found = []
    for row in rows:
        mine = days.get(row.source.pk) if row.source else None
        found.append(
            {
                "fresh": row,
                "strip": plots.strip_bands(mine) if mine else None,
                "words": selectors.strip_words(row.label, mine) if mine else "",
            }
        )
    return found


def page_of(pk: int) -> str:
    return reverse("telemetry_source", kwargs={"pk": pk})


@granted(Grant.SEE)
def telemetry_source(request: HttpRequest, pk: int) -> HttpResponse:
    """One source; whoever edits integrations says here how often it should run."""
    person, now = viewer(request), clock.now()
    seen = ProfiledSource.objects.visible_to(person)
    source = get_object_or_404(seen.select_related("integration", "connection", "surface"), pk=pk)
    why = why_not(person, Grant.EDIT_INTEGRATIONS)
    if request.method == "POST" and why:
        return refuse(request, why)
    form = SourceForm(request.POST or None, person=person, source=source)
    if request.method == "POST" and _save(form, person, source, now) is not None:
        messages.success(request, "Saved. Its freshness is judged by this from now on.")
        return redirect(page_of(pk))
    return render(
        request,
        "portal/telemetry/source.html",
        _page(source, person, form, why, now),
        status=400 if form.errors else 200,
    )


def _save(
    form: SourceForm, person: Person, source: ProfiledSource, now: Any
) -> ProfiledSource | None:
    return submit(
        form,
        lambda values: services.change_source(
            source=source, actor=audit.person(person), now=now, **values
        ),
    )


def _page(
    source: ProfiledSource, person: Person, form: SourceForm, why: str, now: Any
) -> dict[str, Any]:
    expected = freshness.sending(person).filter(pk=source.pk).first()
    days = selectors.days_of([source.pk], now)[source.pk]
    tables, total = selectors.tables(source)
    return {
        "now": now,
        "source": source,
        "form": form,
        "why": why,
        "fresh": freshness.of_source(expected, now=now) if expected else None,
        "strip": plots.strip(days),
        "days": days,
        "words": selectors.strip_words(str(source), days),
        "runs": selectors.recent(source, person),
        "tables": [(one, selectors.is_changed_after(one.row)) for one in tables],
        "tables_total": total,
        "surfaces": surfaces_to_route_to(person),
    }
