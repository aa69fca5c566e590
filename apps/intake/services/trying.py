"""A trial delivery: the whole way from the body to the event, and nobody is paged."""

from __future__ import annotations

from datetime import datetime

from apps.core.errors import Conflict
from apps.intake.models import Delivery, Integration
from apps.intake.samples import sample
from apps.intake.services.normalising import wake
from apps.intake.services.receiving import receive_hook


def send_test(*, integration: Integration, now: datetime) -> Delivery:
    """Take in what the integration's tool would send, marked as a test.

    Raises Conflict for an archived integration and for a kind that is tried from outside.
    """
    if integration.archived_at is not None:
        raise Conflict("This integration is archived. Bring it back first.")
    trial = sample(integration.kind, now=now)
    if trial is None:
        raise Conflict("This kind is tried from outside: the page says how.")
    headers = {**trial.headers, "x-opsportal-test": "1"}
    row = receive_hook(integration=integration, body=trial.body, headers=headers, now=now)
    wake()
    return row
