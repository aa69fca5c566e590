from __future__ import annotations

from django.urls import path

from apps.telemetry.api import slos

urlpatterns = [
    path("slos", slos.SloList.as_view(), name="api-slos"),
    path("slos/<str:key>", slos.SloDetail.as_view(), name="api-slo"),
]
