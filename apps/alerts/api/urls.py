from __future__ import annotations

from django.urls import path

from apps.alerts.api import heartbeats, rules, silences, views

urlpatterns = [
    path("alerts", views.AlertList.as_view(), name="api-alerts"),
    path("alerts/<str:pk>", views.AlertDetail.as_view(), name="api-alert"),
    path(
        "alerts/<str:pk>/acknowledge",
        views.AlertAcknowledge.as_view(),
        name="api-alert-acknowledge",
    ),
    path("alerts/<str:pk>/resolve", views.AlertResolve.as_view(), name="api-alert-resolve"),
    path("alerts/<str:pk>/comment", views.AlertComment.as_view(), name="api-alert-comment"),
    path("silences", silences.SilenceList.as_view(), name="api-silences"),
    path("silences/<str:pk>", silences.SilenceDetail.as_view(), name="api-silence"),
    path("silences/<str:pk>/end", silences.SilenceEnd.as_view(), name="api-silence-end"),
    path("heartbeats", heartbeats.HeartbeatList.as_view(), name="api-heartbeats"),
    path("heartbeats/<str:pk>", heartbeats.HeartbeatDetail.as_view(), name="api-heartbeat"),
    path("heartbeats/<str:pk>/pings", heartbeats.PingList.as_view(), name="api-heartbeat-pings"),
    path("heartbeats/<str:pk>/pause", heartbeats.HeartbeatPause.as_view(), name="api-hb-pause"),
    path("heartbeats/<str:pk>/resume", heartbeats.HeartbeatResume.as_view(), name="api-hb-resume"),
    path("alert-rules", rules.RuleList.as_view(), name="api-alert-rules"),
    path("alert-rules/<str:key>", rules.RuleDetail.as_view(), name="api-alert-rule"),
    path("alert-rules/<str:key>/switch", rules.RuleSwitch.as_view(), name="api-alert-rule-switch"),
    path("alert-rules/<str:key>/replay", rules.RuleReplay.as_view(), name="api-alert-rule-replay"),
]
