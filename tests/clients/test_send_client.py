"""The sender as a process: it ends as its command ended, tries again, spools, and leaks nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.core import clock
from opsportal.devtls import ensure
from tests.clients.artifacts import LISTED, SECRET
from tests.clients.harness import CLIENT, KEY, Loopback, environment, loopback, send

RUNS = "/api/v1/telemetry/profile-runs"
DEAD = "http://127.0.0.1:9"  # the port of "discard": nobody listens
FAST = ("--patience", "1")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with loopback() as here:
        yield here


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path


def profiler(folder: Path, *lines: str) -> list[str]:
    """A command that stands for a profiler: it writes its file and does what `lines` say."""
    script = folder / "dft"
    body = "\n".join(["import json, pathlib, sys, os, signal, time", *lines])
    script.write_text(f"#!{sys.executable}\n{body}\n")
    script.chmod(0o755)
    return [str(script), "inspect"]


WRITES = f"pathlib.Path('target/inspect.json').write_text(json.dumps({LISTED!r}))"


# -- wrapping a command


def test_a_wrapped_run_is_sent_with_what_it_wrote(server: Loopback, project: Path) -> None:
    done = send("wrap", "--org", "bramble", "--labels", "--", *profiler(project, WRITES),
                url=server.url, cwd=project, CI="true")  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    run, labels = server.got
    assert (run.path, labels.path) == (RUNS, "/api/v1/telemetry/semantic-labels")
    row = run.row
    assert (row["result"], row["command"], row["trigger"]) == ("partial", "dft inspect", "ci")
    assert row["tables"]["attempted"] == 2 and row["duration_ms"] >= 0 and row["org"] == "bramble"
    assert row["started_at"] <= row["finished_at"]
    assert run.headers["authorization"] == f"Bearer {KEY}"
    assert run.headers["content-type"] == "application/x-ndjson"
    assert len(labels.lines) == 2
    assert SECRET not in run.body + labels.body


STATUSES = [("sys.exit(0)", 0, "ok"), ("sys.exit(3)", 3, "error"),
            ("sys.exit(124)", 124, "timeout"),
            ("os.kill(os.getpid(), signal.SIGKILL)", 137, "error")]  # fmt: skip


@pytest.mark.parametrize(("line", "status", "result"), STATUSES)
def test_it_ends_as_its_command_ended(
    server: Loopback, project: Path, line: str, status: int, result: str
) -> None:
    done = send("wrap", "--", *profiler(project, line), url=server.url, cwd=project)
    assert done.returncode == status and server.got[0].row["result"] == result


@pytest.mark.parametrize("url", ["", DEAD, "https://127.0.0.1:9", "ftp://x", "http://ops.example"])
def test_it_ends_as_its_command_ended_when_nothing_can_be_sent(project: Path, url: str) -> None:
    done = send("wrap", *FAST, "--", *profiler(project, "print('out')", "sys.exit(4)"),
                url=url, cwd=project)  # fmt: skip
    assert (done.returncode, done.stdout) == (4, "out\n")
    assert "opsportal-send: " in done.stderr and "Traceback" not in done.stderr
    assert KEY not in done.stderr


def test_what_the_command_prints_comes_through_and_only_its_code_is_kept(
    server: Loopback, project: Path
) -> None:
    lines = ("print('to out')", f"print('E ERR-WAREHOUSE-AUTH: {SECRET}', file=sys.stderr)",
             "sys.stderr.write('ERR-LATER'); sys.exit(1)")  # fmt: skip
    done = send("wrap", "--", *profiler(project, *lines), url=server.url, cwd=project)
    assert done.stdout == "to out\n"
    assert done.stderr.startswith(f"E ERR-WAREHOUSE-AUTH: {SECRET}\nERR-LATER")
    assert server.got[0].row["diagnostic_code"] == "ERR-WAREHOUSE-AUTH"
    assert SECRET not in server.got[0].body


def test_a_code_at_the_very_end_of_what_is_printed_is_seen(server: Loopback, project: Path) -> None:
    lines = ("sys.stderr.write('x' * 70000 + ' ERR-WARE')", "sys.stderr.flush()", "time.sleep(0.2)",
             "sys.stderr.write('HOUSE-AUTH')", "sys.exit(1)")  # fmt: skip
    send("wrap", "--", *profiler(project, *lines), url=server.url, cwd=project)
    assert server.got[0].row["diagnostic_code"] == "ERR-WAREHOUSE-AUTH"


def test_a_file_that_a_failed_run_left_untouched_is_not_its_own(
    server: Loopback, project: Path
) -> None:
    old = project / "target" / "inspect.json"
    old.write_text(json.dumps(LISTED))
    os.utime(old, (time.time() - 3600, time.time() - 3600))
    done = send("wrap", "--", *profiler(project, "sys.exit(1)"), url=server.url, cwd=project)
    row = server.got[0].row
    assert "tables" not in row and row["result"] == "error" and "before this run" in done.stderr


def test_the_start_is_told_as_the_same_run_when_that_is_asked_for(
    server: Loopback, project: Path
) -> None:
    send("wrap", "--announce", "--", *profiler(project, "time.sleep(0.4)"),
         url=server.url, cwd=project)  # fmt: skip
    began, ended = (one.row for one in server.got)
    assert (began["phase"], "result" in began, ended["result"]) == ("start", False, "ok")
    assert (began["run_id"], began["started_at"]) == (ended["run_id"], ended["started_at"])


def _hears_signals() -> None:
    """A shell that runs the tests in the background has SIGINT ignored, for all that they start."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stopped_build_stops_its_command_and_is_told_as_cancelled(
    server: Loopback, project: Path, number: int
) -> None:
    argv = profiler(project, "print('ready', flush=True)", "time.sleep(30)")
    process = subprocess.Popen(
        [sys.executable, str(CLIENT), "wrap", "--", *argv], cwd=project, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(server.url),
        start_new_session=True, preexec_fn=_hears_signals,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does it
    else:
        process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode in (128 + number, 1) and "opsportal-send: sent" in err
    assert server.got[0].row["result"] == "cancelled"


def test_a_command_that_is_not_there_is_told_as_by_a_shell(server: Loopback, project: Path) -> None:
    done = send("wrap", "--", "no-such-profiler", url=server.url, cwd=project)
    assert done.returncode == 127 and "cannot be run" in done.stderr


def test_a_mistake_in_our_own_options_runs_the_command_all_the_same(project: Path) -> None:
    done = send("wrap", "--nonsense", "--", *profiler(project, "print('ran')", "sys.exit(5)"))
    assert (done.returncode, done.stdout) == (5, "ran\n")
    assert "unrecognized" in done.stderr and "nothing is sent" in done.stderr


def test_a_command_keeps_its_own_dashes(server: Loopback, project: Path) -> None:
    argv = profiler(project, "print(sys.argv[1:])")
    done = send("wrap", "--", *argv, "--org", "x", "--", "--strict", url=server.url, cwd=project)
    assert done.stdout == "['inspect', '--org', 'x', '--', '--strict']\n"
    assert "org" not in server.got[0].row


def pythons() -> list[str]:
    """This Python, and all others from 3.9 on that are here and start."""
    found = [sys.executable]
    for name in filter(shutil.which, (f"python3.{n}" for n in range(9, 15))):
        asked = subprocess.run([name, "-c", "import sys; print(sys.executable)"],
                               capture_output=True, text=True)  # fmt: skip
        found += [asked.stdout.strip()] if asked.returncode == 0 else []
    return found


def test_it_runs_on_each_python_that_is_installed_here(server: Loopback) -> None:
    for python in pythons():
        argv = [python, "-W", "error", str(CLIENT), "wrap", "--", "sh", "-c",
                "echo ERR-WAREHOUSE-AUTH >&2; exit 3"]  # fmt: skip
        done = subprocess.run(argv, env=environment(server.url), capture_output=True, text=True,
                              timeout=30)  # fmt: skip
        assert done.returncode == 3 and "Traceback" not in done.stderr, (python, done.stderr)
        assert server.got[-1].row["diagnostic_code"] == "ERR-WAREHOUSE-AUTH"
    assert len(server.got) >= 1


# -- after the command


def test_a_run_that_is_over_is_one_line_of_a_shell(server: Loopback, project: Path) -> None:
    script = f"""
        started=$(date +%s)
        false; status=$?
        '{sys.executable}' '{CLIENT}' profile --started "$started" --exit "$status" \\
            --source warehouse --warehouse Snowflake --code ERR-INTERNAL
        echo "then $?"
    """
    done = subprocess.run(["sh", "-c", script], cwd=project, env=environment(server.url),
                          capture_output=True, text=True, timeout=30)  # fmt: skip
    assert done.stdout == "then 0\n"
    row = server.got[0].row
    assert (row["result"], row["diagnostic_code"]) == ("error", "ERR-INTERNAL")
    assert (row["source"], row["warehouse_type"]) == ("warehouse", "snowflake")
    passed = send("profile", "--exit", "3", "--pass", url=server.url)
    assert passed.returncode == 3


def test_nothing_breaks_a_build_but_strict_does(server: Loopback, project: Path) -> None:
    assert send("profile", "--exit", "1", *FAST, url=DEAD).returncode == 0
    assert send("profile", "--exit", "1", *FAST, "--strict", url=DEAD).returncode == 1
    assert send("profile", url=server.url).returncode == 0  # how did it end?
    assert send("nonsense").returncode == 0
    assert send("nonsense", "--strict").returncode == 2
    assert send("profile", "--exit", "0", "--strict").returncode == 1  # no address
    assert send("profile", "--exit", "0", "--strict", url=server.url).returncode == 0
    server.will(202, {"rejected": [{"line": 1, "code": "invalid", "detail": "No such thing."}]})
    refused = send("profile", "--exit", "0", "--strict", url=server.url)
    assert refused.returncode == 1 and "No such thing." in refused.stderr
    assert len(server.got) == 2


def test_reports_counts_measurements_and_events_say_what_they_are_asked_to(
    server: Loopback,
) -> None:
    send("report", "--template", "quality", "--table", "public.users", "--exit", "1",
         "--code", "ERR-INTERNAL", "--ejected", "--invocation-id", "inv-7",
         url=server.url)  # fmt: skip
    send("count", "webhooks.fresh", "--good", "59", "--total", "60", "--part", "eu",
         "--at", "2026-11-20T11:59:00Z", url=server.url)  # fmt: skip
    send("measure", "mcp.latency", "812.5", "--unit", "ms", "--limit", "2000",
         "--surface", "agent.mcp-server", url=server.url)  # fmt: skip
    send("event", "Disk is full", "--severity", "warning", "--dedup-key", "disk", "--test",
         "--detail", "host=w3", url=server.url)  # fmt: skip
    report, count, reading, event = server.got
    assert report.path == "/api/v1/telemetry/report-runs"
    assert report.row.pop("finished_at") and report.row | {"finished_at": ""} == {
        "template": "quality", "table": "public.users", "result": "error", "ejected": True,
        "diagnostic_code": "ERR-INTERNAL", "invocation_id": "inv-7", "finished_at": "",
    }  # fmt: skip
    assert (count.path, count.row) == ("/api/v1/telemetry/sli-counts", {
        "sli": "webhooks.fresh", "good": 59, "total": 60, "part": "eu", "seconds": 60,
        "starts_at": "2026-11-20T11:59:00.000Z",
    })  # fmt: skip
    assert reading.path == "/api/v1/telemetry/measurements" and reading.row["at"]
    assert (reading.row["value"], reading.row["limit"]) == (812.5, 2000.0)
    assert event.path == "/api/v1/events" and event.row["details"] == {"host": "w3"}
    assert (event.row["action"], event.row["dedup_key"], event.row["test"]) == (
        "trigger", "disk", True,
    )  # fmt: skip


def test_audited_labels_come_from_a_file_of_their_own(server: Loopback, tmp_path: Path) -> None:
    rows = tmp_path / "audit.csv"
    rows.write_text(
        "source,schema,table,column,semantic_type,truth,confidence,sampled_at,min_value\n"
        f"wh,public,users,email,string,email,0.9,2026-11-20T11:00:00Z,{SECRET}\n"
    )
    send("labels", "--rows", rows, "--truth-source", "audit", "--package", "0.10.0", url=server.url)
    assert server.got[0].row == {
        "column_ref": "wh.public.users.email", "source": "wh", "semantic_type": "string",
        "truth": "email", "truth_source": "audit", "confidence": 0.9, "package": "0.10.0",
        "sampled_at": "2026-11-20T11:00:00Z",
    }  # fmt: skip


def test_heartbeats_need_no_key_and_are_never_late(server: Loopback, tmp_path: Path) -> None:
    spool = str(tmp_path / "spool")
    for args in (["8f3a"], ["8f3a", "--start", "--rid", "x"], ["pk/nightly", "--create"],
                 [f"{server.url}/ping/8f3a", "--exit", "2", "--message", "no room"]):  # fmt: skip
        assert send("ping", *args, url=server.url, OPSPORTAL_KEY="").returncode == 0
    assert [one.path for one in server.got] == [
        "/ping/8f3a", "/ping/8f3a/start?rid=x", "/ping/pk/nightly?create=1", "/ping/8f3a/2",
    ]  # fmt: skip
    assert all("authorization" not in one.headers for one in server.got)
    assert server.got[-1].body == "no room"
    send("ping", "8f3a", "--spool", spool, *FAST, url=DEAD)
    assert not list(tmp_path.glob("spool/*"))


# -- trying again, and the spool


def test_what_is_not_taken_is_tried_again_as_the_same_delivery(server: Loopback) -> None:
    server.will(503, {"detail": "The database does not answer."}, Retry_After="0")
    server.will(429, {}, Retry_After="1")
    server.will(500)
    began = time.monotonic()
    done = send("profile", "--exit", "0", "--strict", url=server.url)
    assert done.returncode == 0 and len(server.got) == 4 and time.monotonic() - began > 1.0
    assert len({one.headers["idempotency-key"] for one in server.got}) == 1
    assert len({one.body for one in server.got}) == 1


def test_a_wait_that_is_longer_than_the_patience_is_not_waited_for(server: Loopback) -> None:
    server.will(503, {"detail": "Away."}, Retry_After="3600")
    began = time.monotonic()
    done = send("profile", "--exit", "0", *FAST, url=server.url)
    assert time.monotonic() - began < 3 and len(server.got) == 1
    assert "Away" in done.stderr and "was not sent" in done.stderr


def test_what_is_refused_for_good_is_not_tried_again(server: Loopback, tmp_path: Path) -> None:
    server.will(400, {"detail": "This run is not valid."})
    done = send("profile", "--exit", "0", "--spool", tmp_path / "spool", url=server.url)
    assert "This run is not valid." in done.stderr and len(server.got) == 1
    assert not list((tmp_path / "spool").iterdir())


def test_what_could_not_be_sent_waits_and_is_sent_first_next_time(
    server: Loopback, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    for n in range(2):
        done = send("profile", "--exit", "0", "--run-id", f"old-{n}", *FAST, url=DEAD,
                    OPSPORTAL_SPOOL=str(spool))  # fmt: skip
        assert (done.returncode, "waits in" in done.stderr) == (0, True)
    files = sorted(spool.iterdir())
    assert len(files) == 2 and KEY not in "".join(file.read_text() for file in files)
    send("profile", "--exit", "0", "--run-id", "new", "--spool", spool, url=server.url)
    assert [one.row["run_id"] for one in server.got] == ["old-0", "old-1", "new"]
    assert not list(spool.iterdir())


def test_a_wrong_key_keeps_what_waits_until_it_is_mended(server: Loopback, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    for status in (401, 403, 404, 302):
        server.will(status, {"detail": "This needs a valid API key."}, Location=DEAD)
        send("profile", "--exit", "0", "--spool", spool, url=server.url)
        server.got.clear()
        assert len(list(spool.iterdir())) == 1
        done = send("flush", "--spool", spool, url=server.url)
        assert done.returncode == 0 and len(server.got) == 1 and not list(spool.iterdir())
        server.got.clear()


def test_a_server_that_hangs_costs_no_more_than_the_patience(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, and never reads
        began = time.monotonic()
        done = send("profile", "--exit", "0", "--patience", "2", "--spool", tmp_path / "spool",
                    url=f"http://127.0.0.1:{silent.getsockname()[1]}")  # fmt: skip
    assert time.monotonic() - began < 8 and done.returncode == 0
    assert "timed out" in done.stderr and "waits in" in done.stderr


def test_a_redirect_is_not_followed_with_the_key(server: Loopback) -> None:
    with loopback() as elsewhere:
        server.will(301, Location=f"{elsewhere.url}/api")
        done = send("profile", "--exit", "0", url=server.url)
        assert elsewhere.got == [] and "points elsewhere" in done.stderr


def test_a_key_comes_from_a_file_and_never_goes_in_the_clear(
    server: Loopback, tmp_path: Path
) -> None:
    held = tmp_path / "key"
    held.write_text("opk_from_a_file\n")
    send("profile", "--exit", "0", "--key-file", held, url=server.url, OPSPORTAL_KEY="")
    assert server.got[0].headers["authorization"] == "Bearer opk_from_a_file"
    done = send("profile", "--exit", "0", url="http://ops.example.org")
    assert "not https" in done.stderr and "--allow-http" in done.stderr
    odd = send("profile", "--exit", "0", url=server.url, OPSPORTAL_KEY="opk_ä\r\nX: y")
    assert "characters that no key has" in odd.stderr and len(server.got) == 1


def test_a_server_that_nobody_vouches_for_is_told_nothing(tmp_path: Path) -> None:
    made = ensure(tmp_path / "tls", "ops.example.org", clock.now())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with loopback(context) as here:
        began = time.monotonic()
        done = send("profile", "--exit", "0", "--spool", tmp_path / "spool", url=here.url)
        assert time.monotonic() - began < 10 and here.got == []  # to try again would not help
        assert "CERTIFICATE_VERIFY_FAILED" in done.stderr and "waits in" in done.stderr
        send("flush", "--spool", tmp_path / "spool", url=here.url,
             SSL_CERT_FILE=str(made.authority))  # fmt: skip
        assert here.got[0].row["result"] == "ok"


# -- consent and names


def test_who_is_not_to_be_told_of_is_not(server: Loopback, project: Path) -> None:
    argv = profiler(project, "sys.exit(6)")
    done = send("wrap", "--", *argv, url=server.url, cwd=project, DO_NOT_TRACK="1")
    assert done.returncode == 6 and "DO_NOT_TRACK" in done.stderr
    for kind in (["profile", "--exit", "0"], ["report", "--template", "quality"], ["labels"]):
        assert send(*kind, url=server.url, DO_NOT_TRACK="1").returncode == 0
    assert server.got == []
    send("measure", "queue.depth", "3", url=server.url, DO_NOT_TRACK="1")  # of no person
    send("profile", "--exit", "0", "--even-if-do-not-track", url=server.url, DO_NOT_TRACK="1")
    send("profile", "--exit", "0", "--even-if", url=server.url, DO_NOT_TRACK="1")
    assert len(server.got) == 3


def test_names_are_not_sent_when_their_salt_is_missing(server: Loopback) -> None:
    args = ("profile", "--exit", "0", "--org", "bramble", "--hash-names")
    done = send(*args, url=server.url)
    assert "needs a salt" in done.stderr and server.got == []
    send(*args, url=server.url, OPSPORTAL_SALT="a long enough secret")
    assert "bramble" not in server.got[0].body and len(server.got[0].row["org"]) == 16


def test_a_dry_run_shows_all_that_would_be_sent_and_sends_nothing(
    server: Loopback, project: Path
) -> None:
    path = project / "target" / "inspect.json"
    path.write_text(json.dumps(LISTED))
    done = send("profile", "--artifact", path, "--labels", "--dry-run", url=server.url)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [("run_id" in row, "column_ref" in row) for row in rows] == [
        (True, False), (False, True), (False, True),
    ]  # fmt: skip
    assert server.got == []


# -- certificates


def test_the_end_of_a_servers_certificate_is_read_even_if_nobody_signed_it(
    server: Loopback, tmp_path: Path
) -> None:
    made = ensure(tmp_path, "ops.example.org", clock.now())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with loopback(context) as tls:
        host = tls.url.replace("https://127.0.0.1", "localhost")
        done = send("certificate", f"https://{host}/x", "127.0.0.1:9", "--surface",
                    "platform.custom-domains", *FAST, url=server.url)  # fmt: skip
    assert done.returncode == 0 and "127.0.0.1:9 was not read" in done.stderr
    row = server.got[0].row
    assert (row["metric"], row["subject"]) == ("certificate", host)
    assert row["not_after"] > row["at"] and row["surface"] == "platform.custom-domains"
