"""Whoever owns a source hears that its deliveries cannot be read: once, not of a single slip."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core import audit
from apps.intake import services as intake
from apps.intake.models import Delivery, Integration
from apps.intake.services import telling
from apps.notifications.models import Message
from tests import builders as build
from tests.conftest import Cast
from tests.world import World

WHAT = "deliveries_set_aside"


@pytest.fixture
def source(cast: Cast) -> Integration:
    made = build.integration("stripe").row
    return intake.set_owner(integration=made, owner=cast.ravi)


def spoil(source: Integration, world: World, times: int = 1, body: bytes = b"{") -> None:
    for _ in range(times):
        intake.receive_hook(integration=source, body=body, now=world.now)
    intake.normalise_due(now=world.now)


def told() -> list[str]:
    """Whom it was mailed to, in the order of writing."""
    mails = Message.objects.filter(what=WHAT, channel="email").order_by("pk")
    return list(mails.values_list("person__name", flat=True))


def test_the_owner_is_told_of_the_third_within_an_hour(
    world: World, cast: Cast, source: Integration
) -> None:
    spoil(source, world, 2)
    assert told() == []
    world.advance(minutes=30)
    spoil(source, world)
    assert told() == [cast.ravi.name]
    mail = Message.objects.get(what=WHAT, channel="email")
    assert mail.subject == f"[Intake] 3 deliveries of {source.name} could not be read"
    assert f"/integrations/{source.pk}/" in mail.body and "you own" in mail.body


def test_three_that_are_far_apart_are_no_reason_to_tell(world: World, source: Integration) -> None:
    for _ in range(4):
        spoil(source, world)
        world.advance(minutes=31)
    assert told() == []


def test_the_owner_is_told_once_an_hour(world: World, cast: Cast, source: Integration) -> None:
    spoil(source, world, 10)
    world.advance(minutes=59)
    spoil(source, world, 5)
    assert told() == [cast.ravi.name]
    world.advance(minutes=2)
    spoil(source, world, 1)
    assert told() == [cast.ravi.name] * 2
    world.forget()


@pytest.mark.parametrize("gone", [True, False])
def test_where_nobody_owns_a_source_the_managers_are_told(
    world: World, cast: Cast, source: Integration, gone: bool
) -> None:
    if gone:
        cast.ravi.is_active = False
        cast.ravi.save(update_fields=["is_active"])
    else:
        intake.set_owner(integration=source, owner=None)
    spoil(source, world, 3)
    assert set(told()) == {cast.maya.name}


def test_one_source_s_trouble_says_nothing_of_another(world: World, source: Integration) -> None:
    other = build.integration("gcp").row
    spoil(source, world, 2)
    spoil(other, world, 2)
    assert told() == []


def test_a_message_that_cannot_be_written_never_holds_up_the_reading(
    world: World, source: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no words")

    monkeypatch.setattr(telling, "_tell", broken)
    good = b'{"id": "evt_1", "type": "customer.created"}'
    for body in (b"{", good):
        intake.receive_hook(integration=source, body=body, now=world.now)
    intake.normalise_due(now=world.now)
    states = list(Delivery.objects.order_by("pk").values_list("status", flat=True))
    assert states == ["quarantined", "ignored"]


def test_a_replay_that_fails_again_counts_by_when_it_came(
    world: World, cast: Cast, source: Integration
) -> None:
    spoil(source, world, 2)
    old = list(Delivery.objects.all())
    world.advance(minutes=90)
    for row in old:
        intake.replay(delivery=row, actor=audit.SYSTEM, now=world.now)
    spoil(source, world)
    assert told() == []
    assert Delivery.objects.filter(received_at__lt=world.now - timedelta(hours=1)).count() == 2
