"""How the ledger stands, and whether its backlog grows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.core import audit
from apps.followups import backlog, selectors
from apps.followups import services as followups
from tests.conftest import Cast
from tests.followups.kit import NOW, done, promise, verified

MONDAYS = [date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16)]


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("opened", "steps", "weeks"),
    [
        ([], [], [(0, 0, 0), (0, 0, 0), (0, 0, 0)]),
        ([at(2), at(10)], [], [(1, 0, 1), (1, 0, 2), (0, 0, 2)]),
        ([at(2)], [(at(9), 1)], [(1, 0, 1), (0, 1, 0), (0, 0, 0)]),
        ([at(2)], [(at(3), 1), (at(10), -1)], [(1, 1, 0), (0, -1, 1), (0, 0, 1)]),
        ([datetime(2026, 1, 1, tzinfo=UTC)], [], [(0, 0, 1), (0, 0, 1), (0, 0, 1)]),
        ([at(9, 0)], [], [(0, 0, 0), (1, 0, 1), (0, 0, 1)]),  # Monday 00:00 begins a week
    ],
)
def test_the_backlog_by_week(
    opened: list[datetime], steps: list[tuple[datetime, int]], weeks: list[tuple[int, int, int]]
) -> None:
    found = backlog.weekly(opened, steps, MONDAYS)
    assert [(one.opened, one.ended, one.standing) for one in found] == weeks


def test_the_last_weeks_end_with_the_present_one() -> None:
    found = backlog.mondays(datetime(2026, 3, 15, 23, 59, tzinfo=UTC), weeks=3)
    assert found == [date(2026, 2, 23), date(2026, 3, 2), date(2026, 3, 9)]


def test_figures_count_what_is_real_and_may_be_seen(cast: Cast) -> None:
    promise(cast.ravi, due_on=date(2026, 3, 3))
    promise(cast.ravi)
    done(cast.ravi)
    verified(cast.ravi, cast.maya)
    back = verified(cast.ravi, cast.maya)
    followups.not_held(
        follow_up=back, reason="The time-outs are back.", actor=audit.SYSTEM, now=at(10)
    )
    followups.wont_do(
        follow_up=promise(cast.ravi), reason="Replaced by another.", person=cast.maya,
        actor=audit.SYSTEM, now=at(10),
    )  # fmt: skip
    promise(cast.ravi, kind="drill")
    promise(cast.ravi, is_restricted=True)
    found = selectors.figures(cast.bea, now=at(9, 13))
    assert (found.open, found.overdue, found.to_verify) == (3, 1, 1)
    assert (found.verified, found.did_not_hold, found.wont_do) == (1, 1, 1)
    assert selectors.figures(cast.maya, now=at(9, 13)).open == 4
    last = found.weeks[-2:]
    assert [(one.opened, one.ended, one.standing) for one in last] == [(6, 2, 4), (0, 0, 4)]
    assert len(found.weeks) == backlog.WEEKS
    assert NOW - timedelta(weeks=1) < at(2)
