"""From events to alerts, pages and incidents."""

from __future__ import annotations

from django.test import Client

from apps.alerts.models import Alert
from apps.incidents.models import Incident
from apps.paging.models import Page
from tests import builders as build
from tests.conftest import Cast
from tests.world import World


def _story(cast: Cast) -> tuple[object, object]:
    surface = build.surface(primary=cast.ravi, backup=cast.bea)
    build.schedule(cast.ravi, surfaces=[surface])
    return surface, build.native(surface=surface)


def test_a_critical_event_wakes_and_opens_a_sev2_in_triage(world: World, cast: Cast) -> None:
    _, source = _story(cast)
    alert = build.alert(source, severity="critical", summary="Profiling fails", dedup_key="a")
    world.run()
    message = world.expect_page(to=cast.ravi, containing="[SEV2] Profiling fails. You are on call")
    assert "/ack/" in message.text
    incident = Incident.objects.get()
    assert (incident.severity, incident.status) == ("SEV2", "triage")
    assert alert.group.incident_ref == incident.ref


def test_a_warning_pages_calmly_and_opens_no_incident(world: World, cast: Cast) -> None:
    _, source = _story(cast)
    build.alert(source, severity="warning", summary="Slow", dedup_key="a")
    world.run()
    assert world.expect_page(to=cast.ravi).outgoing.urgency == "low"
    assert not Incident.objects.exists()


def test_an_info_is_recorded_and_nothing_else(world: World, cast: Cast) -> None:
    _, source = _story(cast)
    build.alert(source, severity="info", dedup_key="a")
    world.run()
    assert not Page.objects.exists()


def test_a_hundred_repeats_are_one_alert_and_one_page(world: World, cast: Cast) -> None:
    _, source = _story(cast)
    for _ in range(100):
        build.event(source, severity="critical", dedup_key="a")
    world.run()
    assert Alert.objects.get().count == 100
    world.expect_page(to=cast.ravi)


def test_later_alerts_of_a_group_join_its_page(world: World, cast: Cast) -> None:
    _, source = _story(cast)
    for key in "abc":
        build.event(
            source, severity="error", dedup_key=key, group_key="disk", summary=f"Disk {key}"
        )
    world.run()
    assert Page.objects.count() == 1
    assert Page.objects.get().notes.filter(what="joined").count() == 2
    world.expect_page(to=cast.ravi)


def test_a_worse_alert_raises_an_acknowledged_warning_and_starts_over(
    world: World, cast: Cast
) -> None:
    from apps.alerts import services as alerts
    from apps.core import audit

    _, source = _story(cast)
    first = build.alert(source, severity="warning", dedup_key="a", group_key="g", now=world.now)
    world.run()
    world.forget()
    alerts.acknowledge(alert=first, actor=audit.person(cast.ravi), person=cast.ravi, now=world.now)
    world.advance(minutes=5)
    build.alert(
        source, severity="critical", dedup_key="b", group_key="g", summary="Down", now=world.now
    )
    world.run()
    assert world.expect_page(to=cast.ravi, containing="[SEV2] Down").outgoing.urgency == "high"
    page = Page.objects.get()
    assert (page.status, page.urgency, page.round) == ("open", "high", 1)


def test_acknowledging_the_page_acknowledges_its_alerts_and_stamps_the_incident(
    world: World, cast: Cast
) -> None:
    from apps.core import audit
    from apps.paging import services as paging

    _, source = _story(cast)
    build.alert(source, severity="error", dedup_key="a")
    paging.acknowledge(
        page=Page.objects.get(), actor=audit.person(cast.ravi), person=cast.ravi, now=world.now
    )
    assert Alert.objects.get().status == "acknowledged"
    assert Incident.objects.get().acknowledged_at == world.now


def test_when_all_alerts_clear_the_page_ends_and_the_triage_incident_resolves(
    world: World, cast: Cast
) -> None:
    _, source = _story(cast)
    build.alert(source, severity="error", dedup_key="a", now=world.now)
    world.run()
    world.expect_page(to=cast.ravi)
    world.advance(minutes=2)
    build.event(source, action="resolve", dedup_key="a", now=world.now)
    world.run()
    world.expect_page(to=cast.ravi, containing="It is over")
    assert Page.objects.get().status == "resolved"
    assert Incident.objects.get().status == "resolved"


