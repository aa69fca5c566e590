"""A vendor's body taken from inside ends as one that came over the wire."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from apps.intake import services as intake
from apps.intake.models import Delivery
from tests import builders as build

NOW = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def test_a_pagerduty_body_keeps_its_dedup_key_and_becomes_an_event() -> None:
    source = build.integration("pagerduty")
    payload = {"summary": "Worker restarts", "source": "worker-3", "severity": "error"}
    body = {
        "routing_key": source.token,
        "event_action": "trigger",
        "dedup_key": "worker-3",
        "payload": payload,
    }
    delivery = intake.receive_hook(integration=source.row, body=json.dumps(body).encode(), now=NOW)
    assert delivery.dedup_key == "worker-3"
    intake.normalise_due(now=NOW)
    event = delivery.events.get()
    assert (event.summary, event.severity) == ("Worker restarts", "error")


def test_a_github_redelivery_is_known_by_its_header_and_other_headers_are_dropped() -> None:
    source = build.integration("github").row
    delivery = intake.receive_hook(
        integration=source,
        body=b"{}",
        headers={"X-GitHub-Event": "ping", "X-GitHub-Delivery": "d-1", "Cookie": "secret"},
        now=NOW,
    )
    assert delivery.delivery_key == "d-1"
    assert delivery.headers == {"x-github-event": "ping", "x-github-delivery": "d-1"}


@pytest.mark.parametrize("kind", ["alertmanager", "gcp", "pagerduty"])
def test_a_body_that_cannot_be_read_is_kept_and_quarantined(kind: str) -> None:
    source = build.integration(kind).row
    delivery = intake.receive_hook(integration=source, body=b'{"alerts": ', now=NOW)
    intake.normalise_due(now=NOW)
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.QUARANTINED
    assert bytes(delivery.body) == b'{"alerts": '
