"""Lines of telemetry become the shapes that are stored, or are refused with words by field."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.intake.readings import READINGS, read_batch, sift
from apps.intake.readings import personal as personal_keys
from apps.intake.readings.counts import COUNT_FIELDS, MEASUREMENT_FIELDS
from apps.intake.readings.labels import FIELDS as LABEL_FIELDS
from apps.intake.readings.reports import FIELDS as REPORT_FIELDS
from apps.intake.readings.runs import FIELDS as RUN_FIELDS
from apps.intake.readings.shapes import (
    CountIn,
    LabelIn,
    MeasurementIn,
    ProfileRunIn,
    ReportRunIn,
    TableIn,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START, END = "2026-11-20T11:50:00Z", "2026-11-20T11:59:30Z"
RUN = {"run_id": "r1", "result": "ok", "started_at": START, "finished_at": END}
LABEL = {"column_ref": "wh.public.users.email", "semantic_type": "email", "sampled_at": END}
COUNT = {"sli": "webhooks.fresh", "starts_at": END, "good": 59, "total": 60}
READING = {"metric": "mcp.latency", "value": 812.5, "unit": "ms", "at": END}
REPORT = {"run_id": "r1", "template": "quality", "result": "ok", "finished_at": END}


def one(kind: str, line: dict[str, Any]) -> Any:
    """What a line that must be fine becomes."""
    batch = read_batch(kind, json.dumps(line).encode(), received_at=NOW)
    assert not batch.rejected, batch.rejected
    ((number, reading),) = batch.items
    assert number == 1
    return reading


def refused(kind: str, line: dict[str, Any]) -> dict[str, str]:
    """The fields of a line that must not be fine, each with its words."""
    batch = read_batch(kind, json.dumps(line).encode(), received_at=NOW)
    assert not batch.items, batch.items
    (rejected,) = batch.rejected
    assert all(f"'{error['field']}'" in rejected.detail for error in rejected.errors)
    return {error["field"]: error["message"] for error in rejected.errors}


def run(**more: Any) -> ProfileRunIn:
    found: ProfileRunIn = one("profile_runs", {**RUN, **more})
    return found


# -- runs


def test_a_run_keeps_all_that_the_sender_may_say() -> None:
    found = run(
        attempt=2, command="inspect", trigger="CI", org="bramble", project="a3f9", source="wh",
        connection="bramble/wh", warehouse_type="Snowflake", surface="inspect.profiler",
        queued_at="2026-11-20T11:49:00Z", diagnostic_code="", columns=900,
        tables={"attempted": 60, "ok": 57, "failed": 1, "skipped_fresh": 2},
        row_count_bucket="1M-10M", approximate="off", deep_profile=False, bytes_scanned=2**40,
        cost_usd=1.23456, package="0.10.0", contract_version=3, nobody_knows={"this": [1]},
    )  # fmt: skip
    assert found == ProfileRunIn(
        run_id="r1", attempt=2, outcome="succeeded", org="bramble", project="a3f9", source="wh",
        connection="bramble/wh", warehouse_type="snowflake", surface="inspect.profiler",
        command="inspect", trigger="ci", queued_at=NOW - timedelta(minutes=11),
        started_at=NOW - timedelta(minutes=10), finished_at=NOW - timedelta(seconds=30),
        duration_ms=570_000, tables_attempted=60, tables_ok=57, tables_failed=1,
        tables_skipped=2, columns=900, row_count_bucket="1M-10M", approximate=False,
        deep_profile=False, bytes_scanned=2**40, cost_usd=Decimal("1.2346"), package="0.10.0",
        contract_version="3",
    )  # fmt: skip


def test_a_commands_own_usage_event_is_a_run_as_it_stands() -> None:
    sent = {
        "event_id": "e1", "invocation_id": "inv-7", "progress": "end", "command": "inspect",
        "version": "0.9.1", "python_version": "3.12.1", "os_name": "linux", "project_id": "a3f9",
        "result_type": "error", "duration_ms": 2500,
    }  # fmt: skip
    found = one("profile_runs", sent)
    assert found == ProfileRunIn(
        run_id="inv-7", attempt=1, outcome="failed", project="a3f9", command="inspect",
        started_at=NOW - timedelta(milliseconds=2500), finished_at=NOW, duration_ms=2500,
        package="0.9.1",
    )  # fmt: skip
    begun = one("profile_runs", {**sent, "progress": "start", "result_type": None})
    assert (begun.outcome, begun.started_at, begun.finished_at) == ("running", NOW, None)


WORDS = [
    ("ok", "succeeded"), ("SUCCESS", "succeeded"), ("error", "failed"), ("failed", "failed"),
    ("timeout", "timed_out"), ("timed-out", "timed_out"), ("timed out", "timed_out"),
    ("cancelled", "canceled"), ("canceled", "canceled"), ("partial", "partial"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "outcome"), WORDS)
def test_the_words_for_how_a_run_ended_are_many(word: str, outcome: str) -> None:
    for name in ("result", "outcome", "result_type"):
        assert one("profile_runs", {"run_id": "r", name: word}).outcome == outcome


def test_an_exit_status_says_how_a_run_ended_when_nothing_else_does() -> None:
    assert one("profile_runs", {"run_id": "r", "exit": 0}).outcome == "succeeded"
    assert one("profile_runs", {"run_id": "r", "exit": 137}).outcome == "failed"
    assert run(exit=1).outcome == "succeeded"  # the result is the better word


def test_times_that_are_not_given_follow_from_those_that_are() -> None:
    ended = one("profile_runs", {"run_id": "r", "result": "ok", "finished_at": END})
    assert (ended.started_at, ended.duration_ms) == (None, None)
    lasted = one("profile_runs", {"run_id": "r", "result": "ok", "started_at": START,
                                  "duration_ms": 1500.4})  # fmt: skip
    assert lasted.finished_at == NOW - timedelta(minutes=10) + timedelta(milliseconds=1500)
    begun = one("profile_runs", {"run_id": "r", "result": "ok", "started_at": START})
    assert (begun.finished_at, begun.duration_ms) == (NOW, 600_000)
    assert run(duration_ms=9).duration_ms == 9  # a monotonic clock beats the wall's
    assert run(queued_at=END).queued_at == NOW - timedelta(minutes=10)


def test_a_start_has_no_end_whatever_else_is_said() -> None:
    found = run(phase="start", duration_ms=5)
    assert (found.outcome, found.finished_at, found.duration_ms) == ("running", None, None)


def test_a_fields_own_name_outweighs_its_aliases_in_any_order() -> None:
    for line in ({"package": "a", "version": "b"}, {"version": "b", "package": "a"}):
        assert run(**line).package == "a"


def test_ids_that_are_too_long_stay_apart() -> None:
    one_, other = (run(run_id="x" * 300 + end).run_id for end in "ab")
    assert one_ != other and one_.startswith("sha256:") and len(one_) <= 120


def test_secrets_in_names_are_taken_out() -> None:
    found = run(source="postgres://ada:hunter2@wh/db", command="inspect --token=s3cr3t-s3cr3t")
    assert "hunter2" not in found.source and "s3cr3t" not in found.command
    assert found.source.startswith("postgres://ada:") and found.command.startswith("inspect")


ENDINGS = "must be one of ok, partial, error, timeout, cancelled"
WRONG_RUNS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"result": "ok"}, {"run_id": "is missing or blank"}),
    ({"run_id": " ", "result": "ok"}, {"run_id": "is missing or blank"}),
    ({"run_id": "r"},
     {"result": "is missing: ok, partial, error, timeout or cancelled, or phase start"}),
    ({**RUN, "result": "fine"}, {"result": ENDINGS}),
    ({**RUN, "result": 1}, {"result": ENDINGS}),
    ({**RUN, "finished_at": "2026-11-20T11:40:00Z"}, {"finished_at": "is before started_at"}),
    ({**RUN, "finished_at": "2026-11-20 11:59"},
     {"finished_at": "must be an RFC 3339 time with an offset, after 1970"}),
    ({**RUN, "finished_at": 1795176000},
     {"finished_at": "must be an RFC 3339 time with an offset, after 1970"}),
    ({**RUN, "finished_at": "2026-11-20T12:10:01Z"},
     {"finished_at": "is more than 10 minutes in the future; check the sender's clock"}),
    ({**RUN, "started_at": None, "finished_at": "2025-10-16T11:59:59Z"},
     {"finished_at": "is more than 400 days ago"}),
    ({"run_id": "r", "phase": "start", "started_at": "2026-11-20T12:11:00Z"},
     {"started_at": "is more than 10 minutes in the future; check the sender's clock"}),
    ({**RUN, "attempt": 0}, {"attempt": "must be between 1 and 32767"}),
    ({**RUN, "attempt": "1"}, {"attempt": "must be a whole number"}),
    ({**RUN, "attempt": True}, {"attempt": "must be a whole number"}),
    ({**RUN, "columns": 1.5}, {"columns": "must be a whole number"}),
    ({**RUN, "columns": 2**31}, {"columns": "must be between 0 and 2147483647"}),
    ({**RUN, "bytes_scanned": 2**63}, {"bytes_scanned": "must be a whole number"}),
    ({**RUN, "duration_ms": -1}, {"duration_ms": "must not be below 0"}),
    ({**RUN, "duration_ms": "5s"}, {"duration_ms": "must be a number of milliseconds"}),
    ({**RUN, "cost_usd": "free"}, {"cost_usd": "must be a number of dollars"}),
    ({**RUN, "cost_usd": 10**9}, {"cost_usd": "must be between 0 and 99999999"}),
    ({**RUN, "deep_profile": "yes"}, {"deep_profile": "must be true or false"}),
    ({**RUN, "approximate": "maybe"}, {"approximate": "must be true, false or auto"}),
    ({**RUN, "org": "x" * 121}, {"org": "is longer than 120 characters"}),
    ({**RUN, "source": ["wh"]}, {"source": "must be text"}),
    ({**RUN, "tables": "60"}, {"tables": "must be a number, an object or a list"}),
    ({**RUN, "tables": {"ok": -1}}, {"tables.ok": "must be between 0 and 2147483647"}),
    ({**RUN, "tables": [{"table": "a"}] * 2001}, {"tables": "has more than 2000 rows"}),
    ({**RUN, "tables": [1]}, {"tables": "must be a list of objects"}),
    ({**RUN, "tables": [{"table": "a"}, {"schema": "b"}]},
     {"tables[1].table": "is missing or blank"}),
    ({**RUN, "tables": [{"table": "a", "result": "odd"}]},
     {"tables[0].result": f"{ENDINGS}, skipped"}),
    ({**RUN, "tables": [{"table": "a", "profiled_at": "2027-01-01T00:00:00Z"}]},
     {"tables[0].profiled_at":
      "is more than 10 minutes in the future; check the sender's clock"}),
    ({"result": "odd", "attempt": -1},
     {"run_id": "is missing or blank", "attempt": "must be between 1 and 32767",
      "result": ENDINGS}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "fields"), WRONG_RUNS, ids=lambda it: json.dumps(it)[:60])
def test_a_run_that_is_wrong_says_where_and_what_it_must_be(
    line: dict[str, Any], fields: dict[str, str]
) -> None:
    assert refused("profile_runs", line) == fields


def test_the_bounds_of_time_are_inside() -> None:
    assert run(finished_at="2026-11-20T12:10:00Z")
    oldest = (NOW - timedelta(days=400)).isoformat()
    assert one("profile_runs", {"run_id": "r", "result": "ok", "finished_at": oldest})


# -- tables


def test_tables_are_a_number_an_object_or_the_rows_themselves() -> None:
    assert run(tables=60).tables_attempted == 60
    counted = run(tables={"attempted": 60, "ok": 60})
    assert (counted.tables_attempted, counted.tables_ok, counted.tables_failed) == (60, 60, None)
    rows: list[dict[str, Any]] = [
        {"schema": "public", "table": "users", "result": "ok", "profiled_at": START,
         "model_file_hash": "a" * 64, "upstream_changed_at": START, "duration_ms": 12},
        {"table": "orders", "result": "error"},
        {"name": "old", "result": "skipped_fresh", "profiled_at": "2026-11-19T00:00:00Z"},
        {"name": "older", "result": "skipped"},
        {"table_name": "plain"},
    ]  # fmt: skip
    found = run(tables=rows)
    begun, end = NOW - timedelta(minutes=10), NOW - timedelta(seconds=30)
    assert found.tables == (
        TableIn("public", "users", "succeeded", begun, "a" * 64, begun, 12),
        TableIn("", "orders", "failed"),
        TableIn("", "old", "succeeded", datetime(2026, 11, 19, tzinfo=UTC)),
        TableIn("", "plain", "succeeded", end),
    )
    numbers = (found.tables_attempted, found.tables_ok, found.tables_failed, found.tables_skipped)
    assert numbers == (5, 2, 1, 2)


def test_numbers_that_the_sender_gives_outweigh_the_rows() -> None:
    found = run(tables={"attempted": 3000, "failed": 7}, table_rows=[{"table": "users"}])
    assert (found.tables_attempted, found.tables_failed, found.tables_ok) == (3000, 7, 1)
    assert [table.table for table in found.tables] == ["users"]


# -- personal data

HELD = [
    "min", "max", "min_value", "MAX_VALUE", "maxValue", "top_values", "top-values", "topValues",
    "values", "enum_values", "samples", "sample_values", "sample rows", "histogram", "examples",
    "histogram_bins", "value_counts", "most_common", "date_distribution", "quantiles",
]  # fmt: skip


@pytest.mark.parametrize("key", HELD)
def test_keys_that_may_hold_personal_data_are_refused_by_name_at_any_depth(key: str) -> None:
    lines = {"profile_runs": RUN, "report_runs": REPORT, "semantic_labels": LABEL,
             "sli_counts": COUNT, "measurements": READING}  # fmt: skip
    assert set(lines) == set(READINGS)
    for kind, line in lines.items():
        for under in ({key: None}, {"x": {"y": [{"z": 1}, {key: "ada@example.com"}]}}):
            raw = json.dumps({**line, **under}).encode()
            batch = read_batch(kind, raw, received_at=NOW)
            (rejected,) = batch.rejected
            assert (batch.items, rejected.code) == ([], "personal_data")
            assert rejected.shown["field"] == key and f"'{key}'" in rejected.detail
            assert "Leave out" in rejected.detail and "ada@" not in rejected.detail


@pytest.mark.parametrize(
    "tables", [[{"table": "a", "min_value": 1}], {"ok": 1, "samples": []}, [{"t": {"max": 1}}]]
)
def test_they_are_refused_inside_of_tables_too(tables: Any) -> None:
    raw = json.dumps({**RUN, "tables": tables}).encode()
    (rejected,) = read_batch("profile_runs", raw, received_at=NOW).rejected
    assert rejected.code == "personal_data"


def test_no_field_that_we_take_is_among_them() -> None:
    for table in (RUN_FIELDS, REPORT_FIELDS, LABEL_FIELDS, COUNT_FIELDS, MEASUREMENT_FIELDS):
        assert [name for name in table if personal_keys.found(name, None)] == []
    ours = ("null_count", "distinct_count", "row_count", "value", "limit", "minutes", "sampled_at")
    assert [name for name in ours if personal_keys.found(name, 1)] == []


# -- reports


def test_a_report_is_read_with_its_aliases() -> None:
    found = one("report_runs", {
        "report_id": "r9", "template": "numeric_column", "table": "public.orders",
        "result": "error", "code": "ERR-INTERNAL", "ejected": True, "version": "0.10.0",
        "template_source_version": "0.8.0", "started_at": START, "finished_at": END,
    })  # fmt: skip
    assert found == ReportRunIn(
        run_id="r9", attempt=1, outcome="failed", template="numeric_column",
        finished_at=NOW - timedelta(seconds=30), template_version="0.8.0", table="public.orders",
        ejected=True, duration_ms=570_000, diagnostic_code="ERR-INTERNAL", package="0.10.0",
    )  # fmt: skip


def test_reports_of_one_command_are_told_apart_by_template_and_table() -> None:
    base = {"invocation_id": "inv-7", "result": "ok"}
    ids = {
        one("report_runs", {**base, "template": template, "table": table}).run_id
        for template in ("model", "quality")
        for table in ("a", "b")
    }
    assert len(ids) == 4 and "inv-7/model/a" in ids


def test_a_report_needs_an_id_a_template_and_a_result() -> None:
    assert set(refused("report_runs", {"table": "x"})) == {"run_id", "template", "result"}
    assert set(refused("report_runs", {**REPORT, "result": "partial"})) == {"result"}
    assert set(refused("report_runs", {**REPORT, "finished_at": "2027-01-01T00:00:00Z"})) == {
        "finished_at"
    }


# -- labels


def test_a_label_without_a_truth_is_a_line_of_an_inventory() -> None:
    found = one("semantic_labels", {**LABEL, "actual_type": "VARCHAR", "confidence": 0.93,
                                    "warehouse_type": "BigQuery", "version": "0.10.0"})  # fmt: skip
    assert found == LabelIn(
        column_ref="wh.public.users.email", predicted="email",
        sampled_at=NOW - timedelta(seconds=30), source="wh", actual_type="VARCHAR",
        confidence=0.93, package="0.10.0", warehouse_type="bigquery",
    )  # fmt: skip


def test_a_column_without_a_type_has_the_type_none() -> None:
    for sent in ({"semantic_type": None}, {"predicted": ""}, {"semantic_type": " "}):
        line = {"column_ref": "wh.p.t.c", **sent}
        assert one("semantic_labels", line).predicted == "none"
    assert set(refused("semantic_labels", {"column_ref": "wh.p.t.c"})) == {"predicted"}


def test_a_column_may_be_named_by_its_parts() -> None:
    parts = {"source": "wh", "schema": "public", "table": "users", "column": "email"}
    found = one("semantic_labels", {**parts, "predicted": "email"})
    assert (found.column_ref, found.source) == ("wh.public.users.email", "wh")
    whole = {"table": "users", "column": "email", "predicted": "email"}
    assert one("semantic_labels", whole).column_ref == "users.email"
    assert one("semantic_labels", {**LABEL, "column_ref": "public.users.email"}).source == ""


def test_a_truth_says_who_knows_it_and_counts_once() -> None:
    known = {**LABEL, "truth": "email", "truth_source": "user-correction"}
    assert one("semantic_labels", known).truth_source == "user_correction"
    assert set(refused("semantic_labels", {**LABEL, "truth": "email"})) == {"truth_source"}
    assert set(refused("semantic_labels", {**LABEL, "truth_source": "audit"})) == {"truth"}
    undated = {**known, "sampled_at": None}
    assert set(refused("semantic_labels", undated)) == {"sampled_at"}
    assert one("semantic_labels", {**undated, "label_id": "L1"}).sampled_at == NOW


WRONG_LABELS: list[tuple[dict[str, Any], str]] = [
    ({"column_ref": None}, "column_ref"),
    ({"column_ref": "x" * 401}, "column_ref"),
    ({"column_ref": None, "table": "t" * 250, "column": "c" * 250}, "column_ref"),
    ({"confidence": 93}, "confidence"),
    ({"confidence": "high"}, "confidence"),
    ({"truth": "email", "truth_source": "guess"}, "truth_source"),
    ({"sampled_at": "yesterday"}, "sampled_at"),
    ({"sampled_at": "2026-11-20T12:11:00Z"}, "sampled_at"),
]


@pytest.mark.parametrize(("more", "field"), WRONG_LABELS, ids=lambda it: json.dumps(it)[:60])
def test_a_label_that_is_wrong_says_where(more: dict[str, Any], field: str) -> None:
    assert set(refused("semantic_labels", {**LABEL, **more})) == {field}


# -- counts and measurements


def test_two_of_good_bad_and_total_are_enough() -> None:
    base = {"sli": "smoke", "starts_at": END, "part": "eu", "seconds": 300}
    for sent in ({"good": 59, "total": 60}, {"bad": 1, "total": 60}, {"good": 59, "bad": 1}):
        found = one("sli_counts", {**base, **sent})
        at = NOW - timedelta(seconds=30)
        assert found == CountIn("smoke", at, 59, 60, seconds=300, part="eu")


WRONG_COUNTS: list[tuple[dict[str, Any], str]] = [
    ({"good": 61}, "good"), ({"good": None}, "good"), ({"total": None}, "total"),
    ({"good": None, "bad": 61}, "good"), ({"bad": 5}, "total"), ({"good": -1}, "good"),
    ({"seconds": 0}, "seconds"), ({"seconds": 10**9}, "seconds"), ({"sli": ""}, "sli"),
    ({"starts_at": None}, "starts_at"), ({"starts_at": "2026-11-20T12:11:00Z"}, "starts_at"),
    ({"starts_at": "2025-01-01T00:00:00Z"}, "starts_at"), ({"sli": "x" * 81}, "sli"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "field"), WRONG_COUNTS, ids=lambda it: json.dumps(it)[:60])
def test_a_count_that_is_wrong_says_where(more: dict[str, Any], field: str) -> None:
    assert set(refused("sli_counts", {**COUNT, **more})) == {field}


def test_a_measurement_has_a_value_or_an_end_date() -> None:
    at = NOW - timedelta(seconds=30)
    assert one("measurements", {**READING, "limit": 2000}) == MeasurementIn(
        "mcp.latency", at, value=812.5, unit="ms", limit=2000.0
    )
    ends = {"metric": "certificate", "subject": "app.example.com",
            "expires_at": "2027-02-01T00:00:00+01:00"}  # fmt: skip
    assert one("measurements", ends) == MeasurementIn(
        "certificate", NOW, subject="app.example.com",
        not_after=datetime(2027, 1, 31, 23, tzinfo=UTC),
    )  # fmt: skip


WRONG_MEASUREMENTS: list[tuple[dict[str, Any], str]] = [
    ({"value": None}, "value"), ({"value": "12"}, "value"), ({"value": True}, "value"),
    ({"metric": None}, "metric"), ({"limit": {}}, "limit"), ({"not_after": "soon"}, "not_after"),
    ({"at": "2026-11-20T12:11:00Z"}, "at"), ({"at": "2020-11-20T12:11:00Z"}, "at"),
    ({"subject": "x" * 161}, "subject"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "field"), WRONG_MEASUREMENTS, ids=lambda it: json.dumps(it)[:60])
def test_a_measurement_that_is_wrong_says_where(more: dict[str, Any], field: str) -> None:
    assert set(refused("measurements", {**READING, **more})) == {field}


# -- bodies


def test_one_bad_line_costs_no_other_and_is_named_by_its_number() -> None:
    lines = [json.dumps(RUN).encode(), b"", b"{nope", b"[1]", b"\xff\xfe", b"  ",
             json.dumps({**RUN, "run_id": "r2"}).encode() + b"\r", b"null",
             b'{"a":' * 70 + b"1" + b"}" * 70]  # fmt: skip
    batch = read_batch("profile_runs", b"\n".join(lines), received_at=NOW)
    assert [(line, item.run_id) for line, item in batch.items] == [(1, "r1"), (7, "r2")]  # type: ignore[union-attr] # all are runs
    assert [(bad.line, bad.code) for bad in batch.rejected] == [
        (3, "not_json"), (4, "not_an_object"), (5, "bad_encoding"), (8, "not_an_object"),
        (9, "too_deep"),
    ]  # fmt: skip
    assert not any("body" in bad.detail for bad in batch.rejected)


def test_one_object_over_many_lines_is_one_object() -> None:
    raw = b"\xef\xbb\xbf\n" + json.dumps(RUN, indent=2).encode() + b"\n"
    assert len(read_batch("profile_runs", raw, received_at=NOW).items) == 1
    head = json.dumps({"tables": {"ok": 1}, **RUN})
    broken = head.replace('"run_id"', '\n"run_id"', 1).encode()
    assert len(read_batch("profile_runs", broken, received_at=NOW).items) == 1


def test_poison_in_text_is_cleaned() -> None:
    raw = rb'{"run_id":"a\u0000b\ud800","result":"ok","command":"x\ny\u0007","columns":NaN}'
    ((_, found),) = read_batch("profile_runs", raw, received_at=NOW).items
    assert isinstance(found, ProfileRunIn)
    assert (found.run_id, found.command, found.columns) == ("a\ufffdb\ufffd", "x y", None)


def test_a_line_that_is_too_large_is_refused_alone() -> None:
    long = json.dumps({**RUN, "x": "y" * 2000}).encode()
    raw = b"\n".join([long, json.dumps(RUN).encode()])
    batch = read_batch("profile_runs", raw, received_at=NOW, max_line=1024)
    assert len(batch.items) == 1
    assert (batch.rejected[0].code, batch.rejected[0].detail) == (
        "too_large", "The line is larger than 1 KiB.",
    )  # fmt: skip


def test_sifting_keeps_the_good_lines_byte_for_byte_and_nothing_of_the_others() -> None:
    good = [json.dumps({**RUN, "run_id": name}).encode() for name in "ab"]
    bad = json.dumps({**RUN, "top_values": ["ada@example.com"]}).encode()
    taken, body, rejected = sift(
        "profile_runs", b"\n".join([good[0], bad, good[1]]) + b"\n", received_at=NOW
    )
    assert (taken, body) == (2, b"\n".join(good))
    assert [line.shown["code"] for line in rejected] == ["personal_data"]
    whole = b"\n".join(good) + b"\n"
    assert sift("profile_runs", whole, received_at=NOW) == (2, whole, [])


def test_the_same_body_always_gives_the_same_readings() -> None:
    raw = b'{"run_id":"r","result":"ok"}\n{"run_id":"s","phase":"start"}'
    assert read_batch("profile_runs", raw, received_at=NOW) == read_batch(
        "profile_runs", raw, received_at=NOW
    )


# -- the page that tells how to send

PAGE = (Path(__file__).parents[2] / "docs" / "telemetry-sending.md").read_text()
POSTS = re.findall(r"^curl \S+/telemetry/(\S+) .*?-d '(.*?)'$", PAGE, re.M | re.S)


@pytest.mark.parametrize(("address", "body"), POSTS, ids=lambda text: text.strip()[:20])
def test_every_example_on_the_page_would_be_taken(address: str, body: str) -> None:
    batch = read_batch(address.replace("-", "_"), body.encode(), received_at=NOW)
    assert batch.items and not batch.rejected


def test_the_page_shows_every_address() -> None:
    assert {address.replace("-", "_") for address, _ in POSTS} == set(READINGS)
