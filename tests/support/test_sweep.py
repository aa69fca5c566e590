"""What falls due by itself: warnings, breaches, steps, each once and with its true time."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import audit
from apps.core.transitions import move
from apps.notifications import catalog
from apps.notifications import services as notifications
from apps.notifications.models import Message, WebhookDelivery
from apps.paging import services as paging
from apps.paging.models import Page
from apps.rotations.models import Shift
from apps.support.models import ClockEvent, EscalationStep, Ticket, TicketClock
from apps.support.services import conversation
from apps.support.services.policies import Step
from apps.support.services.sweep import SweepResult, sweep
from tests import builders as build
from tests.conftest import Cast
from tests.support import slakit as sla
from tests.support.slakit import HOUR, MINUTE, MONDAY

pytestmark = pytest.mark.django_db
Tell = EscalationStep.Notify
SECOND = timedelta(seconds=1)


def told(what: str = "promise_missed") -> list[tuple[str, str]]:
    """Who was written to, with the subject, in order."""
    rows = Message.objects.filter(what=what).order_by("pk").select_related("person")
    return [(row.person.name.split()[0] if row.person else "", row.subject) for row in rows]


def test_nothing_due_is_one_question() -> None:
    sla.plain_policy(sla.cell("first_reply", 3600))
    sla.ticket()
    with CaptureQueriesContext(connection) as asked:
        assert sweep(now=MONDAY + MINUTE) == SweepResult()
    assert len(asked) == 1


def test_a_promise_is_not_missed_at_its_due_time_and_missed_just_after() -> None:
    sla.plain_policy(sla.cell("first_reply", 3600))
    ticket = sla.ticket()
    assert sweep(now=MONDAY + HOUR).breached == 0
    assert sla.clock(ticket, "first_reply").state == "running"
    assert sweep(now=MONDAY + HOUR + SECOND).breached == 1
    clock = sla.clock(ticket, "first_reply")
    assert (clock.state, clock.breached_at, clock.breach_cause) == (
        "breached",
        MONDAY + HOUR,
        "time",
    )
    ticket.refresh_from_db()
    assert (ticket.sla_state, ticket.sla_due_at) == ("breached", MONDAY + HOUR)
    assert sweep(now=MONDAY + 2 * HOUR) == SweepResult()


def test_after_two_hours_away_there_is_one_breach_with_the_true_time_and_no_stale_warning(
    cast: Cast,
) -> None:
    steps = (Step(0, Tell.OWNER), Step(900, Tell.BACKUP), Step(3600, Tell.LEAD))
    sla.plain_policy(sla.cell("first_reply", 3600, *steps, warn=(50, 80)))
    surface = build.surface(primary=cast.ravi, backup=cast.bea, now=MONDAY)
    ticket = sla.ticket(owner=cast.sam, surface=surface)
    later = MONDAY + 3 * HOUR
    result = sweep(now=later)
    assert (result.warned, result.breached, result.steps) == (0, 1, 3)
    clock = sla.clock(ticket, "first_reply")
    found = ClockEvent.objects.filter(clock=clock).order_by("pk")
    assert [(e.key, e.at, e.noted_at) for e in found][1:] == [
        ("breach:0", MONDAY + HOUR, later),
        ("step:1:0", MONDAY + HOUR, later),
        ("step:2:0", MONDAY + HOUR + 15 * MINUTE, later),
        ("step:3:0", MONDAY + 2 * HOUR, later),
    ]
    # Nobody leads anything here, so the last step goes to the manager.
    assert sorted(name for name, _ in told()) == ["Bea", "Maya", "Sam"]
    assert told("promise_warning") == []
    assert clock.next_check_at is None


def test_steps_come_one_after_the_other(cast: Cast) -> None:
    steps = (Step(0, Tell.OWNER), Step(900, Tell.BACKUP))
    sla.plain_policy(sla.cell("first_reply", 3600, *steps))
    surface = build.surface(backup=cast.bea, now=MONDAY)
    ticket = sla.ticket(owner=cast.sam, surface=surface)
    due = MONDAY + HOUR
    sweep(now=due + SECOND)
    assert [name for name, _ in told()] == ["Sam"]
    sweep(now=due + 15 * MINUTE)
    assert [name for name, _ in told()] == ["Sam"]
    sweep(now=due + 15 * MINUTE + SECOND)
    assert [name for name, _ in told()] == ["Sam", "Bea"]
    assert told()[1][1] == f"[{ticket.ref}] First reply missed: {ticket.subject}"


def test_a_warning_comes_at_each_level_once(cast: Cast) -> None:
    sla.plain_policy(sla.cell("resolution", 10 * 3600, warn=(50, 80)))
    ticket = sla.ticket(owner=cast.sam)
    assert sla.clock(ticket, "resolution").next_check_at == MONDAY + 5 * HOUR
    for minutes in range(0, 600, 7):
        sweep(now=MONDAY + minutes * MINUTE)
    clock = sla.clock(ticket, "resolution")
    assert sla.events(clock) == ["start", "warn", "warn"]
    assert (clock.warned_percent, clock.next_check_at) == (80, MONDAY + 10 * HOUR)
    assert [name for name, _ in told("promise_warning")] == ["Sam", "Sam"]
    first = Message.objects.filter(what="promise_warning").earliest("pk")
    assert (first.urgency, first.subject_kind, first.subject_ref) == (
        "low",
        "ticket_clock",
        str(clock.pk),
    )


def test_of_two_levels_that_passed_unseen_only_the_higher_is_told(cast: Cast) -> None:
    sla.plain_policy(sla.cell("resolution", 10 * 3600, warn=(50, 80)))
    ticket = sla.ticket(owner=cast.sam)
    sweep(now=MONDAY + 9 * HOUR)
    assert list(
        ClockEvent.objects.filter(clock__ticket=ticket, what="warn").values_list("key", "at")
    ) == [("warn:80:0", MONDAY + 8 * HOUR)]


def test_three_misses_of_one_owner_are_one_message(cast: Cast) -> None:
    sla.plain_policy(sla.cell("first_reply", 3600, Step(0, Tell.OWNER)))
    tickets = [sla.ticket(owner=cast.sam) for _ in range(3)]
    sweep(now=MONDAY + 2 * HOUR)
    refs = ", ".join(t.ref for t in tickets)
    assert told() == [("Sam", f"3 promises missed: {refs}")]
    body = Message.objects.get().body
    assert all(f"P3 {t.ref} First reply, was due 11:00: {t.subject}" in body for t in tickets)


def test_a_reply_takes_back_the_warning_that_it_makes_pointless(cast: Cast) -> None:
    sla.plain_policy(sla.cell("first_reply", 3600, warn=(50,)))
    ticket = sla.ticket(owner=cast.sam)
    sweep(now=MONDAY + 31 * MINUTE)
    assert Message.objects.get().status == "pending"
    sla.reply(ticket, MONDAY + 32 * MINUTE)
    assert Message.objects.get().status == "cancelled"
    assert sla.clock(ticket, "first_reply").state == "met"


def test_a_mail_that_was_read_late_takes_back_the_breach_and_its_notice(cast: Cast) -> None:
    sla.plain_policy(sla.cell("first_reply", 3600, Step(0, Tell.OWNER)))
    ticket = sla.ticket(owner=cast.sam)
    sweep(now=MONDAY + HOUR + MINUTE)
    assert Message.objects.get().status == "pending"
    sla.reply(ticket, MONDAY + HOUR + 3 * MINUTE, at=MONDAY + 58 * MINUTE)
    clock = sla.clock(ticket, "first_reply")
    assert (clock.state, clock.stopped_at, clock.breached_at) == ("met", MONDAY + 58 * MINUTE, None)
    assert clock.worked_seconds_final == 58 * 60
    assert sla.events(clock) == ["start", "breach", "step", "unbreach", "stop"]
    cause = ClockEvent.objects.get(clock=clock, what="unbreach").cause
    assert cause == "stopped in time"
    assert Message.objects.get().status == "cancelled"


def test_a_held_reply_that_was_written_in_time_keeps_the_promise(cast: Cast) -> None:
    sla.plain_policy(sla.cell("first_reply", 3600))
    ticket = sla.ticket(owner=cast.sam)
    written, goes = MONDAY + HOUR - 5 * SECOND, MONDAY + HOUR + 10 * SECOND
    ticket.messages.create(
        author="agent", status="held", body="Soon", at=written, recorded_at=written, send_at=goes
    )
    assert sweep(now=MONDAY + HOUR + 3 * SECOND).breached == 0
    clock = sla.clock(ticket, "first_reply")
    assert (clock.state, clock.next_check_at) == ("running", goes + SECOND)


def test_a_held_reply_that_was_written_too_late_changes_nothing(cast: Cast) -> None:
    sla.plain_policy(sla.cell("first_reply", 3600), sla.cell("resolution", 3600))
    ticket = sla.ticket(owner=cast.sam)
    written, goes = MONDAY + HOUR + SECOND, MONDAY + HOUR + 16 * SECOND
    ticket.messages.create(
        author="agent", status="held", body="Soon", at=written, recorded_at=written, send_at=goes
    )
    assert sweep(now=MONDAY + HOUR + 3 * SECOND).breached == 2


def test_a_taken_back_reply_lets_the_promise_be_missed(cast: Cast) -> None:
    sla.plain_policy(sla.cell("first_reply", 3600))
    ticket = sla.ticket(owner=cast.sam)
    written, goes = MONDAY + HOUR - SECOND, MONDAY + HOUR + 14 * SECOND
    held = ticket.messages.create(
        author="agent", status="held", body="Soon", at=written, recorded_at=written, send_at=goes
    )
    sweep(now=MONDAY + HOUR + SECOND)
    type(held).objects.filter(pk=held.pk).update(send_at=None, status="withdrawn")
    sweep(now=goes + 2 * SECOND)
    assert sla.clock(ticket, "first_reply").breached_at == MONDAY + HOUR


def test_a_missed_p1_pages_at_once_and_tells_loudly(cast: Cast) -> None:
    sla.site()
    surface = build.surface(primary=cast.ravi, now=MONDAY)
    build.schedule(cast.ravi, surfaces=[surface], now=MONDAY)
    ticket = sla.ticket(priority="P1", surface=surface, owner=cast.sam)
    sweep(now=MONDAY + 16 * MINUTE)
    page = Page.objects.get()
    assert (page.surface, page.kind, page.urgency) == (surface, "real", "high")
    assert page.summary.startswith(f"{ticket.ref}: Triage missed")
    ticket.refresh_from_db()
    assert ticket.page_id == page.pk
    assert {m.urgency for m in Message.objects.filter(what="promise_missed")} == {"high"}


def test_tickets_of_a_surface_share_a_page_and_join_the_one_that_rings(cast: Cast) -> None:
    sla.plain_policy(
        sla.cell("triage", 600, Step(0, Tell.PAGE)),
        sla.cell("first_reply", 3600, Step(0, Tell.PAGE)),
    )
    surface = build.surface(primary=cast.ravi, now=MONDAY)
    pair = [sla.ticket(surface=surface) for _ in range(2)]
    other = sla.ticket(surface=build.surface("billing", now=MONDAY))
    sweep(now=MONDAY + 11 * MINUTE)
    assert Page.objects.count() == 2
    later = sla.ticket(MONDAY + 20 * MINUTE, surface=surface)
    sweep(now=MONDAY + 61 * MINUTE)
    assert Page.objects.count() == 2
    pages = dict(Ticket.objects.values_list("pk", "page_id"))
    assert pages[pair[0].pk] == pages[pair[1].pk] == pages[later.pk] != pages[other.pk]


def test_a_page_that_somebody_took_does_not_swallow_the_next_breach(cast: Cast) -> None:
    sla.plain_policy(sla.cell("triage", 600, Step(0, Tell.PAGE)))
    surface = build.surface(primary=cast.ravi, now=MONDAY)
    sla.ticket(surface=surface)
    sweep(now=MONDAY + 11 * MINUTE)
    paging.acknowledge(
        page=Page.objects.get(), actor=audit.person(cast.ravi), now=MONDAY + 12 * MINUTE
    )
    sla.ticket(MONDAY + 20 * MINUTE, surface=surface)
    sweep(now=MONDAY + 31 * MINUTE)
    assert Page.objects.count() == 2


@pytest.mark.parametrize("was", ["exhausted", "acknowledged"])
def test_a_ticket_has_one_page_at_a_time_and_it_ends_with_the_ticket(cast: Cast, was: str) -> None:
    sla.plain_policy(
        sla.cell("triage", 600, Step(0, Tell.PAGE)),
        sla.cell("first_reply", 3600, Step(0, Tell.PAGE)),
    )
    ticket = sla.ticket(surface=build.surface(primary=cast.ravi, now=MONDAY))
    sweep(now=MONDAY + 11 * MINUTE)
    page = Page.objects.get()
    move(page, to=was, actor=audit.SYSTEM, now=MONDAY + 40 * MINUTE, next_at=None)
    sweep(now=MONDAY + 61 * MINUTE)
    page.refresh_from_db()
    assert Page.objects.count() == 1 and page.status == "open"
    ticket.refresh_from_db()
    by = {"actor": audit.person(cast.ravi), "now": MONDAY + 2 * HOUR}
    conversation.reply(ticket=ticket, body="Done.", then="resolve", resolution_code="fixed", **by)
    page.refresh_from_db()
    assert page.status == "resolved"


def test_a_drill_tells_and_pages_nobody_but_its_own_people(cast: Cast) -> None:
    steps = (Step(0, Tell.OWNER), Step(0, Tell.LEAD), Step(0, Tell.PAGE))
    sla.plain_policy(sla.cell("triage", 600, *steps))
    surface = build.surface(primary=cast.ravi, now=MONDAY)
    sla.ticket(surface=surface, owner=cast.sam, kind="drill")
    sweep(now=MONDAY + HOUR)
    page = Page.objects.get()
    assert (page.kind, page.recipients) == ("drill", [cast.sam.pk])
    assert [name for name, _ in told()] == ["Sam"]
    assert told()[0][1].startswith("[DRILL] ")


def test_without_an_owner_the_primary_then_the_lead_then_managers_are_told(cast: Cast) -> None:
    sla.plain_policy(sla.cell("triage", 600, Step(0, Tell.OWNER)))
    team = build.team(lead=cast.bea)
    owned = build.surface("owned", primary=cast.ravi, now=MONDAY)
    led = build.surface("led", team=team, now=MONDAY)
    expected = {
        sla.ticket(surface=owned).ref: "Ravi",
        sla.ticket(surface=led).ref: "Bea",
        sla.ticket().ref: "Maya",
    }
    sweep(now=MONDAY + HOUR)
    assert {subject[1:].split("]")[0]: name for name, subject in told()} == expected


def test_a_later_step_is_for_others_than_the_owner(cast: Cast) -> None:
    sla.plain_policy(sla.cell("triage", 600, Step(0, Tell.OWNER), Step(900, Tell.BACKUP)))
    team = build.team(lead=cast.bea)
    surface = build.surface(backup=cast.sam, team=team, now=MONDAY)
    sla.ticket(surface=surface, owner=cast.sam)
    sweep(now=MONDAY + 11 * MINUTE)
    sweep(now=MONDAY + HOUR)
    assert [name for name, _ in told()] == ["Sam", "Bea"]


def test_the_second_on_call_is_the_backup_where_a_surface_names_none(cast: Cast) -> None:
    sla.plain_policy(sla.cell("triage", 600, Step(0, Tell.BACKUP)))
    surface = build.surface(team=build.team(lead=cast.maya), now=MONDAY)
    schedule = build.schedule(cast.ravi, surfaces=[surface], now=MONDAY)
    sla.ticket(surface=surface, owner=cast.sam)
    sweep(now=MONDAY + HOUR)
    assert [name for name, _ in told()] == ["Maya"]  # nobody is second yet: the lead
    Shift.objects.create(
        schedule=schedule, role="secondary", person=cast.bea, start_at=MONDAY,
        end_at=MONDAY + 100 * HOUR,
    )  # fmt: skip
    sla.ticket(MONDAY + HOUR, surface=surface, owner=cast.sam)
    sweep(now=MONDAY + 2 * HOUR)
    assert [name for name, _ in told()] == ["Maya", "Bea"]


def test_a_step_raises_the_priority_by_one_and_ends_at_p1(cast: Cast) -> None:
    sla.plain_policy(
        *(
            sla.cell("triage", 600, Step(0, Tell.OWNER, raise_priority=True), priority=p)
            for p in ("P1", "P2", "P3")
        ),
        *(sla.cell("resolution", 3600 * 8, priority=p) for p in ("P1", "P2", "P3")),
    )
    ticket = sla.ticket(owner=cast.sam)
    for minutes in range(1, 60, 7):
        sweep(now=MONDAY + minutes * MINUTE)
    ticket.refresh_from_db()
    assert (ticket.priority, ticket.priority_reason) == ("P2", "Triage was missed")
    assert sla.clock(ticket, "triage").target_seconds == 600


def test_a_poisoned_clock_does_not_hold_up_the_others(cast: Cast) -> None:
    sla.plain_policy(sla.cell("triage", 600), sla.cell("resolution", 7200))
    bad, good = sla.ticket(), sla.ticket()
    TicketClock.objects.filter(ticket=bad, metric="resolution").update(
        target_seconds=2_000_000_000, next_check_at=MONDAY, warned_percent=0
    )
    TicketClock.objects.filter(ticket=bad).update(due_at=MONDAY - HOUR, next_check_at=MONDAY)
    ClockEvent.objects.filter(clock__ticket=bad).delete()
    result = sweep(now=MONDAY + HOUR)
    assert result.breached >= 1
    assert sla.clock(good, "triage").state == "breached"


def test_tools_hear_of_warnings_and_breaches_once_with_the_true_time() -> None:
    notifications.create_endpoint(
        url="https://tools.example.org/hook", description="Tools", events=["ticket.*"],
        actor=audit.SYSTEM, now=MONDAY,
    )  # fmt: skip
    sla.plain_policy(sla.cell("resolution", 36000, warn=(80,)))
    ticket = sla.ticket()
    for hours in (9, 9.1, 11, 12):
        sweep(now=MONDAY + hours * HOUR)
    rows = WebhookDelivery.objects.filter(event__startswith="ticket.sla").order_by("pk")
    told = {row.event: json.loads(row.payload)["data"] for row in rows}
    assert [row.event for row in rows] == ["ticket.sla_warning", "ticket.sla_breached"]
    for event, data in told.items():
        example = catalog.EVENTS[event].example
        assert data.keys() == example.keys()
        assert data["clock"].keys() == example["clock"].keys()
        assert data["ticket"]["ref"] == ticket.ref
    assert told["ticket.sla_warning"]["percent"] == 80
    assert told["ticket.sla_breached"]["clock"]["breached_at"] == "2026-09-07T20:00:00Z"


def test_a_breach_by_a_new_target_is_told_as_well(cast: Cast) -> None:
    steps = (Step(0, Tell.OWNER),)
    sla.plain_policy(
        sla.cell("resolution", 36000, *steps), sla.cell("resolution", 3600, *steps, priority="P2")
    )
    ticket = sla.ticket(owner=cast.sam)
    sla.prioritise(ticket, "P2", MONDAY + 2 * HOUR)
    assert told() == []
    assert sweep(now=MONDAY + 2 * HOUR + MINUTE).steps == 1
    assert told() == [("Sam", f"[{ticket.ref}] Resolution missed: {ticket.subject}")]
    assert sweep(now=MONDAY + 3 * HOUR) == SweepResult()


def test_a_breach_that_waits_for_its_customer_is_not_escalated_until_it_is_back(
    cast: Cast,
) -> None:
    steps = (Step(0, Tell.OWNER), Step(900, Tell.LEAD))
    sla.plain_policy(sla.cell("resolution", 3600, *steps))
    ticket = sla.ticket(owner=cast.sam, status="open")
    sweep(now=MONDAY + HOUR + MINUTE)
    sla.to(ticket, "waiting_customer", MONDAY + HOUR + 2 * MINUTE)
    assert sweep(now=MONDAY + 9 * HOUR) == SweepResult()
    sla.to(ticket, "open", MONDAY + 9 * HOUR)
    assert sweep(now=MONDAY + 9 * HOUR + MINUTE).steps == 1
    assert [name for name, _ in told()] == ["Sam", "Maya"]


def test_paused_and_ended_clocks_are_not_looked_at() -> None:
    sla.plain_policy(sla.cell("resolution", 3600))
    ticket = sla.ticket(status="open")
    sla.to(ticket, "waiting_customer", MONDAY + MINUTE)
    assert sla.clock(ticket, "resolution").next_check_at is None
    assert sweep(now=MONDAY + 5 * HOUR) == SweepResult()


def test_a_batch_is_a_few_statements_however_many_tickets(cast: Cast) -> None:
    sla.plain_policy(sla.cell("triage", 600), sla.cell("resolution", 36000))
    for _ in range(3):
        sla.ticket(owner=cast.sam)
    with CaptureQueriesContext(connection) as few:
        sweep(now=MONDAY + HOUR)
    for _ in range(12):
        sla.ticket(now=MONDAY + HOUR, owner=cast.sam)
    with CaptureQueriesContext(connection) as many:
        sweep(now=MONDAY + 2 * HOUR)
    assert len(many) == len(few)
