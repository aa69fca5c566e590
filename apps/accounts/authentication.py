"""Who calls the API: a key (`Authorization: Bearer opk_…`) or a signed-in person's session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.models import ApiKey
from apps.accounts.roles import Grant, Role, Scope, grants_of
from apps.core import audit, clock, secrets

NO_KEY = "This needs a valid API key. Send it as Authorization: Bearer opk_…"


@dataclass(frozen=True)
class KeyPrincipal:
    """A key, standing where DRF and `visible_to` expect a user."""

    key: ApiKey
    is_authenticated: bool = True
    is_anonymous: bool = False
    is_active: bool = True

    @property
    def pk(self) -> str:
        return f"key:{self.key.pk}"

    @property
    def team_id(self) -> int | None:
        return self.key.team_id

    @property
    def grants(self) -> frozenset[Grant]:
        admin = Scope.ADMIN in self.key.scopes
        return grants_of([Role.MANAGER if admin else Role.RESPONDER])

    def may(self, grant: Grant) -> bool:
        return grant in self.grants

    def __str__(self) -> str:
        return self.key.name


class KeyAuthentication(BaseAuthentication):
    """Looks the key up by its digest; a wrong key and no key answer alike."""

    def authenticate(self, request: Request) -> tuple[KeyPrincipal, ApiKey] | None:
        header = request.headers.get("Authorization", "")
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        now = clock.now()
        rows = ApiKey.objects.usable(now).select_related("team")
        key = rows.filter(digest=secrets.digest(text.strip())).first()
        if key is None:
            raise AuthenticationFailed(NO_KEY, code="not_authenticated")
        if key.last_used_at is None or now - key.last_used_at > timedelta(minutes=1):
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        return KeyPrincipal(key), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="opsportal"'


class SessionWithChallenge(SessionAuthentication):
    """The session, for people in a browser; a missing one answers 401 like a missing key."""

    def enforce_csrf(self, request: Any) -> None:
        """The token comes in its header: looking for a form's would use up the body."""
        super().enforce_csrf(getattr(request, "_request", request))

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="opsportal"'


def sign_in_name(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """Whose password was tried, for the limit on failed attempts: each name has its own."""
    given = credentials or {}
    typed = request.POST.get("login", "") if request is not None else ""
    return str(given.get("email") or given.get("username") or typed).strip().lower()[:255]


def actor_of(user: Any) -> audit.Actor:
    """The actor behind a request's user, key or person."""
    if isinstance(user, KeyPrincipal):
        return audit.Actor(audit.ActorKind.KEY, user.key.prefix, user.key.name)
    return audit.person(user)
