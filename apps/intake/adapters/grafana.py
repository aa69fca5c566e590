"""Grafana's webhook contact point, version 1: Alertmanager's form with values and links added.

One event for each alert, keyed by its fingerprint; only the alert's own status counts. A rule
without data or with an error fires under its own name (`DatasourceNoData`) and reads as any other.
What the contact point's test button sends is marked as a test.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from apps.intake.adapters import alertmanager
from apps.intake.canonical import Body, CanonicalEvent, Headers, mapping_of, read_object

KIND: Final[str] = "grafana"

_TRIAL: Final = {"alertname": "TestAlert", "instance": "Grafana"}


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """One event for each alert, in the order of the body."""
    data = read_object(body, max_values=alertmanager.MAX_VALUES)
    named = {"orgId": None, **data}  # by which the reading knows whose body it is
    events = alertmanager.normalise(named, headers, received_at=received_at)
    return [replace(event, test=True) if _is_trial(event) else event for event in events]


def delivery_key(body: Body, headers: Headers) -> str | None:
    """None: the same body is sent again at every repeat interval, and each time counts."""
    return None


def _is_trial(event: CanonicalEvent) -> bool:
    labels = mapping_of(event.details.get("labels"))
    return all(labels.get(name) == value for name, value in _TRIAL.items())
