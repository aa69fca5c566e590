"""The report on detection: who noticed first, and what the rules are worth."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.alerts.models import AlertRule, Firing
from apps.core import audit
from apps.customers.models import Contact
from apps.incidents.models import Incident
from apps.incidents.services import links
from apps.portal.detection import Noticed, flapping, race
from apps.runbooks.models import Runbook
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import fire, queries, sign_in, text_of
from tests.runbooks import kit
from tests.world import World

PAGE = "/telemetry/detection/"
T0 = datetime(2026, 9, 7, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


# -- who was first


@pytest.mark.parametrize(
    ("ticket", "alert", "first", "ahead"),
    [
        (0, 41, True, 41),
        (41, 0, False, -41),
        (0, 0, False, 0),
        (0, None, True, None),
        (None, 0, None, None),
        (None, None, None, None),
    ],
)
def test_the_customer_is_first_only_where_they_wrote_before_any_alert(
    ticket: float | None, alert: float | None, first: bool | None, ahead: float | None
) -> None:
    found = Noticed(None if ticket is None else at(ticket), None if alert is None else at(alert))
    assert found.customer_first is first
    assert found.ahead == (None if ahead is None else timedelta(minutes=ahead))


def test_a_race_counts_only_what_customers_wrote_of() -> None:
    cases = [
        Noticed(at(0), at(41)), Noticed(at(0), at(5)), Noticed(at(0), at(10)),
        Noticed(at(0), None), Noticed(at(9), at(0)), Noticed(None, at(0)),
    ]  # fmt: skip
    found = race(cases)
    assert (found.n, found.customer_first, found.never_alerted, found.measured) == (5, 4, 1, 3)
    assert found.median_ahead == timedelta(minutes=10)
    nothing = race([])
    assert (nothing.n, nothing.median_ahead) == (0, None)


# -- what flaps


def pairs(*fired: float, lasts: float = 5) -> list[tuple[datetime, datetime | None]]:
    return [(at(minutes), at(minutes + lasts)) for minutes in fired]


@pytest.mark.parametrize(
    ("firings", "times"),
    [
        (pairs(0, 60), None),
        (pairs(0, 60, 120), 3),
        (pairs(0, 60, 120, 180), 4),
        (pairs(0, 700, 1435), 3),
        (pairs(0, 700, 1436), None),
        ([*pairs(0, 60), (at(120), None)], None),
        (pairs(0, 3000, 3010, 3020), 3),
        ([], None),
    ],
)
def test_three_times_fired_and_resolved_within_a_day_is_flapping(
    firings: list[tuple[datetime, datetime | None]], times: int | None
) -> None:
    found = flapping(firings)
    assert (found.times if found else None) == times


def test_the_worst_day_is_the_one_that_is_told() -> None:
    found = flapping(pairs(0, 10, 20, 3000, 3010, 3020, 3030))
    assert found is not None
    assert (found.times, found.since) == (4, at(3000))


def test_half_a_year_of_flapping_each_five_minutes_is_counted_at_once() -> None:
    began = time.process_time()
    found = flapping(pairs(*range(0, 180 * 1440, 5)))
    assert found is not None and found.times == 288
    assert time.process_time() - began < 2


# -- the page


@pytest.fixture
def maya(cast: Cast, world: World) -> Client:
    world.at("2026-09-07 12:00")
    return sign_in(cast.maya)


def _incident(cast: Cast, world: World, title: str, **more: Any) -> Incident:
    row = build.incident(by=cast.ravi, now=world.now, title=title)
    Incident.objects.filter(pk=row.pk).update(**more)
    return row


def _reported(row: Incident, world: World, ago: float, **more: Any) -> None:
    """A ticket of so many minutes ago that reported it."""
    asked = {"requester": Contact.objects.first(), **more}
    ticket = build.ticket(now=world.now - timedelta(minutes=ago), **asked)
    links.add_link(
        incident=row, kind="ticket", ref=ticket.ref, relation="reported_by",
        actor=audit.SYSTEM, now=world.now,
    )  # fmt: skip


def test_nothing_to_report_says_so(cast: Cast, maya: Client) -> None:
    text = text_of(maya.get(PAGE))
    assert "No incident in this time" in text and "No rule is on." in text
    assert Client().get(PAGE).status_code == 302
    assert sign_in(cast.olu).get(PAGE).status_code == 200


def test_incidents_stand_by_what_noticed_them_with_n_and_range(
    cast: Cast, world: World, maya: Client
) -> None:
    for number in range(3):
        _incident(cast, world, f"Alerted {number}", detection_source="alert")
    _incident(cast, world, "Told", detection_source="customer")
    _incident(cast, world, "A drill", detection_source="alert", kind="drill")
    _incident(cast, world, "Old", detection_source="alert", detected_at=world.now - timedelta(100))
    text = text_of(maya.get(PAGE))
    assert "Alert 75 % 3 of 4 few 30 to 95 %" in text
    assert "Customer 25 % 1 of 4 few 5 to 70 %" in text
    assert "5 neither declined nor merged" in text_of(maya.get(f"{PAGE}?days=180"))


def test_a_customer_who_wrote_before_the_alert_was_ahead(
    cast: Cast, world: World, maya: Client
) -> None:
    source = build.native(surface=build.surface())
    alert = fire(world, source, "late", severity="warning")
    ahead = _incident(cast, world, "Customers were first")
    links.add_link(
        incident=ahead, kind="alert", ref=str(alert.pk), actor=audit.SYSTEM, now=world.now
    )
    _reported(ahead, world, 41)
    _reported(_incident(cast, world, "Nothing fired"), world, 5)
    text = text_of(maya.get(PAGE))
    assert "Customers were first 2 of 2 truly 34 to 100 % of those they wrote of" in text
    assert "And were ahead by 41 m median of 1" in text
    race_part = text.partition("Customers against alerts")[2]
    assert race_part.index("Nothing fired") < race_part.index("Customers were first")
    assert "No alert came" in race_part and "Customer, 41 m ahead" in race_part


def _rule(cast: Cast, world: World, key: str, **more: Any) -> AlertRule:
    people = kit.Cast(ravi=cast.ravi, bea=cast.bea, maya=cast.maya, olu=cast.olu)
    runbook = Runbook.objects.first() or kit.approved(people, now=world.now).runbook
    return AlertRule.objects.create(
        key=key, name=f"Rule {key}", kind="rate", status="on", owner=cast.ravi, runbook=runbook,
        created_at=world.now, **more,
    )  # fmt: skip


def test_rules_that_never_fired_and_those_that_flap_are_named(
    cast: Cast, world: World, maya: Client
) -> None:
    _rule(cast, world, "silent")
    noisy = _rule(cast, world, "noisy", last_fired_at=world.now)
    for number in range(4):
        fired = world.now - timedelta(hours=number + 1)
        Firing.objects.create(
            rule=noisy, group="snowflake", fired_at=fired,
            resolved_at=fired + timedelta(minutes=9), was_inhibited=False,
        )  # fmt: skip
    text = text_of(maya.get(PAGE))
    assert "Rules that never fired 1 of 2" in text
    assert "Rule silent" in text.partition("Customers against alerts")[2]
    flapping_part = text.partition("Rules that flap")[2]
    assert "Rule noisy" in flapping_part and "4× in 24 h" in flapping_part


def test_the_report_costs_the_same_however_much_there_is(
    cast: Cast, world: World, maya: Client
) -> None:
    _reported(_incident(cast, world, "First"), world, 5)
    maya.get(PAGE)
    one = queries(maya, PAGE)
    for number in range(4):
        _reported(_incident(cast, world, f"More {number}"), world, 5 + number)
    assert queries(maya, PAGE) == one
