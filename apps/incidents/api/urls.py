from __future__ import annotations

from django.urls import path

from apps.incidents.api import views

urlpatterns = [
    path("incidents", views.IncidentList.as_view(), name="api-incidents"),
    path("incidents/<str:ref>", views.IncidentDetail.as_view(), name="api-incident"),
    path(
        "incidents/<str:ref>/transition",
        views.IncidentTransition.as_view(),
        name="api-incident-transition",
    ),
    path(
        "incidents/<str:ref>/timeline",
        views.IncidentTimeline.as_view(),
        name="api-incident-timeline",
    ),
    path(
        "incidents/<str:ref>/acknowledge",
        views.IncidentAcknowledge.as_view(),
        name="api-incident-acknowledge",
    ),
]
