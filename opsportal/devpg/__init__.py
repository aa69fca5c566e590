"""A private PostgreSQL for development and tests, started on demand (standard library only).

The cluster lives in `.data/<name>` of the checkout and listens on a unix socket alone, so nothing
is installed, no port is taken, and it goes away with the folder. `python -m opsportal.devpg` is
the command line; production sets DATABASE_URL and never comes here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opsportal.devpg import place as places
from opsportal.devpg import server
from opsportal.devpg.binaries import DevpgError

__all__ = ["DevpgError", "Started", "ensure", "forget_client_settings", "held", "is_running"]
__all__ += ["stop", "url"]


@dataclass(frozen=True)
class Started:
    """A running cluster: its DATABASE_URL, whether this call started it, its major version."""

    url: str
    started_by_us: bool
    major: int


def url(root: Path, name: str = "pg") -> str:
    """The DATABASE_URL of the cluster `name` of the checkout `root`, running or not."""
    return places.find(root, name).url


def ensure(root: Path, name: str = "pg", durable: bool = True) -> Started:
    """Has the cluster running when it returns; safe to call from several processes at once.

    `durable=False` trades crash safety for speed and re-creates a cluster that it cannot use: for
    tests only. Raises DevpgError with what to do about it.
    """
    place = places.find(root, name)
    with places.locked(place, "lock"):
        ours = not server.settle(place)
        if ours:
            places.prepare(place)
            server.start(place, durable)
        return Started(place.url, ours, server.data_major(place) or 0)


def stop(root: Path, name: str = "pg") -> bool:
    """Stops the cluster; its clients are cut off. False when it was not running."""
    place = places.find(root, name)
    if not place.base.exists():
        return False
    with places.locked(place, "lock"):
        place.pinned.unlink(missing_ok=True)
        return server.shut_down(place)


def is_running(root: Path, name: str = "pg") -> bool:
    """Whether the cluster accepts connections now."""
    place = places.find(root, name)
    return server.state(place) == "ready" and server.accepts(place)


@contextlib.contextmanager
def held(root: Path, name: str = "pg", durable: bool = True) -> Iterator[Started]:
    """Keeps the cluster up for as long as the block runs; the last one out stops it.

    Users share a lock that the kernel drops when they die, so no count can go stale. A cluster
    from `devpg start` stays up until `devpg stop`.
    """
    place, owner = places.find(root, name), os.getpid()
    with places.locked(place, "users", fcntl.LOCK_SH) as users:
        try:
            yield ensure(root, name, durable)
        finally:
            forked = os.getpid() != owner
            if not forked and not place.pinned.exists() and places.alone(users):
                stop(root, name)


def forget_client_settings() -> None:
    """Drops `PG*` variables: PGPORT, PGOPTIONS or PGSERVICE would change where libpq connects."""
    for variable in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[variable]
