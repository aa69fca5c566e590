"""What every request passes: an id in the logs, poison refused, who did it, errors in words."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pghistory
import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve

from apps.core.errors import DomainError, is_away, is_busy

GetResponse = Callable[[HttpRequest], HttpResponse]
log = structlog.get_logger("opsportal.web")
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def client_ip(request: HttpRequest) -> str:
    """The peer's address, or the hop that our own proxies vouch for.

    `X-Forwarded-For` is read from the right and only as far as `TRUSTED_PROXY_HOPS`, so a
    sender cannot choose the address that limits are kept by.
    """
    hops = settings.TRUSTED_PROXY_HOPS
    forwarded = [h.strip() for h in request.headers.get("X-Forwarded-For", "").split(",") if h]
    if hops and len(forwarded) >= hops:
        return forwarded[-hops]
    return str(request.META.get("REMOTE_ADDR", ""))


def wants_json(request: HttpRequest) -> bool:
    """API and hook paths answer problem+json, pages answer HTML."""
    return request.path.startswith(("/api/", "/v2/", "/hooks/"))


def problem_response(status: int, code: str, detail: str, **extra: object) -> HttpResponse:
    """An RFC 9457 answer outside DRF."""
    from http import HTTPStatus

    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    response = JsonResponse({**body, "detail": detail, "code": code, **extra}, status=status)
    response["Content-Type"] = "application/problem+json"
    return response


def say(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    """The same refusal as JSON or as a page."""
    if wants_json(request):
        return problem_response(status, code, detail)
    template = f"errors/{status if status in {400, 403, 404, 429, 503} else 400}.html"
    return render(request, template, {"detail": detail, "message": detail}, status=status)


class RequestContext:
    """Gives each request an id, binds it to the logs, and logs what came of it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _REQUEST_ID.match(given) else uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            # Paths of hooks and signed links hold credentials: log the route, not the path.
            match = request.resolver_match
            quiet = request.path in {"/healthz", "/readyz", "/metrics"}
            (log.debug if quiet else log.info)(
                "request",
                method=request.method,
                route=match.route if match else "",
                status=response.status_code,
            )
        response["X-Request-ID"] = request_id
        return response


class RefusePoison:
    """NUL and lone surrogates never reach the database; database trouble is said plainly."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path_info or _LONE_SURROGATE.search(request.path_info):
            return say(request, 404, "not_found", "There is nothing at this address.")
        try:
            poisoned = self._poisoned(request)
        except (RequestDataTooBig, TooManyFieldsSent) as error:
            # Said here: whoever reads the form after a failed attempt finds it empty.
            text = "That is more than one form may hold: 1 MiB, 1,000 fields. Send it in parts."
            status = 413 if isinstance(error, RequestDataTooBig) else 400
            return say(request, status, "too_large", text)
        if poisoned:
            return say(request, 400, "poison", "The address or a field holds a NUL character.")
        return self.get_response(request)

    def _poisoned(self, request: HttpRequest) -> bool:
        meta = request.META
        parts = [meta.get("QUERY_STRING", ""), meta.get("CONTENT_TYPE", "")]
        if any("\x00" in part or "%00" in part for part in parts):
            return True
        if request.method == "POST" and meta.get("CONTENT_TYPE", "").startswith(
            ("application/x-www-form-urlencoded", "multipart/form-data")
        ):
            return self._form_poisoned(request)
        return False

    def _form_poisoned(self, request: HttpRequest) -> bool:
        return any(
            "\x00" in text or _LONE_SURROGATE.search(text)
            for name, values in request.POST.lists()
            for text in (name, *values)
        )

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        trouble = database_trouble(request, error)
        if trouble is not None:
            return trouble
        if isinstance(error, DataError | UnicodeEncodeError | RecursionError | OverflowError):
            log.warning("refused value", error=type(error).__name__)
            return say(
                request, 400, "bad_value", "A value in the request cannot be stored or read."
            )
        return None


def database_trouble(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """503 with Retry-After for a database that is away or busy; None for any other error."""
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    if is_away(error):
        log.error("database away", error=type(error).__name__)
        code, text = "database_away", "The database does not answer. Try again in seconds."
    elif is_busy(error):
        log.warning("database busy", error=type(error.__cause__).__name__)
        code, text = "busy", "Somebody else is changing the same thing. Try again in a moment."
    else:
        return None
    response = say(request, 503, code, text)
    response["Retry-After"] = "5"
    return response


class RequireLogin(LoginRequiredMiddleware):
    """Everybody signs in, but for public views: those do not even look who asks, so that a crowd
    with any cookie costs no query."""

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)


class History:
    """Binds person and address to the history rows that triggers write during the request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return self.get_response(request)
        person = request.user.pk if request.user.is_authenticated else None
        with ExitStack() as stack:
            stack.enter_context(pghistory.context(person=person, route=_route(request)))
            return self.get_response(request)


def _route(request: HttpRequest) -> str:
    """The address's pattern: paths of signed links are credentials and are kept nowhere."""
    try:
        return str(resolve(request.path_info).route)[:200]
    except Resolver404:
        return ""


class SayDomainErrors:
    """A DomainError on a page becomes a message on the page it came from."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        if wants_json(request):
            return problem_response(error.status, error.code, error.message)
        if error.status in {403, 404}:  # never a redirect: there is nothing to mend on the form
            return say(request, error.status, error.code, error.message)
        if request.method == "POST" and request.user.is_authenticated:
            messages.error(request, error.message)
            return HttpResponseRedirect(_back(request))
        return say(request, error.status, error.code, error.message)


def _back(request: HttpRequest) -> str:
    """The page that the form stood on, when it is ours."""
    from urllib.parse import urlsplit

    from django.utils.http import url_has_allowed_host_and_scheme

    referer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referer, {request.get_host()}):
        parts = urlsplit(referer)
        return parts.path + (f"?{parts.query}" if parts.query else "")
    return "/"
