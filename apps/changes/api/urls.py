from __future__ import annotations

from django.urls import path

from apps.changes.api import views

urlpatterns = [path("changes", views.ChangeList.as_view(), name="api-changes")]
