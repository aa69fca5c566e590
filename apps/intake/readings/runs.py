"""A profiling run, and the tables inside it.

Next to our own names a line may have those of a command's usage event: `invocation_id`, `progress`
start or end, `result_type` ok or error, `version`, `project_id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from apps.intake.canonical import FieldError
from apps.intake.readings import fields as f
from apps.intake.readings.shapes import ProfileRunIn, TableIn

WHAT: Final = "run"
MAX_TABLES: Final = 2000
OUTCOMES: Final = {
    **dict.fromkeys(("ok", "success", "successful", "succeeded", "passed"), "succeeded"),
    **dict.fromkeys(("error", "errored", "fail", "failed", "failure"), "failed"),
    **dict.fromkeys(("timeout", "timed_out", "timedout"), "timed_out"),
    **dict.fromkeys(("cancel", "cancelled", "canceled", "aborted", "interrupted"), "canceled"),
}
_RUN_OUTCOMES: Final = {
    **OUTCOMES,
    **dict.fromkeys(("partial", "partially_failed", "partial_success"), "partial"),
    **dict.fromkeys(("running", "started", "start"), "running"),
}
_ROW_OUTCOMES: Final = {
    **OUTCOMES,
    **dict.fromkeys(("partial", "partially_failed", "partial_success"), "partial"),
    **dict.fromkeys(("skipped", "skipped_fresh", "fresh"), "skipped"),
}
_PHASES: Final = {
    **dict.fromkeys(("start", "started", "begin"), "start"),
    **dict.fromkeys(("end", "ended", "finish", "finished", "complete", "completed"), "end"),
}
_HOW_EXACT: Final = {"on": True, "true": True, "off": False, "false": False}


def _exactness(value: Any) -> bool | None:
    """True or false, or the words of an approximate mode; `auto` says nothing."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() == "auto":
        return None
    known = _HOW_EXACT.get(value.strip().lower()) if isinstance(value, str) else None
    if known is None:
        raise f.Wrong("must be true, false or auto")
    return known


def _as_sent(value: Any) -> Any:
    return value


FIELDS: Final = f.fields(
    {
        "run_id": f.identity(120),
        "attempt": f.whole(32767, 1),
        "outcome": f.one_of(_RUN_OUTCOMES, "ok, partial, error, timeout, cancelled"),
        "phase": f.one_of(_PHASES, "start, end"),
        "exit_code": f.whole(f.MAX_INT, -f.MAX_INT),
        "org": f.name(120),
        "project": f.name(120),
        "source": f.name(120),
        "connection": f.text(120),
        "warehouse_type": f.word(40),
        "surface": f.text(120),
        "command": f.text(60),
        "trigger": f.word(20),
        "queued_at": f.time,
        "started_at": f.time,
        "finished_at": f.time,
        "duration_ms": f.milliseconds,
        "diagnostic_code": f.text(60),
        "tables": _as_sent,
        "table_rows": _as_sent,
        "tables_attempted": f.whole(),
        "tables_ok": f.whole(),
        "tables_failed": f.whole(),
        "tables_skipped": f.whole(),
        "columns": f.whole(),
        "row_count_bucket": f.text(20),
        "approximate": _exactness,
        "deep_profile": f.flag,
        "bytes_scanned": f.whole(f.MAX_BIG),
        "cost_usd": f.money,
        "package": f.text(60),
        "contract_version": f.text(40),
    },
    {
        "job_id": "run_id",
        "invocation_id": "run_id",
        "result": "outcome",
        "result_type": "outcome",
        "progress": "phase",
        "exit": "exit_code",
        "org_id": "org",
        "workspace": "org",
        "project_id": "project",
        "warehouse": "warehouse_type",
        "error_class": "diagnostic_code",
        "code": "diagnostic_code",
        "rows_scanned_bucket": "row_count_bucket",
        "package_version": "package",
        "version": "package",
        "release": "package",
        "model_version": "package",
    },
)
_COUNTS: Final = f.fields(
    {
        "tables_attempted": f.whole(),
        "tables_ok": f.whole(),
        "tables_failed": f.whole(),
        "tables_skipped": f.whole(),
    },
    {
        "attempted": "tables_attempted",
        "total": "tables_attempted",
        "ok": "tables_ok",
        "succeeded": "tables_ok",
        "failed": "tables_failed",
        "skipped_fresh": "tables_skipped",
        "skipped": "tables_skipped",
    },
)
_ROW: Final = f.fields(
    {
        "schema": f.text(160),
        "table": f.text(255),
        "outcome": f.one_of(_ROW_OUTCOMES, "ok, partial, error, timeout, cancelled, skipped"),
        "profiled_at": f.time,
        "model_file_hash": f.identity(64),
        "upstream_changed_at": f.time,
        "duration_ms": f.milliseconds,
    },
    {"name": "table", "table_name": "table", "schema_name": "schema", "result": "outcome"},
)


def read(data: Mapping[str, Any], *, received_at: datetime) -> ProfileRunIn:
    """The run of a line; `InvalidEvent` names every field that is wrong."""
    values, errors = f.take(data, FIELDS)
    sent, rows = values.pop("tables", None), values.pop("table_rows", None)
    errors += f.missing(values, "run_id")
    errors += _settle(values, errors, received_at)
    if sent is not None or rows is not None:
        errors += _tables(values, sent, rows, received_at)
    if errors:
        f.refuse(WHAT, errors)
    values.setdefault("attempt", 1)
    return ProfileRunIn(**values)


