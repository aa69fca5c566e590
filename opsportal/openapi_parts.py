"""What the parts of the OpenAPI document that are written by hand are made of."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def text(limit: int | None = None, about: str = "", **more: Any) -> Json:
    bound = {"maxLength": limit} if limit else {}
    described = {"description": about} if about else {}
    return {"type": "string", **bound, **described, **more}


def shape(properties: Json, *required: str, **more: Any) -> Json:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, **needed, **more}


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def body(media: str, schema: Json) -> Json:
    return {"content": {media: {"schema": schema}}}


TIME: Json = {"type": "string", "format": "date-time"}


def operation(
    name: str, tag: str, about: str, body: Json, done: Json, *, problem: Json, **more: Any
) -> Json:
    """One POST: what it takes, what 202 says, and how it refuses."""
    return {
        "post": {
            "operationId": name,
            "tags": [tag],
            "summary": about.partition("\n")[0].partition(". ")[0].removesuffix("."),
            "description": about,
            "requestBody": {"required": True, **body},
            "responses": {
                "202": {"description": "Committed.", **done},
                "default": {"description": "Refused; 503 with Retry-After: send again.", **problem},
            },
            **more,
        }
    }


PROBLEM = body("application/problem+json", ref("Problem"))
KEY: Json = {"security": [{"key": []}]}
