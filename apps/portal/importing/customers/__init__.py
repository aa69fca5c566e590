"""Customers from a pasted table or a file: accounts, connections, contacts, line by line. Pure.

Up to three tables, each under its own line of column names, which says which table it is:
1. `connection` makes a table of connections, else `email` one of contacts, else accounts;
2. accounts are planned first, then connections, then contacts: a line may name what another adds;
3. each line becomes new, changed, the same, or refused with its reasons.

An empty cell leaves a value as it is; nothing is deleted, so the same table again changes nothing.
"""

from __future__ import annotations

from apps.portal.importing.customers.facts import (
    TABLES,
    TITLES,
    CustomerPlan,
    CustomerRow,
    KnownCustomers,
)
from apps.portal.importing.customers.planning import plan
from apps.portal.importing.customers.reading import addresses_in, read

__all__ = [
    "TABLES",
    "TITLES",
    "CustomerPlan",
    "CustomerRow",
    "KnownCustomers",
    "addresses_in",
    "plan",
    "read",
]
