"""How long tickets have been open, in business time: what rules about age ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from apps.alerts.rules.facts import Aged
from apps.calendars import selectors as calendars
from apps.calendars.businesstime import Calendar, worked
from apps.calendars.models import BusinessCalendar
from apps.core.errors import Invalid
from apps.support.models import Ticket


class TicketAges:
    """Real tickets on which somebody still works. Time in which we wait for others counts, too:
    it is about how long a customer has been without an end of it."""

    def aged(
        self,
        *,
        what: str,
        priority: str,
        calendar: str,
        days: float | None,
        seconds: float | None,
        now: datetime,
    ) -> Sequence[Aged]:
        """Those older than that. A business day is as long as the calendar's week has it on
        average: five of 09:00 to 18:00 are 45 hours. Raises Invalid for an unknown calendar."""
        if what != "tickets":
            return []
        hours = _calendar(calendar)
        limit = seconds if seconds is not None else (days or 0.0) * _day(hours)
        rows = Ticket.objects.active().real().filter(created_at__lt=now - timedelta(seconds=limit))
        rows = rows.filter(priority=priority) if priority else rows
        found = []
        for ticket in rows.select_related("surface").order_by("pk"):
            age = worked(hours, ticket.created_at, now)
            if age > limit:
                found.append(_aged(ticket, age, limit))
        return found


def _calendar(key: str) -> Calendar:
    rows = BusinessCalendar.objects.current()
    found = rows.filter(key=key).first() if key else calendars.default_calendar()
    if found is None:
        said = f"There is no calendar {key}." if key else "No calendar is the default one."
        raise Invalid(said, fields={"calendar": [said]})
    return calendars.rules(calendars.current_version(found))


def _day(calendar: Calendar) -> float:
    """Seconds of an average day on which the calendar is open."""
    lengths = [sum(end - start for start, end in spans) for spans in calendar.weekly if spans]
    return 60 * sum(lengths) / len(lengths) if lengths else 86_400.0


def _aged(ticket: Ticket, age: float, limit: float) -> Aged:
    surface = ticket.surface if ticket.surface and ticket.surface.archived_at is None else None
    return Aged(
        ref=ticket.ref,
        label=f"{ticket.ref} ({ticket.priority})",
        url=f"/tickets/{ticket.ref}/",
        seconds=age,
        limit_seconds=limit,
        surface=surface.key if surface else "",
    )
