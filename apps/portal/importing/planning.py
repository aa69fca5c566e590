"""What applying the lines would do: people first, then the surfaces that name them. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from apps.portal.importing.facts import (
    PEOPLE,
    SURFACES,
    TITLES,
    Cell,
    Known,
    KnownPerson,
    KnownSurface,
    PersonRow,
    Plan,
    SurfaceRow,
    Verdict,
)
from apps.portal.importing.reading import Line, PasteError, read

DEFAULT_ROLE = "responder"
DEFAULT_KIND = "service"
DEFAULT_TIER = 2
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])"
)
_SURFACE = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_TIER = re.compile(r"(?:tier\s*|t)?([123])(?!\d)", re.IGNORECASE)


def plan(text: str, known: Known) -> Plan:
    """What applying `text` to `known` would do. Raises PasteError when it cannot be read."""
    lines, remarks = read(text)
    if not lines:
        raise PasteError("There is no line with a person or a surface in this.")
    planner = _Planner(known)
    people = tuple(planner.person(line) for line in lines if line.table == "people")
    surfaces = tuple(planner.surface(line) for line in lines if line.table == "surfaces")
    unread = tuple(_unread(line) for line in lines if not line.table)
    used = {key for row in people for key in row.join} | {row.team for row in surfaces if row.team}
    return Plan(
        people=people,
        surfaces=surfaces,
        unread=unread,
        teams={key: name for key, name in planner.new_teams.items() if key in used},
        leads=planner.leads,
        remarks=tuple(remarks),
    )


def _unread(line: Line) -> PersonRow:
    cells = (Cell(line.cells["name"]),)
    return PersonRow(line=line.number, verdict="refused", cells=cells, reasons=(line.problem,))


def slug(name: str) -> str:
    """A team's key from its name: lower-case ASCII words joined by hyphens, at most 40."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")


def words(cell: str) -> list[str]:
    """Several values in one cell: parted by comma, semicolon, slash or bar."""
    return [part.strip() for part in re.split(r"[,;/|]", cell) if part.strip()]


