"""Refusals as pages; each says what to do next."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was too old or came from elsewhere."""
    detail = "This form is out of date. Go back, reload the page and send it again."
    return render(request, "errors/403.html", {"detail": detail}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    from apps.core.middleware import problem_response, wants_json

    if wants_json(request):
        return problem_response(404, "not_found", "There is nothing at this address.")
    return render(request, "errors/404.html", status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/403.html", {"detail": str(exception)[:200]}, status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    from apps.core.middleware import problem_response, wants_json

    if wants_json(request):
        return problem_response(400, "bad_request", "The request cannot be read.")
    return render(request, "errors/400.html", status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    from apps.core.middleware import problem_response, wants_json

    if wants_json(request):
        return problem_response(500, "server_error", "Something broke here; it is in our log.")
    return render(request, "errors/500.html", status=500)
