"""A day that is driven: telemetry as it is posted, the engine and the rules at given times."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.alerts import services as alerts
from apps.alerts.models import Alert, AlertRule
from apps.core import audit, events
from apps.intake import services as intake
from apps.intake.events import EventsNormalised
from apps.intake.models import Delivery, Integration
from apps.paging import services as escalation
from apps.runbooks import services as runbooks
from apps.telemetry import handlers, seeds
from tests import builders as build
from tests.conftest import Cast

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 9, 7, 6, tzinfo=UTC)


@contextmanager
def telemetry_listens() -> Iterator[None]:
    """Deliveries of telemetry reach the app that keeps them, as the wiring page has it."""
    heard = events._handlers[EventsNormalised]
    fresh = handlers.take_events not in heard
    if fresh:
        heard.append(handlers.take_events)
    try:
        yield
    finally:
        if fresh:
            heard.remove(handlers.take_events)


class Driven:
    """The product with a profiler's source and rules that are on."""

    def __init__(self, cast: Cast, at: datetime) -> None:
        seeds.ensure_codes()
        self.cast, self.at = cast, at
        self.surface = build.surface(
            "inspect.profiler.snowflake", primary=cast.ravi, backup=cast.bea, now=at
        )
        build.method(cast.ravi, now=at)
        self.source: Integration = build.native(surface=None)
        self.runbook = runbooks.create(
            key="rb-profiler", title="Profiler", actor=audit.SYSTEM, now=at
        )

    def rule(self, kind: str, key: str = "", **fields: Any) -> AlertRule:
        """A rule of Maya's that is on; what is no field of a rule is a parameter."""
        names = {"severity", "surface", "every_seconds", "for_seconds", "slo", "tier"}
        own = {name: value for name, value in fields.items() if name in names}
        params = {name: value for name, value in fields.items() if name not in names}
        by: dict[str, Any] = {"actor": audit.person(self.cast.maya), "now": self.at}
        made = alerts.create_rule(
            key=key or kind.replace("_", "-"), name=key or kind, kind=kind, params=params,
            owner=self.cast.maya, runbook=self.runbook, **{"surface": self.surface, **own}, **by,
        )  # fmt: skip
        return alerts.switch_on(rule=made, **by)

    def post(self, what: str, rows: Iterable[dict[str, Any]], *, at: datetime) -> None:
        """One NDJSON body, kept as its door keeps it and taken by the engine."""
        body = b"\n".join(json.dumps(row).encode() for row in rows)
        made = Delivery.objects.create(
            integration=self.source, adapter=what, received_at=at, body=body
        )
        intake.normalise_due(now=at)
        made.refresh_from_db()
        assert made.status == Delivery.Status.NORMALISED, made.error

    def look(self, now: datetime) -> list[Alert]:
        """One evaluation and one pass of the engine; the alerts that stand."""
        alerts.evaluate_due(now=now)
        intake.normalise_due(now=now)
        escalation.take_due_steps(now=now)
        return list(Alert.objects.standing().order_by("dedup_key"))


def run(run_id: str, at: datetime, result: str = "ok", **more: Any) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "result": result,
        "started_at": (at - 5 * MINUTE).isoformat(),
        "finished_at": at.isoformat(),
        **more,
    }
