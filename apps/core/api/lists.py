"""Lists: documented filters only, and pages that neither skip nor repeat while rows come in."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError as FieldRefused
from django.db.models import Model, Q, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import exceptions
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from apps.core.api.fields import as_id, instant

PAGING = frozenset({"limit", "cursor"})


def refuse_unknown(request: Request, known: frozenset[str] | set[str]) -> None:
    """400 for a query parameter that is not documented or stands twice: neither is ignored."""
    wrong = {
        name[:100]: ["There is no such parameter here."]
        for name in sorted(set(request.query_params) - known)
    }
    for name in sorted(known):
        if len(request.query_params.getlist(name)) > 1:
            wrong[name] = ["Name it once."]
    if wrong:
        raise exceptions.ValidationError(wrong)


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc] # django-filter has no types
    """Documented filters only; an unknown query parameter is refused, not ignored."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        known = set(filterset.filters) if filterset is not None else set()
        refuse_unknown(request, known | PAGING)
        found: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return found


class _IdText(forms.CharField):
    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if text and as_id(text) is None:
            raise FieldRefused("This is not an id.")
        return as_id(text)


class _InstantText(forms.CharField):
    def clean(self, value: Any) -> datetime | None:
        text = super().clean(value)
        try:
            return instant(text) if text else None
        except ValueError as error:
            raise FieldRefused(str(error)) from error


class IdFilter(django_filters.Filter):  # type: ignore[misc] # django-filter has no types
    """An id as the API writes it; text that can be none is refused."""

    field_class = _IdText


class InstantFilter(django_filters.Filter):  # type: ignore[misc] # django-filter has no types
    """An RFC 3339 instant with an offset."""

    field_class = _InstantText


class Cursor(BasePagination):
    """`?limit=` and `next`: pages by the values of the last row seen, so that a row is neither
    skipped nor repeated. The view's `ordering` names fields, the last of them unique.
    """

    page_size = 50
    max_page_size = 200

    def paginate_queryset(  # type: ignore[override] # only querysets come here
        self, queryset: QuerySet[Any], request: Request, view: Any = None
    ) -> list[Any]:
        self._request = request
        self._ordering: Sequence[str] = getattr(view, "ordering", ("-id",))
        size = self._size(request.query_params.get("limit", ""))
        queryset = queryset.order_by(*self._ordering)
        if given := request.query_params.get("cursor", ""):
            queryset = queryset.filter(self._after(queryset.model, given))
        rows = list(queryset[: size + 1])
        self._last = rows[size - 1] if len(rows) > size else None
        return rows[:size]

    def _size(self, text: str) -> int:
        if not text:
            return self.page_size
        if not text.isascii() or not text.isdigit() or not int(text[:9]):
            raise exceptions.ValidationError({"limit": ["Use a number from 1 to 200."]})
        return min(int(text[:9]), self.max_page_size)

    def _after(self, model: type[Model], given: str) -> Q:
        """The rows behind the cursor: later by the first field, or equal there and later by the
        second, and so on."""
        try:
            values = json.loads(urlsafe_b64decode(given.encode()))
            fields = [model._meta.get_field(name.lstrip("-")) for name in self._ordering]
            clean = [
                f.to_python(v)  # type: ignore[union-attr] # orderings name columns
                for f, v in zip(fields, values, strict=True)
            ]
            if not all(isinstance(value, str) for value in values):
                raise ValueError(values)
        except (ValueError, TypeError, RecursionError, binascii.Error, FieldRefused) as error:
            raise exceptions.ValidationError({"cursor": ["Take it from `next`."]}) from error
        found, equal = Q(), Q()
        for name, value in zip(self._ordering, clean, strict=True):
            column, direction = name.lstrip("-"), "lt" if name.startswith("-") else "gt"
            found |= equal & Q(**{f"{column}__{direction}": value})
            equal &= Q(**{column: value})
        return found

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self._next()})

    def _next(self) -> str | None:
        if self._last is None:
            return None
        values = [str(getattr(self._last, name.lstrip("-"))) for name in self._ordering]
        cursor = urlsafe_b64encode(json.dumps(values).encode()).decode()
        return replace_query_param(self._request.build_absolute_uri(), "cursor", cursor)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {
                "results": schema,
                "next": {"type": "string", "nullable": True, "format": "uri"},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        size = {"type": "integer", "minimum": 1, "default": self.page_size}
        return [
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": f"Rows a page; more than {self.max_page_size} count as that.",
                "schema": size,
            },
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "Where the page begins: from `next`, unchanged.",
                "schema": {"type": "string"},
            },
        ]
