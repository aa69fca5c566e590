"""The figures of one incident, as its review shows and keeps them. Pure.

They are computed while the review is written; publishing keeps them as plain JSON (`to_json`),
so that a later correction elsewhere does not change what people read and agreed to.
"""

from __future__ import annotations

import types
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Union, get_args, get_origin, get_type_hints

from apps.incidents.metrics import METRICS, MILESTONES, Metric, Milestones, seconds


@dataclass(frozen=True)
class Milestone:
    """An instant of the incident; `at` is None where nobody has set it."""

    key: str
    label: str
    at: datetime | None = None


@dataclass(frozen=True)
class Length:
    """A time that a review speaks of, in seconds; None where an end of it is not known.

    `at_least` is how long it lasted in any case, where only its beginning is not known.
    """

    key: str
    label: str
    seconds: int | None = None
    at_least: int | None = None

    @property
    def span(self) -> timedelta | None:
        return None if self.seconds is None else timedelta(seconds=self.seconds)

    @property
    def least(self) -> timedelta | None:
        return None if self.at_least is None else timedelta(seconds=self.at_least)


@dataclass(frozen=True)
class Spell:
    """A stretch in one severity; `to_at` is None while it lasts."""

    severity: str
    from_at: datetime
    to_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Update:
    """An update that was owed: by when, and when it came."""

    due_at: datetime
    came_at: datetime | None = None
    in_time: bool = False


@dataclass(frozen=True)
class Side:
    """How one side was kept told: people here, or customers."""

    key: str
    label: str
    published: int = 0
    owed: tuple[Update, ...] = ()
    first_after: int | None = None  # seconds from the declaration to the first update

    @property
    def kept(self) -> int:
        return sum(one.in_time for one in self.owed)

    @property
    def percent(self) -> int | None:
        return round(100 * self.kept / len(self.owed)) if self.owed else None

    @property
    def first_span(self) -> timedelta | None:
        return None if self.first_after is None else timedelta(seconds=self.first_after)


@dataclass(frozen=True)
class Told:
    """Somebody who was paged, and when first."""

    name: str
    at: datetime


@dataclass(frozen=True)
class Paged:
    """One page: who was told, who took it, and after how many seconds."""

    summary: str
    opened_at: datetime
    told: tuple[Told, ...] = ()
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None

    @property
    def after(self) -> timedelta | None:
        return self.acknowledged_at - self.opened_at if self.acknowledged_at else None


@dataclass(frozen=True)
class Changed:
    """A change of the 24 hours before, with why it may have to do with it."""

    summary: str
    kind: str
    at: datetime
    url: str = ""
    why: str = ""


@dataclass(frozen=True)
class Run:
    """A run of a runbook inside the incident."""

    ref: str
    runbook: str
    title: str
    status: str
    steps: int = 0
    done: int = 0
    wrong: int = 0
    by: str = ""


@dataclass(frozen=True)
class Duty:
    """Who had a role, from when to when."""

    role: str
    name: str
    from_at: datetime
    to_at: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """All of it, as of `computed_at`. `tickets` are references; their words stay with them."""

    computed_at: datetime
    severity: str = ""
    detection: str = ""  # alert, ticket, customer, internal, drill; empty: nobody has said
    detection_label: str = ""
    milestones: tuple[Milestone, ...] = ()
    lengths: tuple[Length, ...] = ()
    spells: tuple[Spell, ...] = ()
    sides: tuple[Side, ...] = ()
    pages: tuple[Paged, ...] = ()
    tickets: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    changes: tuple[Changed, ...] = ()
    runs: tuple[Run, ...] = ()
    duties: tuple[Duty, ...] = ()

    def length(self, key: str) -> Length | None:
        return next((one for one in self.lengths if one.key == key), None)

    @property
    def in_severity(self) -> list[tuple[str, timedelta]]:
        """Time in each severity, the highest first."""
        found: dict[str, timedelta] = {}
        for spell in self.spells:
            lasted = (spell.to_at or self.computed_at) - spell.from_at
            found[spell.severity] = found.get(spell.severity, timedelta()) + lasted
        return sorted(found.items())

    def to_json(self) -> dict[str, Any]:
        """As plain values; instants as ISO 8601."""
        found: dict[str, Any] = _plain(asdict(self))
        return found

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Facts | None:
        """Back again; None for what holds no facts. What a later version added has its default."""
        return _revive(cls, data) if data.get("computed_at") else None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _revive(cls: type[Any], data: dict[str, Any]) -> Any:
    kinds = get_type_hints(cls)
    known = [one.name for one in fields(cls) if one.name in data]
    return cls(**{name: _value(kinds[name], data[name]) for name in known})


def _value(kind: Any, value: Any) -> Any:
    if get_origin(kind) in {Union, types.UnionType}:
        if value is None:
            return None
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is tuple:
        return tuple(_value(get_args(kind)[0], one) for one in value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    return _revive(kind, value) if is_dataclass(kind) and isinstance(kind, type) else value


# -- times


def milestones(at: Milestones) -> tuple[Milestone, ...]:
    """In the order in which they are expected; closing comes after the review."""
    return tuple(
        Milestone(column.removesuffix("_at"), label, getattr(at, column))
        for column, label in MILESTONES.items()
        if column != "closed_at"
    )


def lengths(at: Milestones) -> tuple[Length, ...]:
    """Time to detect, acknowledge, mitigate and resolve, as the figures over all incidents count
    them. What nobody can count, as nobody has said when the impact began, lasted at least since
    it was detected."""
    return tuple(_length(metric, at) for metric in METRICS.values())


def _length(metric: Metric, at: Milestones) -> Length:
    took = seconds(metric, at)
    label = metric.name.removeprefix("Time ").capitalize()
    if took is not None:
        return Length(metric.key, label, int(took))
    # From detection on is at least as long; for the time to detect itself that says nothing.
    may = metric.start == "impact_started_at" and metric.end != "detected_at"
    least = seconds(replace(metric, start="detected_at"), at) if may else None
    return Length(metric.key, label, at_least=None if least is None else int(least))
