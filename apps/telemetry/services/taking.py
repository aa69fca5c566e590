"""A delivery of telemetry becomes rows: read again as it stands, and stored as a whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from apps.intake.canonical import InvalidEvent
from apps.intake.models import Delivery
from apps.intake.readings import read_batch
from apps.telemetry.services.labels import store_labels
from apps.telemetry.services.readings import store_counts, store_measurements
from apps.telemetry.services.reports import store_reports
from apps.telemetry.services.runs import store_runs
from apps.telemetry.services.stored import Stored

log = structlog.get_logger("opsportal.telemetry")
# What keeps a kind of reading, and what it calls them.
_KEEPERS: dict[str, tuple[Callable[..., Stored], str]] = {
    "profile_runs": (store_runs, "runs"),
    "report_runs": (store_reports, "reports"),
    "semantic_labels": (store_labels, "labels"),
    "sli_counts": (store_counts, "counts"),
    "measurements": (store_measurements, "measurements"),
}


def take(*, delivery: Delivery, now: datetime) -> Stored:
    """Store what a delivery holds; a second time changes nothing.

    It is read as of its arrival: replayed a week later, it gives the same rows. Raises InvalidEvent
    when no line of it can be read.
    """
    batch = read_batch(delivery.adapter, bytes(delivery.body), received_at=delivery.received_at)
    if batch.rejected and not batch.items:
        first = batch.rejected[0]
        raise InvalidEvent(first.code, f"Line {first.line}: {first.detail}", list(first.errors))
    if batch.rejected:  # the door sifted them; a rule has become stricter since
        log.warning("lines left out", delivery=delivery.pk, lines=len(batch.rejected))
    keep, noun = _KEEPERS[delivery.adapter]
    given: dict[str, Any] = {noun: [item for _, item in batch.items]}
    if keep is store_runs:
        given["delivery_id"] = delivery.pk
    return keep(
        integration=delivery.integration, now=now, received_at=delivery.received_at, **given
    )
