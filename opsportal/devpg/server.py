"""One server's life: is it running, start it, stop it, and clear up after a killed one."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from opsportal.devpg.binaries import Binaries, DevpgError, choose
from opsportal.devpg.place import DATABASE, PORT, USER, Place, foreign

MAX_LOG = 5_000_000  # bytes; a longer log starts anew with the server
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # compiling costs more than it saves on small data
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def settle(place: Place, patience: float = 60) -> bool:
    """True when the cluster serves; else clears the way for a start.

    Waits for a server that is just starting or stopping, stops one whose socket is gone, and
    removes what a killed one left behind.
    """
    deadline = time.monotonic() + patience
    while (now := state(place)) in ("starting", "stopping"):
        if time.monotonic() > deadline:
            raise DevpgError(f"PostgreSQL is {now} for {patience:.0f} s now; see {place.log}")
        time.sleep(0.02)
    if now == "ready" and accepts(place):
        return True
    if now == "ready":
        shut_down(place)
    _clear_remains(place)
    return False


def state(place: Place) -> str:
    """`gone`, or what the running server last wrote about itself: starting, ready, stopping."""
    lines = _pid_file_lines(place)
    if not lines or not lines[0].isdigit() or not _is_server(int(lines[0]), place.data):
        return "gone"
    told = lines[7].strip() if len(lines) > 7 else "starting"
    return told if told in ("starting", "stopping") else "ready"


def _pid_file_lines(place: Place) -> list[str]:
    try:
        return place.pid_file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _is_server(pid: int, data: Path) -> bool:
    """Whether process `pid` is a live postmaster of `data`.

    After a kill the postmaster stays a zombie where nobody reaps it (containers without an init),
    and pg_ctl takes that for running; its number may also belong to something else by now.
    """
    process = _process(pid)
    if process is None or process[0].startswith("Z") or "postgres" not in process[1]:
        return False
    try:
        return Path(f"/proc/{pid}/cwd").samefile(data)
    except OSError:  # no /proc, or not ours to look at: believe the pid file
        return True


def _process(pid: int) -> tuple[str, str] | None:
    """State letter and program name of a process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        name, _, rest = text.partition("(")[2].rpartition(")")
        return rest.split()[0], name
    except OSError:
        if Path("/proc/self").exists():
            return None
    command = ["/bin/ps", "-o", "stat=,comm=", "-p", str(pid)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - constant
    words = told.stdout.split(maxsplit=1)
    return (words[0], words[1]) if len(words) == 2 else None


def accepts(place: Place) -> bool:
    """Whether somebody listens on the cluster's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        try:
            client.connect(str(place.socket))
        except OSError:
            return False
        return True


def _clear_remains(place: Place, patience: float = 10) -> None:
    """Drops the lock files of a dead server once its last backends have gone.

    PostgreSQL itself would trust a zombie's number for ever. Its own guard against orphaned
    backends is the shared memory segment named in the pid file, so that is awaited first.
    """
    deadline = time.monotonic() + patience
    while _attached(place):
        if time.monotonic() > deadline:
            raise DevpgError(f"Processes of a killed PostgreSQL still use {place.data}.")
        time.sleep(0.02)
    place.pid_file.unlink(missing_ok=True)
    Path(f"{place.socket}.lock").unlink(missing_ok=True)


def _attached(place: Place) -> bool:
    """Whether any process is attached to the shared memory that the pid file names (Linux)."""
    lines = _pid_file_lines(place)
    segment = lines[6].split()[-1:] if len(lines) > 6 else []
    try:
        table = Path("/proc/sysvipc/shm").read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return False
    return any(row[1:2] == segment and row[6] != "0" for row in map(str.split, table))


def start(place: Place, durable: bool) -> None:
    """Starts the cluster, making it first where there is none; returns when it serves."""
    try:
        _start(place, durable)
    except DevpgError:
        if settle(place):  # an orphan of a killed launcher was faster
            return
        if durable or not place.data.exists():
            raise
        shutil.rmtree(place.data)  # a test cluster: nothing in it is worth keeping
        _start(place, durable)


def _start(place: Place, durable: bool) -> None:
    binaries = choose(data_major(place), account=place.account, copies=place.base)
    if not place.data.exists():
        _initialise(place, binaries, durable)
    if place.log.exists() and place.log.stat().st_size > MAX_LOG:
        place.log.unlink()
    # Relative paths: pg_ctl hands these to a shell between plain double quotes.
    command = ["-D", "data", "-l", "postgres.log", "-w", "-t", "60", "-s"]
    done = _run(place, binaries, "pg_ctl", *command, "-o", _options(place, durable), "start")
    if done.returncode:
        raise DevpgError(f"PostgreSQL did not start ({place.log}):\n{_log_end(place)}")


def _options(place: Place, durable: bool) -> str:
    settings = SETTINGS | {"unix_socket_directories": str(place.sockets), "port": str(PORT)}
    settings |= {} if durable else NOT_DURABLE
    return " ".join(f"-c {shlex.quote(f'{key}={value}')}" for key, value in settings.items())


def _initialise(place: Place, binaries: Binaries, durable: bool) -> None:
    """Makes the data folder under a name of its own first, then renames it.

    An interrupted one is never mistaken for a cluster, and an orphaned initdb that still writes
    never meets ours.
    """
    for old in place.base.glob("data.new-*"):
        shutil.rmtree(old, ignore_errors=True)
    draft = place.base / f"data.new-{os.getpid()}"
    command = ["-D", draft.name, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-instructions"]
    command += [] if durable else ["--no-sync"]
    for locale in _locales(binaries.major):
        done = _run(place, binaries, "initdb", *command, *locale)
        if not done.returncode:
            break
    else:
        raise DevpgError(f"initdb failed:\n{done.stderr.strip()}")
    create = f"CREATE DATABASE {DATABASE};\n"
    done = _run(place, binaries, "postgres", "--single", "-D", draft.name, "postgres", say=create)
    if done.returncode or "ERROR" in done.stderr:
        raise DevpgError(f"The database could not be created:\n{done.stderr.strip()}")
    draft.rename(place.data)


def _locales(major: int) -> Iterator[list[str]]:
    """Byte order for sorting, and Unicode rules for case, so that citext knows that É is é."""
    if major >= 17:
        yield ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    else:
        yield ["--locale=C", "--lc-ctype=C.UTF-8"]
        yield ["--locale=C", "--lc-ctype=en_US.UTF-8"]
    yield ["--locale=C"]


def _run(
    place: Place, binaries: Binaries, program: str, *arguments: str, say: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a server program inside the cluster's folder, as its account."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
    account = place.account
    try:
        return subprocess.run(  # noqa: S603 - programs that binaries.py vouches for
            [str(binaries.folder / program), *arguments],
            cwd=place.base,
            env=clean | {"LC_ALL": "C", "TZ": "UTC"},
            input=say,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            umask=0o077,
            start_new_session=True,  # pg_ctl would stop the server on Ctrl-C, before its clients
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except OSError as error:
        who = f" as {account.name}" if account else ""
        raise DevpgError(f"{program} could not be run{who}: {error}") from error


def shut_down(place: Place, patience: float = 20) -> bool:
    """Stops the server: politely (fast mode), then at once (immediate mode)."""
    was_running = False
    for sign in (signal.SIGINT, signal.SIGQUIT):
        if state(place) == "gone":
            return was_running
        was_running = True
        pid = int(_pid_file_lines(place)[0])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        deadline = time.monotonic() + patience
        while _is_server(pid, place.data) and time.monotonic() < deadline:
            time.sleep(0.01)
    if state(place) != "gone":
        raise DevpgError(f"PostgreSQL does not stop; see {place.log}.")
    return was_running


def data_major(place: Place) -> int | None:
    """The PostgreSQL version that made the data folder; None when there is none yet."""
    try:
        return int((place.data / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise DevpgError(foreign(place.base)) from error


def _log_end(place: Place, lines: int = 8) -> str:
    try:
        text = place.log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:])
