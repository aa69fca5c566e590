"""One ticket, the requester's page, the report form."""

from __future__ import annotations

from django.urls import path

from apps.portal.views.tickets import act, files, links, page, report, requests

urlpatterns = [
    path("tickets/<str:ref>/", page.ticket, name="ticket"),
    path("tickets/<str:ref>/live/", page.ticket_live, name="ticket_live"),
    path("tickets/<str:ref>/draft/", page.ticket_draft, name="ticket_draft"),
    path("tickets/<str:ref>/presence/", page.ticket_presence, name="ticket_presence"),
    path("tickets/<str:ref>/say/", act.ticket_say, name="ticket_say"),
    path("tickets/<str:ref>/undo/", act.ticket_undo, name="ticket_undo"),
    path("tickets/<str:ref>/macro/", act.ticket_macro, name="ticket_macro"),
    path("tickets/<str:ref>/link/", links.ticket_link, name="ticket_link"),
    path("tickets/<str:ref>/unlink/<int:pk>/", links.ticket_unlink, name="ticket_unlink"),
    path("tickets/<str:ref>/files/<int:pk>/", files.ticket_file, name="ticket_file"),
    path("tickets/<str:ref>/messages/<int:pk>/", files.ticket_message, name="ticket_message"),
    path("tickets/<str:ref>/messages/<int:pk>/text/", files.ticket_text, name="ticket_text"),
    path("tickets/<str:ref>/messages/<int:pk>/html/", files.ticket_html, name="ticket_html"),
    path("tickets/<str:ref>/do/<slug:do>/", act.ticket_act, name="ticket_act"),
    path("requests/<str:token>/", requests.ticket_request, name="ticket_request"),
    path(
        "requests/<str:token>/files/<int:pk>/",
        requests.ticket_request_file,
        name="ticket_request_file",
    ),
    path("report/", report.report, name="report"),
    path("report/embed/", report.report_embed, name="report_embed"),
    path("report/sent/<str:token>/", report.report_sent, name="report_sent"),
    path("report/embed/sent/<str:token>/", report.report_embed_sent, name="report_embed_sent"),
]
