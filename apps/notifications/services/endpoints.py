"""Outgoing webhooks as managers keep them: made with a secret shown once, rotated, paused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from apps.accounts.models import Person
from apps.core import secrets
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.transitions import settle_all
from apps.notifications import catalog, wording
from apps.notifications.channels.base import AddressError
from apps.notifications.channels.webhook import checked_url, new_secret
from apps.notifications.layout import cut, one_line
from apps.notifications.models import WebhookDelivery, WebhookEndpoint
from apps.notifications.services.outbox import notify
from apps.notifications.services.site import absolute, site_config

OVERLAP = timedelta(days=1)  # how long both secrets sign after a rotation, unless said otherwise
LONGEST_OVERLAP = timedelta(days=30)
MOST_ENDPOINTS = 50
MOST_EVENTS = 50
Status = WebhookDelivery.Status


@dataclass(frozen=True)
class NewEndpoint:
    """An endpoint and its signing secret, which is shown this once."""

    row: WebhookEndpoint
    secret: str


@transaction.atomic
def create_endpoint(
    *, url: str, description: str, events: Sequence[str], actor: Actor, now: datetime
) -> NewEndpoint:
    """Add an endpoint; it is told of what happens from now on.

    `events` are names, `ticket.*`, or `*`. Raises Invalid, by field, for an address that leads
    into a private network or an event that does not exist.
    """
    if WebhookEndpoint.objects.current().count() >= MOST_ENDPOINTS:
        raise Conflict(f"There are {MOST_ENDPOINTS} webhooks already. Archive one first.")
    secret = new_secret()
    row = WebhookEndpoint.objects.create(
        **_address(url),
        description=_description(description),
        patterns=_events(events),
        secret_sealed=secrets.seal(secret),
        created_by_id=actor.person_id,
        created_at=now,
    )
    return NewEndpoint(row, secret)


@transaction.atomic
def change_endpoint(
    *, endpoint: WebhookEndpoint, fields: dict[str, Any], actor: Actor, now: datetime
) -> WebhookEndpoint:
    """Change `url`, `description`, `events` or `is_active`; what is not named stays."""
    # Looking the host up may take a while, so it comes before the lock.
    changed: dict[str, Any] = {**_address(fields["url"])} if fields.get("url") else {}
    row = _locked(endpoint)
    if "description" in fields:
        changed["description"] = _description(fields["description"])
    if "events" in fields:
        changed["patterns"] = _events(fields["events"])
    if "is_active" in fields:
        changed["is_active"] = bool(fields["is_active"])
        if changed["is_active"]:  # also mends one that was switched off for failing
            changed |= {"disabled_at": None, "disabled_reason": "", "failing_since": None}
    for name, value in changed.items():
        setattr(row, name, value)
    row.save(update_fields=list(changed))
    return row


@transaction.atomic
def rotate_secret(
    *, endpoint: WebhookEndpoint, actor: Actor, now: datetime, overlap: timedelta = OVERLAP
) -> NewEndpoint:
    """A new secret; until `overlap` is over everything is signed with the old one as well."""
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise Invalid(
            "The old secret may sign for 30 days at most.", fields={"overlap": ["Shorter."]}
        )
    row, secret = _locked(endpoint), new_secret()
    row.previous_secret_sealed = row.secret_sealed if overlap else ""
    row.previous_valid_until = now + overlap if overlap else None
    row.secret_sealed = secrets.seal(secret)
    row.save(update_fields=["secret_sealed", "previous_secret_sealed", "previous_valid_until"])
    return NewEndpoint(row, secret)


@transaction.atomic
def archive_endpoint(*, endpoint: WebhookEndpoint, actor: Actor, now: datetime) -> WebhookEndpoint:
    """Tell it nothing any more; its log stays for its time."""
    row = _locked(endpoint)
    row.archived_at, row.is_active = now, False
    row.save(update_fields=["archived_at", "is_active"])
    drop_waiting(row, "The webhook was archived.")
    return row


@transaction.atomic
def disable(*, endpoint_id: int, reason: str, now: datetime) -> bool:
    """Switch an endpoint off that cannot be reached, and tell the managers; once."""
    row = _lock(endpoint_id)
    if row.disabled_at or row.archived_at:
        return False
    row.disabled_at, row.disabled_reason = now, reason[:200]
    row.save(update_fields=["disabled_at", "disabled_reason"])
    drop_waiting(row, "The webhook was switched off.")
    facts = wording.WebhookOff(
        webhook=row.description,
        reason=reason,
        since=row.failing_since,
        url=absolute(f"/admin/notifications/webhookendpoint/{row.pk}/change/"),
    )
    for manager in Person.objects.active().managers().order_by("pk"):
        notify(
            person=manager,
            what="webhook_off",
            write=wording.webhook_off,
            facts=facts,
            urgency="low",
            subject=("webhook", str(row.pk)),
            dedupe=f"webhook:{row.pk}:off:{int(now.timestamp())}",
            now=now,
        )
    return True


def drop_waiting(row: WebhookEndpoint, why: str) -> int:
    """What still waits for this endpoint is not sent any more."""
    waiting = row.deliveries.filter(status=Status.PENDING).order_by("pk")
    return settle_all(
        list(waiting.select_for_update(of=("self",)).defer("payload")),
        to=Status.CANCELLED,
        last_error=f"cancelled: {why}",
    )


def shown_url(row: WebhookEndpoint) -> str:
    """The whole address, for those who may change it."""
    try:
        return secrets.unseal(row.url_sealed)
    except Invalid:
        return row.url_hint


def _lock(pk: int) -> WebhookEndpoint:
    """The row, for a change that whoever tells it of an event need not wait for."""
    return WebhookEndpoint.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    row = _lock(endpoint.pk)
    if row.archived_at:
        raise Conflict("This webhook is archived.")
    return row


def _address(url: str) -> dict[str, str]:
    try:
        checked = checked_url(url, site_config("webhook"))
    except AddressError as error:
        raise Invalid(error.message, code=error.code, fields={"url": [error.message]}) from None
    parts = urlsplit(checked)
    end = f"/…{checked[-4:]}" if parts.path.strip("/") or parts.query else ""
    hint = cut(f"{parts.scheme}://{parts.netloc}{end}", 120, "…")
    return {"url_sealed": secrets.seal(checked), "url_hint": hint}


def _description(text: str) -> str:
    words = one_line(text)
    if not words:
        raise Invalid("Say what this webhook is for.", fields={"description": ["Say it shortly."]})
    return cut(words, 120)


def _events(patterns: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(one.strip() for one in patterns if one.strip()))
    wrong = catalog.refused(found)
    if wrong or not 0 < len(found) <= MOST_EVENTS:
        known = ", ".join(["*", "ticket.*", *catalog.EVENTS])
        said = f"There is no event {wrong[0][:60]!r}." if wrong else "Choose at least one event."
        raise Invalid(said, fields={"events": [f"{said} There are {known}."]})
    return found
