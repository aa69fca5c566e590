"""The promises of a new site. What somebody has set up, however little, is left alone."""

from __future__ import annotations

from datetime import datetime

from apps.calendars import services as calendars
from apps.calendars.models import BusinessCalendar
from apps.core import audit
from apps.support import matching
from apps.support.models import EscalationStep, SlaPolicy
from apps.support.services.policies import Cell, Step, save_policy

MINUTE, HOUR = 60, 3600
DAY = 9 * HOUR  # working seconds of a day: 09 to 18
PRIORITIES = ("P1", "P2", "P3", "P4")
GRID: dict[str, tuple[int | None, ...]] = {
    matching.TRIAGE: (15 * MINUTE, HOUR, 4 * HOUR, DAY),
    matching.FIRST_REPLY: (30 * MINUTE, 2 * HOUR, 8 * HOUR, 2 * DAY),
    matching.NEXT_REPLY: (HOUR, 4 * HOUR, DAY, 3 * DAY),
    matching.PERIODIC_UPDATE: (HOUR, 4 * HOUR, 2 * DAY, None),
    matching.RESOLUTION: (4 * HOUR, DAY, 5 * DAY, 20 * DAY),
}
ALL_HOURS = frozenset({(matching.TRIAGE, "P1"), (matching.FIRST_REPLY, "P1")})
PAGED = frozenset({matching.TRIAGE, matching.FIRST_REPLY, matching.NEXT_REPLY})
Tell = EscalationStep.Notify


def ensure_sla(now: datetime) -> None:
    """A default policy with a target for every metric and priority, in office hours; triage and
    first reply of P1 run around the clock."""
    if SlaPolicy.objects.exists():
        return
    calendars.ensure_defaults(now=now)
    known = BusinessCalendar.objects.in_bulk([calendars.OFFICE, calendars.ALWAYS], field_name="key")
    office = known.get(calendars.OFFICE) or BusinessCalendar.objects.filter(is_default=True).first()
    if office is None:
        return
    always = known.get(calendars.ALWAYS)
    cells = [
        Cell(
            metric=metric,
            priority=priority,
            seconds=seconds,
            calendar=always if (metric, priority) in ALL_HOURS else None,
            steps=_steps(metric, priority),
        )
        for metric, row in GRID.items()
        for priority, seconds in zip(PRIORITIES, row, strict=True)
    ]
    save_policy(
        policy=None,
        name="Standard",
        calendar=office,
        cells=cells,
        is_default=True,
        actor=audit.system("Setup"),
        now=now,
    )


def _steps(metric: str, priority: str) -> tuple[Step, ...]:
    """The owner at once; backup and a page for what is urgent; the lead after an hour."""
    found = [Step(0, Tell.OWNER), Step(HOUR, Tell.LEAD)]
    if priority in {"P1", "P2"}:
        found.append(Step(15 * MINUTE, Tell.BACKUP))
        if metric in PAGED:
            found.append(Step(0 if priority == "P1" else 15 * MINUTE, Tell.PAGE))
    return tuple(sorted(found, key=lambda step: step.after_seconds))
