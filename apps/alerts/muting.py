"""For which alerts nobody is paged now: pure matching of alerts against silences and work.

What a criterion names must all fit. Globs only, no regular expressions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from apps.alerts.routing import glob

_DEEPEST = 20  # how far up a chain of surfaces is followed; a cycle ends there


@dataclass(frozen=True)
class Criteria:
    """What must fit; None and "" fit everything."""

    surface_id: int | None = None
    integration_id: int | None = None
    rule_key: str = ""
    dedup_key: str = ""
    class_name: str = ""

    @property
    def is_whole_site(self) -> bool:
        """Whether it names nothing. A pattern of nothing but * and ? names nothing."""
        patterns = (self.dedup_key.strip("*? "), self.class_name.strip("*? "), self.rule_key)
        return self.surface_id is None and self.integration_id is None and not any(patterns)


@dataclass(frozen=True)
class Facts:
    """What of an alert is looked at. `surfaces` are its own and all above it."""

    integration_id: int
    is_own: bool  # raised by this product: only such an alert can come from a rule
    dedup_key: str = ""
    class_name: str = ""
    surfaces: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Mute:
    """A silence that holds, or work in progress on one surface."""

    kind: Literal["silence", "maintenance"]
    pk: int
    words: str  # "silenced by Maya Lind: the warehouse is resized", "maintenance: ..."
    until: datetime
    criteria: Criteria


def mute_of(mutes: Iterable[Mute], facts: Facts) -> Mute | None:
    """The mute that fits and lasts longest; None when somebody is to be paged."""
    fitting = [mute for mute in mutes if fits(mute.criteria, facts)]
    return max(fitting, key=lambda mute: mute.until, default=None)


def fits(criteria: Criteria, facts: Facts) -> bool:
    if criteria.surface_id is not None and criteria.surface_id not in facts.surfaces:
        return False
    if criteria.integration_id is not None and criteria.integration_id != facts.integration_id:
        return False
    if criteria.rule_key and not _is_of_rule(criteria.rule_key, facts):
        return False
    return glob(criteria.dedup_key, facts.dedup_key) and glob(criteria.class_name, facts.class_name)


def _is_of_rule(key: str, facts: Facts) -> bool:
    """The alerts of a rule are called `rule:<key>`, or `rule:<key>:<group>`."""
    mine = f"rule:{key}"
    named = facts.dedup_key == mine or facts.dedup_key.startswith(f"{mine}:")
    return facts.is_own and named


def with_above(surface_id: int | None, parents: Mapping[int, int | None]) -> frozenset[int]:
    """A surface and all above it; nothing for no surface."""
    found: list[int] = []
    while surface_id is not None and surface_id not in found and len(found) < _DEEPEST:
        found.append(surface_id)
        surface_id = parents.get(surface_id)
    return frozenset(found)
