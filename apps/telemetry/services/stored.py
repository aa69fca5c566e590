from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch: new rows, running ones that ended (or rows replaced), repetitions."""

    new: int = 0
    changed: int = 0
    repeated: int = 0
