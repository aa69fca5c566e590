"""Four weeks of profile runs and reports: what CI steps, hosted workers and analysts sent.

Drawn by a fixed die, so that every load tells the same story: Snowflake runs time out since the
release of this morning, two sources fell silent, a few credentials ran out.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.customers.models import Connection
from apps.intake.readings.shapes import ProfileRunIn, ReportRunIn, TableIn

DAYS = 28
BURST = timedelta(minutes=72)
BURST_RUNS, BURST_FAILED = 112, 38
TIMEOUT = "ERR-QUERY-DURATION-EXCEEDED"
LOGIN = "ERR-WAREHOUSE-AUTH"
SILENT = {"peakline-marketing": timedelta(hours=11)}  # expected each six hours
OLD = timedelta(days=9)  # nobody profiled the research cluster since; nothing is scheduled there
# By warehouse: runs a day beside the scheduled ones, and how often one fails.
DAILY = {"snowflake": (96, 0.006), "bigquery": (64, 0.003), "postgres": (30, 0.002)}
REPORTS_A_DAY = 60
TEMPLATES = ("model", "quality", "numeric", "categorical", "date", "string")
SECONDS = {"small": 9.0, "medium": 41.0, "large": 150.0}  # the middle of a run's duration
TABLES = {"small": 6, "medium": 24, "large": 96}
SIZES = ("small", "small", "medium", "medium", "medium", "large")
BY_HOUR = (1, 1, 1, 1, 2, 5, 8, 9, 9, 8, 8, 7, 7, 8, 8, 7, 6, 5, 4, 3, 2, 2, 1, 1)


@dataclass(frozen=True)
class Place:
    """What is profiled: an org's project and source, with the connection that schedules it."""

    org: str
    project: str
    source: str
    warehouse: str
    connection: str = ""
    cadence: timedelta | None = None


def places() -> list[Place]:
    """The customers' connections, and what their analysts profile beside them."""
    rows = Connection.objects.filter(paused_at=None, archived_at=None)
    found = [
        Place(
            row.source.project.org.name,
            row.source.project.name,
            row.name if row.connector else row.source.name,
            row.source.warehouse_type,
            row.key,
            timedelta(seconds=row.cadence_seconds) if row.cadence_seconds else None,
        )
        for row in rows.select_related("source__project__org").order_by("pk")
    ]
    return found


def busy(place: Place) -> bool:
    """Whether anybody looks at it between its scheduled runs."""
    return place.connection not in SILENT


