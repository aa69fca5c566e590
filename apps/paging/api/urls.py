from __future__ import annotations

from django.urls import path

from apps.paging.api import views

urlpatterns = [
    path("pages", views.PageList.as_view(), name="api-pages"),
    path("pages/<str:pk>", views.PageDetail.as_view(), name="api-page"),
    path(
        "pages/<str:pk>/acknowledge", views.PageAcknowledge.as_view(), name="api-page-acknowledge"
    ),
    path("pages/<str:pk>/resolve", views.PageResolve.as_view(), name="api-page-resolve"),
    path("surfaces/<str:key>", views.SurfaceDetail.as_view(), name="api-surface"),
]
