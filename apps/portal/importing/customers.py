"""Customers from a pasted table or a file: accounts, connections, contacts, line by line. Pure.

Up to three tables, each under its own line of column names, which says which table it is:
1. `connection` makes a table of connections, else `email` one of contacts, else accounts;
2. accounts are planned first, then connections, then contacts: a line may name what another adds;
3. each line becomes new, changed, the same, or refused with its reasons.

An empty cell leaves a value as it is; nothing is deleted, so the same table again changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.customers import addresses, cadence
from apps.portal.importing.facts import Cell, Verdict
from apps.portal.importing.planning import slug
from apps.portal.importing.reading import EMPTY, MAX_BYTES, MAX_LINES, PasteError, cells_of

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
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_MAY_BEGIN_SO = frozenset({"phone", "domain"})  # +49 …, @bramble.example
_LONGEST: Mapping[str, int] = {"note": 10_000, "phone": 40, "connector": 60, "warehouse_type": 40}
_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("yes", "y", "true", "1", "paused", "x"), "yes"),
    **dict.fromkeys(("no", "n", "false", "0", "running"), "no"),
}
Values = dict[str, str]


# -- what is there already


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


# -- what would become of each line


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


@dataclass(frozen=True)
class Line:
    """A line of facts: its table, empty when it stands under no line of column names."""

    number: int
    table: str
    cells: Mapping[str, str]
    problem: str = ""


# -- reading


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


# -- planning


def plan(lines: Sequence[Line], remarks: Sequence[str], known: KnownCustomers) -> CustomerPlan:
    """What applying the lines to `known` would do."""
    planner = _Planner(known)
    steps: Mapping[str, Callable[[Line, Values, list[str]], tuple[str, Values, Values | None]]] = {
        "accounts": planner.account,
        "connections": planner.connection,
        "contacts": planner.contact,
    }
    rows = []
    for table, step in steps.items():
        rows += [planner.row(line, step) for line in lines if line.table == table]
    rows += [
        CustomerRow(
            table="unread", line=line.number, verdict="refused",
            cells=(Cell(line.cells["name"]),), reasons=(line.problem,),
        )
        for line in lines if not line.table
    ]  # fmt: skip
    return CustomerPlan(rows=tuple(rows), remarks=tuple(remarks))


class _Planner:
    """Plans line after line; what an earlier line adds, a later one may refer to."""

    def __init__(self, known: KnownCustomers) -> None:
        self.known = known
        self.seen: dict[tuple[str, ...], int] = {}
        self.names = {row["name"].casefold(): key for key, row in known.accounts.items()}
        self.called = {key: row["name"] for key, row in known.accounts.items()}
        self.domains = {row["domain"]: key for key, row in known.accounts.items() if row["domain"]}
        self.orgs = dict(known.orgs)

    def row(
        self,
        line: Line,
        step: Callable[[Line, Values, list[str]], tuple[str, Values, Values | None]],
    ) -> CustomerRow:
        """One line by its table's step, which answers ident, values after and values before."""
        reasons = [line.problem] if line.problem else []
        columns = TABLES[line.table]
        cells = {name: line.cells.get(name, "") for name in columns}
        reasons += _shapes(cells)
        ident, now, was = step(line, cells, reasons)
        common = {"table": line.table, "line": line.number}
        if reasons:
            shown = tuple(Cell(cells[name]) for name in columns)
            return CustomerRow(**common, verdict="refused", cells=shown, reasons=tuple(reasons))  # type: ignore[arg-type] # a str and an int
        changed = {name: now[name] for name in columns if was is None or now[name] != was[name]}
        verdict: Verdict = "new" if was is None else ("change" if changed else "same")
        compared = tuple(
            Cell(now[name], (was[name] or "nothing") if was and name in changed else "")
            for name in columns
        )
        values: Values = dict(changed)
        if line.table == "connections":
            values |= {name: now[name] for name in PLACE}
            values["org_name"] = self.orgs[now["org"]][0]
        return CustomerRow(**common, verdict=verdict, cells=compared, ident=ident, values=values)  # type: ignore[arg-type] # a str and an int

    def _once(self, line: Line, reasons: list[str], *ident: str) -> None:
        before = self.seen.setdefault((line.table, *ident), line.number)
        if before != line.number:
            reasons.append(f"This is on line {before} already.")

    # accounts

    def account(
        self, line: Line, cells: Values, reasons: list[str]
    ) -> tuple[str, Values, Values | None]:
        name = cells["name"] or cells["account"]
        key = cells["account"].lower() or self.names.get(name.casefold()) or slug(name)
        was = self.known.accounts.get(key)
        if not re.fullmatch(r"[a-z0-9_-]{1,60}", key):
            reasons.append(f"“{(cells['account'] or name)[:60]}” cannot be a key.")
        if key in self.known.gone:
            reasons.append("This customer was archived. Bring it back first.")
        self._once(line, reasons, key)
        now = {
            "account": key,
            "name": cells["name"] or (was["name"] if was else cells["account"]),
            "tier": self._tier(cells["tier"], was, reasons),
            "owner": self._owner(cells["owner"], was, reasons),
            "domain": self._domain(cells["domain"], key, was, reasons),
            "note": cells["note"] or (was["note"] if was else ""),
        }
        if not reasons:
            self.called[key] = now["name"]
            self.names[now["name"].casefold()] = key
        return key, now, {"account": key, **was} if was else None

    def _tier(self, cell: str, was: Mapping[str, str] | None, reasons: list[str]) -> str:
        if not cell:
            return was["tier"] if was else "standard"
        tier = self.known.tiers.get(cell.casefold())
        if tier is None:
            choices = ", ".join(sorted(set(self.known.tiers.values())))
            reasons.append(f"There is no tier “{cell[:40]}”. Tiers: {choices}.")
        return tier or ""

    def _owner(self, cell: str, was: Mapping[str, str] | None, reasons: list[str]) -> str:
        if not cell:
            return was["owner"] if was else ""
        found = self.known.people.get(cell.casefold())
        if not found:
            why = (
                "several people are called that; write the address"
                if found == ""
                else "nobody here"
            )
            reasons.append(f"Owner “{cell[:80]}”: {why}.")
        return found or ""

    def _domain(
        self, cell: str, key: str, was: Mapping[str, str] | None, reasons: list[str]
    ) -> str:
        if not cell:
            return was["domain"] if was else ""
        try:
            found = addresses.domain(cell)
        except ValueError as error:
            reasons.append(str(error))
            return ""
        if found in addresses.SHARED:
            reasons.append(f"People of many companies write from {found}.")
        if self.domains.setdefault(found, key) != key:
            reasons.append(f"{found} already belongs to {self.domains[found]}.")
        return found

    def _named(self, cell: str, reasons: list[str]) -> str:
        """The key of the customer that a cell names, by key or by name."""
        key = cell.lower()
        found = key if key in self.called else self.names.get(cell.casefold(), "")
        if not found or found in self.known.gone:
            reasons.append(f"There is no customer “{cell[:60]}”, and no line adds one.")
            return ""
        return found

    # connections

    def connection(
        self, line: Line, cells: Values, reasons: list[str]
    ) -> tuple[str, Values, Values | None]:
        name = cells["connection"]
        if not name:
            reasons.append("A connection needs a name.")
        org, account = self._org(cells, reasons)
        was = self.known.connections.get((org, name.casefold()))
        self._once(line, reasons, org, name.casefold())
        now = {
            "connection": was["connection"] if was else name,
            "account": account,
            "org": org,
            "warehouse_type": cells["warehouse_type"].lower()
            or (was or {}).get("warehouse_type", ""),
            "connector": cells["connector"] or (was or {}).get("connector", ""),
            "cadence": self._cadence(cells["cadence"], was, reasons),
            "paused": self._paused(cells["paused"], was, reasons),
        }
        now["project"] = cells["project"] or (was["project"] if was else "main")
        now["source"] = cells["source"] or (was["source"] if was else now["warehouse_type"])
        if not now["warehouse_type"]:
            reasons.append("A new connection needs its warehouse, such as snowflake.")
        if was:
            for part in ("project", "source"):  # named by key or by name: the same either way
                same = {was[part].casefold(), was[f"{part}_key"]}
                now[part] = was[part] if now[part].casefold() in same else now[part]
        return now["connection"], now, {"org": org, **was} if was else None

    def _org(self, cells: Values, reasons: list[str]) -> tuple[str, str]:
        """The key of the line's org and that of its customer; one that is not there is added."""
        account = self._named(cells["account"], reasons) if cells["account"] else ""
        wanted = cells["org"] or self.called.get(account, "")
        if not wanted:
            reasons.append("A connection needs its org, or the customer whose org it is.")
            return "", ""
        key = self._org_key(wanted) or (account if not cells["org"] else slug(wanted))
        known = self.orgs.get(key)
        if known is None:
            if not key:
                reasons.append(f"“{wanted[:60]}” cannot be the name of an org.")
            self.orgs[key] = (wanted, account)
        elif account and known[1] and known[1] != account:
            reasons.append(f"The org {known[0]} belongs to {known[1]}.")
        return key, account or (known[1] if known else "")

    def _cadence(self, cell: str, was: Mapping[str, str] | None, reasons: list[str]) -> str:
        if not cell:
            return was["cadence"] if was else ""
        try:
            return cadence.words(cadence.parse(cell))
        except ValueError as error:
            reasons.append(str(error))
            return ""

    def _paused(self, cell: str, was: Mapping[str, str] | None, reasons: list[str]) -> str:
        if not cell:
            return was["paused"] if was else "no"
        found = _WORDS.get(cell.lower(), "")
        if not found:
            reasons.append(f"Paused is yes or no, not “{cell[:40]}”.")
        return found

    # contacts

    def contact(
        self, line: Line, cells: Values, reasons: list[str]
    ) -> tuple[str, Values, Values | None]:
        said, address = "", cells["email"]
        try:
            said, address = addresses.split(cells["email"])
        except ValueError as error:
            reasons.append(str(error))
        was = self.known.contacts.get(address)
        self._once(line, reasons, address)
        org, account = self._membership(cells, address, was, reasons)
        now = {
            "email": address,
            "name": cells["name"] or said or (was["name"] if was else ""),
            "account": account,
            "org": org,
            "phone": cells["phone"] or (was["phone"] if was else ""),
            "time_zone": self._zone(cells["time_zone"], was, reasons),
            "note": cells["note"] or (was["note"] if was else ""),
        }
        return address, now, {"email": address, **was} if was else None

    def _membership(
        self, cells: Values, address: str, was: Mapping[str, str] | None, reasons: list[str]
    ) -> tuple[str, str]:
        account = self._named(cells["account"], reasons) if cells["account"] else ""
        org = self._org_named(cells["org"], reasons) if cells["org"] else ""
        if org and self.orgs[org][1]:
            if account and account != self.orgs[org][1]:
                reasons.append(f"The org {self.orgs[org][0]} belongs to {self.orgs[org][1]}.")
            account = self.orgs[org][1]
        if was and not account and not org:
            return was["org"], was["account"]
        if was and not org and account == was["account"]:
            org = was["org"]
        if not account and not was and address.count("@") == 1:
            found = [self.domains[d] for d in addresses.domains_of(address) if d in self.domains]
            account = next((key for key in found if key not in self.known.gone), "")
        return org, account or (was["account"] if was else "")

    def _org_named(self, cell: str, reasons: list[str]) -> str:
        key = self._org_key(cell)
        if not key:
            reasons.append(f"There is no org “{cell[:60]}”, and no connection's line adds one.")
        return key

    def _org_key(self, text: str) -> str:
        """The key of the org that is called so: by its key, by its name, by what its name makes."""
        same = (key for key, (name, _) in self.orgs.items() if name.casefold() == text.casefold())
        tries = (text.lower(), next(same, ""), slug(text))
        return next((key for key in tries if key in self.orgs), "")

    def _zone(self, cell: str, was: Mapping[str, str] | None, reasons: list[str]) -> str:
        if not cell:
            return was["time_zone"] if was else "UTC"
        zone = self.known.zones.get(cell.casefold().replace(" ", "_"))
        if zone is None:
            reasons.append(f"“{cell[:60]}” is not a time zone. Write one such as Europe/Berlin.")
        return zone or ""


def _shapes(cells: Mapping[str, str]) -> list[str]:
    """Cells that a spreadsheet would run, that are too long, or that no database could keep."""
    found = []
    for column, cell in cells.items():
        if cell.startswith(_FORMULA) and column not in _MAY_BEGIN_SO:
            found.append(f"{TITLES[column]} begins like a spreadsheet formula.")
        if len(cell) > (most := _LONGEST.get(column, 120)):
            found.append(f"{TITLES[column]} has at most {most:,} characters.")
        if "\x00" in cell:
            found.append(f"{TITLES[column]} holds a character that cannot be kept.")
    return found
