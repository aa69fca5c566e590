"""The outbox: written once, claimed once, never sent after its cause is gone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import Person
from apps.notifications import services as notifications
from apps.notifications import wording
from apps.notifications.channels.base import failed, sent
from apps.notifications.models import Message
from apps.notifications.services import sender
from tests import builders as build
from tests.conftest import Cast
from tests.world import World


def tell(
    person: Person, world: World, *, urgency: str = "high", dedupe: str = "x:1", **more: str
) -> int:
    facts = wording.Handoff(schedule="Profiler", at=world.now)
    return notifications.notify(
        person=person,
        what="handoff_on",
        write=wording.handoff_on,
        facts=facts,
        urgency=urgency,
        subject=("test", more.get("ref", "1")),
        dedupe=dedupe,
        now=world.now,
    )


def test_the_same_effect_is_written_once(world: World, cast: Cast) -> None:
    assert tell(cast.ravi, world) == 1
    assert tell(cast.ravi, world) == 0
    world.run()
    world.expect_message(to=cast.ravi)


def test_without_a_verified_method_the_sign_in_address_is_used(world: World, cast: Cast) -> None:
    tell(cast.ravi, world)
    row = Message.objects.get()
    assert (row.channel, row.method, row.address_hint) == ("email", None, "r…i@example.com")
    world.run()
    world.forget()


def test_rules_say_at_once_by_this_and_after_five_minutes_by_that(world: World, cast: Cast) -> None:
    mail = build.method(cast.ravi)
    push = build.method(cast.ravi, "ntfy", f"https://ntfy.example/{cast.ravi.email}")
    notifications.set_rules(person=cast.ravi, urgency="high", rows=[(push, 0), (mail, 5)])
    tell(cast.ravi, world)
    world.run()
    assert world.expect_message(to=cast.ravi).address.startswith("https://ntfy")
    world.advance(minutes=4)
    world.expect_nothing()
    world.advance(minutes=1)
    assert world.expect_message(to=cast.ravi).address == cast.ravi.email


def test_quiet_hours_hold_low_urgency_and_never_high(world: World, cast: Cast) -> None:
    night = {"days": ["mon"], "start": "07:00", "end": "09:00"}
    notifications.set_quiet_hours(person=cast.ravi, windows=[night])  # 08:00 in Berlin now
    tell(cast.ravi, world, urgency="low", dedupe="a")
    tell(cast.ravi, world, urgency="high", dedupe="b")
    world.run()
    assert world.expect_message(to=cast.ravi).outgoing.urgency == "high"
    world.expect_nothing()
    world.advance(hours=1)
    assert world.expect_message(to=cast.ravi).outgoing.urgency == "low"


def test_a_demo_person_is_told_in_the_mailbox_alone(world: World, cast: Cast) -> None:
    demo = build.person("Mara Demo", is_demo=True)
    build.method(demo)
    tell(demo, world)
    world.run()
    row = Message.objects.get()
    assert (row.channel, row.status, row.address_sealed) == ("mailbox", "sent", "")
    world.forget()


def test_cancelling_takes_back_what_was_not_sent(world: World, cast: Cast) -> None:
    tell(cast.ravi, world)
    notifications.cancel(subject=("test", "1"), now=world.now)
    world.run()
    assert Message.objects.get().status == "cancelled"


def test_a_claimed_row_is_not_claimed_again_until_its_lease_ends(world: World, cast: Cast) -> None:
    tell(cast.ravi, world)
    assert len(sender.claim(now=world.now, limit=5)) == 1
    assert sender.claim(now=world.now, limit=5) == []
    later = world.now + sender.LEASE + timedelta(seconds=1)
    [again] = sender.claim(now=later, limit=5)
    assert again.carrier.attempts == 2


def test_a_repeat_after_a_crash_has_the_same_message_id(world: World, cast: Cast) -> None:
    tell(cast.ravi, world)
    [first] = sender.claim(now=world.now, limit=5)  # and the sender dies here
    world.at("2026-09-07 06:01")
    [second] = sender.claim(now=world.now, limit=5)
    assert first.carrier.message_id == second.carrier.message_id


def test_a_row_cancelled_while_it_was_sent_is_not_tried_again(world: World, cast: Cast) -> None:
    tell(cast.ravi, world)
    [parcel] = sender.claim(now=world.now, limit=5)
    notifications.cancel(subject=("test", "1"), now=world.now)
    sender.record(parcel=parcel, result=failed("timeout", "No answer."), now=world.now)
    assert Message.objects.get().status == "failed"
    world.advance(hours=1)
    world.expect_nothing()


def test_a_temporary_failure_is_tried_again_with_growing_waits(world: World, cast: Cast) -> None:
    tell(cast.ravi, world)
    world.channel("email").down = True
    world.run()
    row = Message.objects.get()
    assert row.status == "pending" and row.error.startswith("unreachable")
    assert row.not_before - world.now == timedelta(seconds=sender.BACKOFF[0])
    world.channel("email").down = False
    world.advance(minutes=1)
    world.expect_message(to=cast.ravi)


def test_a_permanent_failure_goes_on_by_another_method(
    world: World, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = build.method(cast.ravi)
    build.method(cast.ravi, "ntfy", f"https://ntfy.example/{cast.ravi.email}")
    notifications.set_rules(person=cast.ravi, urgency="high", rows=[(mail, 0)])
    tell(cast.ravi, world)
    [parcel] = sender.claim(now=world.now, limit=5)
    sender.record(
        parcel=parcel, result=failed("refused", "No such mailbox.", permanent=True), now=world.now
    )
    world.run()
    assert world.expect_message(to=cast.ravi).address.startswith("https://ntfy")


def test_from_the_third_message_a_minute_they_come_bundled(world: World, cast: Cast) -> None:
    for number in range(6):
        tell(cast.ravi, world, dedupe=f"x:{number}")
    world.run()
    world.expect_message(to=cast.ravi)
    world.expect_message(to=cast.ravi)
    world.expect_nothing()
    world.at("2026-09-07 06:00:05").run()
    bundle = world.expect_message(to=cast.ravi, containing="4 more messages")
    assert bundle.text.count("You are on call for Profiler") == 4
    assert Message.objects.filter(status="sent").count() == 6


def test_messages_of_one_thread_refer_to_one_root(world: World, cast: Cast) -> None:
    surface = build.surface(primary=cast.ravi)
    build.schedule(cast.ravi, surfaces=[surface])
    build.page(surface=surface)
    world.advance(minutes=5)
    first, second = world.expect_page(to=cast.ravi), world.expect_page(to=cast.ravi)
    assert first.outgoing.references == second.outgoing.references != ()
    assert first.outgoing.message_id != second.outgoing.message_id
    world.forget()


def test_a_sent_result_is_recorded_with_the_provider_id(world: World, cast: Cast) -> None:
    tell(cast.ravi, world)
    [parcel] = sender.claim(now=world.now, limit=5)
    sender.record(parcel=parcel, result=sent("abc"), now=world.now)
    row = Message.objects.get()
    assert (row.status, row.provider_id, row.sent_at) == ("sent", "abc", world.now)


def test_what_one_address_holds_back_does_not_hide_the_others(world: World, cast: Cast) -> None:
    for number in range(40):
        tell(cast.ravi, world, urgency="low", dedupe=f"r:{number}")
    tell(cast.bea, world, urgency="low", dedupe="b")
    sender.send_due(now=world.now, limit=8)
    assert [m.address for m in world.sent].count(cast.bea.email) == 1
    world.run()
    world.forget()
    world.advance(minutes=2)
    bundles = [m for m in world.sent if "more messages" in m.subject]
    assert len(bundles) == 1 and bundles[0].subject.startswith("3")
    world.forget()


def test_a_bundle_that_broke_off_goes_again_as_the_same_bundle(world: World, cast: Cast) -> None:
    for number in range(6):
        tell(cast.ravi, world, dedupe=f"x:{number}")
    world.run()
    world.forget()
    world.at("2026-09-07 06:00:05")
    [bundle] = sender.claim(now=world.now, limit=5)  # and the sender dies here
    world.at("2026-09-07 06:01:05")
    [again] = sender.claim(now=world.now, limit=5)
    assert again.carrier.message_id == bundle.carrier.message_id
    assert {r.pk for r in again.riders} == {r.pk for r in bundle.riders} and len(again.riders) == 3


def test_codes_and_invitations_are_not_kept_once_they_are_sent(world: World, cast: Cast) -> None:
    notifications.invite(person=build.person("Nia New", password=None), by=cast.maya, now=world.now)
    world.run()
    row = Message.objects.get(what="invitation")
    assert (row.status, row.link, row.body) == ("sent", "", "(not kept)")
    world.forget()


def test_one_method_that_cannot_be_opened_does_not_stop_the_others(
    world: World, cast: Cast
) -> None:
    broken = build.method(cast.ravi)
    type(broken).objects.filter(pk=broken.pk).update(address_sealed="another key's")
    tell(cast.ravi, world)
    world.run()
    world.expect_message(to=cast.ravi)
