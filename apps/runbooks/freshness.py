"""How far a runbook can be trusted: by use and by review, never by a date that somebody bumps.

Pure. The rule: a runbook is as fresh as the later of its last review that found it right (or
changed it) and its last completed run in which at least 80 % of the steps were done and none was
said to be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

GOOD_REVIEWS = frozenset({"confirmed", "changed"})
ENOUGH_DONE = 0.8  # of the steps of a run
AGING_FROM = 0.75  # of the cadence
WEEK = timedelta(days=7)


class Band(StrEnum):
    FRESH = "fresh"
    AGING = "aging"
    STALE = "stale"
    NEVER = "never"


@dataclass(frozen=True)
class Read:
    """A review: when, and what it found."""

    at: datetime
    outcome: str


@dataclass(frozen=True)
class Run:
    """A completed run: when it ended, how many steps it had, how many were done, whether any
    was said to be wrong."""

    at: datetime
    steps: int
    done: int
    any_wrong: bool = False


@dataclass(frozen=True)
class Freshness:
    """`at` is the instant that counts, `by` whether it was `run` or `review`; `days_left` until it
    is stale (negative: since). A suspect one is stale since somebody said that a step is wrong."""

    band: Band
    at: datetime | None = None
    by: str = ""
    days_left: int = 0
    stale_at: datetime | None = None
    is_suspect: bool = False


def proves(run: Run) -> bool:
    """Whether a completed run shows that the runbook works."""
    return run.steps > 0 and not run.any_wrong and run.done >= ENOUGH_DONE * run.steps


def freshness(
    *,
    cadence_days: int,
    reviews: Sequence[Read],
    executions: Sequence[Run],
    suspect_at: datetime | None,
    now: datetime,
) -> Freshness:
    """Fresh, aging (more than 75 % of the cadence is used up), stale or never used nor reviewed.

    What came before `suspect_at` shows nothing any more: until a review or a run after it, a
    suspect runbook is stale.
    """
    signals = [(one.at, "review") for one in reviews if one.outcome in GOOD_REVIEWS]
    signals += [(one.at, "run") for one in executions if proves(one)]
    at, by = max(signals) if signals else (None, "")
    if suspect_at is not None and (at is None or at <= suspect_at):
        left = -((now - suspect_at) // timedelta(days=1))
        return Freshness(Band.STALE, at, by, left, suspect_at, is_suspect=True)
    if at is None:
        return Freshness(Band.NEVER)
    cadence = timedelta(days=cadence_days)
    used, stale_at = now - at, at + cadence
    band = Band.FRESH
    if used > cadence:
        band = Band.STALE
    elif used > AGING_FROM * cadence:
        band = Band.AGING
    return Freshness(band, at, by, (stale_at - now) // timedelta(days=1), stale_at)


# -- chasing those that are stale


@dataclass(frozen=True)
class Slot:
    """One reminder about a stale runbook: `week` 0 goes to the owner, 1 also to the backup, 2 and
    every one after it also to the lead."""

    stale_on: date
    week: int

    @property
    def key(self) -> str:
        return f"{self.stale_on.isoformat()}:{self.week}"


def slot(stale_at: datetime, now: datetime) -> Slot | None:
    """The one reminder that is due now, however many were missed; None before it is stale."""
    if now < stale_at:
        return None
    return Slot(stale_at.date(), (now - stale_at) // WEEK)
