from __future__ import annotations

from django.urls import path

from apps.support.api import acts, setup, views

TICKET = "tickets/<str:ref>"

urlpatterns = [
    path("request-types", setup.RequestTypeList.as_view(), name="api-request-types"),
    path("request-types/<str:key>", setup.RequestTypeDetail.as_view(), name="api-request-type"),
    path("queues", setup.QueueList.as_view(), name="api-queues"),
    path("macros", setup.MacroList.as_view(), name="api-macros"),
    path("tickets", views.TicketList.as_view(), name="api-tickets"),
    path(TICKET, views.TicketDetail.as_view(), name="api-ticket"),
    path(f"{TICKET}/transition", views.TicketTransition.as_view(), name="api-ticket-transition"),
    path(f"{TICKET}/messages", acts.TicketMessages.as_view(), name="api-ticket-messages"),
    path(f"{TICKET}/files/<str:pk>", acts.TicketFile.as_view(), name="api-ticket-file"),
    path(f"{TICKET}/merge", acts.TicketMerge.as_view(), name="api-ticket-merge"),
    path(f"{TICKET}/unmerge", acts.TicketUnmerge.as_view(), name="api-ticket-unmerge"),
    path(f"{TICKET}/split", acts.TicketSplit.as_view(), name="api-ticket-split"),
    path(f"{TICKET}/links", acts.TicketLinks.as_view(), name="api-ticket-links"),
    path(f"{TICKET}/links/<str:pk>", acts.TicketLinkDetail.as_view(), name="api-ticket-link"),
    path(f"{TICKET}/escalate", acts.TicketEscalate.as_view(), name="api-ticket-escalate"),
    path(f"{TICKET}/watchers", acts.TicketWatchers.as_view(), name="api-ticket-watchers"),
    path(
        f"{TICKET}/watchers/<str:email>",
        acts.TicketWatcherDetail.as_view(),
        name="api-ticket-watcher",
    ),
    path(f"{TICKET}/events", acts.TicketEvents.as_view(), name="api-ticket-events"),
    path(f"{TICKET}/csat", acts.TicketCsat.as_view(), name="api-ticket-csat"),
]
