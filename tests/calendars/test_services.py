"""Versions of calendars, their holidays, and the daily work on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import ProgrammingError, transaction

from apps.calendars import selectors, services, tasks, zonedata
from apps.calendars.businesstime import DAYS
from apps.calendars.events import CalendarChanged
from apps.calendars.models import BusinessCalendar, CalendarVersion
from apps.core import audit, events
from apps.core.errors import Conflict, Invalid
from apps.notifications.models import Site

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
OFFICE = {day: [[540, 1080]] for day in DAYS[:5]}
MAYA = audit.Actor(audit.ActorKind.PERSON, "1", "Maya Lind")


def make(key: str = "berlin", **more: Any) -> BusinessCalendar:
    given = {"name": "Berlin", "time_zone": "Europe/Berlin", "weekly": OFFICE, **more}
    return services.create_calendar(key=key, actor=MAYA, now=NOW, **given)


def save(calendar: BusinessCalendar, **more: Any) -> CalendarVersion:
    says = selectors.current_version(calendar)
    given: dict[str, Any] = {
        "time_zone": says.time_zone,
        "weekly": says.weekly,
        "exceptions": says.exceptions,
        "regions": says.regions,
        "now": LATER,
        **more,
    }
    return services.save_version(calendar=calendar, actor=MAYA, **given)


def manual(*spans: list[int], name: str = "") -> dict[str, Any]:
    return {"spans": list(spans), "name": name, "source": "manual"}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[CalendarChanged]]:
    told: list[CalendarChanged] = []
    monkeypatch.setitem(events._handlers, CalendarChanged, [told.append])
    return told


def test_a_calendar_starts_with_its_first_version() -> None:
    calendar = make(weekly={"mon": [[600, 700], [540, 660]], "tue": []}, note="From the start")
    version = selectors.current_version(calendar)
    assert (version.number, version.weekly) == (1, {"mon": [[540, 700]]})
    assert (version.actor_label, version.created_at) == ("Maya Lind", NOW)
    assert version.tzdata == zonedata.release()
    assert version.note == "From the start"


def test_a_change_is_a_new_version_and_is_told_upwards(heard: list[CalendarChanged]) -> None:
    calendar = make()
    first = selectors.current_version(calendar)
    second = save(calendar, exceptions={"2026-12-24": manual([540, 720], name="Christmas Eve")})
    assert (second.number, second.created_at) == (2, LATER)
    assert heard == [CalendarChanged(calendar.pk, first.pk, second.pk, LATER)]
    first.refresh_from_db()
    assert first.exceptions == {}


def test_saving_the_same_again_makes_no_version(heard: list[CalendarChanged]) -> None:
    calendar = make(regions=["DE"], exceptions={"2026-12-24": manual()})
    first = selectors.current_version(calendar)
    same = save(
        calendar,
        weekly={**OFFICE, "mon": [[540, 700], [700, 1080]], "sun": []},
        exceptions={"2026-12-24": manual()},
        note="Nothing new",
    )
    assert same == first
    assert not heard


def test_who_edited_an_older_version_is_told_so() -> None:
    calendar = make()
    save(calendar, time_zone="UTC", seen=1)
    with pytest.raises(Conflict) as refused:
        save(calendar, time_zone="Asia/Kolkata", seen=1)
    assert refused.value.code == "stale"
    assert selectors.current_version(calendar).time_zone == "UTC"


def test_the_database_refuses_to_change_or_delete_a_version() -> None:
    version = selectors.current_version(make())
    for change in (
        lambda: CalendarVersion.objects.filter(pk=version.pk).update(note="Never"),
        lambda: CalendarVersion.objects.filter(pk=version.pk).delete(),
    ):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("time_zone", {"time_zone": "Europe/Nowhere"}),
        ("weekly", {"weekly": {}}),
        ("weekly.mon", {"weekly": {"mon": [[600, 500]]}}),
        ("weekly", {"weekly": {"lundi": [[600, 700]]}}),
        ("exceptions", {"exceptions": {"24.12.2026": manual()}}),
        ("exceptions.2026-12-24", {"exceptions": {"2026-12-24": manual([0, 1500])}}),
        ("regions", {"regions": ["Bavaria"]}),
        (
            "regions",
            {"regions": ["DE", "AT", "CH", "FR", "IT", "ES", "PT", "NL", "BE", "LU", "US"]},
        ),
    ],
)
def test_what_cannot_be_computed_is_not_saved(field: str, wrong: dict[str, Any]) -> None:
    calendar = make()
    with pytest.raises(Invalid) as refused:
        save(calendar, **wrong)
    assert list(refused.value.fields) == [field]
    assert selectors.current_version(calendar).number == 1


def test_a_calendar_that_stays_closed_for_400_days_is_refused() -> None:
    closed = {(NOW.date() + timedelta(days=n)).isoformat(): manual() for n in range(450)}
    with pytest.raises(Invalid, match="400 days"):
        make(exceptions=closed)
    with pytest.raises(Invalid, match="2000"):
        make(
            exceptions={(NOW.date() + timedelta(days=n)).isoformat(): manual() for n in range(2001)}
        )


def test_a_key_is_taken_once() -> None:
    make()
    with pytest.raises(ValidationError):
        make()


# -- holidays


def test_holidays_of_its_regions_are_filled_in_for_this_year_and_two_more() -> None:
    calendar = make(regions=["DE-BY", "US"], exceptions={"2026-12-25": manual([600, 660])})
    found = selectors.current_version(calendar).exceptions
    assert found["2027-01-06"] == {"spans": [], "name": "Epiphany", "source": "holidays"}
    assert found["2026-11-26"]["name"] == "Thanksgiving Day"
    assert found["2026-05-25"]["name"] == "Pentecost Monday; Memorial Day"
    assert found["2026-12-25"] == manual([600, 660])  # by hand, so it stays
    assert {on[:4] for on in found} == {"2026", "2027", "2028"}


def test_seeding_again_changes_nothing_and_a_new_year_adds_its_last(
    heard: list[CalendarChanged],
) -> None:
    calendar = make(regions=["DE"], exceptions={"2026-12-31": manual()})
    first = selectors.current_version(calendar)
    assert services.seed_holidays(calendar=calendar, actor=MAYA, now=LATER) == first
    new_year = datetime(2027, 1, 1, 3, tzinfo=UTC)
    second = services.seed_holidays(calendar=calendar, actor=MAYA, now=new_year)
    assert second.number == 2
    assert "2029-12-25" in second.exceptions
    assert second.exceptions["2026-12-25"]["name"] == "Christmas Day"  # over, and kept
    assert second.exceptions["2026-12-31"] == manual()
    assert len(heard) == 1
    long_after = services.seed_holidays(
        calendar=calendar, actor=MAYA, now=datetime(2029, 2, 1, tzinfo=UTC)
    )
    assert min(long_after.exceptions) == "2026-12-31"  # by hand; holidays go two years after


def test_leaving_a_region_takes_its_holidays_out() -> None:
    calendar = make(regions=["DE"])
    version = save(calendar, regions=[])
    assert version.exceptions == {}


# -- the daily work


def test_the_daily_work_adds_holidays_and_reads_new_zone_data_once(
    monkeypatch: pytest.MonkeyPatch, heard: list[CalendarChanged]
) -> None:
    berlin, plain = make(regions=["DE"]), make("plain")
    assert services.refresh_all(now=LATER) == 0
    assert services.refresh_all(now=datetime(2027, 1, 2, tzinfo=UTC)) == 1
    assert selectors.current_version(berlin).note == "Public holidays"
    monkeypatch.setattr(zonedata, "release", lambda: "2027a")
    assert services.refresh_all(now=datetime(2027, 2, 1, tzinfo=UTC)) == 2
    version = selectors.current_version(plain)
    assert (version.note, version.tzdata) == ("Time zone data 2027a", "2027a")
    assert version.actor_label == "Calendars"
    assert services.refresh_all(now=datetime(2027, 2, 2, tzinfo=UTC)) == 0
    assert len(heard) == 3


def test_the_task_is_the_daily_work() -> None:
    make(regions=["DE"])
    with time_machine.travel(LATER, tick=False):
        assert tasks.refresh() == 0
    with time_machine.travel(datetime(2027, 1, 2, tzinfo=UTC), tick=False):
        assert [tasks.refresh(), tasks.refresh()] == [1, 0]


def test_a_calendar_that_cannot_be_refreshed_does_not_hold_up_the_others() -> None:
    only_dates = make("broken", exceptions={})
    newest = selectors.current_version(only_dates)
    CalendarVersion.objects.create(
        calendar=only_dates, number=2, time_zone="Mars/Olympus", weekly=newest.weekly,
        created_at=NOW,
    )  # fmt: skip
    make("sound", regions=["DE"])
    assert services.refresh_all(now=datetime(2027, 1, 2, tzinfo=UTC)) == 1


# -- the life of a calendar


def test_a_new_site_gets_office_hours_and_around_the_clock_once() -> None:
    Site.objects.create(pk=1, time_zone="America/New_York")
    services.ensure_defaults(now=NOW)
    services.ensure_defaults(now=LATER)
    office, always = BusinessCalendar.objects.order_by("-key")
    assert (office.key, office.is_default) == ("office", True)
    assert (always.key, always.is_default) == ("always", False)
    says = selectors.current_versions([office.pk, always.pk])
    assert says[office.pk].time_zone == "America/New_York"
    assert says[office.pk].weekly == OFFICE
    assert says[always.pk].weekly == {day: [[0, 1440]] for day in DAYS}
    assert selectors.default_calendar() == office


def test_the_calendars_of_a_new_site_leave_a_default_of_your_own_alone() -> None:
    mine = make(is_default=True)
    services.ensure_defaults(now=NOW)
    assert selectors.default_calendar() == mine
    assert BusinessCalendar.objects.count() == 3


def test_there_is_one_default_and_it_cannot_be_archived() -> None:
    first, second = make(is_default=True), make("second")
    says = services.Says("UTC", OFFICE)
    services.edit_calendar(
        calendar=second, name="Second", is_default=True, says=says, actor=MAYA, now=LATER
    )
    assert [row.key for row in BusinessCalendar.objects.filter(is_default=True)] == ["second"]
    with pytest.raises(Invalid) as refused:
        services.edit_calendar(
            calendar=second, name="Second", is_default=False, says=says, actor=MAYA, now=LATER
        )
    assert list(refused.value.fields) == ["is_default"]
    with pytest.raises(Conflict):
        services.archive(calendar=second, now=LATER)
    assert services.archive(calendar=first, now=LATER).archived_at == LATER
    with pytest.raises(Conflict):
        save(first, time_zone="UTC")
    assert services.restore(calendar=first).archived_at is None
    assert save(first, time_zone="UTC").number == 2


# -- reading


def test_a_version_is_turned_into_rules_once() -> None:
    version = selectors.current_version(make(regions=["DE"]))
    rules = selectors.rules(version)
    assert rules is selectors.rules(CalendarVersion.objects.get(pk=version.pk))
    assert rules.spans_on(datetime(2026, 12, 25).date()) == ()
    assert rules.zone == "Europe/Berlin"


def test_the_newest_versions_of_many_calendars_are_one_query(
    django_assert_num_queries: Any,
) -> None:
    calendars = [make(f"c{n}") for n in range(3)]
    save(calendars[0], time_zone="UTC")
    with django_assert_num_queries(1):
        found = selectors.current_versions(row.pk for row in calendars)
        assert [found[row.pk].number for row in calendars] == [2, 1, 1]
        assert [found[row.pk].calendar.key for row in calendars] == ["c0", "c1", "c2"]
