"""Customers as their pages show them: lists by name, figures in a few queries, one with it all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Count, Model, Q, QuerySet
from django.http import QueryDict

from apps.accounts.models import Person
from apps.customers import cadence
from apps.customers import selectors as customers
from apps.customers.models import Account, Connection, Contact, Org
from apps.portal.listing import address

M = TypeVar("M", bound=Model)
SIZE = 40
CONTACTS = 50  # of one customer on its page
ORGS = 50
_CURSOR = re.compile(r"([ab])(\d{1,18})", re.ASCII)
STATES = {"current": "In use", "archived": "Archived"}


@dataclass(frozen=True)
class Page(Generic[M]):
    """One page of a list; `previous` and `next` are addresses, empty at the ends."""

    rows: list[M]
    previous: str = ""
    next: str = ""


def cut(rows: QuerySet[M], *, by: str, params: QueryDict, size: int = SIZE) -> Page[M]:
    """A page of `rows` in the order of a text column. The cursor names the row it goes on from;
    one that is no cursor, or whose row is gone, shows the first page."""
    match = _CURSOR.fullmatch(params.get("cursor", ""))
    row = rows.model._default_manager.filter(pk=int(match[2])).first() if match else None
    if match is None or row is None:
        found = list(rows.order_by(by, "pk")[: size + 1])
        return Page(found[:size], "", _on(found, params, size))
    value = getattr(row, by)
    if match[1] == "a":
        behind = Q(**{f"{by}__gt": value}) | Q(**{by: value, "pk__gt": row.pk})
        found = list(rows.filter(behind).order_by(by, "pk")[: size + 1])
        back = address(params, cursor=f"b{found[0].pk}") if found else address(params)
        return Page(found[:size], back, _on(found, params, size))
    before = Q(**{f"{by}__lt": value}) | Q(**{by: value, "pk__lt": row.pk})
    found = list(rows.filter(before).order_by(f"-{by}", "-pk")[: size + 1])
    shown = found[:size][::-1]
    back = address(params, cursor=f"b{shown[0].pk}") if len(found) > size else ""
    return Page(shown, back, address(params, cursor=f"a{shown[-1].pk}") if shown else "")


def _on(found: Sequence[Model], params: QueryDict, size: int) -> str:
    return address(params, cursor=f"a{found[size - 1].pk}") if len(found) > size else ""


# -- lists


@dataclass(frozen=True)
class Row:
    account: Account
    contacts: int
    connections: int
    paused: int


def listed(viewer: Person, *, text: str, tier: str, state: str) -> QuerySet[Account]:
    """The customers whose name, key, domain or contact's address has the text."""
    rows = Account.objects.visible_to(viewer).select_related("owner")
    rows = rows.filter(archived_at__isnull=state != "archived")
    if tier:
        rows = rows.filter(tier=tier)
    if text:
        here = Q(name__icontains=text) | Q(key__icontains=text) | Q(domain__icontains=text)
        if "@" in text:
            writers = Contact.objects.filter(email__icontains=text).exclude(account=None)
            here |= Q(pk__in=list(writers.values_list("account_id", flat=True)[:200]))
        rows = rows.filter(here)
    return rows


def rows_of(accounts: Sequence[Account]) -> list[Row]:
    """The figures of one page of customers, in two queries."""
    ids = [account.pk for account in accounts]
    people = _counted(Contact.objects.current().filter(account_id__in=ids), "account_id")
    mine = "source__project__org__account_id"
    connected = Connection.objects.current().filter(**{f"{mine}__in": ids})
    figures = {
        pk: (every, paused)
        for pk, every, paused in connected.order_by()
        .values_list(mine)
        .annotate(every=Count("pk"), paused=Count("pk", filter=Q(paused_at__isnull=False)))
    }
    return [
        Row(account, people.get(account.pk, 0), *figures.get(account.pk, (0, 0)))
        for account in accounts
    ]


def _counted(rows: QuerySet[Any], by: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(by).annotate(number=Count("pk")))


def contacts(viewer: Person, *, text: str, show: str, account: str) -> QuerySet[Contact]:
    """Contacts for their list. `show`: all, none (of no customer), blocked or archived."""
    rows = Contact.objects.visible_to(viewer).select_related("account", "org")
    rows = rows.filter(archived_at__isnull=show != "archived")
    if show == "none":
        rows = rows.filter(account=None)
    if show == "blocked":
        rows = rows.exclude(blocked_at=None)
    if account:
        rows = rows.filter(account__key=account)
    for word in text.split()[:4]:
        rows = rows.filter(Q(email__icontains=word) | Q(name__icontains=word))
    return rows


# -- one customer


@dataclass(frozen=True)
class Line:
    """A connection in its org's table."""

    connection: Connection
    project: str
    source: str
    warehouse: str
    rhythm: str


@dataclass(frozen=True)
class Tenant:
    org: Org
    lines: Sequence[Line]


@dataclass(frozen=True)
class Whole:
    contacts: Sequence[Contact]
    more_contacts: int
    tenants: Sequence[Tenant]
    more_orgs: int


def whole(account: Account) -> Whole:
    """What a customer's page shows beside its own columns, in six queries."""
    people = account.contacts.filter(archived_at=None)
    shown = list(people.select_related("org").order_by("name", "email")[:CONTACTS])
    number = people.count() if len(shown) == CONTACTS else len(shown)
    orgs = customers.org_tree(account)
    return Whole(
        contacts=shown,
        more_contacts=number - len(shown),
        tenants=[Tenant(org, _lines(org)) for org in orgs[:ORGS]],
        more_orgs=max(len(orgs) - ORGS, 0),
    )


def _lines(org: Org) -> list[Line]:
    return [
        Line(connection, project.name, source.name, source.warehouse_type,
             cadence.words(connection.cadence_seconds))
        for project in org.projects.all()
        for source in project.sources.all()
        for connection in source.connections.all()
    ]  # fmt: skip


def offered(viewer: Person) -> list[tuple[str, str]]:
    """The first customers by name, for completing what is typed: key and name."""
    rows = Account.objects.visible_to(viewer).current().order_by("name", "pk")
    return list(rows.values_list("key", "name")[:200])
