"""Is everything in order, and if not, how is it mended: what `manage.py doctor` says.

Each check answers findings; none changes anything. A check that breaks becomes a finding itself,
so that one fault never hides the others.
"""

from __future__ import annotations

from datetime import datetime

from apps.core import clock
from apps.core.text import one_line
from opsportal.doctor import database, host, product
from opsportal.doctor.finding import Check, Finding, Level

__all__ = ["Check", "Finding", "Level", "examine"]

WITH_DATABASE: tuple[tuple[str, Check], ...] = (
    ("database", database.database_settings),
    ("migrations", database.migrations),
    ("clock", database.time_of_day),
    ("time zones", database.time_zones),
    ("worker", product.worker),
    ("address", product.address),
    ("mail", product.mail),
    ("people", product.people),
    ("demo", product.demo),
    ("secrets", host.stored_secrets),
)
WITHOUT_DATABASE: tuple[tuple[str, Check], ...] = (("secrets", host.keys), ("disk", host.disk))


def examine() -> list[Finding]:
    """Every check in order; without a database only those that need none."""
    now = clock.now()
    found = safely("database", database.database, now)
    away = any(finding.level == "error" for finding in found)
    checks = WITHOUT_DATABASE if away else (*WITH_DATABASE, *WITHOUT_DATABASE)
    for area, check in checks:
        found += safely(area, check, now)
    return found


def safely(area: str, check: Check, now: datetime) -> list[Finding]:
    """The findings of a check; its own failure becomes one."""
    try:
        return list(check(now))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the doctor found
        said = one_line(f"{type(error).__name__}: {error}")[:250]
        mend = "Mend this first, then run doctor again."
        return [Finding(area, "error", f"This could not be checked: {said}", mend)]
