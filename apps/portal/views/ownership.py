"""Surfaces: who answers for what, and what breaks with it."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from apps.accounts.roles import Grant
from apps.core import clock
from apps.ownership.models import Surface
from apps.portal import listing
from apps.portal.access import granted, viewer
from apps.portal.context import link
from apps.portal.selectors import ownership as selectors

SIZE = 40
VIEWS = {
    "all": "All",
    "no-primary": "No primary",
    "no-backup": "No backup",
    "no-cover": "No schedule",
}


def _lacks(row: selectors.Owned, view: str) -> bool:
    match view:
        case "no-primary":
            return row.owners.primary is None
        case "no-backup":
            return row.owners.backup is None
        case "no-cover":
            return row.schedule is None
    return True


@granted(Grant.SEE)
def ownership(request: HttpRequest) -> HttpResponse:
    """Every surface; nobody is said as plainly as somebody."""
    person, now = viewer(request), clock.now()
    rows = selectors.listed(person, now=now)
    view = listing.choice(request.GET, "show", VIEWS, "all")
    lacking = {name: [row for row in rows if _lacks(row, name)] for name in VIEWS}
    tabs = listing.tabs(request, "show", VIEWS, view, **{k: len(v) for k, v in lacking.items()})
    for tab, name in zip(tabs, VIEWS, strict=True):
        tab["tone"] = "danger" if name != "all" and lacking[name] else ""
        tab["url"] = f"?show={name}"
    context = {
        "now": now,
        "tabs": tabs,
        "view": view,
        "page": Paginator(lacking[view], SIZE).get_page(request.GET.get("page", "1")[:6]),
        "edit_url": link("admin:ownership_surface_changelist")
        if person.may(Grant.EDIT_OWNERSHIP)
        else "",
    }
    return render(request, "portal/ownership/list.html", context)


@granted(Grant.SEE)
def surface(request: HttpRequest, key: str) -> HttpResponse:
    """One surface: owners, cover, what it leans on, what fails with it, what happened."""
    person, now = viewer(request), clock.now()
    seen = Surface.objects.visible_to(person).select_related("team", "parent")
    found = get_object_or_404(seen, key=key)
    context = {
        "now": now,
        "surface": found,
        "whole": selectors.whole(found, person, now=now),
        "edit_url": link("admin:ownership_surface_change", object_id=found.pk)
        if person.may(Grant.EDIT_OWNERSHIP)
        else "",
    }
    return render(request, "portal/ownership/surface.html", context)
