"""The home page: what waits, what is open, who is there, whether the engine lives."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.alerts.models import RoutingRule
from apps.core import audit, heartbeats
from apps.incidents.models import Incident
from apps.intake.models import Delivery
from apps.paging import services as paging
from apps.paging.models import Page
from apps.rotations import services as rotations
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import Scene, fire, queries, scene, sign_in, text_of
from tests.world import World


@pytest.fixture
def made(world: World, cast: Cast) -> Scene:
    return scene(world, cast)


@pytest.fixture
def ravi(cast: Cast) -> Client:
    return sign_in(cast.ravi)


def _figure(client: Client, label: str) -> dict[str, object]:
    figures = client.get("/").context["figures"]
    return next(figure for figure in figures if figure["label"] == label)


def test_a_waiting_page_says_whom_it_told_and_who_is_next(
    made: Scene, cast: Cast, ravi: Client
) -> None:
    text = text_of(ravi.get("/"))
    assert "Pages waiting" in text
    assert "To Ravi Rao (you), 1 of 3" in text
    assert "Next Ravi Rao, Bea Bell" in text
    assert "You are on call for Profiler" in text
    assert "1 page waits for you." in text


def test_acknowledging_in_place_takes_the_page_its_alert_and_its_incident(
    made: Scene, cast: Cast, ravi: Client
) -> None:
    response = ravi.post(f"/pages/{made.page.pk}/acknowledge/", follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert "Nobody else is woken." in text_of(response)
    assert "Pages waiting" not in text_of(response)
    for row in (made.page, made.alert, made.incident):
        row.refresh_from_db()
    assert made.page.acknowledged_by == cast.ravi
    assert made.alert.status == "acknowledged"
    assert made.incident.acknowledged_at == made.page.acknowledged_at


def test_the_second_to_acknowledge_hears_who_was_first(
    made: Scene, cast: Cast, ravi: Client
) -> None:
    sign_in(cast.bea).post(f"/pages/{made.page.pk}/acknowledge/")
    response = ravi.post(f"/pages/{made.page.pk}/acknowledge/", follow=True)
    assert "Bea Bell acknowledged this page before you." in text_of(response)
    made.page.refresh_from_db()
    assert made.page.acknowledged_by == cast.bea


def test_a_page_that_has_ended_says_so(made: Scene, cast: Cast, world: World, ravi: Client) -> None:
    paging.resolve(page=made.page, actor=audit.SYSTEM, now=world.now)
    response = ravi.post(f"/pages/{made.page.pk}/acknowledge/", follow=True)
    assert "This page has ended already." in text_of(response)


def test_a_page_that_does_not_exist_is_not_found(made: Scene, ravi: Client) -> None:
    assert ravi.post("/pages/999999/acknowledge/").status_code == 404
    assert ravi.post(f"/pages/{'9' * 30}/acknowledge/").status_code == 404


def test_a_page_that_nobody_answered_is_told_as_such(
    made: Scene, world: World, ravi: Client
) -> None:
    Page.objects.update(status="exhausted", next_at=None)
    assert "Everybody was told and nobody answered" in text_of(ravi.get("/"))


def test_a_drill_says_that_it_is_one(made: Scene, cast: Cast, ravi: Client) -> None:
    build.page(kind="drill", recipients=[cast.ravi.pk])
    assert "Drill." in text_of(ravi.get("/"))
    assert _figure(ravi, "Pages, last 24 h")["value"] == 1


def test_the_figures_say_of_what_and_since_when(made: Scene, world: World, ravi: Client) -> None:
    assert _figure(ravi, "Pages, last 24 h")["note"] == "0 acknowledged"
    world.advance(minutes=2)
    ravi.post(f"/pages/{made.page.pk}/acknowledge/")
    world.forget()
    assert _figure(ravi, "Pages, last 24 h")["note"] == "1 acknowledged, median 2 m"
    incidents = _figure(ravi, "Open incidents")
    assert (incidents["value"], incidents["note"]) == (1, "1 SEV2")
    assert incidents["tone"] == "danger"
    assert _figure(ravi, "Cover, next 30 days")["value"] == "complete"
    world.advance(hours=25)
    world.forget()
    assert _figure(ravi, "Pages, last 24 h")["note"] == "quiet"


def test_an_unrouted_alert_is_given_a_surface_in_place(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    source = build.native()
    alert = fire(world, source, "drift", severity="warning", surface="inspct.profiler")
    text = text_of(ravi.get("/"))
    assert "Asked for inspct.profiler, which does not exist" in text
    assert '<option value="inspect.profiler">' in ravi.get("/").content.decode()
    figure = _figure(ravi, "Unrouted alerts")
    assert (str(figure["value"]), figure["tone"]) == ("1", "warning")
    response = ravi.post(
        f"/alerts/{alert.pk}/route/", {"surface": "inspect.profiler", "next": "/"}, follow=True
    )
    assert "The alert belongs to inspect.profiler." in text_of(response)
    assert "Every alert has a surface" in text_of(response)
    assert not RoutingRule.objects.exists()


def test_cover_names_the_schedule_without_anybody_and_since_when(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    schedule = build.schedule(cast.bea, key="platform", now=world.now - timedelta(hours=2))
    rotations.archive_layer(layer=schedule.layers.get(), by=cast.maya, now=world.now)
    world.advance(minutes=1)
    world.forget()
    figure = _figure(ravi, "Cover, next 30 days")
    assert figure["value"] == "1 gap"
    assert figure["note"] == "Platform, now, and on"
    assert figure["tone"] == "danger"
    text = text_of(ravi.get("/"))
    assert "Platform: nobody" in text
    assert "since 08:30 Berlin" in text  # 06:30 UTC on Ravi's clock


def test_handoffs_of_the_next_seven_days_name_both_people(made: Scene, ravi: Client) -> None:
    text = text_of(ravi.get("/"))
    assert "Profiler: Ravi to Bea" in text


def test_the_engine_panel_tells_signs_of_life_and_quarantine(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    heartbeats.beat(heartbeats.ENGINE, now=world.now)
    heartbeats.beat(heartbeats.CLUSTER, now=world.now)
    assert "Healthy" in text_of(ravi.get("/"))
    delivery = Delivery.objects.get()
    Delivery.objects.filter(pk=delivery.pk).update(status="quarantined")
    text = text_of(sign_in(cast.maya).get("/"))
    assert "1 since 06:30 UTC" in text
    assert "Read and replay" in text
    assert "Read and replay" not in text_of(ravi.get("/"))
    world.now += timedelta(minutes=10)
    Page.objects.update(next_at=world.now - timedelta(minutes=9))
    world.at("2026-09-07 06:40")
    text = text_of(ravi.get("/"))
    assert "Late" in text
    assert "due 9 m ago" in text


def test_messages_count_from_the_viewers_midnight(made: Scene, cast: Cast, world: World) -> None:
    read = sign_in(cast.maya).get("/").context["read"]
    assert (str(read.engine.sent_today), str(read.engine.failed_today)) == ("1", "0")
    world.at("2026-09-08 01:00")
    read = sign_in(cast.maya).get("/").context["read"]
    assert str(read.engine.sent_today) == "0"


def test_a_new_site_teaches_its_manager_the_first_steps(cast: Cast, world: World) -> None:
    response = sign_in(cast.maya).get("/")
    text = text_of(response)
    assert "First steps" in text
    assert 'href="/people/import/"' in response.content.decode()
    assert "No schedule yet" in text
    assert "No incident is open" in text
    assert "First steps" not in text_of(sign_in(cast.ravi).get("/"))


def test_the_first_steps_go_when_they_are_taken(made: Scene, cast: Cast) -> None:
    assert "First steps" not in text_of(sign_in(cast.maya).get("/"))


def test_the_polled_part_is_the_same_without_its_frame(made: Scene, ravi: Client) -> None:
    response = ravi.get("/now/live/")
    assert "Pages waiting" in text_of(response)
    body = response.content.decode()
    assert 'id="now-live"' in body
    assert "<html" not in body


def test_times_are_those_of_the_viewer(made: Scene, cast: Cast) -> None:
    cast.bea.hour_cycle = "12"
    cast.bea.save()
    assert "08:30 Berlin" in text_of(sign_in(cast.ravi).get("/"))
    assert "6:30 am UTC" in text_of(sign_in(cast.bea).get("/"))


def test_words_from_outside_stay_words(made: Scene, world: World, ravi: Client) -> None:
    fire(world, made.source, "evil", summary="<script>alert(1)</script>", severity="error")
    body = ravi.get("/").content.decode()
    assert "<script>alert(1)" not in body
    assert "&lt;script&gt;alert(1)" in body


def test_a_busy_site_costs_as_many_queries_as_a_quiet_one_and_stays_small(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    ravi.get("/")
    fire(world, build.native(), "first", severity="warning")
    one = queries(ravi, "/")
    for number in range(12):
        surface = build.surface(f"s{number}", primary=cast.ravi, backup=cast.bea, now=world.now)
        build.schedule(cast.bea, cast.ravi, key=f"k{number}", surfaces=[surface], now=world.now)
        fire(world, made.source, f"a{number}", severity="error", surface=f"s{number}")
        fire(world, build.native(), f"u{number}", severity="warning")
    assert Page.objects.waiting().count() == 26
    assert Incident.objects.standing().count() == 13
    assert queries(ravi, "/") == one <= 40
    assert queries(ravi, "/now/live/") <= 32
    assert len(ravi.get("/").content) < 100_000
