"""People and surfaces from a pasted table: what would change, line by line. Pure.

A paste holds one or two tables, each best under its own line of column names. Cells are parted by
tabs, semicolons or commas. The procedure:
1. find the separator, read lines, tell a line of column names from a line of facts;
2. plan people first, then surfaces, against what is `Known`: a surface may name people and teams
   that the same paste adds;
3. each line becomes new, changed, the same, or refused with its reasons.

An empty cell leaves a value as it is. Nobody is taken out of a team and nothing is deleted, so the
same paste again changes nothing.
"""

from __future__ import annotations

from apps.portal.importing.facts import (
    PEOPLE,
    SURFACES,
    TITLES,
    Cell,
    Known,
    KnownPerson,
    KnownSurface,
    KnownTeam,
    PersonRow,
    Plan,
    SurfaceRow,
)
from apps.portal.importing.planning import DEFAULT_KIND, DEFAULT_ROLE, DEFAULT_TIER, plan, slug
from apps.portal.importing.reading import MAX_BYTES, MAX_LINES, PasteError

__all__ = [
    "DEFAULT_KIND",
    "DEFAULT_ROLE",
    "DEFAULT_TIER",
    "MAX_BYTES",
    "MAX_LINES",
    "PEOPLE",
    "SURFACES",
    "TITLES",
    "Cell",
    "Known",
    "KnownPerson",
    "KnownSurface",
    "KnownTeam",
    "PasteError",
    "PersonRow",
    "Plan",
    "SurfaceRow",
    "plan",
    "slug",
]
