"""The supervisor behind `manage.py worker`.

django-q2 can hang for good when a worker that holds the queue's lock is killed, so the proof of
life is a task that went through: a canary every few seconds. A child whose heartbeat is too old
is killed with its group and started anew; SIGTERM goes to the parents of children only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import Error, close_old_connections, connection

from apps.core import clock, heartbeats, jobs
from opsportal import health
from opsportal.runner import end_with_parent

log = structlog.get_logger("opsportal.watchdog")
CANARY_EVERY = 15.0
CANARY_LATE = timedelta(seconds=75)
GRACE = 60.0  # seconds that a fresh child has until its heartbeat counts
STOP_WITHIN = 25.0


@dataclass
class Child:
    """One supervised process in a session of its own."""

    name: str
    arguments: list[str]
    heartbeat: str
    late_after: timedelta
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    not_before: float = 0.0
    told: bool = True  # so that an alert which an earlier watchdog raised is cleared

    def start(self) -> None:
        # A session of its own, so that a signal to our group does not reach the cluster's; and it
        # ends with us even when we are killed, so that no orphan works beside its successor.
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            self.arguments,
            # A pool that was handed down would be forked: two workers on one connection, whose
            # answers get mixed up until the cluster hangs.
            env={**os.environ, "DB_POOL": "0"},
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        self.started = time.monotonic()
        log.info("started", child=self.name, pid=self.process.pid)

    def died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def kill_group(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def again_later(self) -> None:
        """Back off from a child that keeps dying: 0.5 s, 1 s, 2 s … 30 s."""
        lived = time.monotonic() - self.started
        self.failures = 0 if lived > 60 else self.failures + 1
        self.not_before = time.monotonic() + min(30.0, 0.25 * 2**self.failures)
        self.process = None


class Watchdog:
    def __init__(self) -> None:
        manage = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]
        engine_late = timedelta(seconds=settings.ENGINE_LATE_AFTER_SECONDS * 2)
        self.children = [
            Child(
                "engine", [*manage, "worker", "--only", "engine"], heartbeats.ENGINE, engine_late
            ),
            Child("cluster", [*manage, "qcluster"], heartbeats.CLUSTER, CANARY_LATE),
        ]
        self.stop = threading.Event()
        self._canary_at = 0.0

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop.set())
        for child in self.children:
            child.start()
        while not self.stop.wait(0.5):
            for child in self.children:
                self._look_after(child)
            self._ask_for_canary()
        self._stop_all()

    def _look_after(self, child: Child) -> None:
        if child.process is None:
            if time.monotonic() >= child.not_before:
                child.start()
            return
        if child.died():
            log.error("died", child=child.name, code=child.process.returncode)
            self._is_late(child)  # one that keeps dying is told like one that hangs
            child.kill_group()
            child.again_later()
        elif time.monotonic() - child.started >= GRACE and self._is_late(child):
            log.error("hangs", child=child.name)
            child.kill_group()
            child.again_later()

    def _is_late(self, child: Child) -> bool:
        """Too old a sign of life, which is told; a database that is away is nobody's fault."""
        try:
            close_old_connections()
            now = clock.db_now()
            age = heartbeats.age(child.heartbeat, now=now)
            late = age is None or age > child.late_after
            if late and not child.told:
                health.tell(what=child.name, age=age, now=now)
            elif not late and child.told:
                health.all_clear(what=child.name, now=now)
            child.told = late
            return late
        except Error:
            connection.close()
            child.started = time.monotonic()  # the grace begins again when it is back
            return False

    def _ask_for_canary(self) -> None:
        if time.monotonic() - self._canary_at < CANARY_EVERY:
            return
        self._canary_at = time.monotonic()
        try:
            from django_q.models import OrmQ

            if OrmQ.objects.count() < 1000:
                jobs.enqueue("opsportal.tasks.canary")
        except Error as error:
            log.error("database away", error=type(error).__name__)
            connection.close()

    def _stop_all(self) -> None:
        """In order, each by its own parent: a signal to a whole group would hang the cluster."""
        for child in self.children:
            if child.process is not None and not child.died():
                child.process.terminate()
        deadline = time.monotonic() + STOP_WITHIN
        for child in self.children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("did not stop in time", child=child.name)
                child.kill_group()
        log.info("stopped")
