"""Public holidays by region: `DE` is a country, `DE-BY` a part of one. Data of the `holidays`
package, which is part of the program: what it says changes with an upgrade only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import cache

import holidays
from holidays.registry import COUNTRIES

MOST_REGIONS = 10
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


@cache
def offered() -> dict[str, str]:
    """Every region by its code, with a name to read, countries in order and parts below them."""
    parts = holidays.list_supported_countries(include_aliases=False)
    names = {entry[1]: _WORD.sub(" ", entry[0]) for entry in COUNTRIES.values()}
    found: dict[str, str] = {}
    for code in sorted(parts, key=lambda one: names.get(one, one)):
        name = names.get(code, code)
        found[code] = name
        found.update({f"{code}-{part}": f"{name}, {part}" for part in parts[code]})
    return found


def unknown(regions: Iterable[str]) -> list[str]:
    """Those that are no region."""
    return [code for code in regions if code not in offered()]


def holidays_of(regions: Iterable[str], years: Iterable[int]) -> dict[date, str]:
    """The public holidays of known regions with their names, in English where there is one."""
    found: dict[date, dict[str, None]] = {}
    wanted = list(years)
    for code in regions:
        country, _, part = code.partition("-")
        rows = holidays.country_holidays(country, part or None, wanted, language=_language(country))
        for on, name in rows.items():
            found.setdefault(on, {}).update(dict.fromkeys(name.split("; ")))
    return {on: "; ".join(names) for on, names in sorted(found.items())}


@cache
def _language(country: str) -> str | None:
    known = getattr(holidays, country).supported_languages or ()
    return next(
        (one for one in ("en_US", "en_GB", *known) if one.startswith("en") and one in known), None
    )
