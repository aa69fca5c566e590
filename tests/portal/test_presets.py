"""A rotation and an integration in one step each."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.core import clock
from apps.core.secrets import digest
from apps.intake.models import Integration
from apps.portal import services
from apps.rotations import selectors as rotations
from apps.rotations.models import Schedule, SurfaceSchedule
from tests import builders as build
from tests.conftest import Cast

MONDAY = datetime(2026, 9, 7, 6, 30, tzinfo=UTC)  # 08:30 in Berlin, before the handoff


def form(*people: Any, **changes: Any) -> dict[str, Any]:
    base = {"name": "Profiler", "weekday": "0", "at": "09:00", "time_zone": "Europe/Berlin"}
    ticked = {f"in_{person.pk}": "on" for person in people}
    places = {f"place_{person.pk}": str(place) for place, person in enumerate(people, 1)}
    return {**base, **ticked, **places, **changes}


# -- rotation


def test_one_step_makes_a_rotation_that_is_in_force(as_maya: Client, cast: Cast) -> None:
    surface = build.surface()
    answer = as_maya.post(
        "/schedules/new/", form(cast.bea, cast.ravi, do="create", surfaces=[surface.pk])
    )
    assert (answer.status_code, answer["Location"]) == (302, "/setup/")
    schedule = Schedule.objects.get()
    assert (schedule.key, schedule.name, schedule.time_zone) == (
        "profiler", "Profiler", "Europe/Berlin",
    )  # fmt: skip
    now = clock.now()
    assert rotations.on_call(schedule, at=now) == [cast.bea]
    assert rotations.on_call(schedule, at=now + timedelta(days=7)) == [cast.ravi]
    assert rotations.schedule_of(surface) == schedule


def test_the_preview_says_who_is_on_call_now_and_next_and_saves_nothing(
    as_maya: Client, cast: Cast
) -> None:
    page = as_maya.post("/schedules/new/", form(cast.bea, cast.ravi, do="preview"))
    text = page.content.decode()
    assert "<b>Bea Bell</b> is on call from now until" in text
    assert "then <b>Ravi Rao</b> until" in text
    assert not Schedule.objects.exists()
    part = as_maya.post(
        "/schedules/new/", form(cast.ravi, do="preview"), headers={"HX-Request": "true"}
    ).content.decode()
    assert part.startswith('<div id="preview"') and "on, every week" in part


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("now", "ends"),
    [
        (MONDAY, datetime(2026, 9, 7, 7, 0, tzinfo=UTC)),
        (MONDAY + timedelta(hours=1), datetime(2026, 9, 14, 7, 0, tzinfo=UTC)),
        # The clocks go back on 25 October: the handoff stays at 09:00 on the wall.
        (datetime(2026, 10, 20, 12, 0, tzinfo=UTC), datetime(2026, 10, 26, 8, 0, tzinfo=UTC)),
    ],
)
def test_the_preview_is_what_the_rotation_becomes(
    cast: Cast, now: datetime, ends: datetime
) -> None:
    people = [cast.ravi, cast.bea, cast.maya]
    turns = services.preview_weekly(
        people=people, time_zone="Europe/Berlin", weekday=0, at=time(9), now=now
    )
    made = services.create_rotation(
        name="X", people=people, surfaces=[], weekday=0, at=time(9),
        time_zone="Europe/Berlin", by=cast.maya, now=now,
    )  # fmt: skip
    shifts = rotations.shifts_between(made, now, now + timedelta(days=14))
    assert [(t.person, t.start, t.end) for t in turns[:2]] == [
        (s.person, s.start_at, s.end_at) for s in shifts[:2]
    ]
    assert turns[0].end == ends


def test_people_without_a_number_come_after_those_with_one(as_maya: Client, cast: Cast) -> None:
    data = form(do="create") | {f"in_{p.pk}": "on" for p in (cast.bea, cast.ravi, cast.sam)}
    as_maya.post("/schedules/new/", data | {f"place_{cast.sam.pk}": "1"})
    members = Schedule.objects.get().layers.get().versions.get().members.order_by("position")
    assert [member.person for member in members] == [cast.sam, cast.bea, cast.ravi]


def test_a_second_rotation_of_the_same_name_gets_its_own_key(as_maya: Client, cast: Cast) -> None:
    for _ in range(2):
        assert as_maya.post("/schedules/new/", form(cast.bea, do="create")).status_code == 302
    assert sorted(Schedule.objects.values_list("key", flat=True)) == ["profiler", "profiler-2"]


def test_the_first_rotation_offers_to_cover_everything_later_ones_nothing(
    as_maya: Client, cast: Cast
) -> None:
    surface = build.surface()
    offered = as_maya.get("/schedules/new/").context["form"]["surfaces"].value()
    assert offered == [surface.pk]
    build.schedule(cast.ravi)
    assert as_maya.get("/schedules/new/").context["form"]["surfaces"].value() == []


def test_a_surface_moves_to_the_rotation_that_was_made_last(as_maya: Client, cast: Cast) -> None:
    surface = build.surface()
    build.schedule(cast.ravi, key="old", surfaces=[surface])
    as_maya.post("/schedules/new/", form(cast.bea, do="create", surfaces=[surface.pk]))
    assert SurfaceSchedule.objects.get().schedule.name == "Profiler"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "Tick at least one person"),
        ({"name": ""}, "This is missing"),
        ({"weekday": "9"}, "valid choice"),
        ({"at": "25:00"}, "valid time"),
        ({"time_zone": "Nowhere"}, "valid choice"),
        ({"surfaces": ["99999"]}, "valid choice"),
    ],
)
def test_what_is_wrong_with_a_rotation_is_said(
    as_maya: Client, cast: Cast, changes: dict[str, Any], says: str
) -> None:
    people = [] if not changes else [cast.ravi]
    page = as_maya.post("/schedules/new/", form(*people, do="create") | changes)
    assert page.status_code == 200
    assert says in page.content.decode()
    assert not Schedule.objects.exists()


def test_somebody_who_left_meanwhile_is_not_taken(as_maya: Client, cast: Cast) -> None:
    data = form(cast.ravi, do="create")
    cast.ravi.is_active = False
    cast.ravi.save()
    page = as_maya.post("/schedules/new/", data)
    assert page.status_code == 200
    assert not Schedule.objects.exists()


def test_responders_make_no_rotations_and_no_integrations(as_ravi: Client, cast: Cast) -> None:
    for path in ("/schedules/new/", "/integrations/new/"):
        assert as_ravi.get(path).status_code == 403
        assert as_ravi.post(path, form(cast.ravi, do="create", kind="native")).status_code == 403
    assert not Schedule.objects.exists() and not Integration.objects.exists()


# -- integration


@pytest.mark.parametrize(
    ("kind", "part", "snippet"),
    [
        ("alertmanager", "/hooks/", "webhook_configs"),
        ("pagerduty", "/v2/enqueue", "routing_key"),
        ("gcp", "/hooks/", "Endpoint URL"),
        ("github", "/hooks/", "Payload URL"),
        ("mail", "/hooks/", "--data-binary @message.eml"),
        ("native", "/api/v1/events", "Authorization: Bearer opk_live_"),
    ],
)
def test_each_kind_shows_its_address_and_what_to_paste(
    as_maya: Client, cast: Cast, kind: str, part: str, snippet: str
) -> None:
    surface = build.surface()
    answer = as_maya.post("/integrations/new/", {"kind": kind, "surface": surface.pk})
    row = Integration.objects.get()
    assert answer["Location"] == f"/integrations/{row.pk}/"
    page = as_maya.get(answer["Location"])
    text = page.content.decode()
    assert (row.kind, row.surface) == (kind, surface)
    assert part in page.context["url"] and snippet in text
    assert page.context["key"] in text and "no-store" in page["Cache-Control"]
    if kind != "native":
        assert digest(page.context["key"]) == row.digest


def test_the_key_is_kept_sealed_and_shown_to_its_maker_only_for_a_while(
    as_maya: Client, cast: Cast
) -> None:
    url = as_maya.post("/integrations/new/", {"kind": "alertmanager"})["Location"]
    key = as_maya.get(url).context["key"]
    assert key and key not in json.dumps(dict(as_maya.session))
    assert as_maya.get(url).context["key"] == key  # a reload loses nothing
    session = as_maya.session
    for shown in session["new_integration"].values():
        shown["until"] = 0
    session.save()
    page = as_maya.get(url)
    assert page.context["key"] == "" and key not in page.content.decode()


def test_the_page_sees_the_first_event(as_maya: Client, cast: Cast) -> None:
    url = as_maya.post("/integrations/new/", {"kind": "native"})["Location"]
    assert "Nothing came yet" in as_maya.get(url).content.decode()
    build.event(Integration.objects.get())
    page = as_maya.get(url)
    assert "Nothing came yet" not in page.content.decode() and len(page.context["taken"]) == 1


def test_the_key_of_a_script_sends_events_and_telemetry(as_maya: Client, cast: Cast) -> None:
    url = as_maya.post("/integrations/new/", {"kind": "native"})["Location"]
    key = Integration.objects.get().api_key
    assert key is not None and set(key.scopes) == {"events:write", "telemetry:write"}
    assert "opsportal-send" in as_maya.get(url).content.decode()


def test_a_secret_is_taken_where_the_tool_signs_alone(as_maya: Client, cast: Cast) -> None:
    page = as_maya.post("/integrations/new/", {"kind": "gcp", "secret": "s3cret"})
    assert "does not sign" in str(page.context["form"].errors["secret"])
    as_maya.post("/integrations/new/", {"kind": "github", "secret": "s3cret"})
    assert Integration.objects.get().secret_sealed not in ("", "s3cret")


def test_an_unknown_kind_and_another_integration_are_refused(as_maya: Client, cast: Cast) -> None:
    assert as_maya.post("/integrations/new/", {"kind": "carrier pigeon"}).status_code == 200
    assert as_maya.get("/integrations/99999/").status_code == 404
