"""Views that know their scopes, refuse what nobody documented, and answer a retry once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework import exceptions, generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from apps.core import clock
from apps.core.api.fields import as_id
from apps.core.api.lists import refuse_unknown
from apps.core.idempotency import once

M = TypeVar("M", bound=Model)
Handler = Callable[..., Response]


def find(rows: QuerySet[M], text: str, *, by: str = "pk") -> M:
    """The row with this id (or `by` another unique column) among those that may be seen; 404."""
    value: int | str | None = as_id(text) if by == "pk" else text[:200]
    row = rows.filter(**{by: value}).first() if value is not None else None
    if row is None:
        raise Http404
    return row


def idempotent(handler: Handler) -> Handler:
    """A POST that takes `Idempotency-Key`: a retry gets the first answer."""

    @wraps(handler)
    def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        def act() -> Response:
            return handler(view, request, *args, **kwargs)

        return once(request, str(request.user.pk), act, now=clock.now())

    wrapper.idempotent = True  # type: ignore[attr-defined] # read by the schema
    return wrapper


class Base(APIView):
    """Scopes by method, default deny, 405 before 403, no metadata.

    `scopes = {"read": "rotations:read", "write": "rotations:write"}`.
    """

    scopes: Mapping[str, str] = {}
    metadata_class = None

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Cache-Control": "no-store"}

    def check_permissions(self, request: Request) -> None:
        """Who is signed in hears that a method does not exist, not that it is forbidden."""
        if request.user.is_authenticated and not hasattr(self, (request.method or "").lower()):
            raise exceptions.MethodNotAllowed(request.method or "")
        super().check_permissions(request)

    def body(self, shape: type[Serializer[Any]]) -> dict[str, Any]:
        """The request's fields that `shape` names, checked; fields it does not name are ignored."""
        serializer = shape(data=self.request.data, context={"request": self.request})
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class View(Base):
    """A plain view. `query` documents its query parameters; others are refused."""

    query: type[Serializer[Any]] | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        names = set(self.query().fields) if self.query and request.method == "GET" else set()
        if request.method in self.allowed_methods:  # else the answer is 405, whatever was asked
            refuse_unknown(request, names)

    def asked(self) -> dict[str, Any]:
        """The documented query parameters, checked."""
        assert self.query is not None
        serializer = self.query(data=self.request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class ListView(Base, generics.ListAPIView[Any]):
    """A list of what the asker may see: filtered, explicitly ordered, cursor-paginated."""

    ordering: tuple[str, ...] = ("-id",)


class NotHere(APIView):
    """Every address under /api/v1/ that is none."""

    authentication_classes = ()
    permission_classes = ()
    metadata_class = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise exceptions.NotFound("There is nothing at this address.", code="not_found")
