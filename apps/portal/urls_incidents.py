"""Incidents, below `/incidents/`."""

from __future__ import annotations

from django.urls import path

from apps.portal.views.incidents import (
    act,
    declare,
    figures,
    framework,
    listed,
    more,
    page,
    talk,
)

urlpatterns = [
    path("", listed.incidents, name="incidents"),
    path("new/", declare.incident_new, name="incident_new"),
    path("new/hints/", declare.incident_new_hints, name="incident_new_hints"),
    path("severity/", framework.incident_severities, name="incident_severities"),
    path("figures/", figures.incident_figures, name="incident_figures"),
    path("figures/<slug:table>.csv", figures.incident_figures_file, name="incident_figures_file"),
    path("<str:ref>/", page.incident, name="incident"),
    path("<str:ref>/live/", page.incident_live, name="incident_live"),
    path("<str:ref>/move/", act.incident_move, name="incident_move"),
    path("<str:ref>/severity/", act.incident_severity, name="incident_severity"),
    path("<str:ref>/comment/", act.incident_comment, name="incident_comment"),
    path("<str:ref>/command/", act.incident_command, name="incident_command"),
    path("<str:ref>/acknowledge/", act.incident_acknowledge, name="incident_acknowledge"),
    path("<str:ref>/hint/", act.incident_hint, name="incident_hint"),
    path("<str:ref>/snooze/", act.incident_snooze, name="incident_snooze"),
    path("<str:ref>/do/<slug:do>/", act.incident_act, name="incident_act"),
    path("<str:ref>/page/", more.incident_call, name="incident_call"),
    path("<str:ref>/times/", more.incident_times, name="incident_times"),
    path("<str:ref>/timeline/<int:pk>/", more.incident_correct, name="incident_correct"),
    path("<str:ref>/run/", more.incident_run, name="incident_run"),
    path("<str:ref>/updates/new/", talk.update_new, name="incident_update_new"),
    path("<str:ref>/updates/<int:pk>/", talk.update_edit, name="incident_update_edit"),
    path("<str:ref>/updates/<int:pk>/<slug:do>/", talk.update_act, name="incident_update_act"),
]
