"""From looks to states, minute by minute."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from apps.alerts.rules.lifecycle import FIRING, HOLD, OK, PENDING, Standing, inhibited, step

NOON = datetime(2026, 9, 7, 12, tzinfo=UTC)


def events(
    looks: Iterable[str], *, wait: int = 0, keep: int = 0, every: int = 60
) -> list[tuple[int, str]]:
    """(minute, event) over looks a minute apart."""
    standing, found = None, []
    for number, look in enumerate(looks):
        now = NOON + timedelta(seconds=every * number)
        result = step(standing, look, now=now, for_seconds=wait, keep_seconds=keep)
        standing = result.standing
        if result.event:
            found.append((number, result.event))
    return found


F, O, W, I, N, S = "firing", "ok", "warning", "insufficient_data", "no_data", "suppressed"  # noqa: E741 - short names make the rows below readable


@pytest.mark.parametrize(
    ("looks", "wait", "keep", "expected"),
    [
        ([O, F, O], 0, 0, [(1, "fired"), (2, "resolved")]),
        ([F, F, F], 0, 0, [(0, "fired")]),
        ([O, F, F, F, F], 120, 0, [(3, "fired")]),
        ([F, O, F, F, F], 120, 0, [(4, "fired")]),
        ([F, W, F, F, F], 120, 0, [(4, "fired")]),
        ([F, I, N, F], 120, 0, [(3, "fired")]),
        ([F, O, O, O, O], 0, 180, [(0, "fired"), (3, "resolved")]),
        ([F, O, O, F, O, O, O, O], 0, 180, [(0, "fired"), (6, "resolved")]),
        ([F, W, W, W], 0, 120, [(0, "fired"), (2, "resolved")]),
        ([F, I, N, I, N, I], 0, 60, [(0, "fired")]),
        ([F, S], 0, 900, [(0, "fired"), (1, "resolved")]),
        ([F, "gone"], 0, 900, [(0, "fired"), (1, "resolved")]),
        ([N, I, O, "proven", W, S, "gone"], 0, 0, []),
        ([F, F, "gone", F], 180, 0, []),
    ],
)
def test_looks_become_events(
    looks: list[str], wait: int, keep: int, expected: list[tuple[int, str]]
) -> None:
    assert events(looks, wait=wait, keep=keep) == expected


def test_an_outage_in_spikes_is_one_firing_when_it_keeps_firing() -> None:
    spikes = ([F] * 5 + [O] * 5) * 6
    assert len(events(spikes, keep=0)) == 12
    assert events(spikes, keep=900) == [(0, "fired")]


def test_nothing_at_all_is_held_for_a_day_and_then_closed_without_a_proof() -> None:
    hour = 3600
    looks = [F] + [N] * 30
    assert events(looks, keep=60, every=hour) == [(0, "fired"), (24, "gone silent")]


def test_after_hours_of_silence_the_first_look_gives_the_right_state() -> None:
    late = NOON + timedelta(hours=9)
    pending = Standing(PENDING, NOON, NOON)
    firing = Standing(FIRING, NOON, NOON)
    assert step(pending, F, now=late, for_seconds=600).event == "fired"
    assert step(firing, O, now=late, keep_seconds=900).standing == Standing(OK, late)
    assert step(firing, F, now=late).standing.last_true_at == late
    assert step(firing, N, now=NOON + HOLD).event == "gone silent"


def test_only_the_lowest_tier_that_fires_is_heard() -> None:
    assert not inhibited(2, [])
    assert not inhibited(1, [2, 3])
    assert not inhibited(2, [2])
    assert inhibited(2, [1])
