from __future__ import annotations

from django.urls import path

from apps.calendars.api import views

urlpatterns = [
    path("calendars", views.CalendarList.as_view(), name="api-calendars"),
    path("sla/preview", views.PreviewView.as_view(), name="api-sla-preview"),
]
