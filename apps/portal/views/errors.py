"""Refusals as pages; each says what to do next. Tools get the same as problem+json."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core.middleware import database_trouble, problem_response, wants_json


def _say(request: HttpRequest, status: int, code: str, message: str, plain: str) -> HttpResponse:
    """`message` for people (empty: the template's own words), `plain` for tools."""
    if wants_json(request):
        return problem_response(status, code, message or plain)
    outside = request.path.startswith("/status/")  # customers know nothing of the portal
    context = {"message": message, "outside": outside}
    return render(request, f"errors/{status}.html", context, status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was too old or came from elsewhere."""
    message = "This form is out of date. Go back, reload the page and send it again."
    return _say(request, 403, "csrf_failed", message, message)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _say(request, 404, "not_found", "", "There is nothing at this address.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _say(request, 403, "not_allowed", str(exception)[:200], "This is not allowed.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _say(request, 400, "bad_request", "", "The request cannot be read.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Also where a database that is away shows before any view: while the session is read."""
    trouble = database_trouble(request, sys.exc_info()[1])
    if trouble is not None:
        return trouble
    return _say(request, 500, "server_error", "", "Something broke here; it is in our log.")
