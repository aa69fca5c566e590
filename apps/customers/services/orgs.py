"""What a customer has of the product: orgs, projects, sources, connections."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction

from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.customers.cadence import LEAST, MOST
from apps.customers.models import Connection, Contact, Org, Project, Source
from apps.customers.services.rows import Fields, clean, locked, save

Named = TypeVar("Named", Project, Source)


@transaction.atomic
def save_org(*, org: Org | None, fields: Fields, actor: Actor, now: datetime) -> Org:
    """Create or change an org. Its contacts move along when it goes to another account."""
    given = clean(fields)
    row = save(Org, org, given, now)
    if org is not None and "account" in given:
        Contact.objects.filter(org=row).exclude(account=row.account).update(account=row.account)
    return row


@transaction.atomic
def import_org(
    *, external_id: str, fields: Fields, actor: Actor, now: datetime
) -> tuple[Org, bool]:
    """The org that a tool knows under `external_id`, and whether it is new.

    One that exists takes what `fields` names, so that an importer may say the same twice.
    """
    external_id = external_id.strip()
    if not external_id:
        raise Invalid("An external id is needed.", fields={"external_id": ["It is empty."]})
    known = Org.objects.filter(external_id=external_id).first()
    wanted = {**fields, "external_id": external_id}
    try:
        return save_org(org=known, fields=wanted, actor=actor, now=now), known is None
    except (Conflict, ValidationError):
        other = Org.objects.filter(external_id=external_id).first()
        if known is not None or other is None:
            raise
        return other, False


@transaction.atomic
def save_project(
    *, project: Project | None, fields: Fields, actor: Actor, now: datetime
) -> Project:
    return save(Project, project, clean(fields), now)


@transaction.atomic
def save_source(*, source: Source | None, fields: Fields, actor: Actor, now: datetime) -> Source:
    """Create or change a source. The warehouse's type is open text, kept in lower case."""
    given = clean(fields)
    if given.get("warehouse_type"):
        given["warehouse_type"] = given["warehouse_type"].lower()
    return save(Source, source, given, now)


@transaction.atomic
def save_connection(
    *,
    connection: Connection | None,
    fields: Fields,
    paused: bool | None = None,
    warehouse_type: str | None = None,
    actor: Actor,
    now: datetime,
) -> Connection:
    """Create or change a connection; `paused` stops or resumes it, None leaves that as it is.

    `cadence_seconds` is how often it is meant to be fresh, None where nothing runs by itself.
    `warehouse_type` is that of its source, and so of the source's other connections.
    """
    given = clean(fields)
    cadence = given.get("cadence_seconds")
    if cadence is not None and not LEAST <= cadence <= MOST:
        why = "A cadence is between a minute and a year."
        raise Invalid(why, fields={"cadence_seconds": [why]})
    row = locked(Connection, connection)
    if paused is not None:
        given["paused_at"] = (row.paused_at or now) if paused else None
    saved = save(Connection, connection, given, now)
    if warehouse_type and saved.source.warehouse_type != warehouse_type.strip().lower():
        wanted = {"warehouse_type": warehouse_type}
        saved.source = save_source(source=saved.source, fields=wanted, actor=actor, now=now)
    return saved


@transaction.atomic
def connect(
    *,
    org: Org,
    project: str,
    source: str,
    warehouse_type: str | None,
    fields: Fields,
    paused: bool | None = None,
    connection: Connection | None = None,
    actor: Actor,
    now: datetime,
) -> Connection:
    """A connection where the org's project and source are named by their keys or names.

    Those that are not there yet are made; a new source needs a warehouse type, one that is given
    changes an old one's. `connection` is one to change, which moves there.
    """
    by: dict[str, Any] = {"actor": actor, "now": now}
    home = _named(Project.objects.filter(org=org), project)
    home = home or save_project(project=None, fields={"org": org, "name": project}, **by)
    row = _named(Source.objects.filter(project=home), source)
    if row is None:
        if not warehouse_type:
            why = f"{source} is new: say which warehouse it is, such as snowflake."
            raise Invalid(why, fields={"warehouse_type": [why]})
        given = {"project": home, "name": source, "warehouse_type": warehouse_type}
        row = save_source(source=None, fields=given, **by)
    by |= {"fields": {**fields, "source": row}, "paused": paused}
    return save_connection(connection=connection, warehouse_type=warehouse_type, **by)


def _named(rows: models.QuerySet[Named], text: str) -> Named | None:
    """The row that is called so, by its key first."""
    text = text.strip()
    return rows.filter(key=text.lower()).first() or rows.filter(name__iexact=text).first()
