"""Reports on tickets, and bringing tickets along from another desk."""

from __future__ import annotations

from django.urls import path

from apps.portal.views.tickets import reports

urlpatterns = [
    path("reports/", reports.ticket_reports, name="ticket_reports"),
    path("reports/<slug:table>.csv", reports.ticket_report_file, name="ticket_report_file"),
]