def _settle(
    values: dict[str, Any], errors: list[FieldError], received_at: datetime
) -> list[FieldError]:
    """Fill in the outcome and the times that follow from others."""
    phase, code = values.pop("phase", None), values.pop("exit_code", None)
    outcome = values.get("outcome")
    if phase == "start":
        outcome = "running"
    elif outcome is None and code is not None:
        outcome = "failed" if code else "succeeded"
    if outcome is None:
        if any(FIELDS[error["field"]][0] == "outcome" for error in errors):
            return []
        words = "is missing: ok, partial, error, timeout or cancelled, or phase start"
        return [FieldError(field="result", message=words)]
    values["outcome"] = outcome
    if outcome == "running":
        return _begun(values, received_at)
    return _ended(values, errors, received_at)


def _begun(values: dict[str, Any], received_at: datetime) -> list[FieldError]:
    values.pop("finished_at", None)
    values.pop("duration_ms", None)
    started = values.setdefault("started_at", received_at)
    _order_queue(values, started)
    return f.within(started, "started_at", received_at)


def _ended(
    values: dict[str, Any], errors: list[FieldError], received_at: datetime
) -> list[FieldError]:
    started, finished = values.get("started_at"), values.get("finished_at")
    took = values.get("duration_ms")
    if finished is None:
        if any(error["field"] in ("finished_at", "started_at") for error in errors):
            return []
        finished = received_at
        if started is not None and took is not None:
            finished = _shifted(started, took) or finished
        values["finished_at"] = finished
    if started is None:
        if took is not None and (begun := _shifted(finished, -took)):
            values["started_at"] = started = begun
    elif finished < started:
        return [FieldError(field="finished_at", message="is before started_at")]
    elif took is None:
        values["duration_ms"] = f.elapsed(started, finished)
    if started is not None:
        _order_queue(values, started)
    return f.within(finished, "finished_at", received_at)


def _order_queue(values: dict[str, Any], started: datetime) -> None:
    """A queue's clock is another machine's: it never lets a run begin before it was asked for."""
    queued = values.get("queued_at")
    if queued is not None and queued > started:
        values["queued_at"] = started


def _shifted(moment: datetime, milliseconds: int) -> datetime | None:
    try:
        return moment + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


# -- tables


def _tables(
    values: dict[str, Any], sent: Any, rows: Any, received_at: datetime
) -> list[FieldError]:
    """`tables` is a number, an object of numbers, or the rows themselves."""
    errors: list[FieldError] = []
    if isinstance(sent, list) and rows is None:
        sent, rows = None, sent
    if isinstance(sent, dict):
        counts, errors = f.take(sent, _COUNTS)
        errors = [_inside("tables", error) for error in errors]
        values.update(counts)
    elif isinstance(sent, int) and not isinstance(sent, bool) and 0 <= sent <= f.MAX_INT:
        values.setdefault("tables_attempted", sent)
    elif sent is not None:
        return [FieldError(field="tables", message="must be a number, an object or a list")]
    return errors + (_rows(values, rows, received_at) if rows is not None else [])


def _rows(values: dict[str, Any], rows: Any, received_at: datetime) -> list[FieldError]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return [FieldError(field="tables", message="must be a list of objects")]
    if len(rows) > MAX_TABLES:
        return [FieldError(field="tables", message=f"has more than {MAX_TABLES} rows")]
    read: list[TableIn] = []
    errors: list[FieldError] = []
    outcomes: list[str] = []
    for at, row in enumerate(rows):
        found, wrong = _row(row, values.get("finished_at"), received_at)
        errors += [_inside(f"tables[{at}]", error) for error in wrong]
        if wrong:
            continue
        outcomes.append(found["outcome"])
        if found["outcome"] == "skipped":  # its profile is of before, and was fresh enough
            found["outcome"] = "succeeded"
        if outcomes[-1] != "skipped" or found.get("profiled_at") is not None:
            read.append(TableIn(**found))
    values["tables"] = tuple(read)
    _count(values, outcomes)
    return errors


def _row(
    row: Mapping[str, Any], finished: datetime | None, received_at: datetime
) -> tuple[dict[str, Any], list[FieldError]]:
    found, errors = f.take(row, _ROW)
    errors += f.missing(found, "table") if not errors else []
    for name in ("profiled_at", "upstream_changed_at"):
        moment = found.get(name)
        if moment is not None and moment > received_at:
            errors += f.within(moment, name, received_at)
    found.setdefault("schema", "")
    if found.setdefault("outcome", "succeeded") in ("succeeded", "partial"):
        found.setdefault("profiled_at", finished)
    return found, errors


def _count(values: dict[str, Any], outcomes: list[str]) -> None:
    """Numbers that the sender did not give follow from the rows."""
    ok, skipped = outcomes.count("succeeded"), outcomes.count("skipped")
    values.setdefault("tables_attempted", len(outcomes))
    values.setdefault("tables_ok", ok)
    values.setdefault("tables_skipped", skipped)
    values.setdefault("tables_failed", len(outcomes) - ok - skipped)


def _inside(where: str, error: FieldError) -> FieldError:
    return FieldError(field=f"{where}.{error['field']}", message=error["message"])
