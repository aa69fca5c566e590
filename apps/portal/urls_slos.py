"""Objectives with their budgets, below `/slos/`, and the report on what noticed what."""

from __future__ import annotations

from django.urls import path

from apps.portal.views import detection, slos

urlpatterns = [
    path("telemetry/detection/", detection.detection, name="detection"),
    path("slos/", slos.slos, name="slos"),
    path("slos/new/", slos.slo_new, name="slo_new"),
    path("slos/<slug:key>/", slos.slo, name="slo"),
    path("slos/<slug:key>/edit/", slos.slo_edit, name="slo_edit"),
    path("slos/<slug:key>/archive/", slos.slo_archive, name="slo_archive"),
]
