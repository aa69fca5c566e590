"""Whose turn it is in a layer, who comes next, and how an order on a form becomes a plan again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from apps.accounts.models import Person
from apps.rotations import timeline
from apps.rotations.definitions import windows_of
from apps.rotations.models import Layer, LayerVersion
from apps.rotations.timeline.rotation import Turns
from apps.rotations.timeline.wallclock import local


@dataclass(frozen=True)
class Slot:
    """One place in the turn, and when it is next served; nobody is a buffer."""

    person: Person | None
    start: datetime
    end: datetime


def newest_version(layer: Layer) -> LayerVersion | None:
    """The arrangement that a form edits: the planned one where there is one, else today's."""
    versions = sorted(layer.versions.all(), key=lambda version: version.effective_from)
    return versions[-1] if versions else None


class LayerTurns:
    """The turns of one version, counted as the calculator counts them."""

    def __init__(self, version: LayerVersion) -> None:
        members = sorted(version.members.all(), key=lambda member: member.position)
        shift = version.anchor_index % len(members) if members else 0
        self.people = [member.person for member in (*members[shift:], *members[:shift])]
        self.zone = ZoneInfo(version.time_zone)
        rotation = timeline.Rotation(
            unit=cast("timeline.Unit", version.unit),
            every=version.every,
            anchor_local=datetime.combine(version.anchor_date, version.anchor_time),
            participants=tuple(str(p.pk) if p else None for p in self.people) or (None,),
            advance=cast("timeline.Advance", version.advance),
        )
        self._turns = Turns(rotation, self.zone, windows_of(version.windows))

    def number(self, at: datetime) -> int:
        return self._turns.index(at)

    def boundary(self, number: int) -> datetime:
        return self._turns.boundary(number)

    def next_handoff(self, at: datetime) -> datetime:
        return self.boundary(self.number(at) + 1)

    def began(self, at: datetime) -> datetime:
        """When the running turn began, on the wall clock: what a form shows as its start."""
        return local(self.boundary(self.number(at)), self.zone)

    def order(self, at: datetime) -> list[Slot]:
        """Everybody once, beginning with the turn that runs."""
        first = self.number(at)
        return [
            Slot(
                self.people[(first + step) % len(self.people)],
                self.boundary(first + step),
                self.boundary(first + step + 1),
            )
            for step in range(len(self.people))
        ]


def placed(shown: list[Person | None], number: int) -> tuple[Person | None, ...]:
    """The stored order in which turn `number` falls on the first of `shown`.

    The turns keep their numbers and their times, whatever the length of the list: only who serves
    them changes.
    """
    count = len(shown)
    stored: list[Person | None] = [None] * count
    for step, person in enumerate(shown):
        stored[(number + step) % count] = person
    return tuple(stored)
