"""Where a cluster keeps its files, which account it runs as, and the locks around it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from opsportal.devpg.binaries import Account, DevpgError, can_reach

USER = DATABASE = "opsportal"
PORT = 5432  # only part of the socket's file name
LONGEST_SOCKET = 103  # bytes of a socket's path that every system takes (Linux 107, macOS 103)
HIDDEN_HOME = Path("/var/lib/opsportal-dev")  # for root's checkouts that no other account can enter


@dataclass(frozen=True)
class Place:
    """Where one cluster keeps its files, and the account that it runs as (None: our own)."""

    base: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    @property
    def log(self) -> Path:
        return self.base / "postgres.log"

    @property
    def pinned(self) -> Path:
        """Exists while somebody asked for the cluster to stay up (`devpg start`)."""
        return self.base / "pinned"

    @property
    def sockets(self) -> Path:
        """The socket's folder; a short temporary one when the natural path is long or odd."""
        natural = self.base / "sock"
        path = f"{natural}/.s.PGSQL.{PORT}"
        if len(path.encode()) <= LONGEST_SOCKET and re.fullmatch(r"[\w/.@+-]+", path, re.ASCII):
            return natural
        return Path(f"/tmp/opsportal-{_digest(self.base)}")  # noqa: S108 - made 0700, owner checked

    @property
    def socket(self) -> Path:
        return self.sockets / f".s.PGSQL.{PORT}"

    @property
    def url(self) -> str:
        return f"postgres://{USER}@{quote(str(self.sockets), safe='')}:{PORT}/{DATABASE}"


def find(root: Path, name: str) -> Place:
    """The place of cluster `name` of the checkout `root`, the same on every call.

    As root the server drops to the owner of existing data, else to the owner of the checkout, else
    to `postgres` or `nobody`; a checkout that this account cannot enter keeps its data elsewhere.
    """
    root = root.resolve()
    local = root / ".data" / name
    if os.geteuid() != 0:
        return Place(local, None)
    hidden = HIDDEN_HOME / _digest(root) / name
    for base in (local, hidden):
        if owner := _owner(base / "data"):
            return Place(base, owner)
    account = _owner(root, known=True) or _service_account()
    return Place(local if can_reach(root, account) else hidden, account)


def prepare(place: Place) -> None:
    """Makes the cluster's folder and the socket's, private to the account of the server."""
    _make_parents(place)
    wanted = place.account.uid if place.account else os.geteuid()
    for folder in (place.base, place.sockets):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if place.account:
                os.chown(folder, place.account.uid, place.account.gid)
        info = folder.lstat()
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != wanted:
            raise DevpgError(foreign(folder))
        folder.chmod(0o700)


@contextlib.contextmanager
def locked(place: Place, kind: str, how: int = fcntl.LOCK_EX) -> Iterator[IO[str]]:
    """Holds the cluster's lock file `kind`, waiting for others; it lies beside the folder."""
    _make_parents(place)
    path = place.base.with_name(f"{place.base.name}.{kind}")
    try:
        handle = path.open("a")
    except PermissionError as error:
        raise DevpgError(foreign(path)) from error
    with handle:
        if place.account and os.fstat(handle.fileno()).st_uid == 0:
            os.fchown(handle.fileno(), place.account.uid, place.account.gid)
        fcntl.flock(handle, how)
        yield handle


def alone(users: IO[str]) -> bool:
    """Whether nobody else shares this lock; makes it exclusive if so."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def foreign(path: Path) -> str:
    """What to say of a file that another account made."""
    return (
        f"{path} belongs to user {path.lstat().st_uid}: another account made this cluster."
        " Run as that account (or as root), or remove the folder to start with an empty database."
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def _owner(path: Path, known: bool = False) -> Account | None:
    """The owner of `path` unless that is root; `known` wants an account that the system names."""
    try:
        info = path.stat()
    except OSError:
        return None
    if info.st_uid == 0:
        return None
    try:
        return Account(info.st_uid, info.st_gid, pwd.getpwuid(info.st_uid).pw_name)
    except KeyError:
        return None if known else Account(info.st_uid, info.st_gid, f"user {info.st_uid}")


def _service_account() -> Account:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid, name)
    raise DevpgError(
        "PostgreSQL refuses to run as root, and there is no account `postgres` or `nobody` to run"
        " it as. Start as an ordinary user, or set DATABASE_URL."
    )


def _make_parents(place: Place) -> None:
    parent = place.base.parent
    try:
        if not parent.exists():
            parent.mkdir(parents=True, exist_ok=True)
            _give_to_owner_of_checkout(parent, place.account)
    except PermissionError as error:
        raise DevpgError(f"{parent} cannot be made: you may not write there.") from error
    if place.account:  # the server must get through, whatever our umask
        for folder in (parent, *([parent.parent] if parent.parent == HIDDEN_HOME else [])):
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)


def _give_to_owner_of_checkout(folder: Path, account: Account | None) -> None:
    """After `sudo make run` in one's own checkout the data folder is still one's own."""
    if account and folder.parent.stat().st_uid == account.uid:
        os.chown(folder, account.uid, account.gid)
