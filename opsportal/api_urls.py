"""`/api/v1/`: every app's own paths, and a plain 404 for all others."""

from __future__ import annotations

from importlib import import_module

from django.urls import URLPattern, URLResolver, include, path, re_path

from apps.core.api.views import NotHere

APPS = (
    *("incidents", "alerts", "changes", "intake", "paging", "rotations"),
    *("customers", "ownership", "calendars", "notifications", "support", "followups"),
    *("runbooks", "telemetry"),
)

urlpatterns: list[URLPattern | URLResolver] = [
    *(path("", include(import_module(f"apps.{app}.api.urls"))) for app in APPS),
    re_path(r"^(?P<rest>.*)$", NotHere.as_view(), name="api-not-here"),
]
