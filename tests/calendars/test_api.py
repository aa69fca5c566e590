"""Business time and calendars over the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.calendars import services
from apps.calendars.businesstime import LONGEST_TARGET
from apps.core import audit
from tests.calls import Caller, nobody, signed_in, tool
from tests.conftest import Cast
from tests.vectors import adapt
from tests.vectors.adapt import Json

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
OFFICE = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


@pytest.fixture
def reader() -> Caller:
    return tool("tickets:read")


def body(**more: Any) -> Json:
    """A question about an office; values of `calendar` are put into the office's own."""
    calendar = {"time_zone": "UTC", "weekly": OFFICE, **more.pop("calendar", {})}
    return {"calendar": calendar, "start": "2026-11-20T12:00:00Z", **more}


# -- preview


def sample() -> list[Json]:
    """The first case of each kind and each group of tags, so that every convention goes through."""
    found: dict[tuple[str, str], Json] = {}
    for case in adapt.load("business_time"):
        found.setdefault((case["kind"], ",".join(case["tags"])), case)
    return list(found.values())


@pytest.mark.parametrize("case", sample(), ids=lambda case: case["id"])
def test_a_case_from_outside_comes_out_over_the_wire(case: Json, reader: Caller) -> None:
    reply = reader.post("sla/preview", adapt.sla_body(case))
    assert reply.status == 200, reply.body
    expected = adapt.sla_answer(case)
    due = reply["due_at"]
    assert (adapt.instant(due) if due else None) == expected["due_at"]
    assert reply["worked_seconds"] == expected["worked_seconds"]
    assert set(reply.body) == {"due_at", "worked_seconds"}


def test_both_questions_are_answered_at_once(reader: Caller) -> None:
    reply = reader.post("sla/preview", body(target_seconds=7 * 3600, end="2026-11-23T10:00:00Z"))
    assert reply.body == {"due_at": "2026-11-23T10:00:00Z", "worked_seconds": 7 * 3600}


def test_a_pause_that_is_not_over_leaves_no_deadline(reader: Caller) -> None:
    pauses = [["2026-11-20T13:00:00Z", None]]
    reply = reader.post(
        "sla/preview", body(target_seconds=7200, end="2026-11-23T10:00:00+01:00", pauses=pauses)
    )
    assert reply.body == {"due_at": None, "worked_seconds": 3600}


def test_an_override_wins_over_a_holiday(reader: Caller) -> None:
    dates = {
        "holidays": ["2026-11-20", "2026-11-23"],
        "overrides": {"2026-11-20": [["12:00", "13:00"]]},
    }
    reply = reader.post("sla/preview", body(calendar=dates, target_seconds=3600))
    assert reply["due_at"] == "2026-11-24T09:00:00Z"


