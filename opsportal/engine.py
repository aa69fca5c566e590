"""The alert path's engine: woken by NOTIFY, with polling as the truth.

Three lanes, each with its own thread and connection, so that a slow mail server never holds up an
escalation. Every claim is SKIP LOCKED: any number of engines may run. Time is the database's,
read once a pass and handed down.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from apps.core import clock, heartbeats
from apps.notifications.services import sender
from opsportal.database import conninfo

log = structlog.get_logger("opsportal.engine")
POLL = 1.0  # seconds: what a lost wake-up costs at most
SENDERS = 8


class Step:
    """One lane's work: `run(now=…, limit=…)` answers how much it did."""

    def __init__(self, name: str, run: Callable[..., int], limit: int = 50) -> None:
        self.name, self.run, self.limit = name, run, limit


@dataclass
class Lane:
    """A step in a thread: runs while there is work, then sleeps until woken or polled."""

    step: Step
    follows: list[Lane] = field(default_factory=list)
    wake: threading.Event = field(default_factory=threading.Event)
    last_pass: datetime | None = None

    def loop(self, stop: threading.Event, beat: Callable[[datetime], None]) -> None:
        while not stop.is_set():
            self.wake.clear()
            done = self._pass(beat)
            for lane in self.follows if done else ():
                lane.wake.set()
            if not done:
                self.wake.wait(POLL)
        connection.close()

    def _pass(self, beat: Callable[[datetime], None]) -> int:
        try:
            close_old_connections()
            now = clock.db_now()
            done = self.step.run(now=now, limit=self.step.limit)
            self.last_pass = now
            beat(now)
            return done
        except (OperationalError, InterfaceError) as error:
            log.error("database away", lane=self.step.name, error=str(error)[:200])
            connection.close()
        except Exception:
            log.exception("lane failed", lane=self.step.name)
        time.sleep(POLL)
        return 0


class Senders:
    """Claims what is due and sends it on a small pool; as much as there are free hands."""

    def __init__(self, hands: int = SENDERS) -> None:
        self._pool = ThreadPoolExecutor(hands, thread_name_prefix="sender")
        self._hands = hands
        self._busy = 0
        self._lock = threading.Lock()
        self.freed: Callable[[], None] = lambda: None  # told when a hand is free again

    def run(self, *, now: datetime, limit: int) -> int:
        with self._lock:
            room = self._hands - self._busy
        if room <= 0:
            return 0  # a freed hand wakes the lane
        parcels = sender.claim(now=now, limit=min(limit, room))
        for parcel in parcels:
            with self._lock:
                self._busy += 1
            self._pool.submit(self._send, parcel)
        return len(parcels)

    def _send(self, parcel: sender.Parcel) -> None:
        try:
            close_old_connections()
            sender.send(parcel, clock.db_now)
        except Exception:
            log.exception("send failed", message=parcel.carrier.pk)
            connection.close()
        finally:
            with self._lock:
                self._busy -= 1
            self.freed()

    def close(self) -> None:
        self._pool.shutdown(wait=True)


class Engine:
    """All lanes, the listener, the heartbeat; `run` returns after SIGTERM or SIGINT."""

    def __init__(self) -> None:
        from opsportal.wiring import engine_steps

        self.stop = threading.Event()
        self.senders = Senders()
        steps = [*engine_steps(), Step("messages", self.senders.run, limit=SENDERS)]
        self.lanes = [Lane(step) for step in steps]
        for lane, following in zip(self.lanes, self.lanes[1:], strict=False):
            lane.follows.append(following)
        self.senders.freed = self.lanes[-1].wake.set
        self._beaten = 0.0

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop.set())
        threads = [
            threading.Thread(target=lane.loop, args=(self.stop, self._beat), name=lane.step.name)
            for lane in self.lanes
        ]
        listener = threading.Thread(target=self._listen, name="listener", daemon=True)
        for thread in [*threads, listener]:
            thread.start()
        log.info("engine started", pid=os.getpid(), lanes=[lane.step.name for lane in self.lanes])
        while not self.stop.wait(0.5):
            pass
        for lane in self.lanes:
            lane.wake.set()
        for thread in threads:
            thread.join(timeout=20)
        self.senders.close()
        log.info("engine stopped")

    def _beat(self, now: datetime) -> None:
        """At most one row write a second; it stops when a lane hangs."""
        if time.monotonic() - self._beaten < 1:
            return
        passes = [lane.last_pass for lane in self.lanes if lane.last_pass is not None]
        late = timedelta(seconds=settings.ENGINE_LATE_AFTER_SECONDS)
        if len(passes) == len(self.lanes) and now - min(passes) < late:
            self._beaten = time.monotonic()
            heartbeats.beat(heartbeats.ENGINE, now=now, pid=os.getpid())

    def _listen(self) -> None:
        """Wake the lanes on NOTIFY; whatever goes wrong here costs a poll, never an alert."""
        from apps.intake.store import WAKE

        while not self.stop.is_set():
            try:
                with psycopg.connect(conninfo(), autocommit=True, connect_timeout=3) as link:
                    link.execute(f"LISTEN {WAKE}")
                    for _ in self._notices(link):
                        for lane in self.lanes:
                            lane.wake.set()
            except (psycopg.Error, OSError):
                self.stop.wait(POLL)

    def _notices(self, link: psycopg.Connection[tuple[object, ...]]) -> Iterable[object]:
        while not self.stop.is_set():
            yield from link.notifies(timeout=1.0, stop_after=1)


def run_once(*, now: datetime, rounds: int = 20) -> int:
    """Everything that is due, here and now: for tests, and for the watch that stands in."""
    from opsportal.wiring import engine_steps

    total = 0
    for _ in range(rounds):
        done = sum(step.run(now=now, limit=step.limit) for step in engine_steps())
        done += sender.send_due(now=now)
        total += done
        if not done:
            break
    return total