def test_a_trigger_within_thirty_minutes_reopens_the_triage_incident(
    world: World, cast: Cast
) -> None:
    _, source = _story(cast)
    build.alert(source, severity="error", dedup_key="a", now=world.now)
    build.event(source, action="resolve", dedup_key="a", now=world.now)
    world.advance(minutes=29)
    build.event(source, severity="error", dedup_key="a", now=world.now)
    world.run()
    assert Incident.objects.get().status == "triage"
    world.advance(minutes=1)
    build.event(source, action="resolve", dedup_key="a", now=world.now)
    world.advance(minutes=31)
    build.event(source, severity="error", dedup_key="a", now=world.now)
    world.run()
    assert Incident.objects.count() == 2
    world.forget()


def test_a_declared_incident_notes_the_all_clear_and_stays_open(world: World, cast: Cast) -> None:
    from apps.core import audit
    from apps.incidents import services as incidents

    _, source = _story(cast)
    build.alert(source, severity="error", dedup_key="a")
    incidents.transition(
        incident=Incident.objects.get(),
        to="investigating",
        actor=audit.person(cast.maya),
        now=world.now,
    )
    build.event(source, action="resolve", dedup_key="a", now=world.now)
    world.run()
    incident = Incident.objects.get()
    assert incident.status == "investigating"
    assert incident.timeline.filter(what="all_clear").exists()
    world.forget()


def test_an_unknown_surface_is_unrouted_and_managers_are_paged_in_the_end(
    world: World, cast: Cast
) -> None:
    source = build.native()
    alert = build.alert(source, severity="error", dedup_key="a", surface="no.such.thing")
    world.run()
    assert alert.surface is None and alert.wanted_surface == "no.such.thing"
    world.expect_page(to=cast.maya)


def test_a_resolve_of_an_unknown_key_opens_nothing(world: World, cast: Cast) -> None:
    _, source = _story(cast)
    build.event(source, action="resolve", dedup_key="never seen")
    world.run()
    assert not Alert.objects.exists()


def test_another_integration_cannot_resolve_the_alert(world: World, cast: Cast) -> None:
    surface, source = _story(cast)
    build.alert(source, severity="error", dedup_key="a")
    build.event(build.native(surface=surface), action="resolve", dedup_key="a")
    world.run()
    assert Alert.objects.get().status == "firing"
    world.forget()


def test_a_test_event_is_stored_and_pages_nobody(world: World, cast: Cast) -> None:
    _, source = _story(cast)
    alert = build.alert(source, severity="critical", dedup_key="a", test=True)
    world.run()
    assert alert.kind == "test"
    assert not Page.objects.exists() and not Incident.objects.exists()


def test_a_test_event_never_stands_in_the_way_of_the_real_one(world: World, cast: Cast) -> None:
    _, source = _story(cast)
    build.alert(source, severity="critical", dedup_key="x", group_key="g", test=True)
    build.event(source, severity="critical", dedup_key="x", group_key="g", summary="Real")
    world.run()
    world.expect_page(to=cast.ravi, containing="[SEV2] Real")
    assert sorted(Alert.objects.values_list("kind", flat=True)) == ["real", "test"]
    build.event(source, action="resolve", dedup_key="x", test=True)
    world.run()
    assert Alert.objects.get(kind="real").status == "firing"


def test_an_info_does_not_reopen_what_was_resolved(world: World, cast: Cast) -> None:
    _, source = _story(cast)
    build.alert(source, severity="error", dedup_key="a", group_key="g", now=world.now)
    build.event(source, action="resolve", dedup_key="a", now=world.now)
    build.event(source, severity="info", dedup_key="b", group_key="g", now=world.now)
    world.run()
    assert Incident.objects.get().status == "resolved"
    world.forget()


def test_routing_by_hand_gives_the_incident_its_surface(world: World, cast: Cast) -> None:
    from apps.alerts import services as alerts
    from apps.core import audit

    surface = build.surface(primary=cast.ravi)
    alert = build.alert(build.native(), severity="error", dedup_key="a", now=world.now)
    alerts.give_surface(alert=alert, surface=surface, actor=audit.person(cast.maya), now=world.now)
    assert Incident.objects.get().surface == surface
    world.run()
    world.forget()


def test_what_the_source_links_to_is_in_the_message_and_behind_the_button(
    world: World, cast: Cast, client: Client
) -> None:
    _, source = _story(cast)
    dashboard = {"href": "https://dash.example/snowflake", "text": "Dashboard"}
    build.alert(source, severity="critical", dedup_key="a", links=[dashboard], now=world.now)
    world.run()
    message = world.expect_page(
        to=cast.ravi, containing="Dashboard: https://dash.example/snowflake"
    )
    page = client.get(str(message.outgoing.link))
    assert 'href="https://dash.example/snowflake"' in page.text
