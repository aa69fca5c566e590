"""RFC 9457 for every refusal; none carries a trace, SQL or a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from django.http.request import UnreadablePostError
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from apps.core.errors import DomainError, is_busy

log = structlog.get_logger("opsportal.api")
NO_KEY = "This needs a valid API key, or the session of a signed-in person."
NOT_FOUND = "There is no such object, or none that you may see."
_TAKEN = ("23505", "23P01")  # unique and exclusion violations


class FieldProblemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457 problem details; `code` is stable, `detail` is for people."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = FieldProblemSerializer(many=True, required=False)  # type: ignore[assignment] # DRF names its own property so


def problem(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler."""
    match error:
        case DomainError():
            rows = _rows(error.fields)
            return answer(error.status, error.code, error.message, rows)
        case exceptions.ValidationError():
            return _invalid(_flatten(error.detail))
        case ValidationError():
            return _invalid(_rows(_by_field(error)))
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            # The same words for no key and a wrong one: an answer must not help to guess.
            response = answer(error.status_code, "not_authenticated", NO_KEY)
            response["WWW-Authenticate"] = getattr(error, "auth_header", None) or "Bearer"
            return response
        case exceptions.APIException():
            return _of_framework(error)
        case Http404():
            return answer(404, "not_found", NOT_FOUND)
        case PermissionDenied():
            return answer(403, "not_allowed", "You may not do this.")
        case RequestDataTooBig():
            return answer(413, "too_large", "The body is too large.")
        case SuspiciousOperation() | UnreadablePostError():
            return answer(400, "bad_request", "The request cannot be read.")
    return _of_database(error)


@contextmanager
def renamed(**names: str) -> Iterator[None]:
    """A service names its own arguments; the answer names the body's fields: `end_at="end"`."""
    try:
        yield
    except DomainError as error:
        error.fields = {names.get(name, name): texts for name, texts in error.fields.items()}
        raise


def _of_framework(error: exceptions.APIException) -> Response:
    code = str(_first(error.get_codes()))
    response = answer(error.status_code, code, str(_first(error.detail)))
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(int(wait) + 1)
    return response


def _of_database(error: Exception) -> Response | None:
    match error:
        case IntegrityError():
            state = getattr(error.__cause__, "sqlstate", "")
            log.warning("constraint", sqlstate=state)
            if state in _TAKEN:
                return answer(409, "conflict", "Somebody else was faster, or it exists already.")
            return answer(400, "bad_value", "These values do not go together.")
        case DataError() | UnicodeEncodeError() | RecursionError() | OverflowError():
            return answer(400, "bad_value", "A value in the request cannot be stored or read.")
        case OperationalError() | InterfaceError():
            return _trouble(error)
    return None


def _trouble(error: Exception) -> Response:
    """No connection, or too much going on in the database: sending it again helps."""
    if is_busy(error):
        log.warning("database busy", error=type(error.__cause__).__name__)
        response = answer(503, "busy", "Somebody else is changing the same thing just now.")
    else:
        log.error("database away", error=type(error).__name__)
        response = answer(503, "database_away", "The database does not answer right now.")
    response["Retry-After"] = "5"
    return response


def answer(
    status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None
) -> Response:
    """A problem as DRF's response."""
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


def _invalid(rows: list[dict[str, str]]) -> Response:
    detail = rows[0]["message"] if len(rows) == 1 else "Some fields need another value."
    return answer(400, "invalid", detail, rows)


def _by_field(error: ValidationError) -> dict[str, list[str]]:
    """What a model's own check says; a sentence about the whole stands under no name."""
    if hasattr(error, "error_dict"):
        return {("" if k == "__all__" else k): list(v) for k, v in error.message_dict.items()}
    return {"": list(error.messages)}


def _rows(fields: Mapping[str, list[str]]) -> list[dict[str, str]]:
    return [{"field": name, "message": text} for name, texts in fields.items() for text in texts]


def _flatten(errors: Any, prefix: str = "") -> list[dict[str, str]]:
    """DRF's nested errors as one row a sentence: `layers[0].rotation.every`."""
    if isinstance(errors, Mapping):
        rows = []
        for name, inner in errors.items():
            rows += _flatten(inner, _path(prefix, name))
        return rows
    if isinstance(errors, list | tuple):
        rows = []
        for index, inner in enumerate(errors):
            nested = isinstance(inner, Mapping | list)
            rows += _flatten(inner, f"{prefix}[{index}]" if nested else prefix)
        return rows
    return [{"field": prefix, "message": str(errors)}]


def _path(prefix: str, name: Any) -> str:
    if name == "non_field_errors":
        return prefix
    if isinstance(name, int):
        return f"{prefix}[{name}]"
    return f"{prefix}.{name}" if prefix else str(name)


def _first(value: Any) -> Any:
    while isinstance(value, Mapping | list):
        value = next(iter(value.values() if isinstance(value, Mapping) else value), "error")
    return value
