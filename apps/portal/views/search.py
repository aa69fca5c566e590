"""Search: a page for people, the same as JSON for the palette."""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from apps.accounts.roles import Grant
from apps.core import clock
from apps.portal.access import granted, viewer
from apps.portal.selectors.search import search as find


@granted(Grant.SEE)
def search(request: HttpRequest) -> HttpResponse:
    query, now = request.GET.get("q", "")[:200], clock.now()
    found = find(query, viewer(request), now=now)
    if request.GET.get("format") == "json":
        return JsonResponse({"results": [asdict(one) for one in found]})
    return render(
        request, "portal/search/results.html", {"now": now, "query": query, "found": found}
    )
