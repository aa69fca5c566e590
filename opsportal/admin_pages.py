"""The admin's pages that belong to no table: its start, and every change of the configuration."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode

from apps.core import clock
from apps.core.admin_base import history, site
from opsportal import attention


def start(request: HttpRequest) -> dict[str, Any]:
    """What the start page shows: what needs somebody, the worst first."""
    return {"title": "What needs you", "concerns": attention.concerns(now=clock.now())}


def configuration_changes(request: HttpRequest) -> HttpResponse:
    """`history/?what=rotations.schedule&before=…`: the newest changes, a hundred at a time."""
    what = request.GET.get("what", "")
    kinds = {
        label: str(model._meta.get_field("pgh_obj").related_model._meta.verbose_name)
        for label, model in history.tracked().items()
    }
    entries = history.latest(what, _instant(request.GET.get("before", "")))
    last = entries[-1].at if len(entries) == history.LIMIT else None
    older = urlencode({"what": what, "before": last.isoformat()}) if last else ""
    context = {
        **site.each_context(request),
        "title": "Configuration changes",
        "form": True,
        "kinds": kinds.items(),
        "what": what,
        "entries": [{"url": _url(entry.url_args), **vars(entry)} for entry in entries],
        "tracked": True,
        "older": f"?{older}" if older else "",
    }
    return TemplateResponse(request, "admin/ops/history.html", context)


def _instant(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _url(args: tuple[str, str, Any]) -> str:
    app, model, pk = args
    try:
        return reverse(f"admin:{app}_{model}_history", args=[pk])
    except NoReverseMatch:
        return ""
