from __future__ import annotations

from django.urls import path

from apps.intake.api import views

urlpatterns = [
    path("deliveries", views.DeliveryList.as_view(), name="api-deliveries"),
    path("deliveries/<str:pk>", views.DeliveryDetail.as_view(), name="api-delivery"),
]
