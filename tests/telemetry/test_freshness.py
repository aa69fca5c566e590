"""Last success 9 days ago: against a rhythm, an age, or since it is known."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.authentication import KeyPrincipal
from apps.core import audit
from apps.core.errors import Invalid
from apps.telemetry import services
from apps.telemetry.models import ProfiledSource
from apps.telemetry.selectors import freshness
from tests import builders as build
from tests.builders import telemetry as measured
from tests.builders.telemetry import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def states(now=NOON, user=None) -> dict[str, str]:
    return {row.label: row.state for row in freshness.sources(now=now, user=user)}


def expect(source: ProfiledSource, *, every: timedelta | None = None, **more) -> ProfiledSource:
    given = {"max_age_seconds": None, "paused": False, "connection": None, "surface": None, **more}
    return services.change_source(
        source=source, cadence_seconds=round(every.total_seconds()) if every else None,
        actor=audit.SYSTEM, now=NOON, **given,
    )  # fmt: skip


@pytest.fixture
def source() -> ProfiledSource:
    """Last succeeded at NOON."""
    measured.runs(measured.profiler(), 1)
    return ProfiledSource.objects.get()


@pytest.mark.parametrize(
    ("hours", "state"),
    [(0, "fresh"), (6, "fresh"), (6.01, "late"), (9, "late"), (9.01, "stale"), (216, "stale")],
)
def test_with_a_rhythm_a_source_is_late_after_it_and_stale_after_half_as_much_again(
    source: ProfiledSource, hours: float, state: str
):
    expect(source, every=6 * HOUR)
    assert states(NOON + hours * HOUR) == {"warehouse": state}


@pytest.mark.parametrize(("hours", "state"), [(24, "fresh"), (24.01, "stale"), (216, "stale")])
def test_without_a_rhythm_a_day_is_too_old(source: ProfiledSource, hours: float, state: str):
    assert states(NOON + hours * HOUR) == {"warehouse": state}


def test_a_source_may_have_an_age_of_its_own(source: ProfiledSource):
    expect(source, max_age_seconds=7 * 86_400)
    assert states(NOON + timedelta(days=7)) == {"warehouse": "fresh"}
    assert states(NOON + timedelta(days=8)) == {"warehouse": "stale"}


def test_what_never_succeeded_counts_from_when_it_was_first_heard_of():
    profiler = measured.profiler()
    measured.runs(profiler, 0, bad=3, every=HOUR)
    (row,) = freshness.sources(now=NOON)
    assert (row.since, row.age, row.last_success_at) == (NOON - 2 * HOUR, 2 * HOUR, None)
    assert states(NOON + timedelta(days=1)) == {"warehouse": "never"}


def test_a_failure_makes_nothing_fresh(source: ProfiledSource):
    measured.runs(source.integration, 0, bad=1, at=NOON + 20 * HOUR)
    (row,) = freshness.sources(now=NOON + 25 * HOUR)
    assert (row.state, row.age, row.last_success_at) == ("stale", 25 * HOUR, NOON)


def test_the_rhythm_of_its_connection_is_a_source_s_too():
    connection = build.connection(cadence_seconds=3600, now=NOON - timedelta(days=30))
    measured.runs(measured.profiler(), 1, connection=connection.key)
    assert states(NOON + 1.2 * HOUR) == {"warehouse": "late"}
    (row,) = freshness.sources(now=NOON + 2 * HOUR)
    assert (row.state, row.connection, row.cadence) == ("stale", connection, HOUR)


def test_a_connection_with_a_rhythm_that_never_sent_a_run_counts_from_its_beginning():
    connection = build.connection(cadence_seconds=3600, now=NOON)
    assert states(NOON + HOUR) == {connection.name: "fresh"}
    (row,) = freshness.sources(now=NOON + 2 * HOUR)
    assert (row.state, row.source, row.connection) == ("never", None, connection)
    measured.runs(measured.profiler(), 1, at=NOON + 2 * HOUR, connection=connection.key)
    assert states(NOON + 2 * HOUR) == {"warehouse": "fresh"}


def test_a_connection_without_a_rhythm_or_on_hold_is_not_waited_for():
    build.connection(now=NOON)
    build.connection(cadence_seconds=3600, paused=True, now=NOON)
    assert states(NOON + timedelta(days=9)) == {}


def test_a_paused_source_is_suppressed_and_an_archived_one_is_gone(source: ProfiledSource):
    late = NOON + timedelta(days=9)
    expect(source, paused=True)
    assert states(late) == {"warehouse": "suppressed"}
    services.archive_source(source=source, actor=audit.SYSTEM, now=NOON)
    assert states(late) == {}
    measured.runs(source.integration, 1, at=late)
    assert states(late) == {"warehouse": "suppressed"}


def test_a_paused_connection_suppresses_its_sources():
    connection = build.connection(cadence_seconds=3600, paused=True, now=NOON)
    measured.runs(measured.profiler(), 1, connection=connection.key)
    assert states(NOON + timedelta(days=9)) == {"warehouse": "suppressed"}


def test_a_source_of_which_only_types_are_known_is_not_waited_for():
    profiler = measured.profiler()
    measured.inventory(profiler, {"types.shop.users.email": "email"})
    assert states(NOON + timedelta(days=9)) == {}
    expect(ProfiledSource.objects.get(), every=HOUR)
    assert states(NOON + timedelta(days=9)) == {"types": "never"}


def test_a_run_that_only_began_is_waited_for():
    measured.keep(measured.profiler(), [measured.run(outcome="running")])
    assert states(NOON + timedelta(days=2)) == {"warehouse": "never"}


def test_the_worst_come_first_by_their_share_of_what_they_may_take():
    profiler = measured.profiler()
    for name, hours in (("a", 30), ("b", 300), ("c", 1)):
        measured.runs(profiler, 1, source=name, at=NOON - hours * HOUR)
    found = freshness.sources(now=NOON)
    assert [(row.label, row.state) for row in found] == [
        ("b", "stale"),
        ("a", "stale"),
        ("c", "fresh"),
    ]
    assert round(found[0].share, 1) == 12.5


def test_a_team_s_key_sees_its_team_s_sources():
    team = build.team()
    ours, theirs = (
        build.surface("ours", team=team),
        build.surface("theirs", team=build.team("other")),
    )
    for name, surface in (("a", ours), ("b", theirs), ("c", None)):
        measured.runs(measured.profiler(surface=surface), 1, source=name)
    member = KeyPrincipal(build.key("events:read", team=team).row)
    assert set(states(user=member)) == {"a", "c"}


@pytest.mark.parametrize("seconds", [0, 59, 366 * 86_400 + 1])
def test_a_rhythm_is_between_a_minute_and_a_year(source: ProfiledSource, seconds: int):
    with pytest.raises(Invalid) as refused:
        expect(source, every=timedelta(seconds=seconds) or None, max_age_seconds=seconds)
    assert "max_age_seconds" in refused.value.fields
