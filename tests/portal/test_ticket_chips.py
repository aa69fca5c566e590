"""The chip of a promise: working time in hours, the wall's time in days, never mixed up."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context

from apps.portal.templatetags.tickets import promise
from apps.support.selectors.standing import Standing

NOW = datetime(2026, 9, 7, 9, 12, tzinfo=UTC)
HOUR = 3600


def said(standing: Standing) -> str:
    chip = promise(Context({"now": NOW}), standing)
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
