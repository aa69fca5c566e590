"""The product's figures for Prometheus, read from the database when they are asked for.

Any web process gives the same answer, so it does not matter which one is scraped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.incidents.models import Incident, Severity
from apps.intake.models import Delivery
from apps.notifications.models import Message
from apps.paging.models import Page
from apps.portal.selectors import oncall, system
from apps.rotations.models import Schedule

DAY = timedelta(days=1)
NEVER = math.inf  # "never seen" is later than any limit


class Figures(Collector):
    """Every gauge at one instant; one indexed query each, none counts past a limit."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._intake()
        yield from self._paging()
        yield from self._messages()
        yield from self._heartbeats()
        yield self._incidents()
        yield self._gaps()

    def _intake(self) -> Iterator[GaugeMetricFamily]:
        deliveries = Delivery.objects.all()
        yield _gauge(
            "deliveries_waiting",
            f"Deliveries received and not yet read, at most {system.MANY}.",
            system.count(deliveries.filter(status=Delivery.Status.RECEIVED)).value,
        )
        yield _gauge(
            "deliveries_quarantined",
            f"Deliveries that could not be read and wait for somebody, at most {system.MANY}.",
            system.count(deliveries.filter(status=Delivery.Status.QUARANTINED)).value,
        )

    def _paging(self) -> Iterator[GaugeMetricFamily]:
        waiting = Page.objects.real().waiting()
        yield _gauge(
            "pages_waiting",
            f"Pages that nobody has acknowledged, at most {system.MANY}.",
            system.count(waiting).value,
        )
        due = system.oldest_due_page(self.now)
        yield _gauge(
            "oldest_due_page_seconds",
            "How long the oldest due escalation step has been waiting.",
            (self.now - due).total_seconds() if due else 0,
        )

    def _messages(self) -> Iterator[GaugeMetricFamily]:
        status = Message.Status
        due = Message.objects.filter(status=status.PENDING, not_before__lte=self.now)
        yield _gauge(
            "messages_pending",
            f"Messages that are due and not yet sent, at most {system.MANY}.",
            system.count(due).value,
        )
        newest = Message.objects.order_by("-pk").values_list("status", "created_at")[: system.MANY]
        failed = sum(1 for what, at in newest if what == status.FAILED and at > self.now - DAY)
        yield _gauge(
            "messages_failed",
            f"Messages of the last day that reached nobody, among the newest {system.MANY}.",
            failed,
        )

    def _heartbeats(self) -> Iterator[GaugeMetricFamily]:
        vitals = system.vitals(self.now)
        for name, age in (("engine", vitals.engine_age), ("cluster", vitals.cluster_age)):
            yield _gauge(
                f"{name}_heartbeat_age_seconds",
                f"How long ago the {name} was last seen alive; +Inf: never.",
                NEVER if age is None else age.total_seconds(),
            )

    def _incidents(self) -> GaugeMetricFamily:
        rows = Incident.objects.real().standing().order_by().values("severity")
        found = {row["severity"]: row["n"] for row in rows.annotate(n=Count("pk"))}
        family = _family("incidents_open", "Incidents that stand, by severity.", "severity")
        for severity in Severity.values:
            family.add_metric([severity], found.get(severity, 0))
        return family

    def _gaps(self) -> GaugeMetricFamily:
        schedules = list(Schedule.objects.current().order_by("key"))
        end = self.now + oncall.GAPS_AHEAD
        shifts = oncall.shifts_of(schedules, self.now, end)
        family = _family(
            "schedule_gap_hours", "Hours of the next 30 days without anybody on call.", "schedule"
        )
        hours = {schedule.key: 0.0 for schedule in schedules}
        for gap in oncall.gaps_of(schedules, shifts, self.now, end):
            hours[gap.schedule.key] += gap.length.total_seconds() / 3600
        for key, value in hours.items():
            family.add_metric([key], value)
        return family


def _family(name: str, help: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"opsportal_{name}", help, labels=[label])


def _gauge(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"opsportal_{name}", help, value=value)
