"""Clocks over several events: warnings, steps, the days on which the clocks change, invariants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.calendars.businesstime import ALWAYS, Calendar, deadline, worked
from apps.support import clockwork, matching, replay
from apps.support.clockwork import ClockState, Terms
from tests.vectors import adapt

ZERO = datetime(2026, 9, 7, tzinfo=UTC)
OPEN = Calendar("UTC", ALWAYS)
OFFICE = Calendar.of(
    "Europe/Berlin",
    {day: [[540, 720], [780, 1080]] for day in ("mon", "tue", "wed", "thu", "fri")},
)
TERMS = Terms(10 * 3600, (50, 80), (0, 900, 3600))
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def h(hours: float) -> datetime:
    return ZERO + timedelta(hours=hours)


def begun(terms: Terms = TERMS, calendar: Calendar = OPEN, at: datetime = ZERO) -> ClockState:
    return clockwork.begin(at, terms, calendar)[-1].clock


def test_what_is_due_next_is_a_warning_then_the_due_time_then_each_step_then_nothing() -> None:
    clock, checks = begun(), []
    while clock.next_check_at is not None:
        checks.append((clock.next_check_at - ZERO).total_seconds() / 3600)
        clock = clockwork.tick(clock, clock.next_check_at + SECOND, TERMS, OPEN)[-1].clock
    assert checks == [5, 8, 10, 10.25, 11]
    assert clock.steps_taken == 3


def test_after_an_outage_only_the_breach_is_written_and_each_step_once_in_order() -> None:
    changes = clockwork.tick(begun(), h(12), TERMS, OPEN)
    assert [(c.what, c.at, c.number) for c in changes] == [
        ("breach", h(10), None),
        ("step", h(10), 1),
        ("step", h(10.25), 2),
        ("step", h(11), 3),
    ]
    assert [c.key for c in changes] == ["breach:0", "step:1:0", "step:2:0", "step:3:0"]


def test_exactly_at_due_nothing_happens() -> None:
    warned = clockwork.tick(begun(), h(9), TERMS, OPEN)[-1].clock
    assert clockwork.tick(warned, h(10), TERMS, OPEN) == ()


def test_a_target_used_up_at_closing_is_due_at_the_next_opening() -> None:
    clock = begun(Terms(3600), OFFICE, datetime(2026, 9, 7, 15, 0, tzinfo=UTC))  # 17:00
    assert clock.due_at == datetime(2026, 9, 8, 7, 0, tzinfo=UTC)
    evening = clockwork.stop(clock, datetime(2026, 9, 7, 20, 0, tzinfo=UTC), Terms(3600), OFFICE)
    assert evening[-1].clock.state == "met"
    assert evening[-1].clock.worked_seconds_final == 3600


def test_a_day_of_25_hours_counts_25() -> None:
    berlin = Calendar("Europe/Berlin", ALWAYS)
    start = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # midnight in Berlin, the clocks go back
    assert begun(Terms(25 * 3600), berlin, start).due_at == datetime(2026, 10, 25, 23, tzinfo=UTC)


def test_levels_that_a_new_target_has_passed_are_told_once_and_only_the_highest() -> None:
    clock = clockwork.retarget(begun(), h(4), replace(TERMS, seconds=18_000), OPEN, was=OPEN)
    moved = clock[-1].clock  # four of five hours
    assert moved.next_check_at == h(4)
    told = clockwork.tick(moved, h(4) + SECOND, replace(TERMS, seconds=18_000), OPEN)
    assert [(c.what, c.number) for c in told] == [("warn", 80)]
    assert told[-1].clock.next_check_at == h(5)


def test_a_warning_is_not_told_again_when_the_target_changes_there_and_back() -> None:
    warned = clockwork.tick(begun(), h(6), TERMS, OPEN)[-1].clock
    assert warned.warned_percent == 50
    longer = replace(TERMS, seconds=11 * 3600)
    there = clockwork.retarget(warned, h(6), longer, OPEN, was=OPEN)[-1].clock
    back = clockwork.retarget(there, h(6), TERMS, OPEN, was=OPEN)[-1].clock
    assert (back.warned_percent, back.next_check_at, back.due_at) == (50, h(8), h(10))


def test_a_warning_is_told_again_for_a_much_longer_target() -> None:
    warned = clockwork.tick(begun(), h(6), TERMS, OPEN)[-1].clock
    longer = clockwork.retarget(warned, h(6), replace(TERMS, seconds=72_000), OPEN, was=OPEN)
    again = clockwork.tick(longer[-1].clock, h(11), replace(TERMS, seconds=72_000), OPEN)
    assert [(c.what, c.number, c.key) for c in again] == [("warn", 50, "warn:50:1")]


def test_a_breach_by_retarget_is_not_taken_back_by_another_one_in_the_same_second() -> None:
    """Two people change the priority at once: down to what is used up, and up again."""
    missed = clockwork.retarget(begun(), h(4), Terms(3600), OPEN, was=OPEN)[-1].clock
    assert missed.state == "breached"
    assert clockwork.retarget(missed, h(4), TERMS, OPEN, was=OPEN) == ()


def test_a_late_event_subtracts_what_was_counted_since() -> None:
    checkpointed = clockwork.retarget(
        begun(), h(4), replace(TERMS, seconds=50_000), OPEN, was=OPEN
    )[-1].clock
    stopped = clockwork.stop(checkpointed, h(3), TERMS, OPEN)[-1].clock
    assert stopped.worked_seconds_final == 3 * 3600


def test_a_correction_before_triage_counts_what_was_used_in_the_calendar_of_then() -> None:
    """P1 by mistake: around the clock from Monday 03:00, and back to office hours."""
    start = datetime(2026, 9, 7, 3, 0, tzinfo=UTC)
    missed = clockwork.tick(begun(Terms(900), OPEN, start), start + HOUR, Terms(900), OPEN)
    terms, now = Terms(8 * 3600), start + HOUR
    changes = clockwork.retarget(missed[-1].clock, now, terms, OFFICE, was=OPEN, may_correct=True)
    clock = changes[-1].clock
    assert [c.what for c in changes] == ["unbreach", "retarget"]
    assert clock.consumed_seconds == 3600
    assert clock.due_at == datetime(2026, 9, 7, 15, 0, tzinfo=UTC)  # seven office hours, lunch out


def test_what_began_without_a_target_counts_from_its_start() -> None:
    pauses = [(h(1), h(2))]
    changes = clockwork.adopt(ZERO, h(5), TERMS, OPEN, pauses=pauses)
    clock = changes[-1].clock
    assert (clock.started_at, clock.consumed_seconds, clock.due_at) == (ZERO, 4 * 3600, h(11))
    late = clockwork.adopt(ZERO, h(50), TERMS, OPEN)
    assert [c.what for c in late] == ["start", "breach"]
    assert late[-1].clock.breached_at == h(50)


def test_a_day_that_was_closed_after_all_takes_a_breach_back() -> None:
    closed = Calendar("UTC", ALWAYS, ((ZERO.date(), ()),))
    missed = clockwork.tick(begun(), h(12), TERMS, OPEN)[-1].clock
    changes = clockwork.recompute(missed, h(13), TERMS, closed)
    clock = changes[-1].clock
    assert (changes[-1].what, clock.state, clock.due_at) == ("unbreach", "running", h(34))
    assert (clock.consumed_seconds, clock.steps_taken) == (0, 0)


def test_recomputing_knows_the_pauses_and_what_is_met() -> None:
    paused = clockwork.pause(begun(), h(4), TERMS, OPEN)[-1].clock
    again = clockwork.resume(paused, h(6), TERMS, OPEN)[-1].clock
    assert clockwork.recompute(again, h(7), TERMS, OPEN, [(h(4), h(6))]) == ()
    met = clockwork.stop(begun(), h(4), TERMS, OPEN)[-1].clock
    assert clockwork.recompute(met, h(7), TERMS, OFFICE) == ()


def test_a_day_that_was_open_after_all_shows_a_breach() -> None:
    closed = Calendar("UTC", ALWAYS, ((ZERO.date(), ()),))
    clock = begun(TERMS, closed)
    changes = clockwork.recompute(clock, h(20), TERMS, OPEN)
    assert (changes[-1].what, changes[-1].clock.breached_at) == ("breach", h(10))


# -- vectors of pauses: a checkpointed clock ends where the deadline with its pauses does


def test_clocks_with_pauses_are_due_as_the_vectors_say() -> None:
    cases = [c for c in adapt.load("business_time") if c["kind"] == "deadline"]
    checked = 0
    for case in cases:
        body, calendar = adapt.sla_body(case), adapt.calendar(adapt.sla_body(case)["calendar"])
        pauses = [(adapt.instant(a), adapt.instant(b)) for a, b in body["pauses"] if b]
        if not pauses:
            continue
        terms = Terms(body["target_seconds"])
        clock = begun(terms, calendar, adapt.instant(body["start"]))
        for low, high in sorted(pauses):
            clock = clockwork.pause(clock, low, terms, calendar)[-1].clock
            clock = clockwork.resume(clock, high, terms, calendar)[-1].clock
        assert clock.due_at == adapt.sla_answer(case)["due_at"], case["id"]
        checked += 1
    assert checked > 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 40 * 86_400), min_size=2, max_size=10, unique=True),
    st.integers(0, 100 * 3600),
)
def test_checkpoints_lead_where_the_whole_computation_leads(marks: list[int], target: int) -> None:
    """Pause and resume at random: the due time is that of the deadline with these pauses."""
    instants = [ZERO + timedelta(seconds=mark) for mark in sorted(marks)]
    terms, clock = Terms(target), begun(Terms(target), OFFICE)
    pauses = []
    for low, high in zip(instants[::2], instants[1::2], strict=False):
        if clock.due_at is not None and low > clock.due_at:
            break
        clock = clockwork.pause(clock, low, terms, OFFICE)[-1].clock
        clock = clockwork.resume(clock, high, terms, OFFICE)[-1].clock
        pauses.append((low, high))
    assert clock.due_at == deadline(OFFICE, ZERO, target, pauses)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 30 * 86_400), st.integers(60, 100 * 3600))
def test_kept_means_worked_no_more_than_the_target(stopped: int, target: int) -> None:
    at = ZERO + timedelta(seconds=stopped)
    clock = clockwork.stop(begun(Terms(target), OFFICE), at, Terms(target), OFFICE)[-1].clock
    assert (clock.state == "met") == (worked(OFFICE, ZERO, at) <= target)
    assert clock.worked_seconds_final == worked(OFFICE, ZERO, at)


# -- anything may happen in any order

ACTS = ("pause", "resume", "shorter", "longer", "calendar", "tick", "stop", "reopen", "cancel",
        "restore", "waive")  # fmt: skip
ALWAYS_OPEN, TARGETS = Calendar("Europe/Berlin", ALWAYS), {"shorter": 4 * 3600, "longer": 90_000}


def act(name: str, clock: ClockState, at: datetime, calendar: Calendar) -> clockwork.Changes:
    """One event as the services bring it about."""
    terms = replace(TERMS, seconds=clock.target_seconds)
    if name in TARGETS:
        other = replace(TERMS, seconds=TARGETS[name])
        return clockwork.retarget(clock, at, other, calendar, was=calendar, may_correct=True)
    if name == "calendar":
        return clockwork.recalendar(clock, at, terms, ALWAYS_OPEN, was=calendar)
    if name in {"cancel", "waive"}:
        return getattr(clockwork, name)(clock, at, "said so")  # type: ignore[no-any-return] # by name
    return getattr(clockwork, name)(clock, at, terms, calendar)  # type: ignore[no-any-return] # by name


def tick(clock: ClockState, at: datetime, calendar: Calendar) -> clockwork.Changes:
    return clockwork.tick(clock, at, replace(TERMS, seconds=clock.target_seconds), calendar)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(-900, 30 * 3600)), max_size=14))
def test_whatever_happens_a_clock_keeps_its_rules_and_its_history_explains_it(
    acts: list[tuple[str, int]],
) -> None:
    """Also events that come in late, with a time before the last one."""
    calendar, at = OFFICE, ZERO
    changes = clockwork.begin(ZERO, TERMS, OFFICE)
    clock = changes[-1].clock
    for name, later in acts:
        at = max(ZERO, at + timedelta(seconds=later))
        done = tick(clock, at, calendar) if name == "tick" else act(name, clock, at, calendar)
        if name == "calendar" and done:
            calendar = ALWAYS_OPEN
        changes += done
        clock = done[-1].clock if done else clock
        check_rules(clock)
    keys = [change.key for change in changes]
    assert len(set(keys)) == len(keys)
    events = [
        replay.Event(c.what, c.at, c.clock.due_at, c.clock.consumed_seconds, c.clock.target_seconds)
        for c in changes
    ]
    played = replay.play(events)
    assert played is not None
    stored = (clock.state, clock.consumed_seconds, clock.target_seconds, clock.due_at,
              clock.stopped_at, clock.is_paused)  # fmt: skip
    assert stored == tuple(getattr(played, name) for name in (
        "state", "consumed_seconds", "target_seconds", "due_at", "stopped_at", "is_paused",
    ))  # fmt: skip


def check_rules(clock: ClockState) -> None:
    """What the database asks of a row, and that nothing due is forgotten."""
    if clock.state == "running":
        assert clock.due_at is not None
        assert clock.next_check_at is not None
        assert clock.next_check_at <= clock.due_at
    if clock.state in {"paused", "met", "cancelled"} or clock.stopped_at or clock.waived_at:
        assert clock.next_check_at is None
    if clock.state == "breached":
        assert clock.breached_at is not None
    if clock.state in {"running", "paused", "met"}:
        assert clock.breached_at is None
    assert (clock.state == "paused") == (clock.is_paused and clock.state != "breached"
                                         and clock.state != "cancelled")  # fmt: skip
    assert clock.consumed_seconds >= 0


# -- which clocks stand still, which policy takes a ticket


def test_only_updates_and_resolution_stand_still() -> None:
    still = {
        (metric, status)
        for metric in matching.METRICS
        for status in ("new", "open", "waiting_customer", "waiting_third_party")
        if matching.stands_still(metric, status, third_party=True)
    }
    assert still == {
        (metric, status)
        for metric in ("periodic_update", "resolution")
        for status in ("waiting_customer", "waiting_third_party")
    }
    assert not matching.stands_still("resolution", "waiting_third_party", third_party=False)


def test_the_first_policy_by_position_takes_a_ticket_and_the_default_what_is_left() -> None:
    policies = matching.in_order(
        [
            matching.Match(1, 0, is_default=True),
            matching.Match(2, 2, tier="premium"),
            matching.Match(3, 1, tier="premium", tag="vip"),
        ]
    )
    vip = matching.Facts(tier="premium", tags=frozenset({"vip"}))
    found = [matching.first(policies, facts) for facts in (vip, replace(vip, tags=frozenset()))]
    assert [one.ref for one in found if one] == [3, 2]
    assert matching.first(policies, matching.Facts(tier="free")) == policies[-1]
    assert matching.first(policies[:-1], matching.Facts()) is None
