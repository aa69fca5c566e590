"""`manage.py run` (`make run`): the whole product on one machine, with one command."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections

from apps.core import clock
from apps.core.models import Heartbeat
from opsportal import devpg, devtls, runner, serving

NO = {"0", "no", "off", "false"}


class Command(BaseCommand):
    """Checks, migrates, loads the demo world on the first start, then serves until Ctrl-C."""

    help = __doc__
    requires_system_checks = []  # run below, after the quick answers to a taken address

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        env = os.environ.get
        parser.add_argument("--host", default=env("HOST") or "127.0.0.1", help="or HOST=")
        parser.add_argument("--port", default=env("PORT") or "8000", help="or PORT=")
        parser.add_argument(
            "--tls",
            action="store_true",
            default=(env("TLS") or "0").lower() not in NO,
            help="https with a certificate made for this machine (or TLS=1)",
        )
        parser.add_argument(
            "--no-demo",
            dest="demo",
            action="store_false",
            default=(env("DEMO") or "1").lower() not in NO,
            help="start empty, at the first-run page (or DEMO=0)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the supervisor takes over
        try:
            address = serving.parse(options["host"], options["port"], options["tls"])
            with serving.only_one(settings.DATA_DIR, address):
                serving.check_free(address)
                self._prepare(address, demo=options["demo"])
                sys.exit(runner.run(self._plan(address), self._log))
        except serving.CannotServe as reason:
            raise CommandError(str(reason)) from None
        except KeyboardInterrupt:
            sys.exit(130)

    def _prepare(self, address: serving.Address, *, demo: bool) -> None:
        """Brings the database up to date, in this process: Django loads once, not three times."""
        self.check()
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {error}".strip()) from None
        fresh = not get_user_model().objects.exists() and not demo_was_here()
        if demo and fresh:
            self.stdout.write("First start: loading the demo world ...")
            self.stdout.flush()
            settings.DEFAULT_SITE_URL = address.url  # what links in the demo's messages begin with
            call_command("demo")

    def _plan(self, address: serving.Address) -> runner.Plan:
        certificate = self._certificate(address)
        announcement = self._announcement(address, certificate)
        connections.close_all()  # the supervisor itself needs none from here on
        return runner.Plan(
            children=children(address, certificate),
            folder=settings.BASE_DIR,
            is_ready=Readiness(address),
            announce=lambda: self._print(announcement),
            tend=self._tend_database,
        )

    def _certificate(self, address: serving.Address) -> devtls.Files | None:
        if not address.tls:
            return None
        return devtls.ensure(settings.DATA_DIR / "tls", address.reachable_host, clock.now())

    def _announcement(
        self, address: serving.Address, certificate: devtls.Files | None
    ) -> list[str]:
        """What stands on the terminal when all is up; the address is the very last line."""
        lines = [f"{role:<14} {email:<34} {password}" for role, email, password in _logins()]
        if lines:
            lines = ["", "Sign in as (demo people; nothing is sent outside):", *lines, ""]
            if not address.is_local:
                lines.append("Whoever reaches this machine can sign in so: make run DEMO=0")
        elif not get_user_model().objects.active().exists():
            lines = [f"first run: {address.url}/welcome/"]
        if certificate:
            lines.append(f"SSL_CERT_FILE={certificate.authority}")
        return [*lines, f"ready: {address.url}"]

    def _print(self, lines: list[str]) -> None:
        for line in lines:
            self.stdout.write(line)
        self.stdout.flush()

    def _log(self, line: str) -> None:
        self.stderr.write(f"run: {line}")
        self.stderr.flush()

    def _tend_database(self) -> None:
        """Starts the embedded PostgreSQL again when it is gone; not a server of one's own."""
        root = settings.BASE_DIR
        if os.environ.get("DATABASE_URL") != devpg.url(root) or devpg.is_running(root):
            return
        self._log("PostgreSQL ended; starting it again")
        try:
            devpg.ensure(root)
        except devpg.DevpgError as problem:
            self._log(str(problem))


class Readiness:
    """Ready when pages can go out (/readyz); or a while after the web answers, so that a slow or
    troubled engine does not hide the pages that show what is wrong with it."""

    PATIENCE = 1.5  # seconds

    def __init__(self, address: serving.Address) -> None:
        self.address = address
        self.answered_at: float | None = None

    def __call__(self) -> bool:
        if self.answered_at is None and serving.answers(self.address):
            self.answered_at = time.monotonic()
        if self.answered_at is None:
            return False
        late = time.monotonic() - self.answered_at > self.PATIENCE
        return late or serving.answers(self.address, "/readyz")


def demo_was_here() -> bool:
    """The demo world is loaded once: what was removed stays removed."""
    return Heartbeat.objects.filter(name="demo").exists()


def children(address: serving.Address, certificate: devtls.Files | None) -> list[runner.Child]:
    """The programs that make up the product, in the order in which they are to stop."""
    web = [sys.executable, "-m", "uvicorn", "opsportal.asgi:application", "--log-level", "warning"]
    web += ["--host", address.host, "--port", str(address.port), "--no-access-log"]
    web += ["--timeout-graceful-shutdown", "3", "--no-server-header"]
    web += ["--no-proxy-headers"]  # a sender must not choose its address; Django knows its proxies
    if certificate:
        web += ["--ssl-certfile", str(certificate.certificate)]
        web += ["--ssl-keyfile", str(certificate.key)]
    # HOST is an allowed host name; the site's address holds until somebody sets another one.
    shared = {"HOST": address.host, "OPSPORTAL_DEFAULT_SITE_URL": address.url}
    worker = [sys.executable, "manage.py", "worker"]
    return [
        runner.Child("web", web, shared, needed_for_ready=True),
        # The worker gives its own children 25 s for a clean end, so it gets a little longer.
        runner.Child("worker", worker, shared, stop_within=30.0),
    ]


def _logins() -> list[tuple[str, str, str]]:
    """The demo's logins that exist in this database; none once the demo data were removed."""
    from opsportal import demo

    people = get_user_model().objects.filter(is_active=True)
    known = set(people.values_list("email", flat=True))
    return [login for login in demo.logins() if login[1] in known]
