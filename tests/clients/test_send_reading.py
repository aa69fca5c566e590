"""The sender reads what profilers write, and lets out a fixed list of fields."""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.intake.readings import READINGS, personal, read_batch
from apps.intake.readings.labels import FIELDS as LABEL_FIELDS
from apps.intake.readings.reports import FIELDS as REPORT_FIELDS
from apps.intake.readings.runs import FIELDS as RUN_FIELDS
from tests.clients.artifacts import AT, KEYED, LISTED, MODELS, SECRET
from tests.clients.harness import CLIENT, loaded

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def sender() -> ModuleType:
    return loaded()


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(content: Any) -> Path:
        path = tmp_path / "inspect.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        os.utime(path, (NOON.timestamp(), NOON.timestamp()))
        return path

    return write


def told(sender: ModuleType, path: Path, *more: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The run and the labels that `profile --artifact` would send."""
    args = sender.settled(sender.parser().parse_args(["profile", "--artifact", str(path), *more]))
    found = sender.artifact_of(args)
    names = sender.Names("a salt of ours" if args.hash_names else None)
    row = sender.finished_run(sender.run_row(args, found), names)
    return row, sender.label_rows(args, found, names)


def test_a_profile_with_a_list_of_tables_becomes_a_run(sender: ModuleType, written: Any) -> None:
    run, labels = told(sender, written(LISTED))
    assert run.pop("run_id").startswith("artifact-")
    assert run == {
        "trigger": run["trigger"], "source": "warehouse", "warehouse_type": "snowflake",
        "finished_at": "2026-11-20T11:59:00.000Z", "result": "partial", "columns": 2,
        "diagnostic_code": "ERR-QUERY-DURATION-EXCEEDED", "row_count_bucket": "1m-10m",
        "package": "0.4.0", "contract_version": 3,
        "tables": {"attempted": 2, "ok": 1, "failed": 1, "skipped_fresh": 0},
        "table_rows": [
            {"schema": "public", "table": "orders", "result": "error"},
            {"schema": "public", "table": "users", "result": "ok",
             "profiled_at": "2026-11-20T11:59:00.000Z", "model_file_hash": "ab12"},
        ],
    }  # fmt: skip
    assert [(row["column_ref"], row["semantic_type"]) for row in labels] == [
        ("warehouse.public.users.email", "email"), ("warehouse.public.users.name", None),
    ]  # fmt: skip
    assert labels[0] == {
        "column_ref": "warehouse.public.users.email", "source": "warehouse",
        "semantic_type": "email", "actual_type": "VARCHAR", "role": "dimension",
        "confidence": 0.93, "sampled_at": "2026-11-20T11:59:00.000Z", "package": "0.4.0",
        "contract_version": 3, "warehouse_type": "Snowflake",
    }  # fmt: skip


def test_a_profile_by_names_is_read_as_well(sender: ModuleType, written: Any) -> None:
    run, labels = told(sender, written(KEYED), "--source", "lake", "--org", "bramble")
    assert (run["run_id"], run["result"], run["org"]) == ("inv-7", "ok", "bramble")
    assert (run["bytes_scanned"], run["row_count_bucket"]) == (5_000_000, "<1k")
    assert (run["package"], run["warehouse_type"]) == ("0.10.0", "bigquery")
    assert [(row["schema"], row["table"]) for row in run["table_rows"]] == [("sales", "invoices")]
    assert [(row["column_ref"], row["semantic_type"], row.get("confidence")) for row in labels] == [
        ("lake.sales.invoices.iban", "bank_account", 0.87),
        ("lake.sales.invoices.paid", None, None),
    ]


def test_models_are_named_without_dbts_prefixes_and_skipped_ones_are_told(
    sender: ModuleType, written: Any
) -> None:
    path = written(MODELS)
    run, _ = told(sender, path)
    assert "package" not in run  # a lone number is the version of the file's form
    assert run["tables"] == {"attempted": 2, "ok": 1, "failed": 0, "skipped_fresh": 1}
    named = {(row["schema"], row["table"], row["result"]) for row in run["table_rows"]}
    assert named == {("marts", "dim_users", "ok"), ("public", "plain", "skipped")}
    assert not sender.read_artifact(path).typed


@pytest.mark.parametrize("content", [LISTED, KEYED, MODELS])
def test_no_value_of_a_column_ever_leaves(
    sender: ModuleType, written: Any, content: dict[str, Any]
) -> None:
    run, labels = told(sender, written(content))
    text = json.dumps([run, labels])
    assert (
        SECRET not in text
        and "lovelace" not in text
        and "41.25" not in text
        and "1200345" not in text
    )
    assert set(run) <= set(sender.RUN_FIELDS)
    assert all(set(row) <= set(sender.TABLE_FIELDS) for row in run["table_rows"])
    assert all(set(row) <= set(sender.LABEL_FIELDS) for row in labels)


@pytest.mark.parametrize("content", [LISTED, KEYED, MODELS])
def test_the_server_takes_every_line_of_it(
    sender: ModuleType, written: Any, content: dict[str, Any]
) -> None:
    run, labels = told(sender, written(content))
    for kind, rows in (("profile_runs", [run]), ("semantic_labels", labels)):
        raw = "\n".join(json.dumps(row) for row in rows).encode()
        batch = read_batch(kind, raw, received_at=NOON)
        assert not batch.rejected and len(batch.items) == len(rows)


def test_what_it_lets_out_is_what_the_server_knows(sender: ModuleType) -> None:
    known = {"RUN_FIELDS": RUN_FIELDS, "REPORT_FIELDS": REPORT_FIELDS, "LABEL_FIELDS": LABEL_FIELDS}
    for name, fields in known.items():
        assert set(getattr(sender, name)) <= set(fields), name
        assert not [field for field in getattr(sender, name) if personal.found(field, None)]
    assert len(READINGS) == 5


def test_hidden_names_are_the_same_everywhere_and_nowhere_plain(
    sender: ModuleType, written: Any
) -> None:
    more = ("--hash-names", "--org", "bramble", "--project", "shop")
    run, labels = told(sender, written(LISTED), *more)
    text = json.dumps([run, labels])
    for name in ("bramble", "shop", 'warehouse"', "users", "orders", "public", ".email"):
        assert name not in text.replace("semantic_type", ""), name
    source, schema, table, column = labels[0]["column_ref"].split(".")
    assert source == labels[0]["source"] == run["source"] and labels[0]["org"] == run["org"]
    assert {"schema": schema, "table": table} == {
        key: run["table_rows"][1][key] for key in ("schema", "table")
    }
    assert re.fullmatch(r"[0-9a-f]{16}", column) and labels[0]["semantic_type"] == "email"
    assert sender.Names("another").hidden("users") != sender.Names("a salt of ours").hidden("users")


BROKEN = ["{", "", "[1, 2", '"text"', "null", "\x00", "[" * 5000, '{"a": NaN'] + [
    json.dumps(value) for value in ([], {}, {"tables": None}, {"tables": [1, "x", None]},
    {"tables": {"a": {"columns": "x"}}}, {"columns": [{"name": None}]}, [[[[[[[[[[{}]]]]]]]]]])
]  # fmt: skip


@pytest.mark.parametrize("content", BROKEN, ids=lambda text: text[:20])
def test_a_file_that_is_no_profile_breaks_nothing(
    sender: ModuleType, written: Any, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["profile", "--artifact", str(written(content)), "--started", AT, "--exit", "0"]
    assert sender.main([*args, "--dry-run"]) == 0
    out, err = capsys.readouterr()
    row = json.loads(out)
    assert (row["result"], "table_rows" in row) == ("ok", False)
    assert "Traceback" not in err


def test_a_file_from_before_the_run_is_another_runs(
    sender: ModuleType, written: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(LISTED)
    later = "2026-11-20T12:00:05Z"
    args = ["profile", "--artifact", str(path), "--started", later, "--exit", "1", "--dry-run"]
    assert sender.main(args) == 0
    out, err = capsys.readouterr()
    assert "tables" not in json.loads(out) and "from before this run" in err
    # A failed run without a start: nobody can say whose file it is.
    assert sender.main(["profile", "--artifact", str(path), "--exit", "1", "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert "tables" not in json.loads(out) and "--started" in err


def test_a_file_alone_is_the_same_run_always_and_a_run_is_one_of_its_own(
    sender: ModuleType, written: Any
) -> None:
    path = written(LISTED)
    assert told(sender, path)[0]["run_id"] == told(sender, path)[0]["run_id"]
    ended = [told(sender, path, "--exit", "0")[0]["run_id"] for _ in range(2)]
    assert ended[0] != ended[1]
    keyed = written(KEYED)
    assert told(sender, keyed, "--exit", "0")[0]["run_id"] != "inv-7"  # it may be untouched
    assert told(sender, keyed, "--started", AT, "--exit", "0")[0]["run_id"] == "inv-7"


ENDS: list[tuple[str, list[str], str]] = [
    ("0", [], "ok"), ("1", [], "error"), ("124", [], "timeout"), ("130", [], "cancelled"),
    ("143", [], "cancelled"), ("137", [], "error"), ("", ["ok"], "ok"),
    ("0", ["ok", "error"], "partial"), ("1", ["ok", "error"], "partial"),
    ("0", ["error", "error"], "error"), ("1", ["error"], "error"), ("124", ["ok"], "timeout"),
    ("1", ["ok", "ok"], "error"), ("0", ["skipped", "ok"], "ok"), ("0", ["skipped"], "ok"),
    ("0", ["partial"], "partial"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "tables", "result"), ENDS)
def test_how_a_run_ended_follows_from_its_status_and_its_tables(
    sender: ModuleType, code: str, tables: list[str], result: str
) -> None:
    rows = [{"result": one} for one in tables]
    assert sender.with_tables(sender.result_of(sender.status(code)), rows) == result


TIMES: list[tuple[Any, datetime | None]] = [
    ("2026-11-20T12:00:00Z", NOON), ("2026-11-20T13:00:00+01:00", NOON),
    ("2026-11-20T13:00:00+0100", NOON), ("2026-11-20 12:00:00.000000000+00:00", NOON),
    ("2026-11-20T12:00:00,5Z", NOON + timedelta(milliseconds=500)), ("1795176000", NOON),
    ("1795176000.25", NOON + timedelta(milliseconds=250)), (1795176000, NOON),
    ("yesterday", None), ("", None), (None, None), (True, None), ("2026-13-01T00:00:00Z", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "moment"), TIMES)
def test_times_are_read_as_shells_write_them(
    sender: ModuleType, text: Any, moment: datetime | None
) -> None:
    assert sender.moment_of(text) == moment


def test_rows_are_told_by_the_order_of_their_number_alone(sender: ModuleType) -> None:
    for rows, bucket in ((0, "<1k"), (999, "<1k"), (1000, "1k-10k"), (10**7, "10m-100m"),
                         (10**12, "1b+")):  # fmt: skip
        assert sender.bucket_of([{"rows": rows}, {"rows": None}]) == bucket
    assert sender.bucket_of([{"rows": None}]) is None


def test_a_huge_project_is_cut_to_its_worst_tables_and_counted_whole(
    sender: ModuleType, written: Any
) -> None:
    tables = [{"table": f"t{n}", "status": "error" if n > 2500 else "ok"} for n in range(2600)]
    run, _ = told(sender, written({"tables": tables}))
    assert run["tables"]["attempted"] == 2600 and len(run["table_rows"]) == sender.MAX_TABLES
    assert [row["result"] for row in run["table_rows"][:100]] == ["error"] * 99 + ["ok"]


def test_labels_go_in_requests_that_the_server_takes(sender: ModuleType) -> None:
    rows = [{"column_ref": f"a.b.c.{n}", "semantic_type": "email"} for n in range(12_000)]
    parcels = list(sender.parcels_of("/x", rows, "labels"))
    assert [len(parcel.body.splitlines()) for parcel in parcels] == [5000, 5000, 2000]
    assert len({parcel.key for parcel in parcels}) == 3
    wide = [{"x": "y" * 1_000_000} for _ in range(9)]
    assert all(len(p.body) <= sender.MAX_BYTES for p in sender.parcels_of("/x", wide, "labels"))


# -- consent

CONSENTS: list[tuple[dict[str, str], list[str], str, bool]] = [
    ({}, [], "", False),
    ({"DO_NOT_TRACK": "1"}, [], "", True),
    ({"DO_NOT_TRACK": "true"}, [], "", True),
    ({"DO_NOT_TRACK": "0"}, [], "", False),
    ({"DO_NOT_TRACK": ""}, [], "", False),
    ({"DBT_SEND_ANONYMOUS_USAGE_STATS": "False"}, [], "", True),
    ({"DBT_SEND_ANONYMOUS_USAGE_STATS": "True"}, [], "", False),
    ({}, ["dft", "inspect", "--no-send-anonymous-usage-stats"], "", True),
    ({}, [], "flags:\n  send_anonymous_usage_stats: false\n", True),
    ({}, [], "name: x\nflags:\n  # a word\n  other: 1\n  send_anonymous_usage_stats: False # no\n",
     True),
    ({}, [], "flags:\n  send_anonymous_usage_stats: true\n", False),
    ({}, [], "vars:\n  send_anonymous_usage_stats: false\n", False),
]  # fmt: skip


@pytest.mark.parametrize(("environ", "argv", "project", "held"), CONSENTS)
def test_each_switch_against_being_told_of_is_heeded(
    sender: ModuleType,
    tmp_path: Path,
    environ: dict[str, str],
    argv: list[str],
    project: str,
    held: bool,
) -> None:
    if project:
        (tmp_path / "dbt_project.yml").write_text(project)
    assert bool(sender.held_back(environ, argv, tmp_path)) is held


# -- the spool


def test_the_spool_keeps_the_newest_within_its_bounds(
    sender: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SPOOL_FILES", 3)
    spool = sender.Spool(tmp_path / "spool")
    for n in range(5):
        spool.put(sender.Parcel("/x", str(n), "a run"))
    assert [spool.read(path).body for path in spool.waiting()] == ["2", "3", "4"]
    monkeypatch.setattr(sender, "SPOOL_BYTES", spool.waiting()[0].stat().st_size)
    spool.prune()
    assert [spool.read(path).body for path in spool.waiting()] == ["4"]
    monkeypatch.setattr(sender, "SPOOL_DAYS", -1)
    spool.prune()
    assert spool.waiting() == []


def test_the_spool_is_its_owners_alone_and_holds_no_key(sender: ModuleType, tmp_path: Path) -> None:
    spool = sender.Spool(tmp_path / "deep" / "spool")
    path = spool.put(sender.Parcel("/x", "{}", "a run"))
    assert path.stat().st_mode & 0o777 == 0o600 and spool.folder.stat().st_mode & 0o777 == 0o700
    (spool.folder / "00-broken.json").write_text("{")
    assert [spool.read(one) is None for one in spool.waiting()] == [True, False]
    assert spool.waiting() == [path]


ANSWERS: list[tuple[bytes, dict[str, Any]]] = [
    (b'{"detail": "No."}', {"detail": "No."}), (b"not found\n", {"detail": "not found"}),
    (b"<html>502</html>", {}), (b"", {}), (b"[1]", {}), (b"\xff\xfe<", {}),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "told"), ANSWERS)
def test_what_a_server_answers_is_told_when_it_is_words(
    sender: ModuleType, raw: bytes, told: dict[str, Any]
) -> None:
    assert sender.said(raw) == told


WAITS: list[tuple[str | None, float | None]] = [
    (None, None), ("", None), ("7", 7.0), ("soon", None), ("-1", None),
    ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), WAITS)
def test_a_server_may_ask_for_seconds_or_for_a_date(
    sender: ModuleType, text: str | None, seconds: float | None
) -> None:
    assert sender.later(text) == seconds


# -- certificates, and the tool itself


def certificate(ends: datetime) -> bytes:
    """A certificate that nobody known has signed, as it goes over the wire."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ops.example.org")])
    made = x509.CertificateBuilder(
        subject_name=name, issuer_name=name, public_key=key.public_key(), serial_number=1,
        not_valid_before=datetime(2020, 1, 1, tzinfo=UTC), not_valid_after=ends,
    ).sign(key, hashes.SHA256())  # fmt: skip
    return made.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("year", [2021, 2026, 2049, 2050, 2081])  # in 2050 its form changes
