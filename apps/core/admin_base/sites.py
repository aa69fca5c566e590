"""The admin's site: managers only, one sign-in, one zone and one policy a request."""

from __future__ import annotations

from functools import partial, update_wrapper
from typing import Any
from zoneinfo import ZoneInfo

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.contrib import admin
from django.contrib.auth import logout as end_session
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_POST

from apps.core.admin_base.face import SiteFace
from apps.core.errors import NotAllowed

# What unfold's scripts need (Alpine evaluates attributes), and only under the admin's own views.
RELAXED = {
    "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}


class Site(SiteFace):
    """The admin of managers: no sign-in form of its own, one policy, one zone a request."""

    index_template = "admin/ops/index.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.pages: list[URLPattern | URLResolver] = []  # pages beside those of the models

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [*self.pages, *super().get_urls()]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Every page of the admin goes through here: who may, in which zone, under which policy."""
        inner = super().admin_view(view, cacheable)

        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user: Any = request.user
            if user.is_authenticated and not self.has_permission(request):
                raise NotAllowed("The admin is for managers. A manager can change your roles.")
            with timezone.override(ZoneInfo(getattr(user, "time_zone", "UTC"))):
                response: HttpResponse = inner(request, *args, **kwargs)
                if isinstance(response, TemplateResponse):
                    response.render()  # here, while the viewer's zone is in force
            response._csp_replace = RELAXED  # type: ignore[attr-defined] # read by django-csp
            return response

        return update_wrapper(door, inner)

    @method_decorator(login_not_required)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The site's own sign-in page: passwords, second factors and lock-outs in one place."""
        target = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
            target = reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect(f"{resolve_url('account_login')}?{urlencode({'next': target})}")
        if not self.has_permission(request):
            raise NotAllowed("The admin is for managers. A manager can change your roles.")
        return redirect(target)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return _sign_out(request)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        return redirect("account_change_password")

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Managers think in tasks, not in apps: there is one index."""
        return redirect("admin:index")

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """unfold's search of the menu; its page number is taken as it comes, so it is mended."""
        asked = request.GET.copy()
        asked["page"] = "1"
        asked["s"] = asked.get("s", "")[:100]
        request.GET = asked  # type: ignore[assignment] # a request's own copy
        answer: HttpResponse = super().search(request, extra_context)  # type: ignore[misc] # unfold's
        return answer


@require_POST
def _sign_out(request: HttpRequest) -> HttpResponse:
    end_session(request)
    return redirect("account_login")


site = Site(name="admin")
register = partial(admin.register, site=site)
