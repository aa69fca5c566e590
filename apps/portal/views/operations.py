"""For whoever runs the site: is the process up, is the product ready, figures for Prometheus."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseTrouble
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.authentication import KeyAuthentication
from apps.accounts.roles import Scope
from apps.core import clock
from apps.core.middleware import problem_response
from apps.portal.metrics import Figures
from apps.portal.selectors import system


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return _plain("ok\n")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether alerts are taken in and pages go out; 503 with every reason why not."""
    body: dict[str, Any]
    try:
        body, reasons = _look(clock.now())
    except DatabaseTrouble:
        body, reasons = {"database": False}, ["The database does not answer."]
    answer = {"status": "not ready" if reasons else "ready", "reasons": reasons, **body}
    response = JsonResponse(answer, status=503 if reasons else 200)
    response["Cache-Control"] = "no-store"
    if reasons:
        response["Retry-After"] = "5"
    return response


def _look(now: datetime) -> tuple[dict[str, Any], list[str]]:
    """What was found, and each reason for not being ready."""
    pending = unapplied()
    if pending:
        return {"unapplied_migrations": pending[:20]}, ["Migrations are not applied."]
    vitals, due = system.vitals(now), system.oldest_due_page(now)
    overdue = now - due if due else None
    reasons = []
    if vitals.engine_late:
        seen = f"{_seconds(vitals.engine_age)} s ago" if vitals.engine_age is not None else "never"
        reasons.append(f"The engine's last pass was {seen}.")
    if overdue is not None and overdue > system.PAGE_LATE:
        reasons.append(f"A page is {_seconds(overdue)} s behind.")
    return {
        "unapplied_migrations": [],
        "engine_age_seconds": _seconds(vitals.engine_age),
        "cluster_age_seconds": _seconds(vitals.cluster_age),
        "oldest_due_page_seconds": _seconds(overdue),
    }, reasons


def unapplied() -> list[str]:
    """Names of migrations that the code has and the database lacks."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _seconds(age: timedelta | None) -> int | None:
    return None if age is None else int(age.total_seconds())


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for loopback itself or a key that may read incidents."""
    refusal = _refusal(request)
    if refusal is not None:
        return refusal
    registry = CollectorRegistry()
    registry.register(Figures(clock.now()))
    try:
        text = generate_latest(registry)
    except DatabaseTrouble:
        return problem_response(503, "database_away", "The database does not answer.")
    response = HttpResponse(text, content_type=CONTENT_TYPE_LATEST)
    response["Cache-Control"] = "no-store"
    return response


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if "Authorization" not in request.headers:
        if not settings.METRICS_LOOPBACK_ONLY or _is_loopback(request):
            return None
        return problem_response(403, "not_allowed", "Ask from this host, or with an API key.")
    try:
        found = KeyAuthentication().authenticate(Request(request))
    except AuthenticationFailed as error:
        return _challenge(str(error.detail))
    if found is None:
        return _challenge("This needs a valid API key.")
    if {Scope.ADMIN, Scope.INCIDENTS_READ} & set(found[1].scopes):
        return None
    return problem_response(403, "not_allowed", "The key needs the scope incidents:read.")


def _challenge(detail: str) -> HttpResponse:
    response = problem_response(401, "not_authenticated", detail)
    response["WWW-Authenticate"] = 'Bearer realm="opsportal"'
    return response


def _is_loopback(request: HttpRequest) -> bool:
    """The peer is this host and no proxy stands between: those forward for somebody else."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@login_not_required
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Nothing here is for search engines."""
    return _plain("User-agent: *\nDisallow: /\n")


def _plain(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