def test_the_end_of_a_certificate_is_read_from_its_bytes(sender: ModuleType, year: int) -> None:
    ends = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    der = certificate(ends)
    assert sender.not_after(der) == ends
    for cut in (0, 1, 10, 60, len(der) // 2):
        with pytest.raises(sender.Trouble):
            sender.not_after(der[:cut])


def test_it_is_one_file_for_python_3_9_with_the_standard_library_alone() -> None:
    tree = ast.parse(CLIENT.read_text(), feature_version=(3, 9))
    imports = {
        (name.name if isinstance(node, ast.Import) else node.module or "").partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert imports <= sys.stdlib_module_names
    newer = re.compile(r"\bmatch \w+:|datetime\.UTC|tomllib|ExceptionGroup|strict=True|StrEnum")
    assert not newer.search(CLIENT.read_text())
    assert CLIENT.stat().st_mode & 0o111 == 0o111 and CLIENT.read_text().startswith(
        "#!/usr/bin/env"
    )


def test_every_option_says_what_it_is_for_in_its_help(sender: ModuleType) -> None:
    top = sender.parser()
    (kinds,) = (a for a in top._actions if isinstance(a, argparse._SubParsersAction))
    assert set(kinds.choices) == {"wrap", "profile", "report", "labels", "count", "measure",
                                  "certificate", "event", "ping", "flush"}  # fmt: skip
    for kind in kinds.choices.values():
        assert len(kind.format_help()) > 500
