"""Semantic types: inventories before and after a release, and what audits and fixtures said."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from apps.intake.readings.shapes import LabelIn
from opsportal.demo.stage import Stage

COLUMNS = 900
CHANGED = 312  # "312 columns changed type since Tuesday"
BROKEN, FIXED = 12, 3  # of the fixtures, by the rewritten detector
TYPES = (
    ("identifier", 30), ("plain_text", 22), ("timestamp", 14), ("currency", 9), ("email", 8),
    ("category", 7), ("phone", 4), ("country", 3), ("url", 2), ("national_id", 1),
)  # fmt: skip
WRONG = {"national_id": "phone", "email": "plain_text", "identifier": "phone"}
AUDITED = (("2.11.3", 500, 485, 36), ("2.12.0", 500, 460, 33), ("2.13.0", 800, 735, 2))


class Draw:
    """The same stage gives the same labels."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.dice = random.Random(312)  # noqa: S311 - a story, not a secret
        names = [name for name, _ in TYPES]
        weights = [weight for _, weight in TYPES]
        self.true = self.dice.choices(names, weights, k=COLUMNS)

    def labels(self) -> Iterator[list[LabelIn]]:
        """One list for each time that something was sent, oldest first."""
        before = self._inventory(self.true, "2.11.3", self.stage.day(36, "05:10"))
        wrong = self._misread()
        yield before
        yield self._inventory(wrong, "2.12.0", self.stage.day(34, "05:10"))
        yield self._inventory(self.true, "2.12.1", self.stage.day(33, "05:10"))
        now = list(self.true)
        for place in range(0, 70, 10):
            now[place] = "category" if now[place] != "category" else "plain_text"
        yield self._inventory(now, "2.13.0", self.stage.day(3, "05:10"))
        yield list(self._fixtures())
        yield list(self._audits())
        yield list(self._corrections())

    def _misread(self) -> list[str]:
        """What 2.12.0 made of it: ids read as phone numbers, mail addresses as plain text."""
        read, left = list(self.true), CHANGED
        for place, name in enumerate(self.true):
            if left and name in WRONG:
                read[place], left = WRONG[name], left - 1
        return read

    def _inventory(self, types: Sequence[str], package: str, at: datetime) -> list[LabelIn]:
        return [self._label(place, name, package, at) for place, name in enumerate(types)]

    def _label(self, place: int, predicted: str, package: str, at: datetime) -> LabelIn:
        return LabelIn(
            column_ref=f"warehouse.analytics.t{place // 20:03d}.c{place % 20:02d}",
            predicted=predicted,
            sampled_at=at,
            org="Ostra Bank",
            project="Risk boards",
            source="Ostra vault",
            actual_type="VARCHAR",
            confidence=0.93,
            package=package,
            contract_version="1.4",
            warehouse_type="snowflake",
            surface="inspect.semantic-types",
        )

    def _fixtures(self) -> Iterator[LabelIn]:
        """The same two hundred reference columns under both releases."""
        for place in range(200):
            truth = self.true[place]
            other = "plain_text" if truth != "plain_text" else "category"
            for package, days, right in (
                ("2.11.3", 36, place >= FIXED),
                ("2.12.0", 34, not FIXED <= place < FIXED + BROKEN),
            ):
                at = self.stage.day(days, "04:00")
                label = self._label(place, truth if right else other, package, at)
                yield replace(label, truth=truth, truth_source="fixture")

    def _audits(self) -> Iterator[LabelIn]:
        for package, n, right, days in AUDITED:
            for place in range(n):
                truth = self.true[place]
                wrong = WRONG.get(truth, "category" if truth != "category" else "plain_text")
                is_wrong = place * (n - right) // n != (place + 1) * (n - right) // n
                at = self.stage.day(days, "09:00") + timedelta(seconds=place)
                label = self._label(place, wrong if is_wrong else truth, package, at)
                yield replace(label, truth=truth, truth_source="audit")

    def _corrections(self) -> Iterator[LabelIn]:
        """Fourteen in two hours on the day of the release, one now and then otherwise."""
        began = self.stage.day(34, "09:10")
        moments = [began + timedelta(minutes=8 * number) for number in range(14)]
        moments += [self.stage.day(days, "11:00") for days in range(30, 1, -2)]
        for place, at in enumerate(moments):
            label = self._label(place, "plain_text", "2.12.0", at)
            yield replace(label, truth="email", truth_source="user_correction")
