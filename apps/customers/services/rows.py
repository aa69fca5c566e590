"""What every save of a customer's rows does: clean texts, lock, check, write, refuse in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from apps.core.audit import Actor
from apps.core.errors import Conflict
from apps.customers.models import Account, Connection, Contact, Org, Project, Source

Fields = Mapping[str, Any]
Row = TypeVar("Row", Account, Org, Project, Source, Connection, Contact)
EDITABLE: Mapping[type[models.Model], frozenset[str]] = {
    Account: frozenset({"key", "name", "tier", "owner", "domain", "note"}),
    Org: frozenset({"key", "name", "account", "external_id"}),
    Project: frozenset({"key", "name", "org", "repository_url"}),
    Source: frozenset({"key", "name", "project", "warehouse_type", "size"}),
    Connection: frozenset({"key", "name", "source", "connector", "cadence_seconds"}),
    Contact: frozenset({"email", "name", "account", "org", "phone", "time_zone", "note"}),
}
RESERVED = frozenset({"new", "import", "contacts"})  # words of addresses, never a key


def clean(fields: Fields) -> dict[str, Any]:
    """Texts without the blanks around them; keys and domains in lower case."""
    given = {name: value.strip() if isinstance(value, str) else value
             for name, value in fields.items()}  # fmt: skip
    if "key" in given:
        given["key"] = given["key"].lower()
    return given


def locked(table: type[Row], row: Row | None) -> Row:
    if row is None:
        return table()
    rows: models.QuerySet[Row] = table._default_manager.select_for_update()
    return rows.get(pk=row.pk)


def refuse_taken(table: type[Row], before: Row | None, column: str, value: str) -> None:
    rows = table._default_manager.filter(**{column: value})
    other = rows.exclude(pk=before.pk if before else None).first()
    if other is not None:
        why = f"{value} already belongs to {other}."
        raise Conflict(why, code=f"{column}_taken", fields={column: [why]})


def save(table: type[Row], before: Row | None, fields: Fields, now: datetime) -> Row:
    unknown = sorted(set(fields) - EDITABLE[table] - {"paused_at"})
    assert not unknown, unknown
    row = locked(table, before)
    for name, value in fields.items():
        setattr(row, name, value)
    if before is None:
        row.created_at = now
        if not isinstance(row, Contact) and not row.key:
            row.key = _free_key(row)
    row.full_clean()
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict("Somebody else saved the same just now. Look again.") from error
    return row


def _free_key(row: Account | Org | Project | Source | Connection) -> str:
    """A key from the name that nobody beside it has yet: bramble-foods, bramble-foods-2, …"""
    plain = unicodedata.normalize("NFKD", row.name).encode("ascii", "ignore").decode().lower()
    word = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-")
    base = word or type(row).__name__.lower()
    beside = type(row)._default_manager.filter(key__startswith=base)
    if isinstance(row, Project):
        beside = beside.filter(org_id=row.org_id)
    if isinstance(row, Source):
        beside = beside.filter(project_id=row.project_id)
    taken = {*beside.values_list("key", flat=True), *RESERVED}
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def archive(*, row: Row, actor: Actor, now: datetime) -> Row:
    """Take an org, project, source, connection or contact out of the lists."""
    row.archived_at = now
    row.save(update_fields=["archived_at"])
    return row


def bring_back(*, row: Row, actor: Actor, now: datetime) -> Row:
    row.archived_at = None
    row.save(update_fields=["archived_at"])
    return row
