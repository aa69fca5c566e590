"""What an import compares: the site as it is, and what would become of each line. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PEOPLE = ("name", "email", "roles", "teams", "time_zone")
SURFACES = ("surface", "name", "tier", "kind", "team", "primary", "backup", "lead")
TITLES: Mapping[str, str] = {
    **{name: name.capitalize() for name in (*PEOPLE, *SURFACES)},
    "email": "E-mail",
    "time_zone": "Time zone",
}
Verdict = Literal["new", "change", "same", "refused"]


# -- what is there already


@dataclass(frozen=True, kw_only=True)
class KnownPerson:
    """`state`: active, gone (deactivated), demo."""

    email: str
    name: str
    roles: frozenset[str]
    teams: frozenset[str]
    time_zone: str
    state: Literal["active", "gone", "demo"] = "active"


@dataclass(frozen=True, kw_only=True)
class KnownTeam:
    key: str
    name: str
    lead: str = ""
    gone: bool = False


@dataclass(frozen=True, kw_only=True)
class KnownSurface:
    """`primary` and `backup` are an e-mail address or `position:<key>`; `planned` are the roles
    that have a change planned for later."""

    key: str
    name: str
    kind: str
    tier: int
    team: str = ""
    primary: str = ""
    backup: str = ""
    gone: bool = False
    planned: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Known:
    """The site as it is. `positions` maps a key to its holder's address, `roles` and `kinds` the
    words that people write (lower case, underscores) to the product's own."""

    people: Mapping[str, KnownPerson]
    teams: Mapping[str, KnownTeam]
    surfaces: Mapping[str, KnownSurface]
    positions: Mapping[str, str]
    roles: Mapping[str, str]
    kinds: Mapping[str, str]
    zones: Mapping[str, str]
    default_zone: str = "UTC"
    importer: str = ""


# -- what would become of each line


@dataclass(frozen=True)
class Cell:
    """A value as it would be, and what it was where that differs."""

    value: str
    was: str = ""


@dataclass(frozen=True, kw_only=True)
class PersonRow:
    line: int
    verdict: Verdict
    cells: tuple[Cell, ...]
    reasons: tuple[str, ...] = ()
    email: str = ""
    name: str = ""
    roles: tuple[str, ...] | None = None
    join: tuple[str, ...] = ()
    time_zone: str | None = None


@dataclass(frozen=True, kw_only=True)
class SurfaceRow:
    """`owners` are only those that change: role to e-mail address or `position:<key>`."""

    line: int
    verdict: Verdict
    cells: tuple[Cell, ...]
    reasons: tuple[str, ...] = ()
    key: str = ""
    name: str | None = None
    kind: str | None = None
    tier: int | None = None
    team: str | None = None
    owners: Mapping[str, str] = field(default_factory=dict)
    lead: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that applying the paste would do. `teams`: new keys and names; `leads`: team key
    to e-mail address; `remarks`: sentences about the paste as a whole."""

    people: tuple[PersonRow, ...] = ()
    surfaces: tuple[SurfaceRow, ...] = ()
    unread: tuple[PersonRow, ...] = ()
    teams: Mapping[str, str] = field(default_factory=dict)
    leads: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[PersonRow | SurfaceRow, ...]:
        return (*self.people, *self.surfaces, *self.unread)

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
        text = repr((self.rows, sorted(self.teams.items()), sorted(self.leads.items())))
        return hashlib.sha256(text.encode()).hexdigest()
