"""The tests' databases are copies of one that is migrated once for each set of migrations.

Migrating takes half a minute, since Django renders the models anew at every step; a copy takes half
a second. The name of the template holds a digest of all that decides what a migrated database
looks like; two test processes that need it at once wait for each other.

`python -m tests.template` makes it beforehand.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "opsportal_template_"
_LOCK = 0x4F50_7E57
_DECIDING = ("django", "django-pghistory", "django-pgtrigger", "django-q2", "django-allauth")


def fingerprint() -> str:
    """Of all migrations, of what runs after them, and of the packages that bring their own."""
    digest = hashlib.sha256()
    files = [*ROOT.glob("apps/*/migrations/*.py"), *ROOT.glob("apps/*/seeds*.py")]
    files += [ROOT / "opsportal" / name for name in ("schedules.py", "upgrade.py", "apps.py")]
    for path in sorted(files):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    for name in _DECIDING:
        digest.update(f"{name} {version(name)}".encode())
    return digest.hexdigest()[:16]


def make(url: str) -> str:
    """The template's name on the server of `url`; migrated now unless it stands."""
    with _server(url) as server:
        return _make(server, url)


def copy(url: str, name: str) -> None:
    """Make the database `name` a fresh copy, unless it is one of this template already."""
    with _server(url) as server:
        template = _make(server, url)
        if _made_of(server, name) == template:
            return
        quoted = sql.Identifier(name)
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted))
        source = sql.Identifier(template)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(quoted, source))
        server.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(quoted, sql.Literal(template))
        )


def _made_of(server: psycopg.Connection, name: str) -> str | None:
    found = server.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
    ).fetchone()
    return found[0] if found else None


@contextmanager
def _server(url: str) -> Iterator[psycopg.Connection]:
    """The maintenance database, held so that one process at a time makes or copies."""
    with psycopg.connect(_at(url, "postgres"), autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        yield server


def _make(server: psycopg.Connection, url: str) -> str:
    name = PREFIX + fingerprint()
    known = server.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX]
    ).fetchall()
    if (name,) in known:
        return name
    for (old,) in known:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(old)))
    draft = sql.Identifier(f"{name}_draft")
    server.execute(sql.SQL("CREATE DATABASE {}").format(draft))
    environment = {
        **os.environ,
        "DATABASE_URL": _at(url, f"{name}_draft"),
        "DJANGO_SETTINGS_MODULE": "opsportal.settings.test",
    }
    migrate = [sys.executable, "-W", "ignore", "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
    server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(draft, sql.Identifier(name)))
    return name


def _at(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


if __name__ == "__main__":
    print(make(os.environ["DATABASE_URL"]))
