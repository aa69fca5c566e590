"""What one look says of one group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FIRING, WARNING, OK, PROVEN = "firing", "warning", "ok", "proven"
NO_DATA, INSUFFICIENT, SUPPRESSED = "no_data", "insufficient_data", "suppressed"
# The worst first: what a whole says when its parts differ.
WORST = (FIRING, WARNING, OK, PROVEN, INSUFFICIENT, SUPPRESSED, NO_DATA)


@dataclass(frozen=True, slots=True)
class Seen:
    """One group's look, with the numbers behind it and a sentence that gives them.

    `value` and `limit` are in the unit of the kind; `lower` and `upper` bound the value; `n` is
    how many events, readings or columns it rests on. `surface` is a key, empty for the rule's
    own; `path` is a page of ours that shows what was looked at; `severity` is empty for the
    rule's own. `memory` is handed back at the next look.
    """

    group: str
    look: str
    text: str
    value: float | None = None
    limit: float | None = None
    n: int | None = None
    lower: float | None = None
    upper: float | None = None
    label: str = ""
    surface: str = ""
    path: str = ""
    severity: str = ""
    memory: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a look is given beside its parameters: the objective of its SLO, and what it said of
    each group before."""

    objective: float | None = None
    slo_path: str = ""
    memory: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
