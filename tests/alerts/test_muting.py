"""For which alerts nobody is paged, what happens when a mute is over, and announced work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.alerts import services, tasks
from apps.alerts.models import Alert, AlertGroup, Silence
from apps.core import audit, clock
from apps.incidents.models import Incident
from apps.intake import services as intake
from apps.intake.models import Integration
from apps.notifications import services as notifications
from apps.notifications.models import WebhookDelivery
from apps.ownership.models import Surface
from apps.paging import services as paging
from apps.paging.models import Page
from tests import builders as build
from tests.conftest import Cast
from tests.world import World

NOW = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


# -- with a database: nobody is paged, and then somebody is


@pytest.fixture
def source(cast: Cast) -> Integration:
    """A tool that watches a facet of inspect; Ravi is on call for it."""
    top = build.surface("inspect", now=NOW)
    facet = build.surface("inspect.profiler", parent=top, primary=cast.ravi, now=NOW)
    build.schedule(cast.ravi, surfaces=[facet], now=NOW)
    return build.native(surface=facet)


def silence(now: datetime = NOW, **more: Any) -> Silence:
    wanted: dict[str, Any] = {
        "reason": "The warehouse is resized", "ends_at": now + HOUR, "actor": audit.SYSTEM,
        "now": now, **more,
    }  # fmt: skip
    if not {"surface", "integration", "rule", "dedup_key", "class_name"} & set(wanted):
        wanted["surface"] = Surface.objects.get(key="inspect")
    return services.create_silence(**wanted)


def fire(source: Integration, now: datetime = NOW, **more: Any) -> Alert:
    body = {"severity": "error", "dedup_key": "a", "summary": "Profiling fails", **more}
    return build.alert(source, now=now, **body)


def send(source: Integration, now: datetime, action: str = "trigger", **more: Any) -> None:
    build.event(source, now=now, action=action, **{"dedup_key": "a", **more})
    intake.normalise_due(now=now)


def notes(alert: Alert, what: str) -> list[str]:
    return list(alert.notes.filter(what=what).values_list("text", flat=True))


def test_a_silence_on_the_surface_above_keeps_the_alert_and_pages_nobody(
    world: World, source: Integration
) -> None:
    silence()
    alert = fire(source)
    world.advance(minutes=30)
    assert not Page.objects.exists()
    assert alert.status == "firing" and alert.group is not None
    assert (alert.group.muted_at, alert.group.muted_by) == (
        NOW,
        "silenced: The warehouse is resized",
    )
    assert notes(alert, "muted") == [
        "Nobody is paged until 7 Sep 2026, 07:00 UTC: silenced: The warehouse is resized"
    ]


def test_the_incident_is_opened_all_the_same_and_wakes_nobody(
    world: World, source: Integration
) -> None:
    silence()
    fire(source, severity="critical")
    world.advance(minutes=30)
    incident = Incident.objects.get()
    assert (incident.severity, incident.status) == ("SEV2", "triage")
    assert not incident.links.filter(kind="page").exists()


def test_whoever_should_have_been_woken_is_woken_once_when_the_silence_ends(
    world: World, cast: Cast, source: Integration
) -> None:
    silence()
    alert = fire(source)
    assert services.unmute_due(now=NOW + HOUR - MINUTE) == 0
    world.at("2026-09-07T07:00")
    assert [services.unmute_due(now=world.now) for _ in range(3)] == [1, 0, 0]
    world.run()
    world.expect_page(to=cast.ravi, containing="[SEV3] Profiling fails. You are on call")
    group = AlertGroup.objects.get()
    assert (group.muted_at, group.muted_by) == (None, "")
    assert notes(alert, "unmuted")
    assert Incident.objects.get().links.get(kind="page").ref == str(group.page_id)


def test_an_end_that_is_brought_forward_pages_within_the_minute(
    world: World, cast: Cast, source: Integration
) -> None:
    row = silence()
    fire(source)
    services.end_silence(silence=row, actor=audit.person(cast.maya), now=NOW + 5 * MINUTE)
    world.at("2026-09-07T06:06")
    tasks.maintenance()
    world.run()
    world.expect_page(to=cast.ravi)


def test_what_resolved_meanwhile_wakes_nobody(source: Integration) -> None:
    silence()
    fire(source)
    send(source, NOW + 10 * MINUTE, action="resolve")
    assert services.unmute_due(now=NOW + 2 * HOUR) == 0
    assert not Page.objects.exists()


def test_what_somebody_took_meanwhile_wakes_nobody(cast: Cast, source: Integration) -> None:
    silence()
    alert = fire(source)
    services.acknowledge(alert=alert, actor=audit.person(cast.ravi), person=cast.ravi, now=NOW)
    assert services.unmute_due(now=NOW + 10 * MINUTE) == 1  # it is muted no longer
    assert AlertGroup.objects.get().muted_at is None
    assert services.unmute_due(now=NOW + 2 * HOUR) == 0
    assert not Page.objects.exists()


def test_what_fell_to_info_meanwhile_wakes_nobody(source: Integration) -> None:
    silence()
    fire(source)
    send(source, NOW + MINUTE, severity="info", summary="Fine again")
    services.unmute_due(now=NOW + 2 * HOUR)
    assert not Page.objects.exists()


def test_raised_while_muted_it_stays_muted_and_then_pages_as_what_it_is(
    world: World, cast: Cast, source: Integration
) -> None:
    silence()
    alert = fire(source, severity="warning")
    send(source, NOW + 10 * MINUTE, severity="critical", summary="Down")
    assert not Page.objects.exists()
    assert len(notes(alert, "muted")) == 2
    world.at("2026-09-07T07:00")
    services.unmute_due(now=world.now)
    world.run()
    world.expect_page(to=cast.ravi, containing="[SEV2] Down")
    assert Page.objects.get().urgency == "high"


def test_raised_after_the_end_it_pages_at_once(
    world: World, cast: Cast, source: Integration
) -> None:
    silence()
    fire(source, severity="warning")
    send(source, NOW + HOUR, severity="critical", summary="Down")
    assert Page.objects.get().urgency == "high"
    assert AlertGroup.objects.get().muted_at is None
    assert services.unmute_due(now=NOW + HOUR) == 0
    assert Page.objects.count() == 1


def test_a_page_that_is_out_goes_on_and_a_muted_rise_raises_it_later(
    world: World, cast: Cast, source: Integration
) -> None:
    alert = fire(source, severity="warning")
    paging.acknowledge(
        page=Page.objects.get(), actor=audit.person(cast.ravi), person=cast.ravi, now=NOW
    )
    silence(now=NOW + MINUTE)
    send(source, NOW + 2 * MINUTE, severity="critical", summary="Down")
    page = Page.objects.get()
    assert (page.status, page.urgency) == ("acknowledged", "low")
    alert.refresh_from_db()
    assert alert.status == "firing"  # whoever took a warning has not taken an outage
    assert services.unmute_due(now=NOW + 2 * HOUR) == 1
    page.refresh_from_db()
    assert (page.status, page.urgency, page.round) == ("open", "high", 1)
    assert services.unmute_due(now=NOW + 3 * HOUR) == 0
    world.run()
    world.forget()


def test_a_muted_rise_that_is_over_before_the_mute_raises_nothing(
    cast: Cast, source: Integration
) -> None:
    fire(source, severity="warning", group_key="disk")
    silence(now=NOW + MINUTE)
    fire(source, NOW + 2 * MINUTE, severity="critical", dedup_key="b", group_key="disk")
    send(source, NOW + 3 * MINUTE, action="resolve", dedup_key="b")
    services.unmute_due(now=NOW + 2 * HOUR)
    assert Page.objects.get().round == 0
    assert AlertGroup.objects.get().muted_at is None


def test_one_of_a_group_may_be_muted_while_another_pages(source: Integration) -> None:
    silence(dedup_key="disk:*")
    fire(source, dedup_key="disk:1", group_key="g", severity="critical")
    fire(source, dedup_key="cpu", group_key="g", severity="warning")
    group = AlertGroup.objects.get()
    assert group.page is not None and group.page.urgency == "low"
    assert group.muted_at is not None  # for the critical one somebody should be woken
    assert services.unmute_due(now=NOW + HOUR) == 1
    group.refresh_from_db()
    assert (group.page.urgency, group.page.round, group.muted_at) == ("high", 1, None)


def test_an_equal_one_of_the_group_that_pages_pages_for_the_muted_one_too(
    source: Integration,
) -> None:
    silence(dedup_key="disk:*")
    fire(source, dedup_key="disk:1", group_key="g")
    fire(source, dedup_key="cpu", group_key="g")
    assert AlertGroup.objects.get().muted_at is None
    assert services.unmute_due(now=NOW + HOUR) == 0
    assert Page.objects.get().round == 0


def test_a_second_silence_takes_over_where_the_first_ends(source: Integration) -> None:
    silence()
    silence(ends_at=NOW + 3 * HOUR, dedup_key="a")
    fire(source)
    assert services.unmute_due(now=NOW + 2 * HOUR) == 0
    assert services.unmute_due(now=NOW + 3 * HOUR) == 1


def test_a_surface_given_by_hand_that_is_not_muted_pages_at_once(
    cast: Cast, source: Integration
) -> None:
    silence()
    alert = fire(source)
    other = build.surface("billing", primary=cast.bea, now=NOW)
    services.give_surface(
        alert=alert, surface=other, actor=audit.person(cast.maya), now=NOW + MINUTE
    )
    assert Page.objects.get().surface == other
    assert AlertGroup.objects.get().muted_at is None


def test_an_alert_that_no_silence_fits_pages_as_always(world: World, source: Integration) -> None:
    silence(dedup_key="disk:*")
    silence(starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)
    fire(source)
    assert Page.objects.count() == 1
    world.run()
    world.forget()


def test_a_silence_of_a_rule_mutes_what_that_rule_raises_and_nothing_else(cast: Cast) -> None:
    rule = services.create_rule(
        key="slow", name="Slow", kind="rate", params={}, actor=audit.SYSTEM, now=NOW
    )
    silence(rule=rule)
    own = intake.internal_integration(now=NOW)
    fire(own, dedup_key="rule:slow:snowflake")
    assert not Page.objects.exists()
    fire(own, dedup_key="rule:slower")
    assert Page.objects.count() == 1


def test_programs_outside_hear_of_a_muted_alert_all_the_same(source: Integration) -> None:
    notifications.create_endpoint(
        url="https://crm.example.com/hook", description="CRM", events=["alert.*"],
        actor=audit.SYSTEM, now=NOW,
    )  # fmt: skip
    silence()
    fire(source)
    send(source, NOW + MINUTE, severity="critical", summary="Down")
    services.unmute_due(now=NOW + HOUR)
    send(source, NOW + 2 * HOUR, action="resolve")
    told = WebhookDelivery.objects.order_by("pk").values_list("event", flat=True)
    assert list(told) == ["alert.fired", "alert.fired", "alert.resolved"]


# -- announced work


def work(**more: Any) -> Any:
    wanted: dict[str, Any] = {
        "title": "Database upgrade", "surfaces": [Surface.objects.get(key="inspect")],
        "starts_at": NOW + HOUR, "ends_at": NOW + 3 * HOUR, "actor": audit.SYSTEM, "now": NOW,
        **more,
    }  # fmt: skip
    return services.announce_maintenance(**wanted)


def test_work_in_progress_mutes_what_lies_below_until_it_is_over(
    world: World, cast: Cast, source: Integration
) -> None:
    work()
    world.at("2026-09-07T07:00")  # no worker has begun it yet: its times count
    alert = fire(source, now=world.now)
    assert not Page.objects.exists()
    assert alert.group is not None and alert.group.muted_by == "maintenance: Database upgrade"
    world.at("2026-09-07T09:00")
    tasks.maintenance()
    world.run()
    world.expect_page(to=cast.ravi, containing="Profiling fails")


def test_work_that_ends_early_or_is_canceled_mutes_no_longer(
    cast: Cast, source: Integration
) -> None:
    row = work(starts_at=NOW)
    services.maintain_due(now=NOW)
    fire(source)
    row.refresh_from_db()
    services.end_maintenance(window=row, actor=audit.SYSTEM, now=NOW + HOUR)
    assert services.unmute_due(now=NOW + HOUR) == 1
    services.cancel_maintenance(
        window=work(starts_at=NOW + 2 * HOUR), actor=audit.SYSTEM, now=NOW + HOUR
    )
    fire(source, NOW + 2 * HOUR + MINUTE, dedup_key="b")
    assert Page.objects.count() == 2


def test_a_group_that_fails_holds_up_no_other(
    source: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence()
    fire(source, dedup_key="a", summary="Bad")
    fire(source, dedup_key="b", summary="Good")
    opened = paging.open_page

    def fragile(**given: Any) -> Page:
        assert given["summary"] != "Bad"
        return opened(**given)

    monkeypatch.setattr(paging, "open_page", fragile)
    assert services.unmute_due(now=NOW + HOUR) == 1
    assert Page.objects.get().summary == "Good"
    monkeypatch.undo()
    assert services.unmute_due(now=NOW + HOUR) == 1


def test_nothing_muted_costs_one_query(source: Integration, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        services.unmute_due(now=clock.now())


def test_muted_groups_are_looked_at_in_queries_that_do_not_grow(
    source: Integration, django_assert_num_queries: Any
) -> None:
    silence()
    for key in "abcdef":
        fire(source, dedup_key=key)
    with django_assert_num_queries(5):  # groups, silences, work, surfaces, alerts
        services.unmute_due(now=NOW)
