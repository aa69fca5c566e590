"""From pasted text to lines of facts: which table, which columns. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.customers import addresses
from apps.portal.importing.customers.facts import ACCOUNTS, TABLES
from apps.portal.importing.reading import EMPTY, MAX_BYTES, MAX_LINES, PasteError, cells_of

_ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("e_mail", "mail", "email_address", "e_mail_address"), "email"),
    **dict.fromkeys(("customer", "customer_key", "account_key", "key"), "account"),
    **dict.fromkeys(("full_name", "company", "customer_name", "account_name"), "name"),
    **dict.fromkeys(("timezone", "zone", "tz"), "time_zone"),
    **dict.fromkeys(("warehouse", "type"), "warehouse_type"),
    **dict.fromkeys(("mail_domain", "email_domain"), "domain"),
    "workspace": "org",
    "owner_email": "owner",
    "notes": "note",
    "cadence_seconds": "cadence",
    "telephone": "phone",
}


@dataclass(frozen=True)
class Line:
    """A line of facts: its table, empty when it stands under no line of column names."""

    number: int
    table: str
    cells: Mapping[str, str]
    problem: str = ""


def read(text: str) -> tuple[list[Line], list[str]]:
    """The lines of facts, and remarks about the columns. Raises PasteError past the limits."""
    if len(text.encode()) > MAX_BYTES:
        raise PasteError("This is more than 1 MiB. Import it in parts.")
    lines: list[Line] = []
    remarks: list[str] = []
    table, columns = "", ()  # type: tuple[str, tuple[str, ...]]
    for number, cells in cells_of(text.removeprefix("\ufeff")):
        if not any(cells):
            continue
        names = tuple(_column(cell) for cell in cells)
        if kind := _table(names, cells):
            table, columns = kind, names
            extra = [
                c for c, name in zip(cells, names, strict=True) if c and name not in TABLES[kind]
            ]
            quoted = ", ".join(f"“{cell}”" for cell in extra)
            remarks += (
                [f"Line {number}: {quoted} is no column of {kind} and is left out."]
                if extra
                else []
            )
            continue
        lines.append(_line(number, table, columns, cells))
        if len(lines) > MAX_LINES:
            raise PasteError(f"More than {MAX_LINES:,} lines. Import them in parts.")
    if not lines:
        raise PasteError("There is no line with a customer, a contact or a connection in this.")
    return lines, remarks


def _column(cell: str) -> str:
    word = re.sub(r"[^a-z0-9]+", "_", cell.lower()).strip("_")
    return _ALIASES.get(word, word)


def _table(names: Sequence[str], cells: Sequence[str]) -> str:
    """Which table a line of column names begins; empty for a line of facts."""
    if any("@" in cell for cell in cells):
        return ""
    for table, first in (("connections", "connection"), ("contacts", "email")):
        if first in names:
            return table if len(set(names) & set(TABLES[table])) >= min(2, len(cells)) else ""
    known = set(names) & set(ACCOUNTS)
    return "accounts" if {"account", "name"} & known and len(known) >= min(2, len(cells)) else ""


def _line(number: int, table: str, columns: Sequence[str], cells: Sequence[str]) -> Line:
    if not table:
        shown = {"name": " · ".join(filter(None, cells))[:80]}
        return Line(number, "", shown, "A line of column names must stand above this.")
    pairs = zip(columns, cells, strict=False)
    found = {
        name: "" if cell.lower() in EMPTY else cell for name, cell in pairs if name in TABLES[table]
    }
    return Line(
        number, table, found, "More cells than columns." if any(cells[len(columns) :]) else ""
    )


def addresses_in(lines: Sequence[Line]) -> set[str]:
    """The addresses that the contacts' lines name, clean: what has to be looked up."""
    found = set()
    for line in lines:
        try:
            found.add(addresses.split(line.cells.get("email", ""))[1])
        except ValueError:
            continue
    return found
