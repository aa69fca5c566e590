"""One inspector report that was made, or was not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from apps.intake.readings import fields as f
from apps.intake.readings.runs import OUTCOMES
from apps.intake.readings.shapes import ReportRunIn

WHAT: Final = "report"
FIELDS: Final = f.fields(
    {
        "run_id": f.identity(120),
        "invocation_id": f.identity(120),
        "attempt": f.whole(32767, 1),
        "outcome": f.one_of(OUTCOMES, "ok, error, timeout, cancelled"),
        "template": f.name(60),
        "template_version": f.text(60),
        "table": f.text(400),
        "surface": f.text(120),
        "ejected": f.flag,
        "started_at": f.time,
        "finished_at": f.time,
        "duration_ms": f.milliseconds,
        "diagnostic_code": f.text(60),
        "package": f.text(60),
    },
    {
        "report_id": "run_id",
        "result": "outcome",
        "result_type": "outcome",
        "template_source_version": "template_version",
        "error_class": "diagnostic_code",
        "code": "diagnostic_code",
        "package_version": "package",
        "version": "package",
        "release": "package",
    },
)


def read(data: Mapping[str, Any], *, received_at: datetime) -> ReportRunIn:
    """The report of a line; `InvalidEvent` names every field that is wrong.

    `invocation_id` is one for all reports of a command: with the template and the table it makes
    the id of each.
    """
    values, errors = f.take(data, FIELDS)
    invocation = values.pop("invocation_id", None)
    if invocation and not values.get("run_id"):
        parts = (invocation, values.get("template", ""), values.get("table", ""))
        values["run_id"] = f.fit("/".join(parts), 120)
    if not errors:
        errors += f.missing(values, "run_id", "template")
        errors += [{**error, "field": "result"} for error in f.missing(values, "outcome")]
    started = values.pop("started_at", None)
    finished = values.setdefault("finished_at", received_at)
    if started is not None and started <= finished:
        values.setdefault("duration_ms", f.elapsed(started, finished))
    errors += f.within(finished, "finished_at", received_at)
    if errors:
        f.refuse(WHAT, errors)
    values.setdefault("attempt", 1)
    return ReportRunIn(**values)
