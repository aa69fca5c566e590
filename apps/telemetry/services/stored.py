from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

KEEP_RUNS = timedelta(days=90)  # so long after their end, runs can be told from new ones


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch: new rows, running ones that ended (or rows replaced), repetitions,
    and what is too old to be told from a repetition.
    """

    new: int = 0
    changed: int = 0
    repeated: int = 0
    old: int = 0
