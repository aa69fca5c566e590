"""Reports on tickets, and bringing tickets along from another desk."""

from __future__ import annotations

from django.urls import path

from apps.portal.views.tickets import bring, reports

urlpatterns = [
    path("reports/", reports.ticket_reports, name="ticket_reports"),
    path("reports/<slug:table>.csv", reports.ticket_report_file, name="ticket_report_file"),
    path("import/", bring.ticket_import, name="ticket_import"),
    path("import/sample.csv", bring.ticket_import_sample, name="ticket_import_sample"),
    path("import/<slug:digest>/", bring.ticket_import_one, name="ticket_import_one"),
    path(
        "import/<slug:digest>/left-out.csv",
        bring.ticket_import_problems,
        name="ticket_import_problems",
    ),
]
