"""The public status page in memory: built once, served to everybody.

At most once in three seconds one thread asks the database whether anything has changed, by one
query, and builds the page anew only then; all others go on with the one that stands. So a crowd
costs the database nothing, and when the database is away the last page stays up.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import DatabaseError, InterfaceError

from apps.core import clock
from apps.incidents.selectors import status
from apps.incidents.statuspage import OPERATIONAL, Page, tick

log = structlog.get_logger("opsportal.status")
EVERY = 3.0  # seconds between two looks
WORTH_PACKING = 1024  # bytes
MOST_READY = 20  # addresses that a new page has ready from the start


@dataclass(frozen=True)
class Rendered:
    """The bytes of one address, as they are and packed, and their mark."""

    body: bytes = field(repr=False)
    packed: bytes | None = field(repr=False)
    etag: str
    content_type: str


Make = Callable[[Page], str | None]


@dataclass
class Shown:
    """A page of one moment, and what has been rendered of it so far.

    `asked` remembers, for what was asked of it, how that is made: the next one has it ready before
    it takes this one's place, so that nobody waits for it.
    """

    page: Page
    version: str
    rendered: dict[str, Rendered] = field(default_factory=dict)
    asked: dict[str, tuple[str, Make]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_stale(self, version: str, now: datetime) -> bool:
        """Whether something changed, or time alone makes it look different."""
        moving = self.page.state != OPERATIONAL
        then = tick(self.page.built_at, moving=moving)
        return version != self.version or tick(now, moving=moving) != then

    def get(self, key: str, content_type: str, make: Make) -> Rendered | None:
        """What stands at `key`, None where there is nothing; made once, by one thread, however
        many ask for it."""
        self.asked.pop(key, None)
        self.asked[key] = (content_type, make)  # the newest stand last
        found = self.rendered.get(key)
        if found is not None:
            return found
        with self.lock:
            if key not in self.rendered and (text := make(self.page)) is not None:
                self.rendered[key] = render(text, content_type)
            return self.rendered.get(key)

    def make_ready(self, before: Shown) -> None:
        """Render what was last asked of the page before."""
        for key, (content_type, make) in list(before.asked.items())[-MOST_READY:]:
            text = make(self.page)
            if text is not None:
                self.rendered[key] = render(text, content_type)


def render(text: str, content_type: str) -> Rendered:
    body = text.encode()
    packed = gzip.compress(body, 6, mtime=0) if len(body) > WORTH_PACKING else None
    return Rendered(body, packed, f'"{hashlib.sha256(body).hexdigest()[:24]}"', content_type)


class Board:
    """Keeps the one `Shown` of this process fresh."""

    def __init__(self, every: float = EVERY) -> None:
        self._every = every
        self._shown: Shown | None = None
        self._looked_at = 0.0  # monotonic
        self._one = threading.Lock()

    def current(self) -> Shown:
        """The page, at most `every` seconds old where the database answers.

        Raises what the database raises only while there is no page at all.
        """
        shown = self._shown
        if shown is not None and time.monotonic() - self._looked_at < self._every:
            return shown
        if shown is None:
            with self._one:  # the first ones wait for it together
                return self._shown or self._build()
        if self._one.acquire(blocking=False):
            try:
                return self._look(shown)
            finally:
                self._one.release()
        return shown

    def forget(self) -> None:
        """Begin anew, for tests and after a fork."""
        with self._one:
            self._shown = None

    def _look(self, shown: Shown) -> Shown:
        if time.monotonic() - self._looked_at < self._every:
            return self._shown or shown  # somebody looked while this thread came here
        now = clock.now()
        try:
            if shown.is_stale(status.version(), now):
                return self._build()
        except (DatabaseError, InterfaceError) as error:
            log.warning("status page stays as it was", error=type(error).__name__)
        self._looked_at = time.monotonic()
        return shown

    def _build(self) -> Shown:
        # The version first: what comes in between makes the next look build once more.
        now, version = clock.now(), status.version()
        shown = Shown(status.page(now), version)
        if self._shown is not None:
            shown.make_ready(self._shown)
        self._shown, self._looked_at = shown, time.monotonic()
        return shown


board = Board()
