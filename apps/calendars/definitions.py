"""What a calendar says, checked and brought into the form that is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.calendars import regions as holiday_regions
from apps.calendars.businesstime import DAYS, BusinessTimeError, Calendar, next_opening
from apps.core.errors import Invalid

Weekly = Mapping[str, Iterable[Sequence[int]]]
Exceptions = Mapping[str, Mapping[str, Any]]

MANUAL, HOLIDAYS = "manual", "holidays"
YEARS_AHEAD = 2  # holidays are filled in for this year and so many more
YEARS_KEPT = 2  # and stay for so many after they are over
MOST_EXCEPTIONS = 2000
LONGEST_NAME = 80


@dataclass(frozen=True)
class Says:
    """What a calendar should say. `weekly` and `exceptions` as in `CalendarVersion`; public
    holidays of `regions` are added to the exceptions, and those that are in it are replaced."""

    time_zone: str
    weekly: Weekly
    exceptions: Exceptions = field(default_factory=dict)
    regions: Sequence[str] = ()


def checked(says: Says, now: datetime) -> Says:
    """The same in the form that is stored, with its public holidays; Invalid where it cannot be."""
    _check_regions(says.regions)
    try:
        week = Calendar.of(says.time_zone, says.weekly)
        exceptions = _with_holidays(says, now.astimezone(ZoneInfo(says.time_zone)).year)
        _check_size(exceptions)
        spans = {on: row["spans"] for on, row in exceptions.items()}
        whole = Calendar.of(says.time_zone, says.weekly, spans)
        if not any(week.weekly):
            raise BusinessTimeError("Give at least one day of the week opening hours.", "weekly")
        next_opening(whole, now)
    except BusinessTimeError as error:
        raise Invalid(str(error), fields={error.field: [str(error)]}) from error
    return Says(
        time_zone=says.time_zone,
        weekly={
            day: [list(span) for span in spans]
            for day, spans in zip(DAYS, whole.weekly, strict=True)
            if spans
        },
        exceptions={
            on.isoformat(): {**exceptions[on.isoformat()], "spans": [list(one) for one in spans]}
            for on, spans in whole.exceptions
        },
        regions=list(says.regions),
    )


def _check_regions(regions: Sequence[str]) -> None:
    wrong = holiday_regions.unknown(regions)
    if wrong:
        said = f"“{wrong[0][:20]}” is no region whose holidays are known. Use DE, DE-BY or US."
        raise Invalid(said, fields={"regions": [said]})
    if len(regions) > holiday_regions.MOST_REGIONS:
        said = f"At most {holiday_regions.MOST_REGIONS} regions."
        raise Invalid(said, fields={"regions": [said]})


def _check_size(exceptions: Exceptions) -> None:
    if len(exceptions) > MOST_EXCEPTIONS:
        said = f"A calendar has at most {MOST_EXCEPTIONS} exceptions."
        raise Invalid(said, fields={"exceptions": [said]})


def _with_holidays(says: Says, year: int) -> dict[str, dict[str, Any]]:
    """Entries by hand, holidays of the last years as they were, and those of this and the next."""
    years = range(year, year + YEARS_AHEAD + 1)
    oldest, first = f"{year - YEARS_KEPT}-01-01", f"{year}-01-01"
    found = {
        on: _entry([], str(row.get("name", "")), HOLIDAYS)
        for on, row in says.exceptions.items()
        if row.get("source") == HOLIDAYS and oldest <= on < first
    }
    for on, name in holiday_regions.holidays_of(says.regions, years).items():
        found[on.isoformat()] = _entry([], name, HOLIDAYS)
    for day, row in says.exceptions.items():
        if row.get("source", MANUAL) != HOLIDAYS:
            found[day] = _entry(row["spans"], str(row.get("name", "")), MANUAL)
    return found


def _entry(spans: Any, name: str, source: str) -> dict[str, Any]:
    return {"spans": spans, "name": name.strip()[:LONGEST_NAME], "source": source}