class _Planner:
    """Plans line after line; what an earlier line adds, a later one may refer to."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.added: dict[str, str] = {}  # new people: address to name
        self.seen: dict[str, int] = {}  # address or surface key to its line
        self.new_teams: dict[str, str] = {}
        self.leads: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}
        for person in known.people.values():
            if person.state == "active":
                self._names.setdefault(person.name.casefold(), set()).add(person.email)

    # people

    def person(self, line: Line) -> PersonRow:
        cells = line.cells
        reasons = [line.problem] if line.problem else []
        email = cells.get("email", "").lower()
        before = self.known.people.get(email)
        reasons += self._address(line, email, before) + _formulas(cells)
        name = cells.get("name", "") or (before.name if before else "")
        if not name or len(name) > 120:
            reasons.append("A person needs a name of at most 120 characters.")
        roles = self._roles(cells.get("roles", ""), before, reasons)
        zone = self._zone(cells.get("time_zone", ""), before, reasons)
        if email == self.known.importer and "manager" not in roles:
            reasons.append("You cannot take the manager role from yourself here.")
        teams = self._teams(cells.get("teams", ""), reasons)
        if reasons:
            shown = tuple(Cell(cells.get(column, "")) for column in PEOPLE)
            return PersonRow(
                line=line.number, verdict="refused", cells=shown, reasons=tuple(reasons)
            )
        self.seen[email] = line.number
        return self._person_row(line.number, before, email, name, roles, teams, zone)

    def _address(self, line: Line, email: str, before: KnownPerson | None) -> list[str]:
        if not email:
            return ["A person needs an e-mail address."]
        if len(email) > 254 or not _EMAIL.fullmatch(email):
            return [f"“{email[:80]}” is not an e-mail address."]
        if email in self.seen:
            return [f"This address is on line {self.seen[email]} already."]
        if before and before.state == "gone":
            return ["This person was deactivated. Activate them in the admin first."]
        if before and before.state == "demo":
            return ["This address belongs to a demo person. Remove the demo data first."]
        return []

    def _roles(self, cell: str, before: KnownPerson | None, reasons: list[str]) -> tuple[str, ...]:
        if not cell:
            return tuple(sorted(before.roles)) if before else (DEFAULT_ROLE,)
        found = set()
        for word in words(cell):
            role = self.known.roles.get(_word(word))
            if role is None:
                reasons.append(f"There is no role “{word}”.")
            else:
                found.add(role)
        return tuple(sorted(found))

    def _zone(self, cell: str, before: KnownPerson | None, reasons: list[str]) -> str:
        if not cell:
            return before.time_zone if before else self.known.default_zone
        zone = self.known.zones.get(cell.casefold().replace(" ", "_"))
        if zone is None:
            reasons.append(f"“{cell}” is not a time zone. Write one such as Europe/Berlin.")
        return zone or ""

    def _teams(self, cell: str, reasons: list[str]) -> list[str]:
        return [key for name in words(cell) if (key := self._team(name, reasons))]

    def _team(self, name: str, reasons: list[str]) -> str:
        """The key of a team that exists, by key or by name, or of one that this paste adds."""
        same = [
            team
            for team in self.known.teams.values()
            if name.casefold() in {team.key, team.name.casefold()}
        ]
        key = same[0].key if same else slug(name)
        team = self.known.teams.get(key)
        if not key or len(name) > 80:
            reasons.append(f"“{name[:80]}” cannot be the name of a team.")
        elif team and team.gone:
            reasons.append(f"The team {team.name} was archived.")
        elif team is None:
            self.new_teams.setdefault(key, name)
        return key

    def _person_row(
        self,
        line: int,
        before: KnownPerson | None,
        email: str,
        name: str,
        roles: tuple[str, ...],
        teams: list[str],
        zone: str,
    ) -> PersonRow:
        mine = before.teams if before else frozenset()
        join = tuple(dict.fromkeys(key for key in teams if key not in mine))
        if before is None:
            self.added[email] = name
        self._names.setdefault(name.casefold(), set()).add(email)
        now = (name, email, _list(roles), _list(mine | set(join)), zone)
        was = now
        if before:
            was = (before.name, email, _list(before.roles), _list(mine), before.time_zone)
        return PersonRow(
            line=line,
            verdict=_verdict(before is None, now, was),
            cells=_compared(now, was),
            email=email,
            name=name,
            roles=roles if before is None or frozenset(roles) != before.roles else None,
            join=join,
            time_zone=zone if before is None or zone != before.time_zone else None,
        )

    # surfaces

    def surface(self, line: Line) -> SurfaceRow:
        cells = line.cells
        reasons = [line.problem] if line.problem else []
        key = cells.get("surface", "").lower()
        before = self.known.surfaces.get(key)
        reasons += self._key(key, before) + _formulas(cells)
        name = cells.get("name", "") or (before.name if before else key)
        if len(name) > 120:
            reasons.append("A name has at most 120 characters.")
        tier = _tier(cells.get("tier", ""), before, reasons)
        kind = self._kind(cells.get("kind", ""), before, reasons)
        team = self._surface_team(cells.get("team", ""), before, reasons)
        owners = self._owners(cells, before, reasons)
        lead = self._lead(cells.get("lead", ""), team, reasons)
        if reasons:
            shown = tuple(Cell(cells.get(column, "")) for column in SURFACES)
            return SurfaceRow(
                line=line.number, verdict="refused", cells=shown, reasons=tuple(reasons)
            )
        self.seen[key] = line.number
        if lead:
            self.leads[team] = lead
        return self._surface_row(line.number, before, key, name, tier, kind, team, owners, lead)

    def _key(self, key: str, before: KnownSurface | None) -> list[str]:
        if not _SURFACE.fullmatch(key) or len(key) > 80:
            return [f"“{key[:80]}” cannot be a key. Write one such as inspect.profiler."]
        if key in self.seen:
            return [f"This surface is on line {self.seen[key]} already."]
        return ["This surface was archived."] if before and before.gone else []

    def _kind(self, cell: str, before: KnownSurface | None, reasons: list[str]) -> str:
        if not cell:
            return before.kind if before else DEFAULT_KIND
        kind = self.known.kinds.get(_word(cell))
        if kind is None:
            choices = ", ".join(sorted(set(self.known.kinds.values())))
            reasons.append(f"There is no kind “{cell}”. Kinds: {choices}.")
        return kind or ""

    def _surface_team(self, cell: str, before: KnownSurface | None, reasons: list[str]) -> str:
        return self._team(cell, reasons) if cell else (before.team if before else "")

    def _owners(
        self, cells: Mapping[str, str], before: KnownSurface | None, reasons: list[str]
    ) -> dict[str, str]:
        found = {}
        for role in ("primary", "backup"):
            was = getattr(before, role) if before else ""
            cell = cells.get(role, "")
            found[role] = self._holder(cell, reasons) if cell else was
            if before and role in before.planned and found[role] != was:
                reasons.append(f"A later change of the {role} is planned. Take it back first.")
        people = [self.known.positions.get(ref.removeprefix("position:"), ref) if ref else ""
                  for ref in found.values()]  # fmt: skip
        if people[0] and people[0] == people[1]:
            reasons.append("Primary and backup must be two people.")
        return found

    def _holder(self, cell: str, reasons: list[str]) -> str:
        """A person by address or name, or a position by its key."""
        email = cell.lower()
        person = self.known.people.get(email)
        if email in self.added or (person and person.state == "active"):
            return email
        if person:
            why = "is a demo person" if person.state == "demo" else "was deactivated"
            reasons.append(f"{person.name} {why} and cannot own a surface.")
            return ""
        named = self._names.get(cell.casefold(), set())
        if len(named) == 1:
            return next(iter(named))
        position = email.removeprefix("position:").strip()
        if not named and position in self.known.positions:
            return f"position:{position}"
        many = "Several people are called that; write the e-mail address."
        reasons.append(f"“{cell[:80]}”: " + (many if named else "nobody here, and no line above, "
                       "has this name or address."))  # fmt: skip
        return ""

    def _lead(self, cell: str, team: str, reasons: list[str]) -> str:
        if not cell:
            return ""
        if not team:
            reasons.append("A lead needs a team.")
            return ""
        lead = self._holder(cell, reasons)
        if lead.startswith("position:"):
            reasons.append("A team's lead is a person, not a position.")
        if self.leads.get(team, lead) != lead:
            reasons.append(f"Another line names {self.leads[team]} as this team's lead.")
        return lead

    def _surface_row(
        self,
        line: int,
        before: KnownSurface | None,
        key: str,
        name: str,
        tier: int,
        kind: str,
        team: str,
        owners: dict[str, str],
        lead: str,
    ) -> SurfaceRow:
        known_team = self.known.teams.get(team)
        led = known_team.lead if known_team else ""
        lead_now = lead or self.leads.get(team, led)
        now = (key, name, str(tier), kind, team, owners["primary"], owners["backup"], lead_now)
        was = now
        if before:
            was = (key, before.name, str(before.tier), before.kind, before.team,
                   before.primary, before.backup, led)  # fmt: skip
        changed = {c for c, a, b in zip(SURFACES, now, was, strict=True) if a != b}
        fresh = before is None
        return SurfaceRow(
            line=line,
            verdict=_verdict(fresh, now, was),
            cells=_compared(now, was),
            key=key,
            name=name if fresh or "name" in changed else None,
            kind=kind if fresh or "kind" in changed else None,
            tier=tier if fresh or "tier" in changed else None,
            team=(team or None) if fresh or "team" in changed else None,
            owners={
                role: ref for role, ref in owners.items() if ref and (fresh or role in changed)
            },
            lead=lead if lead and lead != led else "",
        )


def _tier(cell: str, before: KnownSurface | None, reasons: list[str]) -> int:
    if not cell:
        return before.tier if before else DEFAULT_TIER
    found = _TIER.match(cell)
    if found is None:
        reasons.append(f"“{cell[:40]}” is not a tier. Tiers are 1, 2 and 3.")
    return int(found[1]) if found else DEFAULT_TIER


def _formulas(cells: Mapping[str, str]) -> list[str]:
    """A cell that a spreadsheet would run as a formula is never a name."""
    return [
        f"{TITLES[column]} begins like a spreadsheet formula."
        for column, cell in cells.items()
        if cell.startswith(_FORMULA)
    ]


def _word(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip().lower())


def _list(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))


def _verdict(fresh: bool, now: Sequence[str], was: Sequence[str]) -> Verdict:
    return "new" if fresh else ("change" if tuple(now) != tuple(was) else "same")


def _compared(now: Sequence[str], was: Sequence[str]) -> tuple[Cell, ...]:
    return tuple(
        Cell(new, (old or "nothing") if old != new else "")
        for new, old in zip(now, was, strict=True)
    )
