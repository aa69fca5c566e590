"""One supervisor for a few child processes: start, wait until ready, restart, stop in order.

It knows nothing of Django; `manage.py run` says what the children are. Each child gets a session
of its own, so that Ctrl-C in the terminal reaches only the supervisor, which then ends them one
after the other. The clean end is asked of the child alone, never of its group: a django-q2 cluster
whose workers are signaled beside their parent hangs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

FIRST_PAUSE = 0.5  # seconds before the first restart of a child; doubles with every quick death
LONGEST_PAUSE = 30.0
LONG_LIFE = 60.0  # seconds; a child that lived longer starts again with the first pause
CHECK_EVERY = 2.0  # seconds between looks at what sends no signal (`tend`)
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Child:
    """A program to keep running: where it differs, its environment and its time for a clean end."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_within: float = 10.0  # seconds; after that its whole group is killed
    needed_for_ready: bool = False  # its end before everything is ready ends everything


@dataclass(frozen=True)
class Plan:
    """What a supervisor does: the children in the order of their stop, and its four hooks."""

    children: Sequence[Child]
    folder: Path
    is_ready: Callable[[], bool]
    announce: Callable[[], None]
    tend: Callable[[], None] = lambda: None  # looks after what is not a child (the database)
    ready_within: float = 60.0  # seconds


def run(plan: Plan, say: Say) -> int:
    """Runs the plan until a stop signal; the exit code is 0 then, 1 when it never got ready."""
    with _Signals() as signals:
        running = [_Running(child, plan.folder, say) for child in plan.children]
        try:
            for one in running:
                one.start()
            if not _become_ready(plan, running, signals, say):
                return 0 if signals.asked else 1
            plan.announce()
            _watch(plan, running, signals)
            return 0
        finally:
            for one in running:
                one.stop(signals)


def _become_ready(plan: Plan, running: list[_Running], signals: _Signals, say: Say) -> bool:
    deadline = time.monotonic() + plan.ready_within
    while not signals.asked:
        for one in running:
            if one.ended() and one.child.needed_for_ready:
                say(f"{one.child.name} could not start ({one.how_it_ended()}).")
                return False
            one.restart_when_due()
        if plan.is_ready():
            return True
        if time.monotonic() > deadline:
            say(f"Not ready after {plan.ready_within:.0f} s; giving up.")
            return False
        signals.wait(0.05)
    return False


def _watch(plan: Plan, running: list[_Running], signals: _Signals) -> None:
    while not signals.asked:
        for one in running:
            one.restart_when_due()
        plan.tend()
        pauses = [one.due - time.monotonic() for one in running if one.due]
        signals.wait(max(0.0, min([*pauses, CHECK_EVERY])))


class _Running:
    """A child and its present process, if any."""

    def __init__(self, child: Child, folder: Path, say: Say) -> None:
        self.child = child
        self.due: float | None = None  # when to start again; None while it runs
        self._folder = folder
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._since = 0.0
        self._pause = FIRST_PAUSE

    def start(self) -> None:
        self.due, self._since = None, time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - the commands are written in run.py
            list(self.child.command),
            cwd=self._folder,
            env={**os.environ, **self.child.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )

    def ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def how_it_ended(self) -> str:
        code = self._process.returncode if self._process else None
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def restart_when_due(self) -> None:
        """Notices an end, once, and starts the child again after its pause."""
        if not self.ended():
            return
        now = time.monotonic()
        if self.due is None:
            if now - self._since > LONG_LIFE:
                self._pause = FIRST_PAUSE
            self._say(f"{self.child.name} ended ({self.how_it_ended()}), again in {self._pause} s")
            self._kill_group()  # what it left behind would work beside its successor
            self.due, self._pause = now + self._pause, min(self._pause * 2, LONGEST_PAUSE)
        elif now >= self.due:
            self.start()

    def stop(self, signals: _Signals) -> None:
        """Asks the child to end; kills its group when it takes too long or the user insists."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
        deadline = time.monotonic() + self.child.stop_within
        while self._process.poll() is None and time.monotonic() < deadline and not signals.insisted:
            signals.wait(0.1)
        if self._process.poll() is None:
            self._say(f"{self.child.name} does not end by itself; killing it")
        self._kill_group()
        self._process.wait()

    def _kill_group(self) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


class _Signals:
    """Stop signals as a count, and a wait that any signal (a child's end too) cuts short."""

    def __init__(self) -> None:
        self._count = 0

    def __enter__(self) -> _Signals:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        os.set_blocking(self._reader, False)
        self._old_wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._old = {one: signal.signal(one, self._stop) for one in STOP_SIGNALS}
        self._old[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        for one, handler in self._old.items():
            signal.signal(one, handler)
        signal.set_wakeup_fd(self._old_wakeup)
        os.close(self._reader)
        os.close(self._writer)

    @property
    def asked(self) -> bool:
        return self._count > 0

    @property
    def insisted(self) -> bool:
        return self._count > 1

    def wait(self, seconds: float) -> None:
        ready, _, _ = select.select([self._reader], [], [], seconds)
        if ready:
            os.read(self._reader, 4096)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._count += 1


def end_with_parent() -> None:
    """Runs in the new child: the kernel ends it (SIGTERM) when the supervisor is killed (Linux)."""
    if _LIBC:
        _LIBC.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork
