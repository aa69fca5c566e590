"""What applying the lines would do: accounts, then connections, then contacts. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from apps.customers import addresses, cadence
from apps.portal.importing.customers.facts import (
    PLACE,
    TABLES,
    TITLES,
    CustomerPlan,
    CustomerRow,
    KnownCustomers,
    Values,
)
from apps.portal.importing.customers.reading import Line
from apps.portal.importing.facts import Cell, Verdict
from apps.portal.importing.planning import slug

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_MAY_BEGIN_SO = frozenset({"phone", "domain"})  # +49 …, @bramble.example  # +49 …, @bramble.example
_LONGEST: Mapping[str, int] = {"note": 10_000, "phone": 40, "connector": 60, "warehouse_type": 40}
_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("yes", "y", "true", "1", "paused", "x"), "yes"),
    **dict.fromkeys(("no", "n", "false", "0", "running"), "no"),
}
Step = Callable[[Line, Values, list[str]], tuple[str, Values, Values | None]]


def plan(lines: Sequence[Line], remarks: Sequence[str], known: KnownCustomers) -> CustomerPlan:
    """What applying the lines to `known` would do."""
    planner = _Planner(known)
    steps: Mapping[str, Step] = {
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
        step: Step,
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
