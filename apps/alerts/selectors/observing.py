"""The live reader of rules: asks telemetry, and asks the same thing once a pass."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import DatabaseError

from apps.alerts.ports import AgeSource
from apps.alerts.rules.facts import (
    Aged,
    Duration,
    Ending,
    Inventory,
    Reading,
    SourceFact,
    Tally,
)
from apps.core.providers import ask
from apps.telemetry.models import Slo
from apps.telemetry.selectors import readings, series, watched

T = TypeVar("T")


class Observer:
    """A `rules.facts.Reader` of the database. One for each pass: what it has read it keeps."""

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}
        self._slo: Slo | None = None

    def of(self, slo: Slo | None) -> Observer:
        """The same reader for a rule of this objective."""
        other = Observer()
        other._kept, other._slo = self._kept, slo
        return other

    def _once(self, read: Callable[..., T], **asked: Any) -> T:
        key = (read, *sorted((name, _plain(value)) for name, value in asked.items()))
        if key not in self._kept:
            try:
                self._kept[key] = read(**asked)
            except DatabaseError as error:
                self._kept[key] = error
        found = self._kept[key]
        if isinstance(found, DatabaseError):
            raise found  # it took too long for one rule: not again for each of the others
        kept: T = found
        return kept

    def runs(
        self, *, source: str, facet: str, by: str, since: datetime, until: datetime
    ) -> dict[str, Tally]:
        found = self._once(
            series.tallies, kind=source, facet=facet, by=by, since=since, until=until
        )
        return {key: Tally(*one) for key, one in found.items()}

    def labels(
        self, *, truths: Sequence[str], by: str, since: datetime, until: datetime
    ) -> dict[str, Tally]:
        found = self._once(series.labels, truths=truths, by=by, since=since, until=until)
        return {key: Tally(*one) for key, one in found.items()}

    def weights(self) -> dict[str, float]:
        return self._once(series.weights)

    def slo(self, *, since: datetime, until: datetime) -> Tally:
        slo = self._objective()
        found = self._once(
            series.slo_tally, slo=slo, since=since, until=until, surfaces=self._surfaces(slo)
        )
        return Tally(*found)

    def newest_first(self, *, count: int, until: datetime) -> Sequence[bool]:
        slo = self._objective()
        return self._once(
            series.newest_first, slo=slo, count=count, until=until, surfaces=self._surfaces(slo)
        )

    def _objective(self) -> Slo:
        if self._slo is None:
            raise LookupError("The rule has no objective.")
        return self._slo

    def _surfaces(self, slo: Slo) -> Collection[int] | None:
        return self._once(series.below, surface=slo.surface)

    def readings(
        self, *, metric: str, subject: str, since: datetime, until: datetime
    ) -> dict[str, list[Reading]]:
        found = self._once(
            readings.readings, metric=metric, subject=subject, since=since, until=until
        )
        return {key: [Reading(*one) for one in rows] for key, rows in found.items()}

    def endings(self, *, metric: str, subject: str, until: datetime) -> dict[str, Ending]:
        found = self._once(readings.endings, metric=metric, subject=subject, until=until)
        return {key: Ending(*one) for key, one in found.items()}

    def sources(self, *, now: datetime) -> Sequence[SourceFact]:
        return self._once(_sources)

    def aged(
        self, *, what: str, priority: str, calendar: str,
        days: float | None, seconds: float | None, now: datetime,
    ) -> Sequence[Aged]:  # fmt: skip
        asked: dict[str, Any] = {"what": what, "priority": priority, "calendar": calendar}
        asked |= {"days": days, "seconds": seconds, "now": now}
        return self._once(_aged, **asked)

    def inventory(self, *, by: str, since: datetime, until: datetime) -> dict[str, Inventory]:
        found = self._once(watched.inventory, by=by, since=since, until=until)
        return {key: Inventory(*one) for key, one in found.items()}

    def durations(
        self, *, facet: str, by: str, since: datetime, until: datetime
    ) -> dict[str, Duration]:
        found = self._once(series.durations, facet=facet, by=by, since=since, until=until)
        return {key: Duration(*one) for key, one in found.items()}

    def counted(self, *, what: str, since: datetime, until: datetime) -> int:
        return self._once(series.counted, what=what, since=since, until=until)

    def history_from(self, *, what: str) -> datetime | None:
        return self._once(series.history_from, what=what)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return value.pk if isinstance(value, Slo) else value


def _sources() -> list[SourceFact]:
    return [
        SourceFact(
            one.key, one.label, one.known_since, one.last_success_at, one.cadence_seconds,
            one.max_age_seconds, one.is_paused, one.changed_at, one.surface,
        )
        for one in watched.sources()
    ]  # fmt: skip


def _aged(**asked: Any) -> list[Aged]:
    return [one for source in ask(AgeSource) for one in source.aged(**asked)]  # type: ignore[type-abstract] # a port is its protocol
