"""Slack's own address, and the page on which managers say who is who in a workspace."""

from __future__ import annotations

from django.urls import URLPattern, path

from apps.alerts.api.slack import slack
from apps.portal.views import slack as views

urlpatterns: list[URLPattern] = [
    path("hooks/<str:token>/slack", slack, name="slack_hook"),
    path("integrations/<int:pk>/slack/", views.slack_page, name="slack_page"),
    path("integrations/<int:pk>/slack/<slug:do>/", views.slack_act, name="slack_act"),
]
