"""The OpenAPI document's part about Opsgenie's alert API, of which the lean path answers some."""

from __future__ import annotations

from opsportal.openapi_parts import Json, body, operation, ref, shape, text

SCHEMAS: Json = {
    "OpsgenieAlert": shape(
        {
            "message": text(),
            "alias": text(512, "The alert's name: the same again is the same alert."),
            "description": text(),
            "priority": {"type": "string", "enum": ["P1", "P2", "P3", "P4", "P5"], "default": "P3"},
            "source": text(),
            "entity": text(),
            "tags": {"type": "array", "items": {"type": "string"}},
            "responders": {"type": "array", "items": {"type": "object"}},
            "details": {"type": "object", "description": "`surface` in it names a surface here."},
        },
        "message",
    ),
    "OpsgenieAnswer": shape(
        {
            "result": text(),
            "message": text(),
            "errors": {"type": "object", "additionalProperties": {"type": "string"}},
            "took": {"type": "number"},
            "requestId": {"type": "string", "format": "uuid"},
        },
        *("took", "requestId"),
    ),
}
_ANSWER = body("application/json", ref("OpsgenieAnswer"))

PATHS: Json = {
    "/v2/alerts": operation(
        "opsgenie_alert",
        "opsgenie",
        "An alert as Opsgenie's clients post it, with `Authorization: GenieKey <key>`. An alert "
        "is taken, closed and noted by `POST /v2/alerts/<alias>/acknowledge`, `/close` and "
        "`/notes`; an alias with slashes is percent-encoded, and the body may be empty. Answers "
        "and refusals have Opsgenie's shape.",
        body("application/json", ref("OpsgenieAlert")),
        _ANSWER,
        problem=_ANSWER,
        security=[{}],
    ),
}
