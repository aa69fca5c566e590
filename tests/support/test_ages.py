"""How long tickets are open in business time, for rules that ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core.errors import Invalid
from apps.support.ages import TicketAges
from apps.support.models import Ticket
from tests import builders as build

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 9, 7, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def ask(now: datetime, **more: Any) -> list[str]:
    asked: dict[str, Any] = {"what": "tickets", "priority": "P1", "calendar": "desk"}
    asked |= {"days": 5.0, "seconds": None, **more}
    return [one.ref for one in TicketAges().aged(now=now, **asked)]


@pytest.fixture
def p1(db: None) -> Ticket:
    build.support(now=MONDAY)
    build.calendar("desk", now=MONDAY)  # 09:00 to 18:00, Monday to Friday
    made = build.ticket(now=MONDAY)
    Ticket.objects.filter(pk=made.pk).update(priority="P1")
    return made


def test_five_business_days_span_a_weekend(p1: Ticket) -> None:
    friday_evening, next_monday = MONDAY + 4 * DAY + timedelta(hours=9), MONDAY + 7 * DAY
    assert ask(friday_evening) == []
    assert ask(next_monday) == []  # the weekend does not count
    assert ask(next_monday + timedelta(seconds=1)) == [p1.ref]
    (one,) = TicketAges().aged(
        what="tickets", priority="", calendar="desk", days=5, seconds=None, now=MONDAY + 8 * DAY
    )
    assert (one.limit_seconds, one.seconds) == (5 * 9 * 3600, 6 * 9 * 3600)
    assert (one.label, one.url) == (f"{p1.ref} (P1)", f"/tickets/{p1.ref}/")


def test_seconds_count_only_while_the_office_is_open(p1: Ticket) -> None:
    assert ask(MONDAY + timedelta(hours=9), days=None, seconds=32_000) == [p1.ref]
    assert ask(MONDAY + timedelta(hours=23), days=None, seconds=9 * 3600) == []


def test_only_what_is_asked_for_and_still_open_is_old(p1: Ticket) -> None:
    later = MONDAY + 30 * DAY
    assert ask(later) == [p1.ref]
    assert ask(later, priority="P2") == []
    assert ask(later, what="incidents") == []
    Ticket.objects.update(kind="test")
    assert ask(later) == []
    Ticket.objects.update(kind="real", status="resolved", resolved_at=later)
    assert ask(later) == []


def test_a_calendar_that_is_not_there_is_said() -> None:
    with pytest.raises(Invalid, match="no calendar nowhere"):
        ask(MONDAY, calendar="nowhere")
