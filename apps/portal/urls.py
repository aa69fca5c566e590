"""The portal's pages. `urls_setup` holds first run, profile and imports."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from apps.portal.views import (
    ack,
    alerts,
    now,
    oncall,
    operations,
    ownership,
    search,
    styleguide,
)
from apps.portal.views.tickets import bulk, log, queue, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", now.now, name="now"),
    path("now/live/", now.now_live, name="now_live"),
    path("pages/<int:pk>/acknowledge/", now.acknowledge_page, name="page_acknowledge"),
    path("incidents/", include("apps.portal.urls_incidents")),
    path("followups/", include("apps.portal.urls_followups")),
    path("telemetry/", include("apps.portal.urls_telemetry")),
    path("tickets/", queue.tickets, name="tickets"),
    path("tickets/live/", queue.tickets_live, name="tickets_live"),
    path("tickets/export.csv", queue.tickets_export, name="tickets_export"),
    path("tickets/bulk/", bulk.tickets_bulk, name="tickets_bulk"),
    path("tickets/views/", views.ticket_views, name="ticket_views"),
    path("tickets/views/<int:pk>/", views.ticket_view, name="ticket_view"),
    path("tickets/log/", log.ticket_log, name="ticket_log"),
    path("tickets/log/similar/", log.log_similar, name="log_similar"),
    path("tickets/log/requesters/", log.log_requesters, name="log_requesters"),
    path("tickets/log/promise/", log.log_promise, name="log_promise"),
    path("tickets/log/read/", log.log_read, name="log_read"),
    path("tickets/", include("apps.portal.urls_ticket_reports")),  # before tickets by reference
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/<int:pk>/", alerts.alert, name="alert"),
    path("alerts/<int:pk>/acknowledge/", alerts.alert_acknowledge, name="alert_acknowledge"),
    path("alerts/<int:pk>/resolve/", alerts.alert_resolve, name="alert_resolve"),
    path("alerts/<int:pk>/comment/", alerts.alert_comment, name="alert_comment"),
    path("alerts/<int:pk>/route/", alerts.alert_route, name="alert_route"),
    path("oncall/", oncall.oncall, name="oncall"),
    path("oncall/<slug:key>/", oncall.schedule, name="schedule"),
    path("people/<int:pk>/", oncall.person, name="person"),
    path("ownership/", ownership.ownership, name="ownership"),
    path("ownership/<str:key>/", ownership.surface, name="surface"),
    path("search/", search.search, name="search"),
    path("ack/<str:token>/", ack.acknowledge, name="ack"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
    path("robots.txt", operations.robots, name="robots"),
    path("", include("apps.portal.urls_alert_rules")),
    path("", include("apps.portal.urls_customers")),
    path("", include("apps.portal.urls_heartbeats")),
    path("", include("apps.portal.urls_runbooks")),
    path("", include("apps.portal.urls_reviews")),
    path("", include("apps.portal.urls_slack")),  # before integrations' own words
    path("", include("apps.portal.urls_setup")),
    path("", include("apps.portal.urls_slos")),
    path("", include("apps.portal.urls_status")),
    path("", include("apps.portal.urls_ticket")),
]
