"""Bodies in, JSON out, whatever a tool says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework import exceptions
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from apps.core import safe_json


class TooLarge(exceptions.APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = "The body is too large."


class SafeJSONParser(BaseParser):
    """JSON with a size cap that refuses NUL, lone surrogates, depth bombs and giant numbers.

    An empty body is an empty object: many actions take no argument. Of a key that stands twice
    the last value counts, for the check as for the deed.
    """

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


class AlwaysJSON(DefaultContentNegotiation):
    """Whatever a tool accepts, it gets JSON; an odd Accept header is no reason to refuse."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type
