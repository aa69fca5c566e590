"""The OpenAPI document says what the API does, is in git, and can be read offline."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command

from apps.intake.doors import DOORS, hooks
from tests.architecture.test_access_matrix import API
from tests.calls import nobody, signed_in, tool
from tests.conftest import Cast

ROOT = Path(__file__).resolve().parents[2]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    out = StringIO()
    call_command("spectacular", format="openapi-json", validate=True, fail_on_warn=True, stdout=out)
    found: Json = json.loads(out.getvalue())
    return found


def operations(document: Json) -> list[tuple[str, str, Json]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_in_git_is_fresh(document: Json) -> None:
    kept = json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert kept == document, "run: make schema"


def test_every_address_of_the_api_is_in_it(document: Json) -> None:
    ours = {
        "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.pattern)
        for route in API
        if route.name != "api-not-here"
    }
    ours = {re.sub(r"\{pk\}", "{id}", path) for path in ours}
    lean = {door.path for door in DOORS if not door.path.endswith("/")} | {"/hooks/{token}/{kind}"}
    assert set(document["paths"]) == ours | lean
    (kind,) = [p for p in _hook(document)["parameters"] if p["name"] == "kind"]
    assert set(kind["schema"]["enum"]) == hooks.HOOKS


def _hook(document: Json) -> Json:
    found: Json = document["paths"]["/hooks/{token}/{kind}"]["post"]
    return found


def test_every_operation_has_a_name_a_refusal_and_says_who_may(document: Json) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) > 30
    assert not any(
        name.endswith(("_create", "_retrieve")) and name.count("_") > 1 for name in names
    )
    for path, method, operation in operations(document):
        assert "default" in operation["responses"], (path, method)
        assert operation["security"], (path, method)
        if path.startswith("/api/"):
            assert "Scope: `" in operation["description"], (path, method)
            problem = operation["responses"]["default"]["content"]
            assert list(problem) == ["application/problem+json"], (path, method)


def test_every_post_that_a_tool_may_retry_takes_an_idempotency_key(document: Json) -> None:
    without = {
        path
        for path, method, operation in operations(document)
        if method == "post"
        and "Idempotency-Key" not in {p["name"] for p in operation.get("parameters", [])}
    }
    assert without == {
        "/api/v1/schedules/preview", "/api/v1/sla/preview",  # change nothing
        "/api/v1/alert-rules/{key}/replay",  # nor does a replay
        "/api/v1/events/batch",  # each line has its id
        "/v2/enqueue", "/v2/change/enqueue",  # PagerDuty has dedup_key
        "/v2/alerts",  # Opsgenie has aliases
        "/hooks/{token}/{kind}",  # vendors have their own
        "/api/v1/webhooks",  # the kept answer would hold the secret in the clear
        "/api/v1/webhooks/{id}/rotate-secret",
    }  # fmt: skip


def test_ids_are_text_and_times_have_an_offset(document: Json) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field, what in schema.get("properties", {}).items():
            if field == "id" or field.endswith("_id"):
                assert what.get("type") == "string", (name, field)
            if field.endswith("_at"):
                assert what.get("format") == "date-time", (name, field)


@pytest.mark.django_db
def test_whoever_may_call_reads_the_document(document: Json, cast: Cast) -> None:
    for caller in (tool("events:write"), signed_in(cast.olu)):
        reply = caller.get("/api/schema")
        assert reply.status == 200 and reply.body == document
    assert nobody().get("/api/schema").status == 401


@pytest.mark.django_db
def test_the_reading_room_needs_nothing_from_outside(cast: Cast) -> None:
    assert nobody().client.get("/api/docs").status_code == 302
    page = signed_in(cast.olu).client.get("/api/docs")
    text = page.content.decode()
    assert page.status_code == 200 and 'data-schema="/api/schema"' in text
    loaded = re.findall(r'(?:src|href)="([^"]+\.(?:js|css|svg))"', text)
    assert any("swagger-ui-bundle" in address for address in loaded)
    for address in loaded:
        assert address.startswith("/static/"), address
        assert finders.find(address.removeprefix("/static/")), address
    assert "<script>" not in text and "unsafe" not in page["Content-Security-Policy"]
