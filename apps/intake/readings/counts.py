"""Good events of all events, and single readings: what any tool may say about itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from apps.intake.canonical import FieldError
from apps.intake.readings import fields as f
from apps.intake.readings.shapes import CountIn, MeasurementIn

MAX_WINDOW: Final = 31 * 86_400  # seconds
MAX_COUNT: Final = 10**12  # of a window; a year of minutes is still a number that can be kept
COUNT_FIELDS: Final = f.fields(
    {
        "sli": f.name(80),
        "starts_at": f.time,
        "seconds": f.whole(MAX_WINDOW, 1),
        "good": f.whole(MAX_COUNT),
        "bad": f.whole(MAX_COUNT),
        "total": f.whole(MAX_COUNT),
        "part": f.name(80),
        "surface": f.text(120),
    },
    {"at": "starts_at", "window_start": "starts_at", "window_seconds": "seconds"},
)
MEASUREMENT_FIELDS: Final = f.fields(
    {
        "metric": f.name(80),
        "subject": f.name(160),
        "value": f.number,
        "unit": f.text(20),
        "limit": f.number,
        "not_after": f.time,
        "at": f.time,
        "surface": f.text(120),
    },
    {"measured_at": "at", "expires_at": "not_after"},
)


def read_count(data: Mapping[str, Any], *, received_at: datetime) -> CountIn:
    """The count of a line; two of good, bad and total are enough. `InvalidEvent` as elsewhere."""
    values, errors = f.take(data, COUNT_FIELDS)
    good, bad, total = (values.get(name) for name in ("good", "bad", "total"))
    values.pop("bad", None)
    if not errors:
        errors += f.missing(values, "sli", "starts_at")
        if good is None and bad is not None and total is not None:
            good = values["good"] = total - bad
        if total is None and good is not None and bad is not None:
            total = values["total"] = good + bad
        errors += _counted(good, bad, total)
    errors += f.within(values.get("starts_at"), "starts_at", received_at)
    if errors:
        f.refuse("count", errors)
    return CountIn(**values)


def _counted(good: int | None, bad: int | None, total: int | None) -> list[FieldError]:
    if good is None or total is None:
        name = "good" if total is not None else "total"
        return [FieldError(field=name, message="is missing")]
    if not 0 <= good <= total <= MAX_COUNT:
        return [FieldError(field="good", message="must not be more than total")]
    if bad is not None and good + bad != total:
        return [FieldError(field="total", message="must be good and bad together")]
    return []


def read_measurement(data: Mapping[str, Any], *, received_at: datetime) -> MeasurementIn:
    """The reading of a line: a value, an end date, or both. `InvalidEvent` as elsewhere."""
    values, errors = f.take(data, MEASUREMENT_FIELDS)
    if not errors:
        errors += f.missing(values, "metric")
        if values.get("value") is None and values.get("not_after") is None:
            words = "is missing: a number here, or an end date in not_after"
            errors.append(FieldError(field="value", message=words))
    errors += f.within(values.get("at"), "at", received_at)
    if errors:
        f.refuse("measurement", errors)
    values.setdefault("at", received_at)
    return MeasurementIn(**values)
