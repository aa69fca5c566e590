"""What a look may ask. The database answers it live, recorded history in a replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol


class Tally(NamedTuple):
    """Bad ones of all that count."""

    bad: int = 0
    total: int = 0


class Reading(NamedTuple):
    """A value with the limit that it should keep, if it brought one."""

    at: datetime
    value: float
    limit: float | None


class Ending(NamedTuple):
    """When something ends, by the last reading of it."""

    not_after: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class SourceFact:
    """A source at one moment. `key` never changes, `label` is for people; times as known then."""

    key: str
    label: str
    known_since: datetime
    last_success_at: datetime | None
    cadence_seconds: int | None
    max_age_seconds: int | None
    is_paused: bool
    changed_at: datetime | None = None  # a table's upstream changed after its profile
    surface: str = ""  # key of the surface that hears of it


@dataclass(frozen=True, slots=True)
class Aged:
    """Something that is open, and for how long in business time."""

    ref: str
    label: str
    url: str
    seconds: float
    limit_seconds: float
    surface: str = ""


class Inventory(NamedTuple):
    """Columns whose type changed, of the columns of the sources they are in."""

    changed: int
    columns: int
    label: str = ""


class Duration(NamedTuple):
    """A 95th percentile in seconds and of how many runs."""

    p95: float | None
    n: int


class Reader(Protocol):
    """Everything is asked for half-open stretches of time [since, until).

    Groups are keyed by text; a group that had nothing is absent. A reader that cannot know
    something, such as history of what keeps none, raises `NotRecorded`.
    """

    def runs(
        self, *, source: str, facet: str, by: str, since: datetime, until: datetime
    ) -> dict[str, Tally]: ...

    def labels(
        self, *, truths: Sequence[str], by: str, since: datetime, until: datetime
    ) -> dict[str, Tally]: ...

    def weights(self) -> dict[str, float]: ...

    def slo(self, *, since: datetime, until: datetime) -> Tally: ...

    def newest_first(self, *, count: int, until: datetime) -> Sequence[bool]: ...

    def readings(
        self, *, metric: str, subject: str, since: datetime, until: datetime
    ) -> dict[str, list[Reading]]: ...

    def endings(self, *, metric: str, subject: str, until: datetime) -> dict[str, Ending]: ...

    def sources(self, *, now: datetime) -> Sequence[SourceFact]: ...

    def aged(
        self, *, what: str, priority: str, calendar: str,
        days: float | None, seconds: float | None, now: datetime,
    ) -> Sequence[Aged]: ...  # fmt: skip

    def inventory(self, *, by: str, since: datetime, until: datetime) -> dict[str, Inventory]: ...

    def durations(
        self, *, facet: str, by: str, since: datetime, until: datetime
    ) -> dict[str, Duration]: ...

    def counted(self, *, what: str, since: datetime, until: datetime) -> int: ...

    def history_from(self, *, what: str) -> datetime | None: ...


class NotRecorded(LookupError):
    """No history is kept of what the rule looks at; `args[0]` says so in words."""
