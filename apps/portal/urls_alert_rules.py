"""Pages of silences and of the rules that raise alerts."""

from __future__ import annotations

from django.urls import path

from apps.portal.views import alerts, silences

urlpatterns = [
    path("alerts/<int:pk>/silence/", alerts.alert_silence, name="alert_silence"),
    path("silences/", silences.silences, name="silences"),
    path("silences/new/", silences.silence_new, name="silence_new"),
    path("silences/<int:pk>/", silences.silence, name="silence"),
    path("silences/<int:pk>/change/", silences.silence_change, name="silence_change"),
    path("silences/<int:pk>/end/", silences.silence_end, name="silence_end"),
]
