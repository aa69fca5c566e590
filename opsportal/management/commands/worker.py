"""`manage.py worker`: the engine and the django-q2 cluster, each watched and restarted."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = (
        "Runs the engine (alert path) and the django-q2 cluster (scheduled work) under one "
        "supervisor that restarts what dies or hangs. Stop it with SIGTERM to this process alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", choices=["engine"], help="run just the engine, unsupervised")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["only"] == "engine":
            from opsportal.engine import Engine

            Engine().run()
            return
        from opsportal.watchdog import Watchdog

        Watchdog().run()