MANY = [["2026-11-20T13:00:00Z", "2026-11-20T13:01:00Z"]] * 201
SELDOM = {"time_zone": "UTC", "weekly": {"mon": [["00:00", "00:01"]]}}


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("target_seconds", {"target_seconds": None}),
        ("target_seconds", {"target_seconds": -1}),
        ("target_seconds", {"target_seconds": LONGEST_TARGET + 1}),
        ("target_seconds", {"target_seconds": "soon"}),
        ("target_seconds", {"target_seconds": LONGEST_TARGET, "calendar": SELDOM}),
        ("start", {"start": "2026-11-20T12:00:00"}),
        ("start", {"start": "1890-01-01T00:00:00Z"}),
        ("end", {"end": "2046-01-01T00:00:00Z"}),
        ("calendar", {"calendar": None}),
        ("calendar", {"calendar": "office"}),
        ("pauses[0]", {"pauses": [[None, None]]}),
        ("pauses[0]", {"pauses": [[]]}),
        ("pauses[0]", {"pauses": [["2026-11-20T13:00:00Z"]]}),
        ("pauses[1]", {"pauses": [MANY[0], MANY[0][::-1]]}),
        ("pauses[0][1]", {"pauses": [["2026-11-20T13:00:00Z", "later"]]}),
        ("pauses", {"pauses": MANY}),
        ("pauses", {"pauses": "none"}),
    ],
)
def test_what_cannot_be_answered_is_refused_at_its_field(
    field: str, wrong: Json, reader: Caller
) -> None:
    refused = reader.post("sla/preview", {**body(target_seconds=1), **wrong})
    assert (refused.status, refused.code) == (400, "invalid")
    assert field in refused.fields


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("time_zone", {"time_zone": "Europe/Nowhere"}),
        ("time_zone", {"time_zone": "x" * 65}),
        ("weekly", {"weekly": {}}),
        ("weekly", {"weekly": {"monday": []}}),
        ("weekly", {"weekly": []}),
        ("weekly.mon", {"weekly": {"mon": [["18:00", "09:00"]]}}),
        ("weekly.mon", {"weekly": {"mon": [["09:00", "10:00"]] * 13}}),
        ("weekly.mon[0]", {"weekly": {"mon": [["18:00"]]}}),
        ("weekly.mon[0]", {"weekly": {"mon": ["18:00"]}}),
        ("weekly.mon[0]", {"weekly": {"mon": [[]]}}),
        ("weekly.mon[0][1]", {"weekly": {"mon": [["18:00", "24:01"]]}}),
        ("weekly.mon[0][0]", {"weekly": {"mon": [[540, 1080]]}}),
        ("overrides", {"overrides": {"someday": []}}),
        ("overrides", {"overrides": {f"{n}": [] for n in range(1001)}}),
        ("overrides.2026-11-20", {"overrides": {"2026-11-20": [["09:00", "09:00"]]}}),
        ("holidays[0]", {"holidays": ["2026-02-30"]}),
        ("holidays", {"holidays": ["2026-02-03"] * 1001}),
    ],
)
def test_what_is_no_calendar_is_refused_at_its_field(
    field: str, wrong: Json, reader: Caller
) -> None:
    refused = reader.post("sla/preview", body(target_seconds=1, calendar=wrong))
    assert (refused.status, refused.code) == (400, "invalid")
    assert f"calendar.{field}" in refused.fields


def test_text_that_cannot_be_kept_is_refused(reader: Caller) -> None:
    refused = reader.post("sla/preview", body(target_seconds=1, calendar={"time_zone": "\x00"}))
    assert (refused.status, refused.code) == (400, "unsafe_text")


def test_a_key_needs_the_scope_of_tickets(cast: Cast) -> None:
    asked = body(target_seconds=60)
    assert nobody().post("sla/preview", asked).code == "not_authenticated"
    assert tool("rotations:read").post("sla/preview", asked).status == 403
    assert tool("rotations:read").get("calendars").status == 403
    assert signed_in(cast.olu).get("calendars").status == 200
    assert tool("tickets:read").get("sla/preview").status == 405


# -- calendars


def test_calendars_are_listed_with_what_they_say_now(
    reader: Caller, django_assert_max_num_queries: Any
) -> None:
    services.ensure_defaults(now=NOW)
    kiev = services.create_calendar(
        key="kyiv", name="Kyiv", time_zone="Europe/Kyiv", weekly={"mon": [[540, 750], [810, 1440]]},
        exceptions={"2026-12-24": {"spans": [[540, 720]], "name": "Christmas Eve"}},
        regions=[], actor=audit.SYSTEM, now=NOW,
    )  # fmt: skip
    services.seed_holidays(calendar=kiev, actor=audit.SYSTEM, now=NOW)
    old = services.create_calendar(
        key="old", name="Old", time_zone="UTC", weekly={"mon": [[0, 60]]},
        actor=audit.SYSTEM, now=NOW,
    )  # fmt: skip
    services.archive(calendar=old, now=NOW)
    with django_assert_max_num_queries(6):
        reply = reader.get("calendars")
    always, mine, office = reply["results"]
    assert [always["key"], office["key"]] == ["always", "office"]
    assert always["weekly"]["sun"] == [["00:00", "24:00"]]
    assert office["is_default"] and office["version"] == 1
    assert mine == {
        "id": str(kiev.pk),
        "key": "kyiv",
        "name": "Kyiv",
        "is_default": False,
        "time_zone": "Europe/Kyiv",
        "version": 1,
        "weekly": {"mon": [["09:00", "12:30"], ["13:30", "24:00"]]},
        "exceptions": {
            "2026-12-24": {
                "spans": [["09:00", "12:00"]],
                "name": "Christmas Eve",
                "source": "manual",
            }
        },
        "regions": [],
    }
    assert reply["next"] is None
    assert reader.get("calendars", {"zone": "UTC"}).status == 400
