"""The figures of one incident, as its review shows and keeps them. Pure.

They are computed while the review is written; publishing keeps them as plain JSON (`to_json`),
so that a later correction elsewhere does not change what people read and agreed to.
"""

from __future__ import annotations

import types
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any, Union, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Milestone:
    """An instant of the incident; `at` is None where nobody has set it."""

    key: str
    label: str
    at: datetime | None = None


@dataclass(frozen=True)
class Length:
    """A time that a review speaks of, in seconds; None where an end of it is not known.

    `label` says from where to where; `is_least` that it began earlier than anybody has said.
    """

    key: str
    label: str
    seconds: int | None = None
    is_least: bool = False

    @property
    def span(self) -> timedelta | None:
        return None if self.seconds is None else timedelta(seconds=self.seconds)


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


@dataclass(frozen=True, kw_only=True)
class Instants:
    """The milestones of an incident; None where it did not come to that, or nobody knows."""

    detected_at: datetime
    impact_started_at: datetime | None = None
    declared_at: datetime | None = None
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None


def milestones(at: Instants) -> tuple[Milestone, ...]:
    """In the order in which they are expected."""
    return (
        Milestone("impact_started", "Impact began", at.impact_started_at),
        Milestone("detected", "Detected", at.detected_at),
        Milestone("declared", "Declared", at.declared_at),
        Milestone("acknowledged", "Acknowledged", at.acknowledged_at),
        Milestone("mitigated", "Mitigated", at.mitigated_at),
        Milestone("resolved", "Resolved", at.resolved_at),
    )


def lengths(at: Instants) -> tuple[Length, ...]:
    """Time to detect, acknowledge, mitigate and resolve.

    All but acknowledging count from the start of the impact; where nobody has said when that was,
    from detection, and it lasted at least so long.
    """
    began, least = at.impact_started_at, at.impact_started_at is None
    start = began or at.detected_at
    acknowledged = _between(at.declared_at, at.acknowledged_at)
    return (
        Length("ttd", "To detect", _between(began, at.detected_at)),
        Length("tta", "To acknowledge", None if acknowledged is None else max(0, acknowledged)),
        Length("ttm", "To mitigate", _between(start, at.mitigated_at), least),
        Length("ttr", "To resolve", _between(start, at.resolved_at), least),
    )


def _between(start: datetime | None, end: datetime | None) -> int | None:
    return int((end - start).total_seconds()) if start and end else None
