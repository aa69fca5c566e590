"""What an import of customers compares: the site as it is, and what becomes of each line. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from apps.portal.importing.facts import Cell, Verdict

ACCOUNTS = ("account", "name", "tier", "owner", "domain", "note")
CONNECTIONS = (
    *("connection", "account", "org", "project", "source", "warehouse_type"),
    *("connector", "cadence", "paused"),
)
CONTACTS = ("email", "name", "account", "org", "phone", "time_zone", "note")
PLACE = ("account", "org", "project", "source")  # where a connection is
TABLES: Mapping[str, tuple[str, ...]] = {
    "accounts": ACCOUNTS,
    "connections": CONNECTIONS,
    "contacts": CONTACTS,
}
TITLES: Mapping[str, str] = {
    **{name: name.capitalize() for names in TABLES.values() for name in names},
    "account": "Customer",
    "email": "E-mail",
    "time_zone": "Time zone",
    "warehouse_type": "Warehouse",
}
Values = dict[str, str]


@dataclass(frozen=True)
class KnownCustomers:
    """The site as it is, each row as the columns of its table; `gone` are archived ones.

    `accounts` by key, `contacts` by address (only those that the table names), `orgs` maps a key
    to (name, account's key), `connections` by their org's key and their name in lower case.
    `people` are the addresses of those who may own a customer, by address and by name.
    """

    accounts: Mapping[str, Mapping[str, str]]
    contacts: Mapping[str, Mapping[str, str]]
    orgs: Mapping[str, tuple[str, str]]
    connections: Mapping[tuple[str, str], Mapping[str, str]]
    people: Mapping[str, str]
    tiers: Mapping[str, str]
    zones: Mapping[str, str]
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class CustomerRow:
    """`ident` is the account's key, the contact's address, or the connection's name; `values`
    are only what changes. A connection's also say where it is: account, org and how that is called
    where it is new, project, source."""

    table: str
    line: int
    verdict: Verdict
    cells: tuple[Cell, ...]
    reasons: tuple[str, ...] = ()
    ident: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CustomerPlan:
    """Everything that applying the table would do, in the order in which it is done."""

    rows: tuple[CustomerRow, ...] = ()
    remarks: tuple[str, ...] = ()

    def of(self, table: str) -> tuple[CustomerRow, ...]:
        return tuple(row for row in self.rows if row.table == table)

    @property
    def changes(self) -> int:
        """How many lines would change something."""
        return sum(row.verdict in {"new", "change"} for row in self.rows)

    @property
    def refused(self) -> int:
        return sum(row.verdict == "refused" for row in self.rows)

    @property
    def digest(self) -> str:
        """The same for the same plan: tells whether the site changed since somebody looked."""
        return hashlib.sha256(repr(self.rows).encode()).hexdigest()
