"""Reports: met of (met + missed) by the week in which it ended, and what must not be counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from apps.core import audit
from apps.support.models import Csat, Ticket, TicketClock
from apps.support.selectors import reports
from apps.support.selectors.reports import Kept, Share
from apps.support.services import clocks
from apps.support.services.sweep import sweep
from tests import builders as build
from tests.conftest import Cast
from tests.support import slakit as sla
from tests.support.slakit import HOUR, MINUTE, MONDAY, at

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)
START, END = at("0:00"), at("0:00", day=28)  # Monday the 7th to Sunday the 27th


def answered(after: timedelta, *, since: datetime = MONDAY, **fields: Any) -> Ticket:
    """A ticket whose first reply came so long after it; its promise is 8 working hours (P3)."""
    made = sla.ticket(since, **fields)
    sweep(now=since + after)
    sla.reply(made, since + after)
    return made


def kept(user: Any, by: str = "metric", **more: Any) -> dict[str, Kept]:
    span: dict[str, Any] = {"start": START, "end": END, "zone": "UTC", **more}
    return {row.label: row for row in reports.kept(user, by=by, **span)}


def counts(row: Kept) -> tuple[int, int, int, int]:
    return row.met, row.missed, row.waived, row.without_reply


# -- promises


def test_met_and_missed_are_counted_and_open_ones_are_not(cast: Cast) -> None:
    sla.site()
    answered(HOUR)
    answered(26 * HOUR)  # eight working hours ended an hour before
    sla.ticket()  # nothing has ended
    row = kept(cast.maya)["First reply"]
    assert counts(row) == (1, 1, 0, 0)
    assert (row.n, row.rate) == (2, 0.5)


def test_a_waived_miss_stands_apart_and_out_of_the_rate(cast: Cast) -> None:
    sla.site()
    answered(HOUR)
    late = answered(26 * HOUR)
    clocks.waive(
        clock=sla.clock(late, "first_reply"), reason="The mail server was down.",
        actor=audit.person(cast.maya), now=MONDAY + 27 * HOUR,
    )  # fmt: skip
    row = kept(cast.maya)["First reply"]
    assert counts(row) == (1, 0, 1, 0)
    assert row.rate == 1.0


def test_a_resolution_without_a_word_is_no_kept_first_reply(cast: Cast) -> None:
    sla.site()
    sla.to(sla.ticket(), "resolved", MONDAY + HOUR)
    row = kept(cast.maya)["First reply"]
    assert counts(row) == (0, 0, 0, 1)
    assert row.rate is None
    assert row.p50 is None  # it says nothing of how long a reply takes
    assert counts(kept(cast.maya)["Resolution"]) == (1, 0, 0, 0)


def test_a_promise_that_was_missed_and_never_kept_by_a_word_is_missed(cast: Cast) -> None:
    sla.site()
    made = sla.ticket()
    sweep(now=MONDAY + 26 * HOUR)
    sla.to(made, "resolved", MONDAY + 26 * HOUR)
    assert counts(kept(cast.maya)["First reply"]) == (0, 1, 0, 0)


def test_the_week_is_that_in_which_it_ended_in_the_readers_zone(cast: Cast) -> None:
    sla.site()
    answered(HOUR)
    answered(at("23:30", day=13) - at("10:00", day=11), since=at("10:00", day=11))  # Sunday night
    days = {"metric": "first_reply"}
    assert set(kept(cast.maya, "week", **days)) == {"2026-09-07"}
    berlin = kept(cast.maya, "week", zone="Europe/Berlin", **days)
    assert set(berlin) == {"2026-09-07", "2026-09-14"}  # it is Monday there


def test_the_window_holds_its_first_instant_and_not_its_last(cast: Cast) -> None:
    sla.site()
    answered(HOUR)
    inside = {"start": MONDAY + HOUR, "end": MONDAY + HOUR + timedelta(microseconds=1)}
    assert counts(kept(cast.maya, **inside)["First reply"])[0] == 1
    assert "First reply" not in kept(cast.maya, start=START, end=MONDAY + HOUR)


def test_lengths_are_working_time_as_median_and_ninetieth_percentile(cast: Cast) -> None:
    sla.site()
    for minutes in (10, 20, 30, 40, 50, 60, 70, 80, 90, 100):
        answered(minutes * MINUTE)
    answered(23 * HOUR + 10 * MINUTE)  # 7 h today and 10 m tomorrow: 8 h 10 m
    row = kept(cast.maya)["First reply"]
    assert (row.p50, row.p90) == (60 * 60, 100 * 60)
    by_owner = reports.kept_by(
        cast.maya, by=["priority"], start=START, end=END, zone="UTC", durations=False
    )
    assert by_owner["priority"][0].p50 is None


def test_by_owner_priority_type_and_surface_everything_is_there_once(cast: Cast) -> None:
    sla.site()
    place = build.surface("core.render")
    answered(HOUR, owner=cast.ravi, surface=place)
    answered(HOUR, owner=cast.ravi, priority="P2")
    answered(HOUR)
    one = {"metric": "first_reply"}
    assert {k: r.n for k, r in kept(cast.maya, "owner", **one).items()} == {
        "Ravi Rao": 2, "Nobody": 1,
    }  # fmt: skip
    assert list(kept(cast.maya, "priority", **one)) == ["P2", "P3"]
    assert {k: r.n for k, r in kept(cast.maya, "surface", **one).items()} == {
        "none": 2, "core.render": 1,
    }  # fmt: skip
    assert {k: r.n for k, r in kept(cast.maya, "type", **one).items()} == {"stale_profile": 3}


@pytest.mark.parametrize("metric", ["", "first_reply"])
@pytest.mark.parametrize("durations", [True, False])
def test_several_at_once_say_the_same_as_one_by_one(
    cast: Cast, metric: str, durations: bool
) -> None:
    sla.site()
    for number, owner in enumerate((cast.ravi, cast.bea, None, cast.ravi)):
        answered(number * 9 * HOUR + HOUR, owner=owner, priority=f"P{1 + number % 3}")
    span: dict[str, Any] = {"start": START, "end": END, "zone": "UTC", "metric": metric}
    names = ["owner", "priority", "week", "metric"]
    together = reports.kept_by(cast.maya, by=names, durations=durations, **span)
    for by in names:
        alone = reports.kept(cast.maya, by=by, **span)
        assert [(r.label, r.key, counts(r)) for r in together[by]] == [
            (r.label, r.key, counts(r)) for r in alone
        ]


def test_cancelled_promises_of_merged_tickets_are_in_no_report(cast: Cast) -> None:
    sla.site()
    made = sla.ticket()
    clocks.cancel_all(ticket=made, cause="merged", actor=audit.SYSTEM, now=MONDAY + HOUR)
    assert kept(cast.maya) == {}


# -- who sees what, and what is real


@pytest.mark.parametrize("kind", ["drill", "test"])
def test_what_is_not_real_counts_nowhere(cast: Cast, kind: str) -> None:
    sla.site()
    made = answered(HOUR, kind=kind)
    sla.to(made, "resolved", MONDAY + 2 * HOUR)
    sla.ticket(kind=kind)
    Csat.objects.create(ticket=made, cycle=0, score="good", at=MONDAY + 3 * HOUR)
    assert everything(cast.maya) == nothing()


def test_a_private_queue_counts_for_its_team_its_owner_and_managers(cast: Cast) -> None:
    sla.site()
    team = build.team("billing", members=[cast.bea])
    private = sla.queue("disputes", is_private=True, team=team)
    made = answered(HOUR, queue=private)
    sla.to(made, "resolved", MONDAY + 2 * HOUR)
    assert everything(cast.sam) == nothing()
    for person in (cast.bea, cast.maya):
        assert everything(person) != nothing()
    Ticket.objects.filter(pk=made.pk).update(owner=cast.sam)
    assert kept(cast.sam)["First reply"].met == 1


def test_a_stranger_gets_empty_reports_and_no_error(cast: Cast) -> None:
    sla.site()
    answered(HOUR)
    assert everything(AnonymousUser()) == nothing()


def everything(user: Any) -> tuple[Any, ...]:
    span: dict[str, Any] = {"start": START, "end": END}
    return (
        kept(user),
        sum(row.total for row in reports.backlog(user, now=END)),
        reports.first_contact(user, **span),
        reports.satisfaction(user, **span),
        reports.top_types(user, **span),
        reports.top_surfaces(user, **span),
        sum(row.created + row.resolved for row in reports.flow(user, **span, zone="UTC")),
        reports.unfinished(user),
    )


def nothing() -> tuple[Any, ...]:
    return ({}, 0, Share(0, 0), Share(0, 0), [], [], 0, {})


# -- what came in, and what waits


def test_every_week_of_the_window_is_there_with_what_came_and_what_was_resolved(
    cast: Cast,
) -> None:
    sla.site()
    made = sla.ticket(at("9:00"))
    sla.to(made, "resolved", at("9:00", day=15))
    sla.ticket(at("9:00", day=15))
    gone = sla.ticket(at("9:00", day=16))
    Ticket.objects.filter(pk=gone.pk).update(status="spam")
    rows = reports.flow(cast.maya, start=START, end=END, zone="UTC")
    assert [(r.week, r.created, r.resolved) for r in rows] == [
        ("2026-09-07", 1, 0), ("2026-09-14", 1, 1), ("2026-09-21", 0, 0),
    ]  # fmt: skip


def test_weeks_are_those_of_the_zone() -> None:
    sunday_night = at("23:00", day=6)
    assert reports.weeks(sunday_night, MONDAY, "UTC") == ["2026-08-31", "2026-09-07"]
    assert reports.weeks(sunday_night, MONDAY, "Europe/Berlin") == ["2026-09-07"]
    assert reports.weeks(MONDAY - WEEK, at("0:00"), "UTC") == ["2026-08-31"]


def test_the_backlog_is_counted_by_age_to_the_second(cast: Cast) -> None:
    sla.site()
    now = at("10:00", day=28)
    day = timedelta(days=1)
    ages = (0 * day, day - MINUTE, day, 3 * day, 7 * day, 14 * day, 28 * day)
    for number, age in enumerate(ages):
        sla.ticket(now - age, start=False, priority=f"P{1 + number % 4}")
    done = sla.ticket(now - day, start=False)
    Ticket.objects.filter(pk=done.pk).update(status="closed", resolved_at=now)
    rows = reports.backlog(cast.maya, now=now)
    assert [row.total for row in rows] == [2, 1, 1, 1, 1, 1]
    assert rows[0].by_priority == {"P1": 1, "P2": 1, "P3": 0, "P4": 0}
    assert rows[-1].label == "over 4 weeks"


def test_what_is_asked_for_most_comes_first_and_merged_ones_do_not_count(cast: Cast) -> None:
    sla.site()
    pack, other = sla.request_type("pack"), sla.request_type("other")
    for _ in range(2):
        sla.ticket(request_type=pack, start=False)
    sla.ticket(request_type=other, start=False, reopened_count=1)
    target = sla.ticket(request_type=other, start=False, created_at=START - WEEK)
    gone = sla.ticket(request_type=other, start=False)
    Ticket.objects.filter(pk=gone.pk).update(status="merged", merged_into=target)
    rows = reports.top_types(cast.maya, start=START, end=END)
    assert [(r.key, r.count, r.open, r.reopened) for r in rows] == [
        ("pack", 2, 2, 0), ("other", 1, 1, 1),
    ]  # fmt: skip


# -- first contact, satisfaction


def test_first_contact_is_one_reply_at_most_and_never_reopened(cast: Cast) -> None:
    sla.site()
    for replies, reopened, note in ((1, 0, False), (0, 0, True), (2, 0, False), (1, 1, False)):
        made = sla.ticket(start=False)
        for number in range(replies):
            sla.reply(made, MONDAY + (number + 1) * MINUTE)
        if note:
            made.messages.create(author="note", body="x", at=MONDAY, recorded_at=MONDAY)
        Ticket.objects.filter(pk=made.pk).update(
            status="resolved", resolved_at=MONDAY + HOUR, reopened_count=reopened
        )
    assert reports.first_contact(cast.maya, start=START, end=END) == Share(2, 4)
    assert reports.first_contact(cast.maya, start=START, end=MONDAY).rate is None


def test_a_reply_that_was_taken_back_is_no_contact(cast: Cast) -> None:
    made = sla.ticket(start=False)
    for status in ("posted", "withdrawn"):
        made.messages.create(author="agent", status=status, body="x", at=MONDAY, recorded_at=MONDAY)
    Ticket.objects.filter(pk=made.pk).update(status="closed", resolved_at=MONDAY + HOUR)
    assert reports.first_contact(cast.maya, start=START, end=END) == Share(1, 1)


def test_satisfaction_is_good_answers_of_all_answers(cast: Cast) -> None:
    made = sla.ticket(start=False)
    for cycle, score in enumerate(("good", "bad", "good")):
        Csat.objects.create(ticket=made, cycle=cycle, score=score, at=MONDAY)
    Csat.objects.create(ticket=made, cycle=9, score="bad", at=END)
    assert reports.satisfaction(cast.maya, start=START, end=END) == Share(2, 3)


def test_unfinished_promises_are_counted_by_state(cast: Cast) -> None:
    sla.site()
    sla.ticket()
    sweep(now=MONDAY + 26 * HOUR)
    assert reports.unfinished(cast.maya) == {"breached": 2, "running": 1}
    assert TicketClock.objects.unfinished().count() == 3


# -- what it costs


def test_the_clocks_are_read_by_the_reports_index(cast: Cast) -> None:
    """The index begins with the metric, so every metric is always named."""
    rows = reports._stopped(cast.maya, START, END, "")
    assert '"metric" IN (triage, first_reply' in str(rows.query)
    assert str(rows.query).count("JOIN") == 1


@pytest.mark.parametrize(("by", "most"), [(["metric"], 1), (["priority", "owner", "week"], 2)])
def test_several_reports_are_one_pass(
    cast: Cast, by: list[str], most: int, django_assert_max_num_queries: Any
) -> None:
    sla.site()
    answered(HOUR, owner=cast.ravi)
    with django_assert_max_num_queries(most):
        reports.kept_by(cast.maya, by=by, start=START, end=END, zone="UTC")
