"""The command line of the embedded PostgreSQL: `python -m opsportal.devpg --help`."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from opsportal import devpg
from opsportal.devpg import place as places
from opsportal.devpg import server


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m opsportal.devpg start|stop|status|url|reset|exec`; answers an exit code."""
    root = Path(__file__).resolve().parents[2]
    asked = _parser().parse_args(arguments)
    name = "pg-test" if asked.test else "pg"
    try:
        if asked.verb == "exec":
            return _exec(root, name, asked.command)
        verbs = {"start": _keep, "stop": _end, "status": _tell, "url": devpg.url, "reset": _reset}
        sys.stdout.write(verbs[asked.verb](root, name) + "\n")
    except devpg.DevpgError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m opsportal.devpg", description="The embedded PostgreSQL of this checkout."
    )
    parser.add_argument("--test", action="store_true", help="the tests' cluster instead")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in {
        "start": "start it, keep it up until `stop`, and print its DATABASE_URL",
        "stop": "stop it",
        "status": "say whether it runs, which version, and where its files are",
        "url": "print its DATABASE_URL without starting it",
        "reset": "stop it and delete all its data",
        "exec": "run a command with DATABASE_URL set to it, and stop it after the last such user",
    }.items():
        one = verbs.add_parser(verb, help=text, description=text)
        one.add_argument("--test", action="store_true", default=argparse.SUPPRESS, help="as above")
        if verb == "exec":
            one.add_argument("command", nargs=argparse.REMAINDER, metavar="-- command")
    return parser


def _keep(root: Path, name: str) -> str:
    started = devpg.ensure(root, name, durable=name == "pg")
    pinned = places.find(root, name).pinned
    if not pinned.exists():
        pinned.touch()
    return started.url


def _end(root: Path, name: str) -> str:
    return "stopped" if devpg.stop(root, name) else "was not running"


def _tell(root: Path, name: str) -> str:
    place = places.find(root, name)
    major = server.data_major(place)
    state = "running" if devpg.is_running(root, name) else "not running"
    who = f", as {place.account.name}" if place.account else ""
    return f"{state}, PostgreSQL {major or '(not yet created)'}{who}, in {place.base}\n{place.url}"


def _reset(root: Path, name: str) -> str:
    place = places.find(root, name)
    with places.locked(place, "users", fcntl.LOCK_SH) as users:
        if not places.alone(users):
            raise devpg.DevpgError("The database is in use. Stop `make run` and other commands.")
        devpg.stop(root, name)
        for folder in (place.sockets, place.base):
            shutil.rmtree(folder, ignore_errors=True)
    return f"deleted {place.base}"


def _exec(root: Path, name: str, command: Sequence[str]) -> int:
    words = list(command[1:] if command[:1] == ["--"] else command)
    if not words:
        raise devpg.DevpgError("exec needs a command: python -m opsportal.devpg exec -- pytest")
    with devpg.held(root, name, durable=name == "pg") as started:
        devpg.forget_client_settings()
        environment = os.environ | {"DATABASE_URL": started.url}
        child = subprocess.Popen(words, env=environment)  # noqa: S603 - what the caller asked for
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:  # the command got it as well and ends by itself
                continue


if __name__ == "__main__":
    sys.exit(main())
