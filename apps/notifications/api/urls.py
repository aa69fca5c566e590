from __future__ import annotations

from django.urls import path

from apps.notifications.api import views

urlpatterns = [
    path("webhooks", views.WebhookList.as_view(), name="api-webhooks"),
    path("webhooks/<str:pk>", views.WebhookDetail.as_view(), name="api-webhook"),
    path(
        "webhooks/<str:pk>/rotate-secret", views.RotateSecret.as_view(), name="api-webhook-rotate"
    ),
    path("webhooks/<str:pk>/test", views.TestWebhook.as_view(), name="api-webhook-test"),
    path(
        "webhooks/<str:pk>/deliveries",
        views.WebhookDeliveries.as_view(),
        name="api-webhook-deliveries",
    ),
    path(
        "webhooks/<str:pk>/deliveries/<str:delivery>",
        views.WebhookDeliveryDetail.as_view(),
        name="api-webhook-delivery",
    ),
    path(
        "webhooks/<str:pk>/deliveries/<str:delivery>/redeliver",
        views.Redeliver.as_view(),
        name="api-webhook-redeliver",
    ),
]
