"""Merges that cross, escalations and priorities of the same second: real commits, two threads."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from apps.core.errors import Conflict
from apps.paging.models import Page
from apps.support.models import RequestType, Ticket
from apps.support.services import (
    conversation,
    escalate,
    from_tools,
    merging,
    report_form,
    tickets,
)
from tests import builders as build
from tests.races import at_once
from tests.support import ticketkit as kit

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)


@pytest.fixture
def sam() -> Any:
    kit.desk(NOW)
    return build.person("Sam Sand", "support_agent", now=NOW)


def _crossed(sam: Any) -> tuple[list[Any], list[str]]:
    one, two = kit.in_state("open", NOW, sam), kit.in_state("open", NOW, sam)
    say = {"actor": kit.by(sam), "now": NOW}
    answers = at_once(
        lambda: merging.merge(ticket=one, into=two, **say),
        lambda: merging.merge(ticket=two, into=one, **say),
    )
    rows = Ticket.objects.filter(pk__in=[one.pk, two.pk])
    return answers, sorted(rows.values_list("status", flat=True))


def test_of_two_merges_that_cross_one_wins_and_no_circle_arises(sam: Any) -> None:
    for _ in range(5):
        answers, states = _crossed(sam)
        assert sum(isinstance(answer, Conflict) for answer in answers) == 1
        assert states == ["merged", "open"]


def test_a_merge_into_a_ticket_that_is_being_merged_is_refused_with_where_it_went(sam: Any) -> None:
    one, two, three = (kit.in_state("open", NOW, sam) for _ in range(3))
    say = {"actor": kit.by(sam), "now": NOW}
    answers = at_once(
        lambda: merging.merge(ticket=one, into=two, **say),
        lambda: merging.merge(ticket=two, into=three, **say),
    )
    one.refresh_from_db()
    two.refresh_from_db()
    assert two.merged_into == three
    refused = [answer for answer in answers if isinstance(answer, Conflict)]
    if refused:
        assert one.status == "open"
        assert f"went into {three.ref}" in refused[0].message
    else:
        assert one.merged_into == two


def test_a_merge_is_undone_once(sam: Any) -> None:
    one, two = kit.in_state("open", NOW, sam), kit.in_state("open", NOW, sam)
    say = {"actor": kit.by(sam), "now": NOW}
    merging.merge(ticket=one, into=two, **say)
    answers = at_once(*[lambda: merging.unmerge(ticket=one, **say)] * 2)
    assert sum(isinstance(answer, Conflict) for answer in answers) == 1
    assert len(kit.events(one, "unmerged")) == 1


def test_two_escalations_of_the_same_second_page_once(sam: Any) -> None:
    ticket = kit.in_state("open", NOW, sam)
    say = {"actor": kit.by(sam), "now": NOW}
    answers = at_once(
        *[
            (lambda why=why: escalate.escalate_now(ticket=ticket, reason=why, **say))
            for why in ("Buyers wait", "They called")
        ]
    )
    assert Page.objects.count() == 1
    assert any(isinstance(answer, Page) for answer in answers)


def test_two_priorities_of_the_same_second_are_set_one_after_the_other(sam: Any) -> None:
    ticket = kit.in_state("open", NOW, sam)
    say = {"ticket": ticket, "actor": kit.by(sam), "now": NOW}
    at_once(
        lambda: tickets.set_priority(priority="P1", reason="Buyers wait", **say),
        lambda: tickets.set_priority(priority="P4", reason="Only a color", **say),
    )
    ticket.refresh_from_db()
    texts = kit.events(ticket, "priority")
    assert len(texts) == 2
    assert f"→ {ticket.priority}" in texts[-1]
    clock = ticket.clocks.get(metric="resolution")
    assert clock.target_seconds == {"P1": 4, "P4": 180}[ticket.priority] * 3600


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees its first look
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])


def test_a_word_to_a_merged_ticket_and_the_undoing_take_their_locks_in_one_order(sam: Any) -> None:
    into, gone = kit.in_state("open", NOW, sam), kit.in_state("open", NOW, sam)
    merging.merge(ticket=gone, into=into, actor=kit.by(sam), now=NOW)
    gone.refresh_from_db()
    say = {"contact": gone.requester, "actor": kit.by(sam), "now": NOW}
    writer = threading.Thread(
        target=lambda: at_once(
            lambda: conversation.requester_wrote(ticket=gone, body="Still?", **say)
        )
    )
    with transaction.atomic():
        tickets.lock(into.pk)
        writer.start()
        ends = time.monotonic() + 10
        while not _somebody_waits() and time.monotonic() < ends:
            threading.Event().wait(0.01)
        assert Ticket.objects.select_for_update(nowait=True, of=("self",)).get(pk=gone.pk)
    writer.join(10)
    assert into.messages.filter(body="Still?").exists()


def test_a_change_of_a_merged_ticket_does_not_wait_for_whoever_holds_the_other(sam: Any) -> None:
    """A row that is written twice has its references checked when it is committed."""
    low, high = kit.in_state("open", NOW, sam), kit.in_state("open", NOW, sam)
    say = {"actor": kit.by(sam), "now": NOW}
    merging.merge(ticket=high, into=low, **say)

    def change() -> Ticket:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '3s'")
        changes = {"subject": "Another", "tags": ["eu"]}
        return from_tools.change(ticket=high, changes=changes, **say)

    with transaction.atomic():
        tickets.lock(low.pk)
        (answer,) = at_once(change)
    assert isinstance(answer, Ticket) and answer.pk == high.pk


def test_reports_sent_at_once_are_counted_like_those_sent_one_by_one(sam: Any) -> None:
    opened = [report_form.stamp(NOW - timedelta(minutes=1)) for _ in range(12)]

    def report(stamp: str) -> Ticket:
        return report_form.submit(
            opened=stamp, now=NOW, request_type=RequestType.objects.get(key="other"),
            subject="x", body="y", email="Flood@Bramble.example", name="", sender="here",
        )  # fmt: skip

    answers = at_once(*[(lambda stamp=stamp: report(stamp)) for stamp in opened])
    assert Ticket.objects.count() == report_form.PER_ADDRESS
    assert sum(isinstance(answer, report_form.TooOften) for answer in answers) == 7
