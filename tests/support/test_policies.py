"""Editing promises: what is refused, and what a change does to clocks that run."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from apps.calendars import services as calendars
from apps.calendars.selectors import current_version
from apps.core import audit
from apps.core.errors import Conflict, Invalid
from apps.notifications.models import Message
from apps.support import seeds_sla, tasks
from apps.support.models import ClockEvent, EscalationStep, SlaPolicy, SlaTarget, TicketClock
from apps.support.services import checking, policies, recomputing, retiming
from apps.support.services.policies import Cell, Step, Takes, save_policy
from apps.support.services.sweep import sweep
from tests.conftest import Cast
from tests.support import slakit as sla
from tests.support.slakit import HOUR, MINUTE, MONDAY, at

pytestmark = pytest.mark.django_db
BY = audit.SYSTEM
Tell = EscalationStep.Notify


def edit(policy: SlaPolicy, *cells: Cell, **more: Any) -> SlaPolicy:
    values: dict[str, Any] = {
        "policy": policy, "name": policy.name, "calendar": policy.calendar, "cells": cells,
        "is_default": policy.is_default, "actor": BY, "now": MONDAY + HOUR, **more,
    }  # fmt: skip
    return save_policy(**values)


# -- the seeds


def test_a_new_site_promises_what_the_design_says() -> None:
    policy = sla.site()
    grid = {
        (t.metric, t.priority): (t.seconds, t.calendar.key if t.calendar else "office")
        for t in policy.targets.select_related("calendar")
    }
    assert len(grid) == 20
    assert grid["triage", "P1"] == (900, calendars.ALWAYS)
    assert grid["first_reply", "P2"] == (7200, "office")
    assert grid["resolution", "P4"] == (20 * 9 * 3600, "office")
    assert grid["periodic_update", "P4"] == (None, "office")
    steps = EscalationStep.objects.filter(target__policy=policy)

    def of(metric: str, priority: str) -> list[tuple[int, str]]:
        rows = steps.filter(target__metric=metric, target__priority=priority)
        return sorted(rows.values_list("after_seconds", "notify"))

    assert of("first_reply", "P1") == [(0, "owner"), (0, "page"), (900, "backup"), (3600, "lead")]
    assert of("next_reply", "P2") == [
        (0, "owner"), (900, "backup"), (900, "page"), (3600, "lead"),
    ]  # fmt: skip
    assert of("resolution", "P1") == [(0, "owner"), (900, "backup"), (3600, "lead")]
    assert of("triage", "P4") == [(0, "owner"), (3600, "lead")]


def test_seeding_again_overwrites_no_edit() -> None:
    policy = sla.site()
    SlaTarget.objects.filter(policy=policy, metric="triage").update(seconds=None)
    SlaPolicy.objects.filter(pk=policy.pk).update(name="Ours")
    seeds_sla.ensure_sla(MONDAY)
    assert [row.name for row in SlaPolicy.objects.all()] == ["Ours"]
    assert not SlaTarget.objects.filter(metric="triage", seconds__isnull=False).exists()


# -- what is refused

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": " "}, "name"),
    "a target of seconds": ({"cells": [sla.cell("triage", 59)]}, "cells.triage.P3.seconds"),
    "a target of years": (
        {"cells": [sla.cell("triage", 3 * 365 * 86_400)]},
        "cells.triage.P3.seconds",
    ),
    "an unknown metric": ({"cells": [sla.cell("speed", 600)]}, "cells.speed.P3"),
    "a warning at 100": (
        {"cells": [sla.cell("triage", 600, warn=(100,))]},
        "cells.triage.P3.warn_percents",
    ),
    "a step twice": (
        {"cells": [sla.cell("triage", 600, Step(0, Tell.OWNER), Step(0, Tell.OWNER))]},
        "cells.triage.P3.steps",
    ),
    "a step to nobody": (
        {"cells": [sla.cell("triage", 600, Step(0, "everybody"))]},
        "cells.triage.P3.steps",
    ),
    "a cell twice": (
        {"cells": [sla.cell("triage", 600), sla.cell("triage", 700)]},
        "cells.triage.P3",
    ),
    "a default that is off": ({"is_default": True, "is_active": False}, "is_active"),
}


@pytest.mark.parametrize(("values", "field"), WRONG.values(), ids=WRONG)
def test_a_grid_that_cannot_be_is_refused_with_its_field(
    values: dict[str, Any], field: str
) -> None:
    calendars.ensure_defaults(now=MONDAY)
    given: dict[str, Any] = {
        "policy": None, "name": "Standard", "calendar": sla.office(), "cells": [],
        "actor": BY, "now": MONDAY,
    }  # fmt: skip
    with pytest.raises(Invalid) as error:
        save_policy(**{**given, **values})
    assert field in error.value.fields
    assert not SlaPolicy.objects.exists()


def test_there_is_one_default_and_it_stays_one() -> None:
    policy = sla.site()
    with pytest.raises(Invalid):
        sla.plain_policy(is_default=True)
    with pytest.raises(Invalid):
        edit(policy, is_default=False)


def test_who_edits_an_old_version_is_told() -> None:
    policy = sla.plain_policy(sla.cell("triage", 600))
    edit(policy, sla.cell("triage", 700), seen=1)
    with pytest.raises(Conflict):
        edit(policy, sla.cell("triage", 800), seen=1)


def test_saving_the_same_again_changes_nothing() -> None:
    policy = sla.plain_policy(sla.cell("triage", 600, Step(0, Tell.OWNER), warn=(50,)))
    ticket = sla.ticket()
    edit(policy, sla.cell("triage", 600, Step(0, Tell.OWNER), warn=(50,)))
    policy.refresh_from_db()
    assert policy.version == 1
    assert sla.events(sla.clock(ticket, "triage")) == ["start"]


# -- clocks that run


def test_a_changed_cell_moves_the_running_clocks_at_once() -> None:
    policy = sla.plain_policy(sla.cell("triage", 7200), sla.cell("resolution", 36000))
    ticket, met, late = sla.ticket(), sla.ticket(), sla.ticket(MONDAY - 3 * HOUR)
    sla.to(met, "resolved", MONDAY + MINUTE)
    edit(policy, sla.cell("triage", 4 * 3600), sla.cell("resolution", 5 * 3600))
    assert sla.clock(ticket, "triage").due_at == MONDAY + 4 * HOUR
    clock = sla.clock(ticket, "resolution")
    assert (clock.due_at, clock.policy_version) == (MONDAY + 5 * HOUR, 2)
    ticket.refresh_from_db()
    assert ticket.sla_due_at == MONDAY + 4 * HOUR
    assert sla.clock(met, "resolution").target_seconds == 36000
    # The triage of the late one ran out an hour before anybody looked; it is not confirmed yet.
    assert sla.events(sla.clock(late, "triage")) == ["start", "breach"]


def test_new_warnings_and_steps_count_for_what_runs() -> None:
    policy = sla.plain_policy(sla.cell("triage", 7200))
    ticket = sla.ticket()
    edit(policy, sla.cell("triage", 7200, Step(0, Tell.OWNER), warn=(75,)))
    clock = sla.clock(ticket, "triage")
    assert clock.next_check_at == MONDAY + 90 * MINUTE
    assert sla.events(clock) == ["start"]


def test_steps_that_would_have_come_by_now_are_passed_over(cast: Cast) -> None:
    policy = sla.plain_policy(sla.cell("triage", 600, Step(0, Tell.OWNER)))
    ticket = sla.ticket(owner=cast.sam, triaged_at=MONDAY)
    sweep(now=MONDAY + 20 * MINUTE)
    edit(policy, sla.cell("triage", 600, Step(0, Tell.PAGE), Step(7200, Tell.LEAD)))
    clock = sla.clock(ticket, "triage")
    assert (clock.steps_taken, clock.next_check_at) == (1, MONDAY + 130 * MINUTE)


def test_a_policy_put_in_front_takes_its_tickets_over_and_gives_them_back() -> None:
    default = sla.plain_policy(sla.cell("resolution", 36000))
    vip, plain = sla.ticket(tags=["vip"]), sla.ticket()
    mine = sla.plain_policy(
        sla.cell("resolution", 7200), is_default=False, takes=Takes(tag="vip"), now=MONDAY
    )
    assert sla.clock(vip, "resolution").policy == mine
    assert sla.clock(plain, "resolution").policy == default
    policies.set_active(policy=mine, is_active=False, actor=BY, now=MONDAY + HOUR)
    clock = sla.clock(vip, "resolution")
    assert (clock.policy, clock.due_at) == (default, MONDAY + 10 * HOUR)


def test_the_order_of_policies_decides() -> None:
    sla.plain_policy(sla.cell("resolution", 36000))
    first, second = (
        sla.plain_policy(sla.cell("resolution", s), is_default=False, takes=Takes(tag=tag))
        for s, tag in ((7200, "a"), (10800, "b"))
    )
    ticket = sla.ticket(tags=["a", "b"])
    assert sla.clock(ticket, "resolution").policy == first
    policies.reorder(order=[second.pk, first.pk], actor=BY, now=MONDAY)
    assert sla.clock(ticket, "resolution").policy == second
    with pytest.raises(Conflict):
        policies.reorder(order=[second.pk], actor=BY, now=MONDAY)


def test_many_tickets_are_timed_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = sla.plain_policy(sla.cell("resolution", 36000))
    tickets = [sla.ticket() for _ in range(5)]
    monkeypatch.setattr(retiming, "AT_ONCE", 3)
    monkeypatch.setattr(retiming, "BATCH", 2)
    with time_machine.travel(MONDAY + HOUR, tick=False):  # here tasks run at once, one by one
        edit(policy, sla.cell("resolution", 7200))
    assert {sla.clock(t, "resolution").due_at for t in tickets} == {MONDAY + 2 * HOUR}
    first = ClockEvent.objects.filter(what="retarget").earliest("pk")
    assert (first.actor_label, first.cause) == ("Promises", f"policy {policy.name} v2")


# -- calendars


def test_many_clocks_of_a_calendar_are_timed_in_the_background(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sla.site()
    tickets = [sla.ticket() for _ in range(5)]
    monkeypatch.setattr(retiming, "AT_ONCE", 3)
    monkeypatch.setattr(retiming, "BATCH", 2)
    with time_machine.travel(at("12:00"), tick=False):
        close("2026-09-08", at("11:00"))
    clocks = [sla.clock(t, "resolution") for t in tickets]
    # Checkpointed when the calendar changed, not when the task came to it.
    assert {(c.consumed_seconds, c.anchor_at) for c in clocks} == {(3600, at("11:00"))}
    assert {c.due_at for c in clocks} == {at("10:00", day=15)}


def close(day: str, now: Any) -> None:
    """The office is closed on a day, from now on."""
    version = current_version(sla.office())
    calendars.save_version(
        calendar=sla.office(), time_zone=version.time_zone, weekly=version.weekly,
        exceptions={**version.exceptions, day: {"spans": [], "name": "Closed"}}, regions=[],
        actor=BY, now=now,
    )  # fmt: skip


def test_a_holiday_moves_what_runs_and_keeps_what_was_counted() -> None:
    sla.site()
    running, paused = sla.ticket(), sla.ticket(status="open")
    sla.to(paused, "waiting_customer", at("11:00"))
    close("2026-09-08", at("14:00"))
    clock = sla.clock(running, "resolution")
    assert (clock.consumed_seconds, clock.due_at) == (4 * 3600, at("10:00", day=15))
    assert clock.calendar_version == current_version(sla.office())
    event = ClockEvent.objects.get(clock=clock, what="recalendar")
    assert event.cause.endswith("v2")
    still = sla.clock(paused, "resolution")
    assert (still.consumed_seconds, still.calendar_version) == (
        3600,
        current_version(sla.office()),
    )
    running.refresh_from_db()
    assert running.sla_due_at == at("14:00")  # triage, which is due today


def test_a_day_that_was_closed_after_all_is_shown_before_it_is_counted(cast: Cast) -> None:
    sla.site()
    ticket, kept = sla.ticket(priority="P2", triaged_at=MONDAY), sla.ticket(priority="P2")
    sla.reply(kept, at("10:30"))
    sweep(now=at("17:00"))
    assert sla.clock(ticket, "first_reply").state == "breached"
    close("2026-09-07", at("17:30"))
    seen = recomputing.preview(calendar=sla.office(), since=at("0:00"), now=at("17:40"))
    assert sla.clock(ticket, "first_reply").state == "breached"
    done = recomputing.recompute(
        calendar=sla.office(), since=at("0:00"), actor=audit.person(cast.maya), now=at("17:40")
    )
    assert seen == done
    # Triage and first reply of the one; triage and the next update of the other.
    assert (done.tickets, done.unbreached, done.breached) == (2, 4, 0)
    clock = sla.clock(ticket, "first_reply")
    assert (clock.state, clock.due_at) == ("running", at("11:00", day=8))
    event = ClockEvent.objects.filter(clock=clock).latest("pk")
    assert (event.what, event.actor, event.cause) == ("unbreach", cast.maya, "recomputed")
    assert sla.clock(kept, "first_reply").worked_seconds_final == 1800
    ticket.refresh_from_db()
    assert ticket.sla_state == "running"


def test_recomputing_reaches_back_a_quarter_at_most() -> None:
    sla.site()
    with pytest.raises(Invalid):
        recomputing.preview(calendar=sla.office(), since=MONDAY - 2400 * HOUR, now=MONDAY)


# -- the nightly check


def a_long_story() -> list[TicketClock]:
    sla.site()
    ticket = sla.ticket()
    sla.prioritise(ticket, "P2", at("10:20"))
    sla.reply(ticket, at("10:40"))
    sla.to(ticket, "waiting_customer", at("11:00"))
    sla.to(ticket, "open", at("14:00"))
    sla.asks(ticket, at("14:10"))
    sweep(now=at("17:00", day=8))
    sla.to(ticket, "resolved", at("17:30", day=8))
    sla.to(ticket, "open", at("9:30", day=9))
    sla.prioritise(ticket, "P1", at("9:40", day=9))
    close("2026-09-10", at("10:00", day=9))
    sweep(now=at("17:00", day=9))
    return list(TicketClock.objects.order_by("pk"))


def test_a_history_played_again_gives_the_stored_numbers() -> None:
    clocks = a_long_story()
    result = checking.check(now=at("2:51", day=10))
    assert (result.checked, result.lines) == (len(clocks), ())


@pytest.mark.parametrize(
    "values", [{"consumed_seconds": 7}, {"target_seconds": 1}, {"state": "cancelled"}]
)
def test_a_number_that_was_tampered_with_is_told_to_managers_once_a_day(
    values: dict[str, Any], cast: Cast
) -> None:
    clock = next(c for c in a_long_story() if c.metric == "first_reply")
    TicketClock.objects.filter(pk=clock.pk).update(**values)
    for _ in range(2):
        assert checking.check(now=at("2:51", day=10)).differing == 1
    told = Message.objects.filter(what="promises_differ")
    assert [m.person for m in told] == [cast.maya]
    assert f"TCK-{clock.ticket_id} First reply" in told[0].body


def test_an_event_whose_seconds_do_not_follow_is_found() -> None:
    sla.plain_policy(sla.cell("resolution", 36000))
    ticket = sla.ticket()
    sla.to(ticket, "waiting_customer", MONDAY + HOUR)
    clock = sla.clock(ticket, "resolution")
    wrong = {"what": "resume", "key": "resume:1", "noted_at": MONDAY, "at": MONDAY + 2 * HOUR}
    ClockEvent.objects.create(
        clock=clock, due_after=MONDAY + 11 * HOUR, consumed_seconds=3600, target_seconds=36000,
        **wrong,
    )  # fmt: skip
    ClockEvent.objects.create(
        clock=clock, what="stop", key="stop:1", at=MONDAY + 3 * HOUR, noted_at=MONDAY,
        consumed_seconds=9999, target_seconds=36000,
    )  # fmt: skip
    TicketClock.objects.filter(pk=clock.pk).update(
        state="met", stopped_at=MONDAY + 3 * HOUR, consumed_seconds=9999, is_paused=False
    )
    lines = checking.check(now=MONDAY + 4 * HOUR).lines
    assert lines == (f"{ticket.ref} Resolution 1: 9999 s used at its stop, not 7200 s",)


def test_the_check_goes_round_over_the_nights() -> None:
    sla.plain_policy(sla.cell("resolution", 36000))
    for _ in range(5):
        sla.ticket()
    later = MONDAY + 1000 * HOUR  # nothing was touched lately
    assert [checking.check(now=later, most=2).checked for _ in range(4)] == [2, 2, 1, 2]


def test_what_an_edit_overtook_is_timed_at_night() -> None:
    policy = sla.plain_policy(sla.cell("resolution", 36000))
    ticket = sla.ticket()
    SlaTarget.objects.filter(policy=policy).update(seconds=7200)
    SlaPolicy.objects.filter(pk=policy.pk).update(version=2)
    assert checking.mend(now=MONDAY + HOUR) == 1
    assert sla.clock(ticket, "resolution").due_at == MONDAY + 2 * HOUR
    assert checking.mend(now=MONDAY + HOUR) == 0


def test_the_tasks_run_on_an_empty_site() -> None:
    assert tasks.sweep() == 0
    assert tasks.check_promises() == 0
    tasks.choose_again(after=0, cause="nothing")
