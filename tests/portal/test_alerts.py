"""Alerts: the list, one alert, and every button on it."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.alerts.models import Alert, RoutingRule
from apps.incidents.models import Incident
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


def _page(alert: Alert) -> str:
    return f"/alerts/{alert.pk}/"


def test_the_list_is_cut_by_state_severity_and_surface(
    made: Scene, world: World, ravi: Client
) -> None:
    lost = fire(world, build.native(), "lost", severity="warning")
    tried = fire(world, build.native(), "tried", severity="warning", test=True)
    over = fire(world, made.source, "over", severity="info")
    ravi.post(f"{_page(over)}resolve/")
    seen = {
        "": {made.alert.pk, lost.pk, tried.pk},
        "?state=unrouted": {lost.pk},  # a test asks for no route
        "?state=firing": {made.alert.pk, lost.pk, tried.pk},
        "?state=acknowledged": set(),
        "?state=resolved": {over.pk},
        "?state=all": {made.alert.pk, lost.pk, tried.pk, over.pk},
        "?severity=critical": {made.alert.pk},
        "?surface=inspect.profiler&state=all": {made.alert.pk, over.pk},
        "?severity=x&state=x": {made.alert.pk, lost.pk, tried.pk},
    }
    for query, expected in seen.items():
        rows = ravi.get(f"/alerts/{query}").context["page"].rows
        assert {row.pk for row in rows} == expected, query


def test_an_alert_says_what_it_is_where_it_belongs_and_what_decided_that(
    made: Scene, ravi: Client
) -> None:
    text = text_of(ravi.get(_page(made.alert)))
    for said in (
        "Snowflake profiling times out",
        "The integration's surface",
        made.incident.ref,
        "To Ravi Rao (you), 1 of 3",
        "Routed to inspect.profiler (the integration's surface).",
    ):
        assert said in text, said


def test_details_are_shown_as_they_came_and_cannot_run(
    made: Scene, world: World, ravi: Client
) -> None:
    alert = fire(
        world, made.source, "x", severity="error",
        details={"labels": {"note": "</pre><script>alert(1)</script>"}, "password": "hunter2"},
        links=[{"href": "https://grafana.example.com/d/1", "text": "Board"},
               {"href": "javascript:alert(1)", "text": "Bad"}],
    )  # fmt: skip
    Alert.objects.filter(pk=alert.pk).update(
        links=[*alert.links, {"href": "data:text/html,x"}, {"href": "http://["}, "odd", {}]
    )
    body = ravi.get(_page(alert)).content.decode()
    assert "<script>alert" not in body
    assert "hunter2" not in body
    assert 'href="https://grafana.example.com/d/1" rel="nofollow noopener noreferrer"' in body
    assert 'href="javascript:' not in body
    assert 'href="data:' not in body


def test_endless_details_are_cut(made: Scene, ravi: Client) -> None:
    Alert.objects.update(details={"text": "x" * 200_000})
    assert len(ravi.get(_page(made.alert)).content) < 100_000


def test_acknowledging_takes_the_page_with_it_once(made: Scene, cast: Cast, ravi: Client) -> None:
    response = ravi.post(f"{_page(made.alert)}acknowledge/", follow=True)
    assert "You took this alert." in text_of(response)
    made.page.refresh_from_db()
    assert made.page.acknowledged_by == cast.ravi
    again = sign_in(cast.bea).post(f"{_page(made.alert)}acknowledge/", follow=True)
    assert "This alert is acknowledged already." in text_of(again)
    assert "Acknowledge Somebody acknowledged it." in text_of(again)


def test_resolving_ends_page_and_incident_and_is_refused_the_second_time(
    made: Scene, ravi: Client
) -> None:
    response = ravi.post(f"{_page(made.alert)}resolve/", {"note": "Flag is off"}, follow=True)
    assert "Resolved by Ravi Rao. Flag is off" in text_of(response)
    for row in (made.page, made.incident):
        row.refresh_from_db()
        assert row.status == "resolved"
    again = ravi.post(f"{_page(made.alert)}resolve/", follow=True)
    assert "This alert is resolved; it cannot become resolved." in text_of(again)
    assert "Resolve It is resolved." in text_of(again)


def test_a_comment_is_kept_and_an_empty_one_is_not(made: Scene, ravi: Client) -> None:
    response = ravi.post(
        f"{_page(made.alert)}comment/", {"text": "Looks like **2.14**"}, follow=True
    )
    assert "<strong>2.14</strong>" in response.content.decode()
    refused = ravi.post(f"{_page(made.alert)}comment/", {"text": " "})
    assert refused.status_code == 400
    assert made.alert.notes.filter(what="comment").count() == 1


def test_routing_can_be_remembered_for_the_class(made: Scene, world: World, ravi: Client) -> None:
    source = build.native()
    alert = fire(world, source, "drift", severity="warning", **{"class": "SchemaDrift"})
    response = ravi.post(
        f"{_page(alert)}route/", {"surface": "inspect.profiler", "remember": "on"}, follow=True
    )
    assert "So will its like from now on." in text_of(response)
    rule = RoutingRule.objects.get()
    assert (rule.class_name, rule.surface) == ("SchemaDrift", made.surface)
    following = fire(world, source, "drift-2", severity="warning", **{"class": "SchemaDrift"})
    assert following.surface == made.surface


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"surface": "nowhere"}, "There is no surface nowhere. Choose one from the list."),
        ({"surface": ""}, "Surface: This is missing."),
        (
            {"surface": "inspect.profiler", "remember": "on"},
            "This alert has no class, component or source to make a rule of.",
        ),
    ],
)
def test_a_route_that_cannot_be_taken_is_said_and_changes_nothing(
    made: Scene, world: World, ravi: Client, form: dict[str, str], said: str
) -> None:
    alert = fire(world, build.native(), "lost", severity="warning")
    response = ravi.post(f"{_page(alert)}route/", form)
    assert response.status_code == 400
    assert said in text_of(response)
    alert.refresh_from_db()
    assert alert.surface is None
    assert not RoutingRule.objects.exists()


def test_a_resolved_alert_is_not_routed_any_more(made: Scene, ravi: Client) -> None:
    ravi.post(f"{_page(made.alert)}resolve/")
    response = ravi.post(f"{_page(made.alert)}route/", {"surface": "inspect.profiler"}, follow=True)
    assert "This alert is resolved; there is nothing to route." in text_of(response)


def test_its_incident_is_only_named_to_who_may_see_it(
    made: Scene, cast: Cast, ravi: Client
) -> None:
    Incident.objects.update(visibility="restricted", title="Hidden title")
    assert "Hidden title" in text_of(sign_in(cast.maya).get(_page(made.alert)))
    assert "Hidden title" not in text_of(sign_in(cast.olu).get(_page(made.alert)))


def test_an_alert_that_does_not_exist_is_not_found(made: Scene, ravi: Client) -> None:
    for number in ("999999", "9" * 40):
        assert ravi.get(f"/alerts/{number}/").status_code == 404
        assert ravi.post(f"/alerts/{number}/resolve/").status_code == 404


def test_lists_and_pages_cost_the_same_for_many_rows(
    made: Scene, world: World, ravi: Client
) -> None:
    fire(world, made.source, "b", group_key="{one}", severity="error")
    alert = fire(world, made.source, "c", group_key="{one}", severity="error")
    page, listed = queries(ravi, _page(alert)), queries(ravi, "/alerts/?state=all")
    for number in range(8):
        fire(world, made.source, f"d{number}", group_key="{one}", severity="error")
    assert queries(ravi, "/alerts/?state=all") == listed <= 16
    assert queries(ravi, _page(alert)) == page <= 28
