"""Who is on call: everywhere, in one schedule, for one person; and who answers for what."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from django.test import Client

from apps.ownership import services as ownership
from apps.ownership.models import ExternalParty, SurfaceDependency
from apps.rotations import services as rotations
from apps.rotations.services import LayerPlan
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import Scene, queries, scene, sign_in, text_of
from tests.world import World


@pytest.fixture
def made(world: World, cast: Cast) -> Scene:
    return scene(world, cast)


@pytest.fixture
def ravi(cast: Cast) -> Client:
    return sign_in(cast.ravi)


def test_the_page_names_who_is_on_until_when_and_who_is_next(made: Scene, ravi: Client) -> None:
    text = text_of(ravi.get("/oncall/"))
    assert "Ravi Rao" in text
    assert "until today 11:00, in 2 h 30 m. Next Bea Bell" in text
    assert "Times in Berlin, UTC+2." in text
    assert "Somebody is on call all the time" in text


def test_a_schedule_without_anybody_is_named_with_its_gap(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    office = rotations.create_schedule(key="office", name="Office", time_zone="UTC")
    days = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}
    plan = LayerPlan(
        name="Office", people=(cast.sam,), anchor_date=date(2026, 9, 7), anchor_time=time(9),
        windows=(days,),
    )  # fmt: skip
    rotations.plan_layer(schedule=office, plan=plan, by=cast.maya, now=world.now)
    text = text_of(ravi.get("/oncall/"))
    assert "never covered. Next Sam Sand, 11:00 Berlin" in text
    assert "Office: nobody for 2 h 30 m" in text
    assert "Office: nobody for 16 h" in text
    assert "gaps next 30 days" in text


def test_two_people_at_once_stand_in_two_lanes(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    both = rotations.create_schedule(
        key="both", name="Both", time_zone="UTC", layer_mode="cumulative"
    )
    for name, person in (("One", cast.ravi), ("Two", cast.bea)):
        plan = LayerPlan(name=name, people=(person,), anchor_date=date(2026, 9, 7))
        rotations.plan_layer(schedule=both, plan=plan, by=None, now=world.now)
    response = ravi.get("/oncall/both/")
    assert [row.label for row in response.context["window"]["rows"]] == ["Both", "Both, as well"]
    duty = response.context["cover"].duties[0]
    assert {shift.person.name for shift in duty.shifts} == {"Ravi Rao", "Bea Bell"}


def test_a_schedule_says_how_it_turns_what_it_covers_and_its_exceptions(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    schedule = made.surface.cover.schedule
    start = world.now + timedelta(days=1)
    rotations.add_override(
        schedule=schedule, kind="replace", person=cast.sam, replaces=cast.bea, start_at=start,
        end_at=start + timedelta(days=2), reason="Bea is away", by=cast.maya, now=world.now,
    )  # fmt: skip
    text = text_of(ravi.get("/oncall/profiler/"))
    for said in (
        "Every week, Monday at 09:00, UTC",
        "Sam Sand for Bea Bell",
        "Bea is away",
        "inspect.profiler",
        "Override: Sam for Bea",
    ):
        assert said in text, said


def test_only_a_manager_is_offered_to_edit(made: Scene, cast: Cast, ravi: Client) -> None:
    assert ravi.get("/oncall/").context["edit_url"] == ""
    assert ravi.get("/ownership/").context["edit_url"] == ""
    assert sign_in(cast.maya).get("/ownership/").context["edit_url"].startswith("/admin/")


@pytest.mark.parametrize(
    "query", ["?from=2026-09-14", "?from=2026-09-01", "?from=x", "?from=9999-12-31", "?page=x"]
)
def test_other_days_can_be_looked_at_and_nonsense_shows_today(
    made: Scene, ravi: Client, query: str
) -> None:
    for address in ("/oncall/", "/oncall/profiler/"):
        response = ravi.get(f"{address}{query}")
        assert response.status_code == 200
    shown = response.context["window"]["start"].date().isoformat()
    assert shown == {"?from=2026-09-14": "2026-09-13", "?from=2026-09-01": "2026-08-31"}.get(
        query, "2026-09-06"
    )  # local midnight in Berlin is the evening before in UTC


def test_a_schedule_that_turns_every_two_hours_still_fits(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    hourly = rotations.create_schedule(key="hourly", name="Hourly", time_zone="UTC")
    plan = LayerPlan(
        name="Hours",
        people=(cast.ravi, cast.bea),
        anchor_date=date(2026, 9, 7),
        unit="hour",
        every=2,
    )
    rotations.plan_layer(schedule=hourly, plan=plan, by=None, now=world.now)
    for address in ("/oncall/", "/oncall/hourly/", "/"):
        assert len(ravi.get(address).content) < 100_000, address
    assert ravi.get("/oncall/").context["window"]["days"] == 7


def test_a_site_without_schedules_teaches(cast: Cast, db: None) -> None:
    assert "A manager makes the first one." in text_of(sign_in(cast.ravi).get("/oncall/"))
    assert "Make a weekly rotation" in text_of(sign_in(cast.maya).get("/oncall/"))


def test_who_has_email_only_is_warned_about(made: Scene, cast: Cast, ravi: Client) -> None:
    assert "Ravi Rao has e-mail only" in text_of(ravi.get("/oncall/"))
    build.method(cast.ravi, "ntfy", "https://ntfy.sh/ravi-7f21")
    assert "has e-mail only" not in text_of(ravi.get("/oncall/"))


def test_what_does_not_exist_is_not_found(made: Scene, ravi: Client) -> None:
    for address in ("/oncall/nowhere/", "/people/999999/", "/ownership/nowhere/"):
        assert ravi.get(address).status_code == 404


def test_a_person_is_shown_with_shifts_and_surfaces_and_no_address(
    made: Scene, cast: Cast, ravi: Client
) -> None:
    response = ravi.get(f"/people/{cast.bea.pk}/")
    text = text_of(response)
    assert "inspect.profiler" in text
    assert "Profiler Mon 7 Sep 11:00 to Mon 14 Sep 11:00" in text.replace(" 2026", "")
    assert "bea@example.com" not in response.content.decode()
    assert "Your profile" in text_of(ravi.get(f"/people/{cast.ravi.pk}/"))


# -- ownership


def test_surfaces_say_truthfully_who_is_missing(made: Scene, cast: Cast, ravi: Client) -> None:
    build.surface("platform.billing", primary=cast.sam, lifecycle="proposed")
    text = text_of(ravi.get("/ownership/"))
    assert "No backup" in text
    assert "Service, proposed" in text
    tabs = {tab["label"]: tab["count"] for tab in ravi.get("/ownership/").context["tabs"]}
    assert tabs == {"All": 2, "No primary": 0, "No backup": 1, "No schedule": 1}
    rows = ravi.get("/ownership/?show=no-backup").context["page"].object_list
    assert [row.surface.key for row in rows] == ["platform.billing"]


def test_a_surface_shows_owners_cover_policy_and_what_fails_with_it(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    facet = build.surface("inspect.profiler.snowflake", parent=made.surface)
    reports = build.surface("inspect.reports")
    SurfaceDependency.objects.create(surface=reports, on_surface=made.surface)
    vendor = ExternalParty.objects.create(
        key="snowflake", name="Snowflake", plan="Premier", status_url="https://status.example.com"
    )
    SurfaceDependency.objects.create(surface=facet, on_party=vendor)
    whole = ravi.get("/ownership/inspect.profiler/").context["whole"]
    assert {one.key for one in whole.blast_radius} == {facet.key, reports.key}
    text = text_of(ravi.get("/ownership/inspect.profiler/"))
    assert "Snowflake profiling times out" in text
    assert "Standard" in text
    text = text_of(ravi.get(f"/ownership/{facet.key}/"))
    assert "No backup: when the primary does not answer" in text
    assert "Premier" in text
    assert "Ravi Rao Profiler, until" in text  # covered by its parent's schedule
    ownership.assign(
        surface=facet, role="primary", holder=cast.sam,
        active_from=world.now + timedelta(days=3), actor=build.audit.SYSTEM,
    )  # fmt: skip
    assert "Primary: Sam Sand from Thu 10 Sep" in text_of(ravi.get(f"/ownership/{facet.key}/"))


# -- what it costs


def test_many_schedules_surfaces_and_people_cost_as_many_queries_as_one(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    facet = build.surface("facet", parent=made.surface)
    SurfaceDependency.objects.create(surface=facet, on_surface=made.surface)
    ravi.get("/")
    addresses = ("/oncall/", "/oncall/profiler/", "/ownership/", "/ownership/inspect.profiler/")
    before = [queries(ravi, address) for address in addresses]
    for number in range(15):
        surface = build.surface(f"s{number}", primary=cast.ravi, backup=cast.bea, now=world.now)
        SurfaceDependency.objects.create(surface=surface, on_surface=made.surface)
        build.schedule(cast.bea, cast.ravi, key=f"k{number}", surfaces=[surface], now=world.now)
    assert [queries(ravi, address) for address in addresses] == before
    assert max(before) <= 30
    for address in addresses:
        assert len(ravi.get(address).content) < 100_000, address
