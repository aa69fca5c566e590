"""A world whose clock the test moves: the engine runs at every instant at which something is due.

Messages go to a recorder instead of a mail server; a test that does not expect one fails at its
end, so nothing is ever sent unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any
from zoneinfo import ZoneInfo

import time_machine

from apps.accounts.models import Person
from apps.notifications import channels
from apps.notifications.channels.base import Outgoing, Result, failed, sent
from apps.notifications.models import Message
from apps.paging.models import Page
from apps.rotations import services as rotations
from opsportal import engine

START = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)  # a Monday, 08:00 in Berlin


@dataclass
class Sent:
    """One message that left: where to, and what it said."""

    address: str
    outgoing: Outgoing
    at: datetime

    @property
    def subject(self) -> str:
        return self.outgoing.subject

    @property
    def text(self) -> str:
        return self.outgoing.text


@dataclass
class Recorder:
    """Stands where a channel stands; `down` makes it fail as a dead server would."""

    inner: Any
    world: World
    down: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def send(self, outgoing: Outgoing) -> Result:
        if self.down:
            return failed("unreachable", "No connection to the server.")
        self.world.sent.append(Sent(outgoing.address, outgoing, self.world.now))
        return sent()


@dataclass
class World:
    now: datetime = START
    sent: list[Sent] = field(default_factory=list)
    _travel: time_machine.travel | None = None
    _kept: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> World:
        self._kept = dict(channels.CHANNELS)
        for kind, channel in self._kept.items():
            channels.CHANNELS[kind] = Recorder(channel, self)
        self._set(self.now)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        channels.CHANNELS.update(self._kept)
        if self._travel:
            self._travel.stop()
        if kind is None:
            self.expect_nothing()

    def _set(self, instant: datetime) -> None:
        if self._travel:
            self._travel.stop()
        self.now = instant.astimezone(UTC)
        self._travel = time_machine.travel(self.now, tick=False)
        self._travel.start()

    def at(self, local: str, tz: str = "UTC") -> World:
        """Jump to a wall-clock time without running anything."""
        self._set(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(tz)))
        return self

    def channel(self, kind: str) -> Recorder:
        recorder: Recorder = channels.CHANNELS[kind]  # type: ignore[assignment]
        return recorder

    def run(self) -> World:
        """Everything that is due at this instant."""
        engine.run_once(now=self.now)
        return self

    def advance(self, *, minutes: float = 0, hours: float = 0, days: float = 0) -> World:
        """Let time pass: the engine runs now, at each due instant on the way, and at the end."""
        end = self.now + timedelta(minutes=minutes, hours=hours, days=days)
        self.run()
        while (due := self._next_due(end)) is not None:
            self._set(due)
            self.run()
        self._set(end)
        return self.run()

    def _next_due(self, end: datetime) -> datetime | None:
        pages = Page.objects.filter(status="open", next_at__gt=self.now, next_at__lte=end)
        waiting = Message.objects.filter(
            status="pending", not_before__gt=self.now, not_before__lte=end
        )
        found = [
            *pages.order_by("next_at").values_list("next_at", flat=True)[:1],
            *waiting.order_by("not_before").values_list("not_before", flat=True)[:1],
        ]
        return min(found, default=None)

    def handoffs(self) -> int:
        """The handoff job, as django-q2 runs it every minute, and the mail it writes."""
        told = rotations.tell_handoffs(now=self.now)
        self.run()
        return told

    def expect_page(self, *, to: Person, containing: str = "") -> Sent:
        """The oldest unread message to somebody; it must hold `containing` in subject or text."""
        for message in self.sent:
            if message.address == to.email or to.email in message.address:
                whole = f"{message.subject}\n{message.text}"
                assert containing in whole, f"{containing!r} is not in:\n{whole}"
                self.sent.remove(message)
                return message
        raise AssertionError(
            f"nothing was sent to {to.name}; unread: {[(m.address, m.subject) for m in self.sent]}"
        )

    expect_message = expect_page

    def expect_nothing(self) -> None:
        """Nothing unread is left."""
        assert not self.sent, f"unexpected: {[(m.address, m.subject) for m in self.sent]}"

    def forget(self) -> None:
        """Messages that this test does not look at."""
        self.sent.clear()
