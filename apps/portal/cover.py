"""What a stretch of shifts means for people, pure: handoffs, gaps, lanes. No Django, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

SHADOW = "shadow"  # listens in and is never paged, so covers nothing


class Stretch(Protocol):
    """One person in one role over [start_at, end_at)."""

    @property
    def role(self) -> str: ...
    @property
    def start_at(self) -> datetime: ...
    @property
    def end_at(self) -> datetime: ...
    @property
    def person_id(self) -> int: ...


S = TypeVar("S", bound=Stretch)


@dataclass(frozen=True)
class Gap:
    """[start, end) without anybody to page."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Change:
    """At `at` the people of a role change: ids going off and coming on, each in seat order."""

    at: datetime
    role: str
    going: tuple[int, ...]
    coming: tuple[int, ...]


def gaps(stretches: Iterable[Stretch], start: datetime, end: datetime) -> list[Gap]:
    """The parts of [start, end) that no stretch covers, in order."""
    found, covered_to = [], start
    for stretch in sorted(stretches, key=lambda s: s.start_at):
        if stretch.role == SHADOW or stretch.end_at <= covered_to:
            continue
        if stretch.start_at >= end:
            break
        if stretch.start_at > covered_to:
            found.append(Gap(covered_to, stretch.start_at))
        covered_to = stretch.end_at
    if covered_to < end:
        found.append(Gap(covered_to, end))
    return found


def handoffs(stretches: Iterable[Stretch], start: datetime, end: datetime) -> list[Change]:
    """Every instant in (start, end] at which the people of a paged role change, by time."""
    roles: dict[str, list[Stretch]] = {}
    for stretch in stretches:
        if stretch.role != SHADOW:
            roles.setdefault(stretch.role, []).append(stretch)
    changes = [
        change for role, rows in roles.items() for change in _changes(role, rows, start, end)
    ]
    return sorted(changes, key=lambda change: (change.at, change.role))


def _changes(
    role: str, rows: Sequence[Stretch], start: datetime, end: datetime
) -> Iterable[Change]:
    ending: dict[datetime, list[int]] = {}
    beginning: dict[datetime, list[int]] = {}
    for row in rows:
        ending.setdefault(row.end_at, []).append(row.person_id)
        beginning.setdefault(row.start_at, []).append(row.person_id)
    on: Counter[int] = Counter()  # person id → how many of their stretches run
    for at in sorted({*ending, *beginning}):
        before = tuple(on)
        for person in ending.get(at, ()):
            on[person] -= 1
            if not on[person]:
                del on[person]
        on.update(beginning.get(at, ()))
        after = tuple(on)
        if start < at <= end and set(before) != set(after):
            yield Change(
                at,
                role,
                tuple(pk for pk in before if pk not in after),
                tuple(pk for pk in after if pk not in before),
            )


def lanes(stretches: Iterable[S]) -> list[list[S]]:
    """Stretches laid into as few rows as needed so that none overlap in a row."""
    found: list[list[S]] = []
    for stretch in sorted(stretches, key=lambda s: s.start_at):
        free = next((lane for lane in found if lane[-1].end_at <= stretch.start_at), None)
        if free is None:
            found.append([stretch])
        else:
            free.append(stretch)
    return found
