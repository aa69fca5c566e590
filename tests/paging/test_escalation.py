"""Who is woken, in which order, and what stops it."""

from __future__ import annotations

from apps.core import audit
from apps.paging import services as paging
from apps.paging.models import Page
from apps.paging.services import PolicyStep
from apps.rotations.models import CoverageGap
from tests import builders as build
from tests.conftest import Cast
from tests.world import World


def test_nobody_acknowledges_so_the_backup_is_told_then_the_lead(world: World, cast: Cast) -> None:
    team = build.team(lead=cast.maya)
    surface = build.surface(team=team, primary=cast.ravi, backup=cast.bea)
    build.schedule(cast.ravi, surfaces=[surface])
    page = build.page(surface=surface)
    world.run()
    world.expect_page(to=cast.ravi, containing="You are on call (1 of 3)")
    world.expect_nothing()
    world.advance(minutes=5)
    world.expect_page(to=cast.ravi, containing="You are the owner (2 of 3)")
    world.expect_page(to=cast.bea, containing="You are the backup owner (2 of 3)")
    world.advance(minutes=10)
    world.expect_page(to=cast.maya, containing="(3 of 3)")
    page.refresh_from_db()
    assert (page.loop, page.step, page.status) == (1, 0, "open")


def test_an_acknowledgement_stops_the_escalation_and_tells_the_others(
    world: World, cast: Cast
) -> None:
    surface = build.surface(primary=cast.ravi, backup=cast.bea)
    build.schedule(cast.ravi, surfaces=[surface])
    page = build.page(surface=surface)
    world.advance(minutes=5)
    world.forget()
    paging.acknowledge(page=page, actor=audit.person(cast.bea), person=cast.bea, now=world.now)
    world.advance(hours=3)
    world.expect_page(to=cast.ravi, containing="Bea Bell is on it")
    world.expect_nothing()


def test_acknowledging_twice_counts_the_first(world: World, cast: Cast) -> None:
    page = build.page(surface=build.surface(primary=cast.ravi))
    for person in (cast.ravi, cast.bea):
        paging.acknowledge(page=page, actor=audit.person(person), person=person, now=world.now)
    page.refresh_from_db()
    assert page.acknowledged_by == cast.ravi
    assert page.notes.filter(what="acknowledged").count() == 1


def test_without_anybody_on_call_the_next_step_is_taken_at_once_and_the_gap_is_kept(
    world: World, cast: Cast
) -> None:
    surface = build.surface(primary=cast.bea)
    schedule = build.schedule(cast.ravi, surfaces=[surface])
    layer = schedule.layers.get()
    from apps.rotations import services as rotations

    rotations.archive_layer(layer=layer, by=None, now=world.now)
    build.page(surface=surface)
    world.run()
    world.expect_page(to=cast.bea, containing="You are the owner (2 of 3)")
    world.expect_page(to=cast.maya, containing="Nobody is on call for Profiler")
    assert CoverageGap.objects.get().schedule == schedule


def test_a_page_that_finds_nobody_at_all_reaches_the_managers(world: World, cast: Cast) -> None:
    nobody = build.policy(PolicyStep(0, [{"kind": "surface_on_call"}]), is_default=True)
    page = build.page(surface=build.surface())
    world.run()
    page.refresh_from_db()
    assert page.policy == nobody
    assert page.status == Page.Status.EXHAUSTED
    world.expect_page(to=cast.maya, containing="Nobody else is on it")


def test_a_resolved_page_tells_once_whoever_was_told(world: World, cast: Cast) -> None:
    surface = build.surface(primary=cast.ravi, backup=cast.bea)
    build.schedule(cast.ravi, surfaces=[surface])
    page = build.page(surface=surface)
    world.run()
    world.forget()
    for _ in range(2):
        paging.resolve(page=page, actor=audit.SYSTEM, now=world.now)
    world.advance(hours=1)
    world.expect_page(to=cast.ravi, containing="It is over")
    world.expect_nothing()


