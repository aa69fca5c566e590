"""The OpenAPI document: who may call, and the intake paths, which are not Django's.

Intake answers in front of Django (apps/intake/asgi.py), so nothing can be read off its code:
its operations are written down here, and a test posts what they promise.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularAPIView

from apps.intake.doors import hooks
from opsportal import openapi_opsgenie as opsgenie
from opsportal import openapi_telemetry as telemetry
from opsportal.openapi_parts import KEY, PROBLEM, TIME, Json, body, operation, ref, shape, text

ABOUT = """Who is on call, what is broken, and every event that says so.

**Who calls**: a scoped key, `Authorization: Bearer opk_…`, or the session of a signed-in person. A
key that is bound to a team sees that team's surfaces and what is unrouted, and 404 for all else; a
key without a team sees what every member sees.

**Refusals** are RFC 9457 `application/problem+json`: `code` is for programs, `detail` for people,
`errors` names the fields. The endpoints of vendors answer in their vendor's shape.

**Values**: ids are text; people are their e-mail address, teams, surfaces and schedules their key.
Times are RFC 3339 with an offset and come back in UTC; durations are whole seconds.

**Lists** answer `{"results": […], "next": url or null}`: follow `next` unchanged. They are ordered
newest first or by key. A query parameter that is not documented, or stands twice, is refused.

**Bodies** are JSON objects of up to 1 MiB. Fields that are not documented are ignored; of a field
that stands twice the last counts. Text with NUL or half a surrogate pair is refused, except in
events, where it is replaced.

