"""The public status page: bytes that stand in memory, for everybody and without a login."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from apps.incidents import statusatom, statusjson
from apps.incidents.statuspage import Page
from apps.portal import statusshow
from apps.portal.statusboard import Rendered, board

HTML, ATOM, JSON = (
    "text/html; charset=utf-8",
    "application/atom+xml; charset=utf-8",
    "application/json",
)
# A crowd's proxies may keep it as long as we do, and go on with it while we are away.
CACHED = "public, max-age=3, stale-while-revalidate=30, stale-if-error=600"
FEEDS: Mapping[str, Callable[[Page], Mapping[str, Any]]] = {
    "summary": statusjson.summary,
    "status": statusjson.status,
    "components": statusjson.components,
    "incidents": statusjson.incidents,
    "scheduled-maintenances": statusjson.maintenances,
}


@login_not_required  # it is for the public
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    return _send(request, board.current().get("front", HTML, statusshow.front))


@login_not_required  # as above
@require_safe
def status_history(request: HttpRequest) -> HttpResponse:
    return _send(request, board.current().get("history", HTML, statusshow.history))


@login_not_required  # as above
@require_safe
def status_incident(request: HttpRequest, ref: str) -> HttpResponse:
    shown = board.current()
    if (into := shown.page.merged.get(ref)) is not None:
        return redirect("status_incident", ref=into)
    if shown.page.find(ref) is None:
        raise Http404
    make = partial(statusshow.incident, ref=ref)
    return _send(request, shown.get(f"incident {ref}", HTML, make))


@login_not_required  # as above
@require_safe
def status_atom(request: HttpRequest) -> HttpResponse:
    make = partial(statusatom.feed, render=statusshow.words)
    return _send(request, board.current().get("atom", ATOM, make))


@login_not_required  # as above
@require_safe
def status_api(request: HttpRequest, what: str) -> HttpResponse:
    if what not in FEEDS:
        raise Http404
    made = board.current().get(f"api {what}", JSON, partial(_json, what=what))
    response = _send(request, made)
    response["Access-Control-Allow-Origin"] = "*"  # status widgets run in other sites' pages
    return response


def _json(page: Page, what: str) -> str:
    return json.dumps(FEEDS[what](page), ensure_ascii=False, separators=(",", ":"))


def _send(request: HttpRequest, made: Rendered | None) -> HttpResponse:
    """The bytes, packed where the other side can take it, or nothing where it has them."""
    if made is None:
        raise Http404
    response: HttpResponse
    if _has(request.headers.get("If-None-Match", ""), made.etag):
        response = HttpResponseNotModified()
    elif made.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        response = HttpResponse(made.packed, content_type=made.content_type)
        response["Content-Encoding"] = "gzip"
    else:
        response = HttpResponse(made.body, content_type=made.content_type)
    # Everybody shares these bytes: no cookie of one reader, real or made up, is answered in them.
    request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
    response["ETag"] = f"W/{made.etag}"  # packed or not, it says the same
    response["Cache-Control"] = CACHED
    response["Vary"] = "Accept-Encoding"
    return response


def _has(known: str, etag: str) -> bool:
    return known.strip() == "*" or etag in (
        one.strip().removeprefix("W/") for one in known.split(",")
    )
