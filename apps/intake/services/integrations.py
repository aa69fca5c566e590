"""Sources and their credentials: made, rotated, archived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.accounts.models import Person, Team
from apps.core import secrets
from apps.core.errors import Conflict, Invalid
from apps.intake.models import Integration
from apps.ownership.models import Surface

_MAKING = 0x4F50_1417  # advisory lock of making OpsPortal's own source


@dataclass(frozen=True)
class NewIntegration:
    """An integration and its credential, which is shown once."""

    row: Integration
    token: str

    @property
    def path(self) -> str:
        """Where its tool posts to."""
        kinds = Integration.Kind
        if self.row.kind == kinds.PAGERDUTY:
            return "/v2/enqueue"
        if self.row.kind == kinds.NATIVE:
            return "/api/v1/events"
        if self.row.kind == kinds.OPSGENIE:
            return "/v2/alerts"
        if self.row.kind == kinds.HEARTBEAT:
            return f"/ping/{self.token}"
        return f"/hooks/{self.token}/{self.row.kind}"


HOOKS = (  # the token is part of the address
    Integration.Kind.ALERTMANAGER,
    Integration.Kind.FIVETRAN,
    Integration.Kind.GCP,
    Integration.Kind.GITHUB,
    Integration.Kind.GRAFANA,
    Integration.Kind.MAIL,
    Integration.Kind.SENTRY,
    Integration.Kind.SLACK,
    Integration.Kind.STRIPE,
    Integration.Kind.HEARTBEAT,
)
KEYED = (Integration.Kind.PAGERDUTY, Integration.Kind.OPSGENIE)  # the token is a key beside it
SIGNED = (  # the vendor signs, so a secret can be checked
    Integration.Kind.FIVETRAN,
    Integration.Kind.GITHUB,
    Integration.Kind.GRAFANA,
    Integration.Kind.SENTRY,
    Integration.Kind.SLACK,
    Integration.Kind.STRIPE,
)


def create_integration(
    *,
    kind: str,
    name: str = "",
    surface: Surface | None = None,
    team: Team | None = None,
    secret: str = "",
    rate: int | None = None,
    owner: Person | None = None,
    now: datetime,
) -> NewIntegration:
    """Add a vendor integration. PagerDuty keys have 32 characters, other tokens 40.

    Native integrations are made with their API key (`accounts.create_key` and the first post).
    """
    if kind not in {*HOOKS, *KEYED}:
        raise Invalid(f"There is no integration of kind {kind}.", fields={"kind": ["Unknown."]})
    if secret and kind not in SIGNED:
        raise Invalid(f"{kind} does not sign its requests; a secret would never be checked.")
    token = _token(kind)
    row = Integration.objects.create(
        kind=kind,
        name=(name or _name_for(kind, surface))[:80],
        surface=surface,
        team=team,
        digest=secrets.digest(token),
        token_hint=token[:6],
        secret_sealed=secrets.seal(secret),
        rate=rate,
        owner=owner,
        created_at=now,
    )
    return NewIntegration(row, token)


def _token(kind: str) -> str:
    return secrets.token(32 if kind == Integration.Kind.PAGERDUTY else 40)


def _name_for(kind: str, surface: Surface | None) -> str:
    return f"{Integration.Kind(kind).label}{f' for {surface.key}' if surface else ''}"


@transaction.atomic
def native_integration(*, api_key: Any, surface: Surface | None, now: datetime) -> Integration:
    """The native integration of a key: its deduplication namespace, made before its first post."""
    row, fresh = Integration.objects.get_or_create(
        api_key=api_key,
        defaults={
            "kind": Integration.Kind.NATIVE,
            "name": api_key.name,
            "team": api_key.team,
            "surface": surface,
            "created_at": now,
        },
    )
    if not fresh and surface and row.surface_id != surface.pk:
        row.surface = surface
        row.save(update_fields=["surface"])
    return row


def rotate_token(*, integration: Integration, now: datetime) -> NewIntegration:
    """A new credential; the old one stops at once."""
    if integration.kind not in {*HOOKS, *KEYED}:
        raise Conflict("This integration's credential is its API key. Rotate that instead.")
    token = _token(integration.kind)
    integration.digest, integration.token_hint = secrets.digest(token), token[:6]
    integration.save(update_fields=["digest", "token_hint"])
    return NewIntegration(integration, token)


def set_secret(*, integration: Integration, secret: str) -> Integration:
    """A new signing secret; the one before stays valid until the next change.

    Raises Invalid for a blank one: with the old secret ended, everybody could post.
    """
    if not secret.strip():
        said = "Give the secret that the tool signs with."
        raise Invalid(said, fields={"secret": [said]})
    integration.secret_old_sealed = integration.secret_sealed
    integration.secret_sealed = secrets.seal(secret)
    integration.save(update_fields=["secret_sealed", "secret_old_sealed"])
    return integration


def set_owner(*, integration: Integration, owner: Person | None) -> Integration:
    """Who is told when a delivery cannot be read; nobody leaves it to the managers."""
    integration.owner = owner
    integration.save(update_fields=["owner"])
    return integration


def end_old_secret(*, integration: Integration) -> Integration:
    """The tool signs with the new secret by now: the one before stops at once."""
    integration.secret_old_sealed = ""
    integration.save(update_fields=["secret_old_sealed"])
    return integration


def archive_integration(*, integration: Integration, now: datetime) -> Integration:
    """Stop taking what this source sends; what came before stays."""
    integration.archived_at = now
    integration.save(update_fields=["archived_at"])
    return integration


def restore_integration(*, integration: Integration) -> Integration:
    """Take what this source sends again, under the credential that it had."""
    integration.archived_at = None
    integration.save(update_fields=["archived_at"])
    return integration


def internal_integration(*, now: datetime) -> Integration:
    """OpsPortal's own source, for alerts about itself; there is one, whoever asks first."""
    mine = Integration.objects.filter(kind=Integration.Kind.INTERNAL, name="OpsPortal")
    if found := mine.order_by("pk").first():
        return found
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_MAKING])
        return mine.order_by("pk").first() or Integration.objects.create(
            kind=Integration.Kind.INTERNAL, name="OpsPortal", created_at=now
        )
