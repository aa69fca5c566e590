#!/usr/bin/env python
"""Django's command line.

Without DATABASE_URL it keeps the embedded development PostgreSQL up while a command runs, so that
every command works at once on a fresh checkout, and beside `make run` on the same database.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from pathlib import Path

from opsportal import devpg

ROOT = Path(__file__).resolve().parent
CLUSTERS = {"opsportal.settings.dev": "pg", "opsportal.settings.test": "pg-test"}
NO_DATABASE = {
    "",
    "check",
    "collectstatic",
    "diffsettings",
    "docs",
    "help",
    "spectacular",
    "version",
}


def main() -> None:
    """Runs one command with its database; a problem with either is one message and exit code 1."""
    if importlib.util.find_spec("django") is None:
        sys.exit("Django is missing here. Run `make setup`, then `.venv/bin/python manage.py`.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsportal.settings.dev")
    try:
        with _database(sys.argv[1:]):
            from django.core.management import execute_from_command_line

            execute_from_command_line(sys.argv)
    except devpg.DevpgError as problem:
        sys.exit(str(problem))


def _database(words: list[str]) -> contextlib.AbstractContextManager[object]:
    cluster = CLUSTERS.get(_settings(words))
    if cluster is None or os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        return contextlib.nullcontext()
    devpg.forget_client_settings()
    # Settings read DATABASE_URL only; a command that needs no database gets the address alone.
    os.environ["DATABASE_URL"] = devpg.url(ROOT, cluster)
    command = next((word for word in words if not word.startswith("-")), "")
    if command in NO_DATABASE or "--help" in words or "-h" in words:
        return contextlib.nullcontext()
    return devpg.held(ROOT, cluster, durable=cluster == "pg")


def _settings(words: list[str]) -> str:
    """The settings module that Django will load: `--settings` before the environment."""
    for index, word in enumerate(words):
        if word.startswith("--settings="):
            return word.partition("=")[2]
        if word == "--settings" and index + 1 < len(words):
            return words[index + 1]
    return os.environ["DJANGO_SETTINGS_MODULE"]


if __name__ == "__main__":
    main()
