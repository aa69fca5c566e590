from __future__ import annotations

from django.urls import path

from apps.telemetry.api import slos, views

urlpatterns = [
    path("telemetry/profile-runs", views.ProfileRunList.as_view(), name="api-profile-runs"),
    path("telemetry/report-runs", views.ReportRunList.as_view(), name="api-report-runs"),
    path("telemetry/sources", views.SourceList.as_view(), name="api-telemetry-sources"),
    path("telemetry/type-changes", views.TypeChangeList.as_view(), name="api-type-changes"),
    path("slos", slos.SloList.as_view(), name="api-slos"),
    path("slos/<str:key>", slos.SloDetail.as_view(), name="api-slo"),
]
