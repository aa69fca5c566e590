"""Telemetry, below `/telemetry/`."""

from __future__ import annotations

from django.urls import path

from apps.portal.views.telemetry import dashboard, labels, readings, runs, sources

urlpatterns = [
    path("", dashboard.telemetry, name="telemetry"),
    path("figures/<slug:table>.csv", dashboard.telemetry_file, name="telemetry_file"),
    path("runs/", runs.telemetry_runs, name="telemetry_runs"),
    path("runs/<int:pk>/", runs.telemetry_run, name="telemetry_run"),
    path("reports/", runs.telemetry_reports, name="telemetry_reports"),
    path("sources/", sources.telemetry_sources, name="telemetry_sources"),
    path("sources/<int:pk>/", sources.telemetry_source, name="telemetry_source"),
    path("accuracy/", labels.telemetry_accuracy, name="telemetry_accuracy"),
    path("accuracy/releases/", labels.telemetry_releases, name="telemetry_releases"),
    path("types/", labels.telemetry_types, name="telemetry_types"),
    path("measurements/", readings.telemetry_measurements, name="telemetry_measurements"),
    path("counts/", readings.telemetry_counts, name="telemetry_counts"),
]
