from __future__ import annotations

from django.urls import path

from apps.ownership.api import views

urlpatterns = [path("surfaces", views.SurfaceList.as_view(), name="api-surfaces")]