def test_working_hours_hold_a_step_until_the_next_opening(world: World, cast: Cast) -> None:
    hours = [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}]
    build.policy(
        PolicyStep(0, [{"kind": "person", "person": cast.ravi}], only_in_working_hours=True),
        working_hours=hours,
        time_zone="Europe/Berlin",
        is_default=True,
    )
    world.at("2026-09-05 22:00", tz="Europe/Berlin")  # a Saturday evening
    build.page(surface=build.surface(now=world.now), now=world.now)
    world.advance(hours=34)
    world.expect_nothing()
    world.advance(hours=2)
    message = world.expect_page(to=cast.ravi)
    assert message.at.isoformat() == "2026-09-07T07:00:00+00:00"


def test_a_step_is_taken_once_even_when_two_engines_look(world: World, cast: Cast) -> None:
    surface = build.surface(primary=cast.ravi)
    build.schedule(cast.ravi, surfaces=[surface])
    build.page(surface=surface)
    paging.take_due_steps(now=world.now)
    paging.take_due_steps(now=world.now)
    world.run()
    world.expect_page(to=cast.ravi)


def test_a_person_who_cannot_be_reached_does_not_delay_the_next_step(
    world: World, cast: Cast
) -> None:
    surface = build.surface(primary=cast.bea)
    build.schedule(cast.ravi, surfaces=[surface])
    build.method(cast.bea, "ntfy", f"https://ntfy.sh/{cast.bea.email}")
    world.channel("email").down = True
    build.page(surface=surface)
    world.advance(minutes=60)
    assert any(cast.bea.email in message.address for message in world.sent)
    world.forget()


def test_the_last_person_told_has_time_to_answer_before_nobody_answered(
    world: World, cast: Cast
) -> None:
    build.policy(
        PolicyStep(0, [{"kind": "person", "person": cast.ravi}]),
        PolicyStep(5, [{"kind": "person", "person": cast.bea}]),
        is_default=True,
    )
    page = build.page(surface=build.surface())
    world.advance(minutes=9)
    page.refresh_from_db()
    assert page.status == Page.Status.OPEN
    assert paging.next_told(page, now=world.now) is None
    world.advance(minutes=1)
    page.refresh_from_db()
    assert page.status == Page.Status.EXHAUSTED
    world.forget()


def test_a_role_that_a_schedule_never_had_is_no_gap_in_cover(world: World, cast: Cast) -> None:
    schedule = build.schedule(cast.ravi)
    build.policy(
        PolicyStep(0, [{"kind": "schedule", "schedule": schedule, "role": "secondary"}]),
        PolicyStep(0, [{"kind": "person", "person": cast.bea}]),
        is_default=True,
    )
    build.page(surface=build.surface())
    world.run()
    world.expect_page(to=cast.bea, containing="(2 of 2)")
    assert not CoverageGap.objects.exists()


def test_a_loop_that_comes_after_empty_steps_waits_like_any_other(world: World, cast: Cast) -> None:
    surface = build.surface()
    build.schedule(cast.ravi, surfaces=[surface])
    build.policy(
        PolicyStep(0, [{"kind": "surface_on_call"}]),
        PolicyStep(5, [{"kind": "surface_lead"}]),
        PolicyStep(10, [{"kind": "surface_lead"}]),
        repeats=2,
        is_default=True,
    )
    opened = world.now
    page = build.page(surface=surface)
    world.advance(hours=1)
    told = [
        (m.at - opened).total_seconds() / 60 for m in world.sent if m.address == cast.ravi.email
    ]
    assert told == [0, 15, 30]
    page.refresh_from_db()
    assert page.status == Page.Status.EXHAUSTED
    world.forget()


def test_an_empty_step_does_not_wake_the_next_one_outside_its_working_hours(
    world: World, cast: Cast
) -> None:
    hours = [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}]
    build.policy(
        PolicyStep(0, [{"kind": "surface_on_call"}]),
        PolicyStep(5, [{"kind": "person", "person": cast.bea}], only_in_working_hours=True),
        working_hours=hours,
        is_default=True,
    )
    world.at("2026-09-08 03:00")
    build.page(surface=build.surface(now=world.now), now=world.now)
    world.advance(hours=5)
    world.expect_nothing()
    world.advance(hours=1)
    world.expect_page(to=cast.bea)
