"""Customers come in from a table: the site as the planner compares it, and a plan carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import Person
from apps.core.audit import person as actor_of
from apps.core.errors import Conflict, DomainError
from apps.customers import cadence
from apps.customers import services as customers
from apps.customers.models import Account, Connection, Contact, Org
from apps.portal.importing.customers import CustomerPlan, CustomerRow, KnownCustomers


@dataclass(frozen=True)
class Imported:
    """What an import did, in figures: new rows by table, and how many were changed."""

    accounts: int
    connections: int
    contacts: int
    changed: int


def known_customers(*, addresses: set[str]) -> KnownCustomers:
    """The site as the planner compares it; of the contacts only those with these addresses."""
    accounts = Account.objects.select_related("owner")
    orgs = Org.objects.current().select_related("account")
    return KnownCustomers(
        accounts={row.key: _account(row) for row in accounts},
        contacts=_contacts(addresses),
        orgs={row.key: (row.name, row.account.key if row.account else "") for row in orgs},
        connections=_connections(),
        people=_people(),
        tiers={word.casefold(): tier.value for tier in Account.Tier
               for word in (tier.value, str(tier.label))},
        zones={zone.casefold(): zone for zone in available_timezones()},
        gone=frozenset(row.key for row in accounts if row.archived_at is not None),
    )  # fmt: skip


def _account(row: Account) -> dict[str, str]:
    owner = row.owner.email if row.owner else ""
    return {"name": row.name, "tier": row.tier, "owner": owner, "domain": row.domain,
            "note": " ".join(row.note.split())}  # fmt: skip


def _contacts(addresses: set[str]) -> dict[str, dict[str, str]]:
    rows = Contact.objects.filter(email__in=addresses).select_related("account", "org")
    return {
        row.email: {
            "name": row.name,
            "account": row.account.key if row.account else "",
            "org": row.org.key if row.org else "",
            "phone": row.phone,
            "time_zone": row.time_zone,
            "note": " ".join(row.note.split()),
        }
        for row in rows
    }


def _connections() -> dict[tuple[str, str], dict[str, str]]:
    rows = Connection.objects.current().select_related("source__project__org__account")
    found = {}
    for row in rows.order_by("-pk"):  # of two with one name in an org, the older is meant
        source, project = row.source, row.source.project
        account = project.org.account
        found[project.org.key, row.name.casefold()] = {
            "key": row.key,
            "connection": row.name,
            "account": account.key if account else "",
            "project": project.name,
            "project_key": project.key,
            "source": source.name,
            "source_key": source.key,
            "warehouse_type": source.warehouse_type,
            "connector": row.connector,
            "cadence": cadence.words(row.cadence_seconds),
            "paused": "yes" if row.paused_at else "no",
        }
    return found


def _people() -> dict[str, str]:
    """Address or name to address; a name that two people have leads to nobody."""
    people = list(Person.objects.active().values_list("email", "name"))
    found: dict[str, str] = {}
    for email, name in people:
        found[name.casefold()] = "" if name.casefold() in found else email
    return {**found, **{email: email for email, _ in people}}


@transaction.atomic
def apply_customers(*, plan: CustomerPlan, by: Person, now: datetime) -> Imported:
    """Carry out a plan, all of it or nothing; refused lines are left out.

    Raises Conflict, with the line, when the site changed so that a line cannot be done any more.
    """
    actor: dict[str, Any] = {"actor": actor_of(by), "now": now}
    steps = {"accounts": _save_account, "connections": _save_connection, "contacts": _save_contact}
    doing = [row for row in plan.rows if row.verdict in {"new", "change"}]
    for row in doing:
        try:
            steps[row.table](row, actor)
        except (DomainError, ValidationError) as error:
            said = error.message if isinstance(error, DomainError) else " ".join(error.messages)
            raise Conflict(f"Line {row.line}: {said} Nothing was saved.") from error
    fresh = [row.table for row in doing if row.verdict == "new"]
    return Imported(
        accounts=fresh.count("accounts"),
        connections=fresh.count("connections"),
        contacts=fresh.count("contacts"),
        changed=len(doing) - len(fresh),
    )


def _save_account(row: CustomerRow, by: dict[str, Any]) -> None:
    values: dict[str, Any] = {k: v for k, v in row.values.items() if k != "account"}
    if "owner" in values:
        values["owner"] = Person.objects.active().filter(email=values["owner"]).first()
    known = Account.objects.filter(key=row.ident).first()
    customers.save_account(account=known, fields={**values, "key": row.ident}, **by)


def _save_connection(row: CustomerRow, by: dict[str, Any]) -> None:
    values = row.values
    org = _org(values, by)
    project = {"source__project__org": org, "name__iexact": row.ident, "archived_at": None}
    known = Connection.objects.filter(**project).order_by("pk").first()
    fields: dict[str, Any] = {"name": known.name if known else row.ident}
    if "connector" in values:
        fields["connector"] = values["connector"]
    if "cadence" in values:
        fields["cadence_seconds"] = cadence.parse(values["cadence"])
    customers.connect(
        org=org,
        project=values["project"],
        source=values["source"],
        warehouse_type=values.get("warehouse_type"),
        connection=known,
        paused=values["paused"] == "yes" if "paused" in values else None,
        fields=fields,
        **by,
    )


def _org(values: Mapping[str, str], by: dict[str, Any]) -> Org:
    """The line's org, with its customer if it had none."""
    account = Account.objects.filter(key=values["account"]).first() if values["account"] else None
    org: Org | None = Org.objects.filter(key=values["org"]).select_related("account").first()
    if org is None:
        fields = {"key": values["org"], "name": values["org_name"], "account": account}
        return customers.save_org(org=None, fields=fields, **by)
    if org.account is None and account is not None:
        return customers.save_org(org=org, fields={"account": account}, **by)
    return org


def _save_contact(row: CustomerRow, by: dict[str, Any]) -> None:
    values: dict[str, Any] = {**row.values, "email": row.ident}
    for name, table in (("account", Account), ("org", Org)):
        if name in values:
            values[name] = table._default_manager.filter(key=values[name]).first()
    known = Contact.objects.filter(email=row.ident).first()
    customers.save_contact(contact=known, fields=values, **by)
