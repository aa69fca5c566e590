"""When a job is due next: every so many seconds, or by five cron fields on the clock of a zone.

Nights on which clocks change follow Debian's cron: a job at a time of day that the night skips is
due the moment the clocks have moved, one at a time that comes twice is due the first time. Jobs
with `*` in minute or hour run by the time that passes, so such nights change nothing for them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from croniter import croniter
from croniter.croniter import CroniterError

SHORTEST = timedelta(seconds=30)
LONGEST = timedelta(days=400)
_NEAR = timedelta(hours=3)  # of a change of clocks: no zone moves by more in one night
_FIELD = re.compile(r"(?!.*\b[RH]\b)[0-9A-Z*,/#?-]{1,60}", re.IGNORECASE)  # R, H: by chance
_START = datetime(2026, 1, 1)  # noqa: DTZ001 - a wall clock of no zone


@dataclass(frozen=True)
class Rhythm:
    """Either a period, or cron fields read in a zone."""

    period: timedelta | None = None
    cron: str = ""
    zone: str = "UTC"

    @cached_property
    def _tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def _by_elapsed_time(self) -> bool:
        minute, hour, *_ = self.cron.split()
        return minute.startswith("*") or hour.startswith("*")

    def after(self, moment: datetime) -> datetime:
        """The first instant after `moment` at which the job is due, in UTC."""
        if self.period is not None:
            return moment.astimezone(UTC) + self.period
        wall = moment.astimezone(self._tz).replace(tzinfo=None)
        times = croniter(self.cron, wall - (_NEAR if self._changes_near(moment) else timedelta()))
        found: list[datetime] = []
        while True:
            time = times.get_next(datetime)
            # Beyond this no time of day can be an earlier instant than one that was found.
            if found and time > wall + _NEAR and time > self._wall(min(found)) + _NEAR:
                return min(found)
            found += [instant for instant in self._instants(time) if instant > moment]
            if found and not self._changes_near(min(found)):
                return min(found)

    def _wall(self, moment: datetime) -> datetime:
        return moment.astimezone(self._tz).replace(tzinfo=None)

    def _changes_near(self, moment: datetime) -> bool:
        """Whether the zone's clocks move within a few hours of an instant."""
        sides = ((moment + side).astimezone(self._tz).utcoffset() for side in (-_NEAR, _NEAR))
        return len(set(sides)) > 1

    def _instants(self, time: datetime) -> list[datetime]:
        """When a wall clock of the zone shows this time, as cron understands it."""
        first, second = (
            time.replace(tzinfo=self._tz, fold=fold).astimezone(UTC) for fold in (0, 1)
        )
        if first == second:
            return [first]
        if first < second:  # the time comes twice
            return [first, second] if self._by_elapsed_time else [first]
        return [] if self._by_elapsed_time else [self._change_between(second, first)]

    def _change_between(self, before: datetime, after: datetime) -> datetime:
        """The instant at which the clocks moved, to the second."""
        offset = after.astimezone(self._tz).utcoffset()
        while after - before > timedelta(seconds=1):
            middle = before + (after - before) / 2
            if middle.astimezone(self._tz).utcoffset() == offset:
                after = middle
            else:
                before = middle
        return (after + timedelta(milliseconds=500)).replace(microsecond=0)


def bad_cron(text: str) -> str:
    """What is wrong with cron fields, in a sentence; empty when they can be kept."""
    fields = text.split()
    if len(fields) != 5 or not all(_FIELD.fullmatch(field) for field in fields):
        return "Write the five fields of a crontab line, such as 15 3 * * *."
    try:
        croniter(" ".join(fields), _START).get_next(datetime)
    except (CroniterError, ValueError, KeyError, IndexError, OverflowError):
        return "This never comes. Check the five fields, such as 15 3 * * *."
    return ""


def bad_period(seconds: int) -> str:
    """What is wrong with a period in seconds; empty when it can be kept."""
    if SHORTEST.total_seconds() <= seconds <= LONGEST.total_seconds():
        return ""
    return f"Between {SHORTEST.seconds} seconds and {LONGEST.days} days."
