"""Which changes may have caused an incident, the likeliest first.

Pure. A change counts when it went out in the 24 hours before the impact began, on the surface, on
a part of it, or on what it leans on hard. It ranks higher the nearer it lies to the surface and
the nearer it lies in time: each hop away halves it, and so does each eight hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(hours=24)
HALF_LIFE: Final = timedelta(hours=8)
FURTHEST: Final = 4  # hops; further away, a change counts for a sixteenth at most
UNROUTED_HOPS: Final = 3  # what belongs to no surface could be anything: it ranks behind the rest


@dataclass(frozen=True)
class Near:
    """A surface that counts, how many steps away it is, and how it hangs together with ours.

    `how` completes "… on inspect.api, ": "which it leans on hard".
    """

    key: str
    hops: int
    how: str = ""


@dataclass(frozen=True)
class Happened:
    """A change as the ledger has it; `surface` is None where the ledger knows none."""

    pk: int
    kind: str  # as people read it: Deployment
    ref: str
    summary: str
    url: str
    surface: int | None
    at: datetime


@dataclass(frozen=True)
class Suspect:
    """A change with its score, 1.0 for one on the surface itself at the last moment, and why."""

    change: Happened
    score: float
    why: str


@dataclass(frozen=True)
class Place:
    """A surface of the map: its key and the surface that it is a part of."""

    key: str
    parent: int | None = None


def reach(
    start: int, places: Mapping[int, Place], leans: Iterable[tuple[int, int]]
) -> dict[int, Near]:
    """Every surface whose change can hurt `start`, with the fewest hops to it.

    `leans` are pairs (surface, what it leans on hard). From a surface it goes on to that, and to
    what it is a part of; from `start` alone also to its own parts. What leans on `start` cannot
    hurt it. Circles end where they began.
    """
    down: dict[int, list[int]] = {}
    for surface, on in leans:
        down.setdefault(surface, []).append(on)
    if start not in places:
        return {}
    found = {start: Near(places[start].key, 0)}
    frontier = [start]
    for hops in range(1, FURTHEST + 1):
        following: list[int] = []
        for pk, how in _next(frontier, places, down, start):
            if pk in places and pk not in found:
                said = how if hops == 1 else f"{hops} steps down what it leans on"
                found[pk] = Near(places[pk].key, hops, said)
                following.append(pk)
        frontier = following
    return found


def _next(
    frontier: Iterable[int], places: Mapping[int, Place], down: Mapping[int, list[int]], start: int
) -> Iterator[tuple[int, str]]:
    for pk in frontier:
        for on in down.get(pk, ()):
            yield on, "which it leans on"
        parent = places[pk].parent
        if parent is not None:
            yield parent, "of which it is a part"
        if pk == start:
            for other, place in places.items():
                if place.parent == start:
                    yield other, "which is a part of it"


def rank(
    changes: Iterable[Happened], near: Mapping[int, Near], began: datetime, *, most: int = 5
) -> list[Suspect]:
    """The changes that may have caused what began at `began`, best first, at most `most`.

    `near` maps the id of each surface that counts to how near it is; the surface itself has 0
    hops. Later changes than `began` cannot have caused it and do not count.
    """
    found = [suspect for change in changes if (suspect := _judge(change, near, began))]
    found.sort(key=lambda one: (-one.score, -one.change.at.timestamp(), -one.change.pk))
    return found[:most]


def _judge(change: Happened, near: Mapping[int, Near], began: datetime) -> Suspect | None:
    before = began - change.at
    if not timedelta(0) <= before <= WINDOW:
        return None
    place = near.get(change.surface) if change.surface is not None else None
    if place is None and change.surface is not None:
        return None
    hops = place.hops if place else UNROUTED_HOPS
    score = 0.5**hops * 0.5 ** (before / HALF_LIFE)
    return Suspect(change, round(score, 4), _why(place, before))


def _why(place: Near | None, before: timedelta) -> str:
    """ "8 h before, on the surface itself"."""
    when = _ago(before)
    if place is None:
        return f"{when} before; no surface is known for it"
    if place.hops == 0:
        return f"{when} before, on the surface itself"
    return f"{when} before, on {place.key}, {place.how}"


def _ago(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes} min" if minutes < 90 else f"{round(minutes / 60)} h"
