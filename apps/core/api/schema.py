"""What every operation of the OpenAPI document says besides its own shapes."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from apps.core.api.problems import ProblemSerializer

_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description=(
        "1 to 255 printable ASCII characters. The same key and body get the first answer "
        "again (`Idempotent-Replay: true`), with another body 422, while the first runs 409. "
        "A refused request is not kept."
    ),
)


class Schema(AutoSchema):
    """Adds the problem+json answers, the needed scope and the idempotency header."""

    def get_tags(self) -> list[str]:
        parts = self.path.removeprefix("/api/v1/").split("/")
        return [parts[0] or "api"]

    def get_operation_id(self) -> str:
        """`alerts_acknowledge`, not `alerts_acknowledge_create`: the path already has the verb."""
        name = str(super().get_operation_id())
        *above, last = self.path.strip("/").split("/")
        if "{" in "".join(above) and "{" not in last:
            name = name.removesuffix("_create").removesuffix("_retrieve")
        return name

    def get_summary(self) -> str | None:
        """The first sentence of the description, for lists of operations."""
        text = " ".join(str(super().get_description() or "").split())
        first, stop, _ = text.partition(". ")
        return (first if stop else text).removesuffix(".").replace("`", "") or None

    def get_description(self) -> str:  # type: ignore[override] # spectacular dropped the arguments
        scopes = getattr(self.view, "scopes", {})
        needed = scopes.get("write" if self.method not in {"GET", "HEAD"} else "read", "")
        text = str(super().get_description() or "")
        return f"{text}\n\nScope: `{needed}`." if needed else text

    def get_override_parameters(self) -> list[Any]:
        found = list(super().get_override_parameters())
        handler = getattr(self.view, self.method.lower(), None)
        query = getattr(self.view, "query", None)
        if query is not None and self.method == "GET":
            found.append(query)
        if getattr(handler, "idempotent", False):
            found.append(_KEY)
        return found

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
