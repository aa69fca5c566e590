"""Shift rows: rebuilt by difference, history untouched, handoffs told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from apps.core.errors import Invalid
from apps.rotations import selectors
from apps.rotations import services as rotations
from apps.rotations.models import Handoff, Shift
from apps.rotations.services import LayerPlan
from tests import builders as build
from tests.conftest import Cast
from tests.world import World


def test_the_preset_puts_the_first_person_on_call_at_once(world: World, cast: Cast) -> None:
    schedule = build.schedule(cast.ravi, cast.bea, time_zone="Europe/Berlin", now=world.now)
    assert selectors.on_call(schedule, at=world.now) == [cast.ravi]
    [row] = selectors.overview([schedule], at=world.now)
    assert row.shift.end_at == datetime(2026, 9, 7, 7, tzinfo=UTC)  # Monday 09:00 in Berlin
    assert row.next is not None and row.next.person == cast.bea


def test_the_rows_equal_the_computation(world: World, cast: Cast) -> None:
    schedule = build.schedule(cast.ravi, cast.bea, time_zone="Europe/Berlin", now=world.now)
    assert rotations.find_differences(schedule=schedule, now=world.now) == []


def test_rebuilding_an_unchanged_schedule_keeps_every_row(world: World, cast: Cast) -> None:
    schedule = build.schedule(cast.ravi, cast.bea, now=world.now)
    before = list(schedule.shifts.values_list("pk", flat=True))
    difference = rotations.materialise(schedule=schedule, now=world.now)
    assert (difference.added, difference.removed, difference.cut) == (0, 0, 0)
    assert list(schedule.shifts.values_list("pk", flat=True)) == before


def test_a_changed_order_cuts_the_running_row_and_keeps_what_was_served(
    world: World, cast: Cast
) -> None:
    schedule = build.schedule(cast.ravi, cast.bea, now=world.now)
    layer = schedule.layers.get()
    served = schedule.shifts.earliest("start_at")
    world.at("2026-09-09 12:00")
    plan = LayerPlan(name="Weekly", people=(cast.ravi, cast.bea), anchor_date=world.now.date())
    rotations.plan_layer(schedule=schedule, plan=plan, layer=layer, by=cast.maya, now=world.now)
    served.refresh_from_db()
    assert selectors.on_call(schedule, at=served.start_at) == [cast.ravi]
    cut = Shift.objects.filter(schedule=schedule, end_at=world.now).get()
    assert cut.person == cast.bea  # the second week's person served until the change
    assert layer.versions.count() == 2


def test_a_shift_that_has_ended_never_changes(world: World, cast: Cast) -> None:
    schedule = build.schedule(cast.ravi, cast.bea, now=world.now)
    past = schedule.shifts.earliest("start_at")
    rotations.materialise(schedule=schedule, now=past.end_at + timedelta(minutes=1))
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Shift.objects.filter(pk=past.pk).update(person=cast.bea)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Shift.objects.filter(pk=past.pk).delete()


def test_an_override_replaces_and_its_cancelling_gives_back(world: World, cast: Cast) -> None:
    schedule = build.schedule(cast.ravi, now=world.now)
    override = rotations.add_override(
        schedule=schedule,
        kind="replace",
        person=cast.bea,
        replaces=cast.ravi,
        start_at=world.now + timedelta(hours=1),
        end_at=world.now + timedelta(hours=3),
        by=cast.maya,
        now=world.now,
    )
    at = world.now + timedelta(hours=2)
    assert selectors.on_call(schedule, at=at) == [cast.bea]
    row = Shift.objects.at(at).get()
    assert (row.cause, row.planned_person) == ("override", cast.ravi)
    rotations.cancel_override(override=override, by=cast.maya, now=world.now)
    assert selectors.on_call(schedule, at=at) == [cast.ravi]


def test_an_override_in_the_past_is_refused(world: World, cast: Cast) -> None:
    schedule = build.schedule(cast.ravi, now=world.now)
    with pytest.raises(Invalid, match="the past is history"):
        rotations.add_override(
            schedule=schedule,
            kind="add",
            person=cast.bea,
            start_at=world.now - timedelta(hours=3),
            end_at=world.now - timedelta(hours=1),
            by=cast.maya,
            now=world.now,
        )


def test_a_handoff_is_told_once_to_both(world: World, cast: Cast) -> None:
    build.schedule(cast.ravi, cast.bea, now=world.now)
    world.handoffs()
    world.expect_message(to=cast.ravi, containing="You are on call for Profiler")
    world.at("2026-09-07 09:00")
    for _ in range(3):
        world.handoffs()
    world.expect_message(to=cast.bea, containing="You are on call for Profiler")
    world.expect_message(to=cast.ravi, containing="You are off call for Profiler")
    world.expect_nothing()
    assert Handoff.objects.count() == 2


def test_after_an_outage_only_the_running_shift_is_told(world: World, cast: Cast) -> None:
    build.schedule(cast.ravi, cast.bea, now=world.now)
    world.handoffs()
    world.forget()
    world.at("2026-09-23 10:00")  # two handoffs were missed
    world.handoffs()
    world.expect_message(to=cast.ravi, containing="You are off call")
    world.expect_message(to=cast.bea, containing="You are on call")


def test_editing_without_a_change_of_person_tells_nobody(world: World, cast: Cast) -> None:
    schedule = build.schedule(cast.ravi, now=world.now)
    world.handoffs()
    world.forget()
    world.advance(hours=1)
    a_week_ago = world.now.date() - timedelta(days=7)
    plan = LayerPlan(name="Weekly", people=(cast.ravi, cast.bea), anchor_date=a_week_ago)
    rotations.plan_layer(
        schedule=schedule, plan=plan, layer=schedule.layers.get(), by=None, now=world.now
    )
    world.handoffs()


def test_a_deactivated_person_cannot_be_put_on_call(world: World, cast: Cast) -> None:
    from apps.accounts import services as accounts
    from apps.core import audit

    accounts.deactivate(person=cast.bea, actor=audit.person(cast.maya), now=world.now)
    with pytest.raises(Invalid, match="was deactivated"):
        build.schedule(cast.bea, now=world.now)


def test_managers_hear_when_the_next_person_has_email_only(world: World, cast: Cast) -> None:
    build.schedule(cast.ravi, now=world.now)
    for _ in range(2):
        rotations.warn_unreachable(now=world.now)
    world.run()
    world.expect_message(to=cast.maya)
    world.expect_message(to=cast.ravi)


def test_gaps_are_found_by_union(world: World, cast: Cast) -> None:
    schedule = rotations.create_schedule(key="office", name="Office", time_zone="UTC")
    window = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}
    plan = LayerPlan(
        name="Day", people=(cast.ravi,), anchor_date=world.now.date(), windows=(window,)
    )
    rotations.plan_layer(schedule=schedule, plan=plan, by=None, now=world.now)
    monday = datetime(2026, 9, 14, tzinfo=UTC)
    found = selectors.gaps(schedule, monday, monday + timedelta(days=1))
    assert [(gap.start.hour, gap.end.hour) for gap in found] == [(0, 9), (17, 0)]


def test_whoever_is_deactivated_leaves_a_gap_that_shows_and_comes_back_with_them(
    world: World, cast: Cast
) -> None:
    from apps.accounts import services as accounts
    from apps.core import audit

    schedule = build.schedule(cast.ravi, cast.bea, now=world.now)
    world.at("2026-09-08 12:00")
    maya = audit.person(cast.maya)
    accounts.deactivate(person=cast.bea, actor=maya, now=world.now)
    assert selectors.overview([schedule], at=world.now) == []
    [gap, *_] = selectors.gaps(schedule, world.now, world.now + timedelta(days=14))
    assert (gap.start, gap.end) == (world.now, datetime(2026, 9, 14, 9, tzinfo=UTC))
    served = schedule.shifts.filter(person=cast.bea).get()
    assert served.end_at == world.now  # what she served stays
    accounts.reactivate(person=cast.bea, actor=maya, now=world.now)
    assert selectors.gaps(schedule, world.now, world.now + timedelta(days=14)) == []


def test_the_same_hours_written_otherwise_are_no_new_version(world: World, cast: Cast) -> None:
    schedule = rotations.create_schedule(key="office", name="Office", time_zone="UTC")
    week = {"days": ["mon", "tue"], "start": "09:00", "end": "17:00"}
    turned = {"days": ["tue", "mon"], "start": "09:00", "end": "17:00"}
    plans = [
        LayerPlan(name="Day", people=(cast.ravi,), anchor_date=world.now.date(), windows=(hours,))
        for hours in (week, turned)
    ]
    layer = rotations.plan_layer(schedule=schedule, plan=plans[0], by=None, now=world.now)
    rotations.plan_layer(schedule=schedule, plan=plans[1], by=None, now=world.now, layer=layer)
    assert layer.versions.count() == 1
