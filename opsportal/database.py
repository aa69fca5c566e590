"""Connections beside Django's own: the intake pool and the engine's LISTEN."""

from __future__ import annotations

from django.db import connection
from psycopg.conninfo import make_conninfo

# What says where the server is, who we are, and how it is trusted; the rest is Django's own.
_KEPT = {"dbname", "user", "password", "host", "port"}


def conninfo() -> str:
    """The connection string of Django's default database, TLS parameters included."""
    params = connection.get_connection_params()
    kept = {k: v for k, v in params.items() if k in _KEPT or k.startswith("ssl")}
    return make_conninfo(**{k: v for k, v in kept.items() if v not in {None, ""}})
