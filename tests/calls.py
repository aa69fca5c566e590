"""Outside tools and signed-in people, as they talk to the API."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from apps.accounts.models import ApiKey, Person, Team
from tests import builders as build

LOGIN = "allauth.account.auth_backends.AuthenticationBackend"


@dataclass
class Reply:
    """What came back: the status, the JSON, the headers."""

    status: int
    body: Any
    headers: Any

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def code(self) -> str:
        """The problem's stable code; every refusal has one and the right media type."""
        assert self.headers["Content-Type"] == "application/problem+json", self.headers
        assert self.body["status"] == self.status
        return str(self.body["code"])

    @property
    def fields(self) -> set[str]:
        return {row["field"] for row in self.body.get("errors", [])}


@dataclass
class Caller:
    """Whoever calls: a key (`text`), a session, or nobody."""

    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))
    text: str = ""
    row: ApiKey | None = None

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """`path` below /api/v1/, or a whole one; headers as keywords: `Idempotency_Key="a"`."""
        where = path if path.startswith("/") else f"/api/v1/{path}"
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.text:
            extra.setdefault("Authorization", f"Bearer {self.text}")
        media = extra.pop("Content-Type", "application/json")
        sent: Any = {"data": body, "content_type": media} if body is not None else {}
        if body is None and method not in {"GET", "HEAD"}:
            sent = {"content_type": media}
        answer = self.client.generic(method, where, **_raw(sent), headers=extra)
        kind = answer.headers.get("Content-Type", "")
        body = json.loads(answer.content) if "json" in kind and answer.content else None
        return Reply(answer.status_code, body, answer.headers)

    def get(self, path: str, query: dict[str, str] | None = None, **headers: str) -> Reply:
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("PATCH", path, body, **headers)


def _raw(sent: dict[str, Any]) -> dict[str, Any]:
    """JSON for objects, bytes as they are."""
    data = sent.get("data", b"")
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return {"data": raw, "content_type": sent.get("content_type", "application/json")}


def tool(*scopes: str, team: Team | None = None, name: str = "tool") -> Caller:
    """A tool with a key of its own."""
    made = build.key(*scopes, team=team, name=name)
    return Caller(text=made.text, row=made.row)


def signed_in(person: Person) -> Caller:
    """A person in a browser, whose changes need the CSRF header."""
    caller = Caller()
    caller.client.force_login(person, backend=LOGIN)
    return caller


def nobody() -> Caller:
    return Caller()
