"""Who is on call: everywhere, in one schedule, and for one person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant, Role
from apps.core import clock
from apps.notifications import selectors as reach
from apps.portal import charts
from apps.portal.access import granted, reader, viewer
from apps.portal.context import link
from apps.portal.selectors import oncall as selectors
from apps.portal.selectors import ownership
from apps.rotations.models import Schedule, Shift

SCHEDULES = 12  # lanes of one page
WINDOWS = (14, 7, 2)  # days: a page that would hold too many shifts shows fewer days
DRAWN = 110  # shifts drawn on a page, so that it stays below 100 kB
WEEKS = 4  # of one schedule's page
REACH_BACK = 400  # days around today that can be looked at


def _first_day(request: HttpRequest, now: datetime, zone: tzinfo) -> date:
    """`?from=2026-09-07`, else today; what is no date or too far away counts as not given."""
    today = now.astimezone(zone).date()
    try:
        asked = date.fromisoformat(request.GET.get("from", ""))
    except ValueError:
        return today
    return asked if abs((asked - today).days) <= REACH_BACK else today


def _window(
    request: HttpRequest, schedules: Sequence[Schedule], now: datetime, windows: Sequence[int]
) -> dict[str, Any]:
    """The timeline over the longest window that does not draw too much, and its neighbors."""
    zone = reader(request).zone
    first = _first_day(request, now, zone)
    start = charts.local_midnight(first, zone)
    shifts = selectors.shifts_of(
        schedules, start, charts.local_midnight(first + timedelta(days=windows[0]), zone)
    )
    for days in windows:
        end = charts.local_midnight(first + timedelta(days=days), zone)
        rows = selectors.chart_rows(schedules, shifts, start, end, gaps_from=now)
        drawn = sum(1 for row in rows for shift in row.shifts if shift.start < end)
        if drawn <= DRAWN:
            break
    return {
        "rows": [_limited(row, DRAWN) for row in rows],
        "start": start,
        "end": end,
        "days": days,
        "shortened": days != windows[0],
        "earlier": f"?from={first - timedelta(days=days)}",
        "later": f"?from={first + timedelta(days=days)}",
        "today": "" if first == now.astimezone(zone).date() else "?",
        "shifts": shifts,
    }


def _limited(row: charts.Row, most: int) -> charts.Row:
    return charts.Row(label=row.label, shifts=row.shifts[:most], layer=row.layer, url=row.url)


def _edit_url(person: Person, schedule: Schedule | None = None) -> str:
    if not person.may(Grant.EDIT_ROTATIONS):
        return ""
    if schedule is None:
        return link("admin:rotations_schedule_changelist")
    return link("admin:rotations_schedule_change", object_id=schedule.pk)


@granted(Grant.SEE)
def oncall(request: HttpRequest) -> HttpResponse:
    """Everybody who is on call, and the next two weeks of every schedule."""
    person, now = viewer(request), clock.now()
    schedules = selectors.schedules_of(person)
    page = Paginator(schedules, SCHEDULES).get_page(request.GET.get("page", "1")[:6])
    covered = selectors.cover_of(schedules, now=now)
    on = [shift.person for duty in covered.duties for shift in duty.shifts]
    ways = reach.reach_of(on)
    context = {
        "now": now,
        "cover": covered,
        "page": page,
        "window": _window(request, list(page.object_list), now, WINDOWS),
        "mail_only": sorted({one.name for one in on if ways[one.pk].route == "email"}),
        "edit_url": _edit_url(person),
        "preset_url": link("rotation_preset") if person.may(Grant.EDIT_ROTATIONS) else "",
    }
    return render(request, "portal/oncall/list.html", context)


@granted(Grant.SEE)
def schedule(request: HttpRequest, key: str) -> HttpResponse:
    """One schedule: who is on now, how it turns, the next weeks, gaps and exceptions."""
    person, now = viewer(request), clock.now()
    found = get_object_or_404(Schedule.objects.visible_to(person).current(), key=key)
    context = {
        "now": now,
        "schedule": found,
        "cover": selectors.cover_of([found], now=now),
        "turns": selectors.turns_of(found, now=now),
        "overrides": selectors.overrides_of(found, now=now),
        "surfaces": selectors.surfaces_of(found, person),
        "window": _window(request, [found], now, (7 * WEEKS, *WINDOWS)),
        "edit_url": _edit_url(person, found),
    }
    return render(request, "portal/oncall/schedule.html", context)


@granted(Grant.SEE)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody here: what they answer for and when they are on call. Never how to reach them."""
    me, now = viewer(request), clock.now()
    found = get_object_or_404(Person.objects.visible_to(me), pk=pk)
    shifts = (
        Shift.objects.filter(schedule__in=Schedule.objects.visible_to(me).current(), person=found)
        .filter(end_at__gt=now)
        .select_related("schedule")
        .order_by("start_at", "pk")[:6]
    )
    context = {
        "now": now,
        "person": found,
        "roles": [Role(role).label for role in found.roles if role in Role.values],
        "teams": list(found.teams.order_by("name")),
        "shifts": list(shifts),
        "surfaces": ownership.owned_by(found, me, now=now),
        "reach": reach.reach_of([found])[found.pk],
        "edit_url": link("admin:accounts_person_change", object_id=found.pk)
        if me.may(Grant.EDIT_PEOPLE)
        else "",
        "own_url": link("profile") if found == me else "",
        "oncall_url": reverse("oncall"),
    }
    return render(request, "portal/people/person.html", context)
