from __future__ import annotations

from django.urls import path

from apps.rotations.api import views

urlpatterns = [
    path("oncall", views.OnCallView.as_view(), name="api-oncall"),
    path("schedules", views.ScheduleList.as_view(), name="api-schedules"),
    path("schedules/preview", views.PreviewView.as_view(), name="api-schedules-preview"),
    path("schedules/<str:ref>", views.ScheduleDetail.as_view(), name="api-schedule"),
    path("schedules/<str:ref>/shifts", views.ShiftsView.as_view(), name="api-schedule-shifts"),
    path(
        "schedules/<str:ref>/coverage", views.CoverageView.as_view(), name="api-schedule-coverage"
    ),
    path(
        "schedules/<str:ref>/overrides", views.OverrideView.as_view(), name="api-schedule-overrides"
    ),
]
