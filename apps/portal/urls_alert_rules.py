"""Pages of silences and of the rules that raise alerts."""

from __future__ import annotations

from django.urls import path

from apps.portal.views import alert_rules, alert_rules_writing, alerts, silences

urlpatterns = [
    path("alerts/<int:pk>/silence/", alerts.alert_silence, name="alert_silence"),
    path("silences/", silences.silences, name="silences"),
    path("silences/new/", silences.silence_new, name="silence_new"),
    path("silences/<int:pk>/", silences.silence, name="silence"),
    path("silences/<int:pk>/change/", silences.silence_change, name="silence_change"),
    path("silences/<int:pk>/end/", silences.silence_end, name="silence_end"),
    path("rules/", alert_rules.alert_rules, name="alert_rules"),
    path("rules/starter/", alert_rules.alert_rules_starter, name="alert_rules_starter"),
    path("rules/new/", alert_rules_writing.alert_rule_new, name="alert_rule_new"),
    path("rules/new/<slug:kind>/", alert_rules_writing.alert_rule_draft, name="alert_rule_draft"),
    path("rules/<slug:key>/", alert_rules.alert_rule, name="alert_rule"),
    path("rules/<slug:key>/edit/", alert_rules_writing.alert_rule_edit, name="alert_rule_edit"),
    path("rules/<slug:key>/replay/", alert_rules.alert_rule_replay, name="alert_rule_replay"),
    path("rules/<slug:key>/on/", alert_rules.alert_rule_on, name="alert_rule_on"),
    path("rules/<slug:key>/off/", alert_rules.alert_rule_off, name="alert_rule_off"),
    path("rules/<slug:key>/archive/", alert_rules.alert_rule_archive, name="alert_rule_archive"),
]
