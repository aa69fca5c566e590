"""A calendar on its page: hours as people type them, versions, and what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from apps.calendars import selectors, services
from apps.calendars.businesstime import DAYS
from apps.calendars.models import BusinessCalendar
from apps.core import audit
from tests.adminkit import Values, fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)  # a Friday, nine days before the clocks change
LIST = "/admin/calendars/businesscalendar/"
ADD = f"{LIST}add/"


@pytest.fixture(autouse=True)
def stopped_clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


@pytest.fixture
def office() -> BusinessCalendar:
    return services.create_calendar(
        key="berlin", name="Berlin", time_zone="Europe/Berlin", regions=["DE-BY"],
        weekly={day: [[540, 750], [810, 1080]] for day in DAYS[:5]},
        exceptions={"2026-04-02": {"spans": [[540, 720]], "name": "Before Easter"}},
        actor=audit.SYSTEM, now=NOW,
    )  # fmt: skip


def page(calendar: BusinessCalendar) -> str:
    return f"{LIST}{calendar.pk}/change/"


def says(calendar: BusinessCalendar) -> Any:
    return selectors.current_version(calendar)


def test_a_new_calendar_is_added_in_words(maya: Client) -> None:
    form = fields(maya, ADD)
    assert form["mon"] == ["09:00-18:00"] and form["sat"] == [""]
    answer = send(
        maya, ADD, form, name="Pune office", time_zone="Asia/Kolkata", sat="10-12",
        sun="all day", dates="2026-12-31 closed\n", note="We moved",
        **{"regions-0-region": "in"},
    )  # fmt: skip
    made = BusinessCalendar.objects.get(key="pune-office")
    assert answer.status_code == 302 and answer.url == page(made)
    version = says(made)
    assert (version.number, version.actor_label, version.note) == (1, "Maya Lind", "We moved")
    assert version.weekly["sat"] == [[600, 720]] and version.weekly["sun"] == [[0, 1440]]
    assert version.regions == ["IN"]
    assert version.exceptions["2026-12-31"]["source"] == "manual"
    assert version.exceptions["2026-08-15"]["name"] == "Independence Day"


def test_the_page_shows_what_is_typed_and_what_comes_of_it(
    maya: Client, office: BusinessCalendar
) -> None:
    form = fields(maya, page(office))
    assert form["mon"] == ["09:00-12:30, 13:30-18:00"]
    assert form["dates"] == ["2026-04-02 09:00-12:00 Before Easter"]
    assert form["regions-0-region"] == ["DE-BY"]
    said = text_of(maya.get(page(office)))
    assert "The coming 4 weeks, Europe/Berlin" in said
    assert "3 Apr closed ■ Good Friday" in said
    assert "2 Apr 09:00-12:00 ◆ Before Easter" in said
    assert "29 Mar closed ◆ clocks go forward 1 h" in said
    assert "27 h" in said  # the week of Good Friday: three whole days and a short one
    assert "1 (in force) Fri 20 Mar, 09:00 OpsPortal the first" in said


def test_saving_the_page_as_it_is_changes_nothing(maya: Client, office: BusinessCalendar) -> None:
    before = says(office)
    answer = send(maya, page(office), fields(maya, page(office)))
    assert answer.status_code == 302
    assert messages(answer) == ["Berlin is saved. Version 1 is in force."]
    assert says(office) == before


def test_a_change_is_a_version_with_who_and_why(maya: Client, office: BusinessCalendar) -> None:
    form = fields(maya, page(office))
    send(
        maya, page(office), form, mon="08:00-12:00", name="Berlin desk", note="Early Mondays",
        dates="2026-04-02 closed", is_default="on", **{"regions-0-region": ""},
    )  # fmt: skip
    version = says(office)
    assert (version.number, version.weekly["mon"]) == (2, [[480, 720]])
    assert version.exceptions == {"2026-04-02": {"spans": [], "name": "", "source": "manual"}}
    office.refresh_from_db()
    assert (office.name, office.is_default) == ("Berlin desk", True)
    said = text_of(maya.get(page(office)))
    assert "2 (in force) Fri 20 Mar, 09:00 Maya Lind hours, regions," in said
    assert "Early Mondays" in said


def test_a_preview_shows_what_was_typed_and_keeps_nothing(
    maya: Client, office: BusinessCalendar
) -> None:
    form = fields(maya, page(office))
    answer = send(maya, page(office), form, "_preview", sun="00:00-24:00")
    said = text_of(answer)
    assert "Preview, not saved yet." in said
    assert "29 Mar 00:00-24:00 ◆ clocks go forward 1 h" in said
    assert "63 h" in said  # 40 and the 23 hours of that Sunday
    assert says(office).number == 1
    empty = text_of(send(maya, page(office), {**form, **{day: [""] for day in DAYS}}, "_preview"))
    assert "at least one day" in empty


def test_who_was_slower_is_told_so(maya: Client, office: BusinessCalendar) -> None:
    form = fields(maya, page(office))
    send(maya, page(office), form, mon="08:00-12:00")
    answer = send(maya, page(office), form, mon="10:00-12:00")
    assert "Somebody else changed this calendar meanwhile" in text_of(answer)
    assert says(office).weekly["mon"] == [[480, 720]]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"mon": "nine to five"}, "“nine to five” cannot be read."),
        ({"mon": "22:00-06:00"}, "closes before it opens"),
        ({"mon": ", ".join(["09:00-10:00"] * 20)}, "at most 200 characters"),
        ({"time_zone": "Berlin"}, "Berlin is not a time zone"),
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"regions-0-region": "Bavaria"}, "Region 1: choose one from the list"),
        ({"dates": "\n2026-02-30 closed"}, "Line 2: “2026-02-30” is no date"),
        ({"dates": "2026-12-24 18:00-09:00"}, "Line 1: “18:00-09:00” closes before it opens"),
        ({"seen": "one"}, "Somebody else changed this calendar meanwhile."),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field_and_kept_as_typed(
    typed: dict[str, str], said: str, maya: Client, office: BusinessCalendar
) -> None:
    answer = send(maya, page(office), fields(maya, page(office)), **typed)
    assert answer.status_code == 200
    words = text_of(answer)
    assert said in words
    assert "Nothing was saved." in words
    assert says(office).number == 1


def test_text_that_cannot_be_kept_is_refused(maya: Client, office: BusinessCalendar) -> None:
    for name in ("mon", "dates", "regions-0-region", "note"):
        typed = {name: "\x00"}
        answer = send(maya, page(office), fields(maya, page(office)), **typed)
        assert answer.status_code == 400, name


def test_a_calendar_that_never_opens_is_refused_on_the_page(
    maya: Client, office: BusinessCalendar
) -> None:
    never: Values = {day: [""] for day in DAYS}
    answer = send(maya, page(office), {**fields(maya, page(office)), **never})
    assert "Give at least one day of the week opening hours." in text_of(answer)
    taken = send(maya, ADD, fields(maya, ADD), name="Berlin", key="berlin")
    assert "already exists" in text_of(taken)


def test_the_list_says_when_each_is_open(maya: Client, office: BusinessCalendar) -> None:
    services.ensure_defaults(now=NOW)
    said = text_of(maya.get(LIST))
    assert "Mon-Fri 09:00-12:30, 13:30-18:00 Europe/Berlin DE-BY" in said
    assert "Mon-Fri 09:00-18:00 UTC – ■ Default" in said
    assert "24 x 7" in said
    assert maya.get(f"{LIST}?q=%00").status_code in (200, 400)
    assert maya.get(f"{LIST}999999/change/").status_code == 404


def test_a_calendar_is_archived_and_brought_back(maya: Client, office: BusinessCalendar) -> None:
    assert maya.post(f"{LIST}{office.pk}/do/archive/").status_code == 302
    assert "This calendar is archived" in text_of(maya.get(page(office)))
    refused = send(maya, page(office), fields(maya, page(office)), mon="10-11")
    assert "Bring it back first." in text_of(refused)
    assert maya.post(f"{LIST}{office.pk}/do/restore/").status_code == 302
    office.refresh_from_db()
    assert office.archived_at is None


def test_only_managers_get_in(cast: Cast, office: BusinessCalendar) -> None:
    for person in (cast.sam, cast.ravi, cast.olu):
        assert sign_in(person).get(page(office)).status_code == 403
        assert sign_in(person).post(page(office)).status_code == 403
