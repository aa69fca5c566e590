"""The chip of a promise: working time in hours, the wall's time in days, never mixed up."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context

from apps.portal.templatetags.tickets import promise
from apps.support.models import Ticket, TicketClock
from apps.support.selectors.standing import Standing, standing

NOW = datetime(2026, 9, 7, 9, 12, tzinfo=UTC)
HOUR = 3600


def said(one: Standing) -> str:
    chip = promise(Context({"now": NOW}), one)
    return " ".join(re.sub(r"<[^>]*>", " ", chip).split())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (36 * HOUR + 1500, "Resolution: Breached 36 h working due Wed 09:12"),
        (8 * HOUR + 1200, "Resolution: Breached 8 h 20 m working due Wed 09:12"),
        (5 * 24 * HOUR, "Resolution: Breached 5 d due Wed 09:12"),
    ],
)
def test_a_breach_in_working_time_counts_hours_and_says_so(seconds: int, text: str) -> None:
    due = NOW - timedelta(days=5)
    assert said(Standing("breached", "resolution", due, seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (178 * HOUR, "Resolution: Paused 178 h working left"),
        (3 * HOUR + 1200, "Resolution: Paused 3 h 20 m working left"),
        (-30 * HOUR, "Resolution: Paused 30 h working over"),
    ],
)
def test_a_pause_keeps_working_hours_whose_days_have_no_length(seconds: int, text: str) -> None:
    assert said(Standing("paused", "resolution", None, seconds)) == text


def test_what_is_left_counts_days_on_the_wall_and_its_hover_the_working_hours() -> None:
    running = Standing("running", "resolution", NOW + timedelta(days=24), 150 * HOUR)
    assert said(running) == "Resolution: 24 d left due 1 Oct"
    assert "; 150 h of working time left" in promise(Context({"now": NOW}), running)


def test_a_kept_promise_is_early_by_working_hours_and_never_by_more_than_its_target() -> None:
    due, at = NOW + timedelta(days=3), NOW
    kept = Standing("met", "first_reply", due, 7 * HOUR + 600, at=at)
    assert said(kept) == "First reply: Met 09:12, 7 h 10 m working early"
    by_night = Standing("met", "first_reply", NOW + timedelta(minutes=30), 30 * 60, at=at)
    assert said(by_night) == "First reply: Met 09:12, 30 m early"


def test_what_a_kept_promise_left_over_is_its_target_less_what_it_took() -> None:
    clock = TicketClock(
        metric="first_reply", state="met", target_seconds=8 * HOUR, worked_seconds_final=50 * 60,
        stopped_at=NOW, due_at=NOW + timedelta(days=3),
    )  # fmt: skip
    kept = standing(Ticket(sla_state="met"), [clock], now=NOW + timedelta(days=5))
    assert (kept.state, kept.seconds) == ("met", 7 * HOUR + 600)
