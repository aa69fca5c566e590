"""Every component on one page, for whoever builds pages."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core import clock


@login_not_required  # example data only, and there is none of it outside of development
def styleguide(request: HttpRequest) -> HttpResponse:
    if not (settings.STYLEGUIDE or settings.DEBUG):
        raise Http404
    return render(request, "portal/styleguide.html", {"now": clock.now()})
