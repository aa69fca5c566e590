"""The public status page. Everything here is for people without a login."""

from __future__ import annotations

from django.urls import path

from apps.portal.views import status, status_follow

urlpatterns = [
    path("status/", status.status, name="status"),
    path("status/history/", status.status_history, name="status_history"),
    path("status/incidents/<str:ref>/", status.status_incident, name="status_incident"),
    path("status/atom", status.status_atom, name="status_atom"),
    path("status/api/v2/<slug:what>.json", status.status_api, name="status_api"),
    path("status/subscribe", status_follow.status_subscribe, name="status_subscribe"),
    path("status/confirm/<str:token>", status_follow.status_confirm, name="status_confirm"),
    path(
        "status/unsubscribe/<str:token>",
        status_follow.status_unsubscribe,
        name="status_unsubscribe",
    ),
]
