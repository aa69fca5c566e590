"""Every address of the site but the intake paths, which `opsportal/asgi.py` answers itself."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView, TemplateView

from apps.portal.views.welcome import sign_in
from opsportal.admin_site import site
from opsportal.openapi import SchemaView

handler400 = "apps.portal.views.errors.bad_request"
handler403 = "apps.portal.views.errors.forbidden"
handler404 = "apps.portal.views.errors.not_found"
handler500 = "apps.portal.views.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    # A sign-in address is changed by a manager, never by whoever sits at an open session.
    path("accounts/email/", RedirectView.as_view(pattern_name="now"), name="account_email"),
    path("accounts/login/", sign_in),
    path("accounts/", include("allauth.account.urls")),
    path("api/v1/", include("opsportal.api_urls")),
    path("api/schema", SchemaView.as_view(), name="api-schema"),
    path("api/docs", TemplateView.as_view(template_name="portal/api_docs.html"), name="api-docs"),
    path("admin/", site.urls),
    path("", include("apps.portal.urls")),
]