**Retries**: a POST with `Idempotency-Key` is done once. 503 means: send it again after
`Retry-After`.
"""


class SchemaView(SpectacularAPIView):
    """`GET /api/schema`: the document, as JSON."""

    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer]


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # its hook has no types
    target_class = "apps.accounts.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> Json:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "opk_…",
            "description": "A scoped API key: `Authorization: Bearer opk_…`.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # its hook has no types
    target_class = "apps.accounts.authentication.SessionWithChallenge"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> Json:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The session of a signed-in person; changes need the CSRF header.",
        }


def add_intake_paths(result: Json, **_: Any) -> Json:
    """A postprocessing hook of drf-spectacular: puts the intake paths among the others."""
    result["info"]["description"] = ABOUT
    result["components"].setdefault("schemas", {}).update(_SCHEMAS)
    paths = result["paths"]
    for path, posts in _PATHS.items():
        paths[path] = {**paths.get(path, {}), **posts}  # a list of the same address is Django's
    result["paths"] = dict(sorted(paths.items()))
    return result


_FREE: Json = {"type": "object", "additionalProperties": {}}
_SEVERITY: Json = {"type": "string", "enum": ["critical", "error", "warning", "info"]}
_LINK = shape({"href": text(2048), "text": text()}, "href")

_SCHEMAS: Json = {
    **telemetry.SCHEMAS,
    **opsgenie.SCHEMAS,
    "NativeEvent": shape(
        {
            "id": text(255, "Unique a key: a repeat answers 202 with the first delivery_id."),
            "action": {"type": "string", "enum": ["trigger", "acknowledge", "resolve", "change"]},
            "summary": text(None, "Needed for trigger and change; cut after 1024 characters."),
            "severity": {**_SEVERITY, "default": "error"},
            "surface": text(None, "A surface's key. An unknown one is taken and shown unrouted."),
            "source": text(),
            "dedup_key": text(255, "Needed for acknowledge and resolve; made for a trigger."),
            "group_key": text(None, "What belongs together is paged as one."),
            "component": text(),
            "class": text(),
            "occurred_at": TIME,
            "links": {"type": "array", "items": _LINK},
            "details": _FREE,
            "test": {"type": "boolean", "default": False, "description": "Shown, never paged."},
        },
        "action",
        description="Fields that are not named here go to the details.",
    ),
    "CloudEvent": shape(
        {
            "specversion": {"type": "string", "enum": ["1.0"]},
            "id": text(),
            "source": text(),
            "type": text(),
            "time": TIME,
            "subject": text(),
            "surface": text(),
            "data": ref("NativeEvent"),
        },
        *("specversion", "id", "source", "type"),
        additionalProperties={},
    ),
    "Accepted": shape(
        {
            "status": {"type": "string", "enum": ["accepted"]},
            "delivery_id": text(),
            "dedup_key": text(),
            "dedup_keys": {"type": "array", "items": {"type": "string", "nullable": True}},
        },
        *("status", "delivery_id"),
    ),
    "BatchAnswer": shape(
        {
            "accepted": {"type": "integer"},
            "rejected": {
                "type": "array",
                "items": shape(
                    {"line": {"type": "integer"}, "code": text(), "detail": text()},
                    *("line", "code", "detail"),
                ),
            },
        },
        *("accepted", "rejected"),
    ),
    "PagerDutyEvent": shape(
        {
            "routing_key": text(None, "The integration's key, 32 characters."),
            "event_action": {"type": "string", "enum": ["trigger", "acknowledge", "resolve"]},
            "dedup_key": text(255),
            "payload": shape(
                {
                    "summary": text(),
                    "source": text(),
                    "severity": _SEVERITY,
                    "timestamp": TIME,
                    "component": text(),
                    "group": text(),
                    "class": text(),
                    "custom_details": {},
                },
                *("summary", "source", "severity"),
            ),
            "links": {"type": "array", "items": _LINK},
            "images": {"type": "array", "items": _FREE},
            "client": text(),
            "client_url": text(),
        },
        *("routing_key", "event_action"),
    ),
    "PagerDutyChange": shape(
        {
            "routing_key": text(),
            "payload": shape(
                {
                    "summary": text(),
                    "timestamp": TIME,
                    "source": text(),
                    "custom_details": _FREE,
                },
                "summary",
            ),
            "links": {"type": "array", "items": _LINK},
        },
        *("routing_key", "payload"),
    ),
    "PagerDutyAnswer": shape(
        {
            "status": text(),
            "message": text(),
            "dedup_key": text(),
            "errors": {"type": "array", "items": {"type": "string"}},
        },
        *("status", "message"),
    ),
}


_ACCEPTED = body("application/json", ref("Accepted"))
_PAGERDUTY = body("application/json", ref("PagerDutyAnswer"))
_RAW: Json = {"type": "string", "format": "binary"}
_IN_BODY: Json = {"security": [{}]}
_EVENT_BODIES: Json = {
    "content": {
        "application/json": {"schema": ref("NativeEvent")},
        "application/cloudevents+json": {"schema": ref("CloudEvent")},
        "application/cloudevents-batch+json": {
            "schema": {"type": "array", "items": ref("CloudEvent"), "minItems": 1}
        },
    }
}
_HOOK_PARAMETERS = [
    {
        "name": "token",
        "in": "path",
        "required": True,
        "description": "The credential in the integration's address.",
        "schema": {"type": "string"},
    },
    {
        "name": "kind",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "enum": sorted(hooks.HOOKS)},
    },
]
_REPEAT = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Stands in for a missing `id`: the same key is the same delivery.",
    "schema": {"type": "string", "maxLength": 255},
}

_PATHS: Json = {
    **telemetry.PATHS,
    "/api/v1/events": operation(
        "events_create",
        "events",
        "One event: native JSON, or CloudEvents 1.0 (structured, binary, batch). Answered only "
        "after it is committed.\n\nScope: `events:write`.",
        _EVENT_BODIES,
        _ACCEPTED,
        problem=PROBLEM,
        parameters=[_REPEAT],
        **KEY,
    ),
    "/api/v1/events/batch": operation(
        "events_batch",
        "events",
        "Up to 10,000 lines or 8 MiB of native events, one delivery a line, idempotent by `id`.\n\n"
        "Scope: `events:write`.",
        body("application/x-ndjson", {"type": "string"}),
        body("application/json", ref("BatchAnswer")),
        problem=PROBLEM,
        **KEY,
    ),
    "/v2/enqueue": operation(
        "pagerduty_enqueue",
        "pagerduty",
        "PagerDuty Events API v2, exactly. Refusals have PagerDuty's shape.",
        body("application/json", ref("PagerDutyEvent")),
        _PAGERDUTY,
        problem=_PAGERDUTY,
        **_IN_BODY,
    ),
    "/v2/change/enqueue": operation(
        "pagerduty_change_enqueue",
        "pagerduty",
        "PagerDuty change events: recorded in the changes ledger, never paged.",
        body("application/json", ref("PagerDutyChange")),
        _PAGERDUTY,
        problem=_PAGERDUTY,
        **_IN_BODY,
    ),
    **opsgenie.PATHS,
    "/hooks/{token}/{kind}": operation(
        "hook",
        "hooks",
        "Webhooks of vendors, with their own signature rules. What cannot be read is kept and "
        "quarantined. The kind `mail` takes a raw message (RFC 5322) of up to 26 MiB, once by its "
        "Message-ID; what is no mail is refused.",
        {"content": {"application/json": {"schema": _FREE}, "message/rfc822": {"schema": _RAW}}},
        _ACCEPTED,
        problem=PROBLEM,
        parameters=_HOOK_PARAMETERS,
        **_IN_BODY,
    ),
}
