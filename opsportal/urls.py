from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import TemplateView

from opsportal.openapi import SchemaView

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("opsportal.api_urls")),
    path("api/schema", SchemaView.as_view(), name="api-schema"),
    path("api/docs", TemplateView.as_view(template_name="portal/api_docs.html"), name="api-docs"),
]
