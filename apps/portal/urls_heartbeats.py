"""Addresses of heartbeats. Numbers come after words: no heartbeat is called new."""

from __future__ import annotations

from django.urls import URLPattern, path

from apps.portal.views import heartbeats

urlpatterns: list[URLPattern] = [
    path("heartbeats/", heartbeats.heartbeats, name="heartbeats"),
    path("heartbeats/new/", heartbeats.heartbeat_new, name="heartbeat_new"),
    path("heartbeats/<int:pk>/", heartbeats.heartbeat, name="heartbeat"),
    path("heartbeats/<int:pk>/edit/", heartbeats.heartbeat_edit, name="heartbeat_edit"),
    path("heartbeats/<int:pk>/<slug:do>/", heartbeats.heartbeat_act, name="heartbeat_act"),
]