class Draw:
    """Draws runs before `now`; the same `now` gives the same runs."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.dice = random.Random(2140)  # noqa: S311 - a story, not a secret
        self._number = 0

    def package(self, at: datetime) -> str:
        """The release that ran then: 2.14.0 went out eight hours ago."""
        if at >= self.now - timedelta(hours=8):
            return "2.14.0"
        return "2.13.0" if at >= self.now - timedelta(days=17) else "2.12.1"

    def runs(self) -> Iterator[ProfileRunIn]:
        known = places()
        for place in known:
            yield from self._scheduled(place)
        for warehouse, (daily, share) in DAILY.items():
            here = [place for place in known if place.warehouse == warehouse and busy(place)]
            for at in self._instants(daily):
                yield self._one(self.dice.choice(here), at, "cloud", share)
        snowflake = [place for place in known if place.warehouse == "snowflake" and busy(place)]
        yield from self._burst(snowflake)
        yield from self._refused(known)

    def _scheduled(self, place: Place) -> Iterator[ProfileRunIn]:
        """A run at each beat of a connection, the last one less than a beat ago; none when
        nothing is scheduled but now and then somebody who looks.
        """
        step = place.cadence or timedelta(days=3)
        last = self.now - SILENT.get(place.connection, step * self.dice.uniform(0.1, 0.6))
        if place.cadence is None:
            last = self.now - OLD
        for back in range(int(timedelta(days=DAYS) / step)):
            at = last - back * step - timedelta(seconds=self.dice.randrange(240))
            share = 0.0 if back == 0 else 0.004
            yield self._one(place, at, "ci", share)

    def _instants(self, daily: int) -> Iterator[datetime]:
        """Times of day as people work, fewer at weekends, none after the burst began."""
        for back in range(DAYS + 1):
            day = self.now - timedelta(days=back)
            quiet = 0.4 if day.weekday() >= 5 else 1.0
            for _ in range(int(daily * quiet * self.dice.uniform(0.85, 1.15))):
                hour = self.dice.choices(range(24), BY_HOUR)[0]
                second = self.dice.randrange(3600)
                at = day.replace(hour=hour, minute=0, second=0) + timedelta(seconds=second)
                if at < self.now - BURST:
                    yield at

    def _burst(self, here: list[Place]) -> Iterator[ProfileRunIn]:
        """The hour in which every third run on Snowflake ran out of time."""
        for number in range(BURST_RUNS):
            at = self.now - BURST + timedelta(seconds=number * 34)
            failed = (
                number * BURST_FAILED // BURST_RUNS != (number + 1) * BURST_FAILED // BURST_RUNS
            )
            place = self.dice.choice(here)
            yield (
                self._failed(place, at, "cloud", TIMEOUT)
                if failed
                else self._one(place, at, "cloud", 0.0)
            )

    def _refused(self, known: list[Place]) -> Iterator[ProfileRunIn]:
        """Credentials that ran out: the customer's own, shown beside and not counted."""
        for back in range(2, DAYS, 3):
            place = self.dice.choice(known)
            yield self._failed(place, self.now - timedelta(days=back, hours=3), "ci", LOGIN)
        for minutes in (24, 21):
            ostra = [place for place in known if place.org.startswith(("Ostra", "Lumen"))]
            at = self.now - timedelta(minutes=minutes)
            yield self._failed(self.dice.choice(ostra), at, "cloud", LOGIN)

    def _one(self, place: Place, at: datetime, trigger: str, share: float) -> ProfileRunIn:
        if self.dice.random() < share:
            code = self.dice.choice((TIMEOUT, "ERR-INTERNAL", "ERR-CONNECTION"))
            return self._failed(place, at, trigger, code)
        size = self.dice.choice(SIZES)
        seconds = SECONDS[size] * math.exp(self.dice.gauss(0, 0.45))
        partly = self.dice.random() < 0.001
        return self._run(place, at, trigger, size, seconds, "partial" if partly else "succeeded")

    def _failed(self, place: Place, at: datetime, trigger: str, code: str) -> ProfileRunIn:
        size = self.dice.choice(SIZES)
        seconds = 600.0 if code == TIMEOUT else self.dice.uniform(1, 20)
        return self._run(place, at, trigger, size, seconds, "failed", code)

    def _run(
        self,
        place: Place,
        at: datetime,
        trigger: str,
        size: str,
        seconds: float,
        outcome: str,
        code: str = "",
    ) -> ProfileRunIn:
        self._number += 1
        tables = max(1, int(TABLES[size] * self.dice.uniform(0.5, 1.6)))
        ok = tables if outcome == "succeeded" else 0
        return ProfileRunIn(
            run_id=f"run-{self._number:06d}",
            attempt=1,
            outcome=outcome,
            org=place.org,
            project=place.project,
            source=place.source,
            connection=place.connection,
            warehouse_type=place.warehouse,
            command="inspect",
            trigger=trigger,
            started_at=at - timedelta(seconds=seconds),
            finished_at=at,
            duration_ms=int(seconds * 1000),
            diagnostic_code=code,
            tables_attempted=tables,
            tables_ok=ok,
            tables_failed=tables - ok,
            columns=tables * self.dice.randrange(8, 30),
            row_count_bucket=size,
            deep_profile=False,
            package=self.package(at),
            contract_version="1.4",
            tables=self._tables(at) if trigger == "ci" and ok else (),
        )

    def _tables(self, at: datetime) -> tuple[TableIn, ...]:
        names = ("orders", "order_lines", "customers", "payments")
        return tuple(
            TableIn("analytics", name, "succeeded", profiled_at=at, duration_ms=2400)
            for name in names
        )

    def reports(self) -> Iterator[ReportRunIn]:
        """Inspector pages that were made; four did not compile after the last minor release."""
        for number, at in enumerate(self._instants(REPORTS_A_DAY), start=1):
            broken = self.dice.random() < 0.003
            yield ReportRunIn(
                run_id=f"report-{number:06d}",
                attempt=1,
                outcome="failed" if broken else "succeeded",
                template=self.dice.choice(TEMPLATES),
                surface="inspect.reports",
                finished_at=at,
                table="analytics.orders",
                ejected=self.dice.random() < 0.1,
                duration_ms=int(900 * math.exp(self.dice.gauss(0, 0.5))),
                diagnostic_code="ERR-TEMPLATE-COMPILE" if broken else "",
                package=self.package(at),
            )
