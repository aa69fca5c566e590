"""Two managers at once, with real transactions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.calendars import selectors, services
from apps.calendars.models import BusinessCalendar
from apps.core import audit
from apps.core.errors import Conflict
from tests import builders as build
from tests.notifications.test_races import together

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_of_two_edits_of_one_version_one_is_kept_and_the_other_told() -> None:
    calendar = build.calendar(now=NOW)
    for seen in range(1, 11):

        def save(opens: int, seen: int = seen) -> None:
            services.save_version(
                calendar=calendar, time_zone="UTC", weekly={"mon": [[opens, 600 + seen]]},
                exceptions={}, regions=[], seen=seen, actor=audit.SYSTEM, now=NOW,
            )  # fmt: skip

        (error,) = together(lambda: save(480), lambda: save(540))
        assert isinstance(error, Conflict) and error.code == "stale"
        assert selectors.current_version(calendar).number == seen + 1


def test_two_who_set_the_site_up_make_one_of_each() -> None:
    assert not together(*[lambda: services.ensure_defaults(now=NOW)] * 4)
    assert sorted(row.key for row in BusinessCalendar.objects.all()) == ["always", "office"]
    default = selectors.default_calendar()
    assert default is not None and default.key == "office"
