"""Deliveries that the product takes from inside, as a door would have taken them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from apps.intake.adapters import ADAPTERS, CHECKED
from apps.intake.canonical import InvalidEvent
from apps.intake.models import Delivery, Integration
from apps.intake.redaction import redact_headers


def receive(
    *,
    integration: Integration,
    body: dict[str, Any],
    now: datetime,
    delivery_key: str | None = None,
) -> Delivery:
    """Take a native event from inside: the product's alerts on itself go the same way as others."""
    if delivery_key:
        known = Delivery.objects.filter(integration=integration, delivery_key=delivery_key).first()
        if known:
            return known
    return Delivery.objects.create(
        integration=integration,
        adapter="native",
        received_at=now,
        body=json.dumps(body).encode(),
        delivery_key=delivery_key,
        dedup_key=str(body.get("dedup_key") or f"auto:{uuid.uuid4().hex}"),
    )


def receive_hook(
    *,
    integration: Integration,
    body: bytes,
    now: datetime,
    headers: Mapping[str, str] | None = None,
) -> Delivery:
    """Take a vendor's body from inside, as its own address would have taken it (demo, trials).

    A body that cannot be read is kept all the same, and quarantined by the engine.
    """
    given = dict(headers or {})
    keys: dict[str, str | None] = {"delivery_key": None, "dedup_key": ""}
    with suppress(InvalidEvent):
        keys["delivery_key"] = ADAPTERS[integration.kind].delivery_key(body, given)
        if checked := CHECKED.get(integration.kind):
            fallback = f"auto:{uuid.uuid4().hex}"
            keys["dedup_key"] = checked.validate(body, given, fallback_key=fallback)[0] or ""
    return Delivery.objects.create(
        integration=integration,
        adapter=integration.kind,
        received_at=now,
        headers=redact_headers(given),
        body=body,
        **keys,
    )
