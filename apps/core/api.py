"""What every API view shares: safe parsing, problem+json, cursor pages, strict filters, schema."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import IO, Any, Literal

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DataError, InterfaceError, OperationalError
from django.db.models import QuerySet
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.openapi import AutoSchema
from rest_framework import exceptions, serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core import safe_json
from apps.core.errors import DomainError

log = structlog.get_logger("opsportal.api")


class SafeJSONParser(BaseParser):
    """JSON with a size cap that refuses NUL, lone surrogates, depth bombs and giant numbers."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge(f"The body is larger than {limit // 1024} KiB.")
        if not raw.strip():
            return {}
        try:
            return safe_json.loads_object(raw, max_bytes=limit, refuse_poison=True)
        except safe_json.UnsafeJson as error:
            raise exceptions.ParseError(error.message, code=error.code) from error


class TooLarge(exceptions.APIException):
    status_code = 413
    default_code = "too_large"


class AlwaysJSON(DefaultContentNegotiation):
    """Whatever a tool accepts, it gets JSON; an odd Accept header is no reason to refuse."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class Cursor(CursorPagination):
    """`?limit=` and `next`; the order is fixed by the view and explicit."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-id"

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {
                "results": schema,
                "next": {"type": "string", "nullable": True, "format": "uri"},
            },
        }


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc] # django-filter has no types
    """Documented filters only; an unknown query parameter is refused, not ignored."""

    ALWAYS = frozenset({"limit", "cursor", "format"})

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        known = set(filterset.filters) if filterset is not None else set()
        unknown = sorted(set(request.query_params) - known - self.ALWAYS)
        if unknown:
            raise exceptions.ValidationError(
                {name[:100]: ["There is no such filter here."] for name in unknown}
            )
        found: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return found


class Schema(AutoSchema):
    """Adds the problem+json answers and the needed scope to every operation."""

    def get_tags(self) -> list[str]:
        parts = self.path.removeprefix("/api/v1/").split("/")
        return [parts[0] or "api"]

    def get_description(self) -> str:  # type: ignore[override] # spectacular dropped the arguments
        scopes = getattr(self.view, "scopes", {})
        needed = scopes.get("write" if self.method not in {"GET", "HEAD"} else "read", "")
        text = str(super().get_description() or "")
        return f"{text}\n\nScope: `{needed}`." if needed else text

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        describe: Any = self._get_response_for_code
        described = describe(ProblemSerializer, "400")
        content = described.get("content", {})
        problem = {"application/problem+json": next(iter(content.values()))} if content else {}
        bodies.setdefault("default", {"description": "The problem, in words.", "content": problem})
        return bodies


class FieldProblemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457 problem details."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = FieldProblemSerializer(many=True, required=False)  # type: ignore[assignment] # DRF names its own property so


def _flatten(errors: Any, prefix: str = "") -> list[dict[str, str]]:
    """DRF's nested errors as one row per sentence."""
    if isinstance(errors, Mapping):
        rows = []
        for name, inner in errors.items():
            path = prefix if name == "non_field_errors" else f"{prefix}.{name}" if prefix else name
            rows += _flatten(inner, str(path))
        return rows
    if isinstance(errors, list | tuple):
        rows = []
        for index, inner in enumerate(errors):
            nested = isinstance(inner, Mapping | list)
            rows += _flatten(inner, f"{prefix}[{index}]" if nested else prefix)
        return rows
    return [{"field": prefix, "message": str(errors)}]


def _answer(
    status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None
) -> Response:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = errors
    return Response(body, status=status, content_type="application/problem+json")


def problem(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler: every refusal is RFC 9457, none carries a trace or SQL."""
    match error:
        case DomainError():
            rows = [
                {"field": name, "message": text}
                for name, texts in error.fields.items()
                for text in texts
            ]
            return _answer(error.status, error.code, error.message, rows)
        case exceptions.ValidationError():
            rows = _flatten(error.detail)
            detail = rows[0]["message"] if len(rows) == 1 else "Some fields need another value."
            return _answer(400, "invalid", detail, rows)
        case exceptions.APIException():
            response = _answer(
                error.status_code, str(_first_code(error.get_codes())), str(error.detail)
            )
            if header := getattr(error, "auth_header", None):
                response["WWW-Authenticate"] = header
            if wait := getattr(error, "wait", None):
                response["Retry-After"] = str(int(wait) + 1)
            return response
        case Http404():
            return _answer(404, "not_found", "There is no such object, or none that you may see.")
        case PermissionDenied():
            return _answer(403, "not_allowed", "You may not do this.")
        case DataError() | UnicodeEncodeError() | RecursionError() | OverflowError():
            return _answer(400, "bad_value", "A value in the request cannot be stored or read.")
        case OperationalError() | InterfaceError():
            log.error("database away", error=type(error).__name__)
            response = _answer(503, "database_away", "The database does not answer right now.")
            response["Retry-After"] = "5"
            return response
    return None


def _first_code(codes: Any) -> Any:
    while isinstance(codes, Mapping | list):
        codes = next(iter(codes.values() if isinstance(codes, Mapping) else codes), "error")
    return codes


class View(APIView):
    """Base of the API's plain views: scopes by method, default deny.

    `scopes = {"read": "rotations:read", "write": "rotations:write"}`.
    """

    scopes: Mapping[str, str] = {}
