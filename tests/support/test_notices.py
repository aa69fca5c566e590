"""The words of notices about promises, and what tools are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.notifications.layout import Reader
from apps.support import notices
from apps.support.notices import Line, Notice

NOW = datetime(2026, 9, 7, 12, 20, tzinfo=UTC)  # 14:20 in Berlin
RAVI = Reader(name="Ravi", zone=ZoneInfo("Europe/Berlin"))
LINE = Line(
    ref="TCK-7",
    subject="The profile of orders\r\nis stale",
    metric="First reply",
    priority="P2",
    due_at=NOW - timedelta(minutes=20),
    url="https://ops.example.org/tickets/TCK-7/",
    owner="Sam Sand",
    customer="Bramble Foods",
)
ONE = Notice(lines=[LINE], why="you own the ticket", url=LINE.url)


def test_a_missed_promise_says_which_since_when_and_why_you_hear_of_it() -> None:
    told = notices.missed(ONE, RAVI, NOW)
    assert told.subject == "[TCK-7] First reply missed: The profile of orders is stale"
    assert "It was due 14:00 Berlin, 20 m ago." in told.text
    assert "Priority: P2\nCustomer: Bramble Foods\nOwner: Sam Sand" in told.text
    assert "Open the ticket: https://ops.example.org/tickets/TCK-7/" in told.text
    assert told.text.endswith("Why you got this: you own the ticket.\n")
    assert told.short == (
        "TCK-7 First reply missed 20 m ago: The profile of orders is stale. "
        "https://ops.example.org/tickets/TCK-7/"
    )


def test_a_new_target_that_was_used_up_already_says_so() -> None:
    line = replace(LINE, retargeted=True)
    told = notices.missed(replace(ONE, lines=[line]), RAVI, NOW)
    assert "Its new target was used up already 14:00 Berlin, 20 m ago." in told.text


def test_a_warning_says_by_when() -> None:
    line = replace(LINE, due_at=NOW + timedelta(hours=1), percent=80, owner="")
    told = notices.warning(replace(ONE, lines=[line]), RAVI, NOW)
    assert told.subject == "[TCK-7] First reply due 15:20: The profile of orders is stale"
    assert "80 % of its time is used up." in told.text
    assert "is due at 15:20 Berlin, in 1 h" in told.text
    assert "Owner: nobody" in told.text


def test_several_are_one_message_with_the_worst_first() -> None:
    lines = [
        replace(LINE, ref=f"TCK-{n}", priority=priority, due_at=NOW - timedelta(minutes=n))
        for n, priority in ((1, "P3"), (2, "P1"), (3, "P3"), (4, "P2"))
    ]
    told = notices.missed(replace(ONE, lines=lines), RAVI, NOW)
    assert told.subject == "4 promises missed: TCK-2, TCK-4, TCK-3 and 1 more"
    rows = [line[2:10] for line in told.text.splitlines() if line.startswith("- ")]
    assert rows == ["P1 TCK-2", "P2 TCK-4", "P3 TCK-3", "P3 TCK-1"]


def test_a_long_list_is_cut_and_counted() -> None:
    lines = [replace(LINE, ref=f"TCK-{n}") for n in range(50)]
    told = notices.warning(replace(ONE, lines=lines), RAVI, NOW)
    assert "- and 30 more" in told.text
    assert told.text.count("\n- ") == notices.SHOWN + 1


@pytest.mark.parametrize(("kind", "prefix"), [("drill", "[DRILL] "), ("test", "[TEST] ")])
def test_what_is_not_real_says_so_first(kind: str, prefix: str) -> None:
    for write in (notices.missed, notices.warning):
        assert write(replace(ONE, kind=kind), RAVI, NOW).subject.startswith(prefix)


def test_the_nightly_difference_names_the_clocks() -> None:
    facts = notices.Differences(
        clocks=2, checked=900, lines=["TCK-7 Resolution 1: state is met"], url="https://x/"
    )
    told = notices.differences(facts, RAVI, NOW)
    assert told.subject == "[Promises] 2 of 900 clocks differ from their own history"
    assert "- TCK-7 Resolution 1: state is met" in told.text
