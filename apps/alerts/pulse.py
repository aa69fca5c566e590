"""What a heartbeat's pings say together: the last run that ended, and one that still runs.

Pings are put in order by the time at which the door took them, so that it does not matter in
which order they are read, nor how often one came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apps.alerts.rhythm import Rhythm

# A run that ends a little before its time of day is that run: the job's clock is ahead of ours.
EARLY = timedelta(seconds=30)


@dataclass(frozen=True)
class Beat:
    """One ping. `number` decides between two of the same instant; `run_ref` may be empty."""

    at: datetime
    number: int
    kind: str
    run_ref: str = ""
    exit_status: int | None = None


@dataclass(frozen=True)
class Pulse:
    """`ended` is the last end, well or not; `running_since` the oldest start that nothing ended;
    `lengths` how long runs took, by the number of the ping that ended them."""

    ended: Beat | None = None
    running_since: datetime | None = None
    lengths: Mapping[int, timedelta] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return self.ended is not None and self.ended.kind == "fail"

    def due(self, rhythm: Rhythm, grace: timedelta, since: datetime) -> datetime:
        """When silence is too long: a run has `grace` to end, and the next `grace` to report."""
        if self.running_since is not None:
            return self.running_since + grace
        if self.ended is None or self.ended.at < since:
            return rhythm.after(since) + grace
        return rhythm.after(self.ended.at + (EARLY if rhythm.cron else timedelta())) + grace


def read(beats: Iterable[Beat], *, since: datetime) -> Pulse:
    """The pulse of the pings; runs that began before `since` are not waited for.

    An end without a reference ends every run before it. One with a reference ends its own, and
    those that began earlier: whoever started again has given the old run up. A start whose end
    has come already, because the two overtook each other, starts nothing.
    """
    ended: Beat | None = None
    running: dict[str, datetime] = {}
    known: set[str] = set()
    lengths: dict[int, timedelta] = {}
    for beat in sorted(beats, key=lambda one: (one.at, one.number)):
        if beat.kind == "start":
            if beat.at >= since and beat.run_ref not in known:
                running.setdefault(beat.run_ref, beat.at)
        elif beat.kind in ("success", "fail"):
            ended = beat
            began = running.pop(beat.run_ref, None)
            if began is not None:
                lengths[beat.number] = beat.at - began
            if beat.run_ref:
                known.add(beat.run_ref)
                running = {r: at for r, at in running.items() if began is None or at > began}
            else:
                running = {}
    return Pulse(ended, min(running.values(), default=None), lengths)
