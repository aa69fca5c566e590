"""Incidents, below `/incidents/`."""

from __future__ import annotations

from django.urls import path

from apps.portal.views.incidents import act, declare, listed, page

urlpatterns = [
    path("", listed.incidents, name="incidents"),
    path("new/", declare.incident_new, name="incident_new"),
    path("<str:ref>/", page.incident, name="incident"),
    path("<str:ref>/live/", page.incident_live, name="incident_live"),
    path("<str:ref>/move/", act.incident_move, name="incident_move"),
    path("<str:ref>/severity/", act.incident_severity, name="incident_severity"),
    path("<str:ref>/comment/", act.incident_comment, name="incident_comment"),
    path("<str:ref>/command/", act.incident_command, name="incident_command"),
    path("<str:ref>/acknowledge/", act.incident_acknowledge, name="incident_acknowledge"),
]
