"""The queue: which tickets in which order, pages that fit together, counts that stop."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import audit
from apps.core.errors import Invalid, NotAllowed, NotFound
from apps.customers.models import Contact
from apps.support.models import Presence, Queue, RequestType, SavedView, Ticket
from apps.support.selectors import queue, textual
from apps.support.selectors.queue import Filters
from apps.support.selectors.standing import standings
from apps.support.services import desk, lifecycle, links, tickets
from tests import builders as build
from tests.conftest import Cast
from tests.support.slakit import HOUR, MINUTE, MONDAY

pytestmark = pytest.mark.django_db


def logged(subject: str = "Stale", *, now: datetime = MONDAY) -> Ticket:
    """A ticket of Ana's, who may have several."""
    ana = Contact.objects.first() or build.contact(now=now)
    return build.ticket(subject, requester=ana, now=now)


def made(subject: str = "Stale", *, due: datetime | None = None, **columns: Any) -> Ticket:
    """A ticket with a promise that ends at `due`; the columns of the queue are given by hand."""
    ticket = logged(subject, now=MONDAY - HOUR)
    values = {"sla_due_at": due, "sla_state": "running" if due else "none", **columns}
    Ticket.objects.filter(pk=ticket.pk).update(**values)
    ticket.refresh_from_db()
    return ticket


@pytest.fixture
def six(cast: Cast) -> list[Ticket]:
    """In the order of the queue: by due time, then priority, then number; none due at the end."""
    soon, later = MONDAY + 10 * MINUTE, MONDAY + 5 * HOUR
    by_hand = [(later, "P2"), (None, "P4"), (soon, "P3"), (soon, "P1"), (None, "P1"), (soon, "P3")]
    rows = [made(f"Number {n}", due=due, priority=p) for n, (due, p) in enumerate(by_hand)]
    return [rows[n] for n in (3, 2, 5, 0, 4, 1)]


def filters(address: str = "") -> Filters:
    return queue.parse(parse_qs(address))


def found(user: Any, address: str = "") -> set[str]:
    return set(queue.matching(user, filters(address), now=MONDAY).values_list("subject", flat=True))


# -- pages


def test_pages_show_every_ticket_once_and_in_order_there_and_back(
    six: list[Ticket], cast: Cast
) -> None:
    rows = queue.matching(cast.sam, Filters(), now=MONDAY)
    for size in (1, 2, 4, 6):
        page = queue.page(rows, by_due=True, cursor="", size=size)
        assert page.before == ""
        pages = [page.rows]
        while page.after:
            page = queue.page(rows, by_due=True, cursor=page.after, size=size)
            pages.append(page.rows)
        assert [row for part in pages for row in part] == six
        for earlier in reversed(pages[:-1]):
            page = queue.page(rows, by_due=True, cursor=page.before, size=size)
            assert page.rows == earlier
        assert page.before == ""


def test_ended_tickets_come_newest_first_on_pages_that_fit(six: list[Ticket], cast: Cast) -> None:
    everything = filters("status=any")
    assert not everything.by_due
    rows = queue.matching(cast.sam, everything, now=MONDAY)
    first = queue.page(rows, by_due=False, cursor="", size=4)
    second = queue.page(rows, by_due=False, cursor=first.after, size=4)
    numbers = [row.pk for row in first.rows + second.rows]
    assert numbers == sorted((row.pk for row in six), reverse=True)
    assert queue.page(rows, by_due=False, cursor=second.before, size=4).rows == first.rows


def test_what_is_no_cursor_shows_the_first_page(six: list[Ticket], cast: Cast) -> None:
    rows = queue.matching(cast.sam, Filters(), now=MONDAY)
    wrong = ["x", "a", "an.P9.1", "a1", "b999999999999999999.P1.1", "an.P1.1; drop", "a1.P1."]
    for cursor in ["", *wrong]:
        page = queue.page(rows, by_due=True, cursor=cursor, size=2)
        assert page.rows == six[:2], cursor


def test_a_page_after_the_last_ticket_is_empty(cast: Cast) -> None:
    ticket = made(due=MONDAY)
    rows = queue.matching(cast.sam, Filters(), now=MONDAY)
    cursor = queue.Mark(False, ticket.pk, ticket.priority, ticket.sla_due_at).write()
    assert queue.page(rows, by_due=True, cursor=cursor, size=25) == queue.Page([])


def test_the_order_is_the_one_that_the_partial_index_keeps(cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    rows = queue.matching(cast.maya, Filters(), now=MONDAY).order_by(*queue.DUE_ORDER)[:26]
    assert "support_ticket_by_due" in rows.explain()


# -- filters


def test_each_filter_finds_its_tickets(cast: Cast) -> None:
    bramble = build.account(now=MONDAY)
    surface = build.surface("pack.shopify", now=MONDAY)
    late = made("Late", due=MONDAY - HOUR, sla_state="breached", owner=cast.sam, account=bramble)
    made("Soon", due=MONDAY + HOUR / 2, surface=surface, priority="P1")
    made("Waiting", status="waiting_customer", owner=cast.ravi, tags=["vip", "march"])
    made("Closed", status="closed", resolved_at=MONDAY, channel="phone")
    made("Old", created_at=MONDAY - timedelta(days=9), owner=cast.sam)
    every = {"Late", "Soon", "Waiting", "Closed", "Old"}
    asked = {
        "": every - {"Closed"},
        "status=any": every,
        "status=closed&status=waiting_customer": {"Closed", "Waiting"},
        "queue=support": every - {"Closed"},
        "queue=elsewhere": set(),
        "type=stale_profile&type=billing": every - {"Closed"},
        "type=billing": set(),
        "priority=P1": {"Soon"},
        "owner=me": {"Late", "Old"},
        f"owner=none&owner={cast.ravi.pk}": {"Soon", "Waiting"},
        "tag=vip": {"Waiting"},
        "tag=vip&tag=other": {"Waiting"},
        "surface=pack.shopify": {"Soon"},
        f"account={bramble.key}": {"Late"},
        "channel=phone&status=any": {"Closed"},
        "sla=breached": {"Late"},
        "created=7": {"Late", "Soon", "Waiting"},
        "owner=me&sla=breached": {"Late"},
        "view=mine": {"Late", "Old"},
        "view=unassigned": {"Soon"},
        "view=close": {"Late", "Soon"},
        "view=waiting": {"Waiting"},
        "view=mine&tag=vip": set(),
    }
    assert {address: found(cast.sam, address) for address in asked} == asked
    assert late.owner == cast.sam


def test_words_are_looked_for_everywhere_and_in_ended_tickets_too(cast: Cast) -> None:
    made("Quota exceeded")
    made("Something else")
    made("Quota was raised", status="closed", resolved_at=MONDAY)
    assert found(cast.sam, "q=quota") == {"Quota exceeded", "Quota was raised"}
    assert found(cast.sam, "q=quota&status=new") == {"Quota exceeded"}
    assert found(cast.sam, "q=quota&view=mine") == set()


def test_common_words_are_found_counted_and_filtered_as_rare_ones(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        made(f"Quota {number}", tags=["vip"] if number else [])
    asked = ("q=quota", "q=quota&tag=vip", "q=quota+1", "q=nothing", "q=the", "view=mine&q=quota")
    rare = [
        (found(cast.sam, one), queue.tab_counts(cast.sam, filters(one), [], now=MONDAY)["here"])
        for one in asked
    ]
    monkeypatch.setattr(textual, "FEW", 1)
    for one, (subjects, count) in zip(asked, rare, strict=True):
        assert found(cast.sam, one) == subjects, one
        assert queue.tab_counts(cast.sam, filters(one), [], now=MONDAY)["here"] == count, one
    assert [len(subjects) for subjects, _ in rare] == [3, 2, 1, 0, 0, 0]
    monkeypatch.setattr(queue, "COUNTED", 1)
    counts = queue.tab_counts(cast.sam, filters("q=quota"), [], now=MONDAY)
    assert str(counts["here"]) == "1+"


def test_nonsense_in_the_address_is_left_out() -> None:
    wild = filters("status=x&priority=P9&owner=1%2C2&sla=&created=999&view=none&tag=" + "T" * 200)
    assert wild == Filters(tag=("t" * 80,))
    assert len(queue.parse({"tag": [f"t{n}" for n in range(99)]}).tag) == 20


def test_filters_are_written_one_way_and_read_back_alike() -> None:
    given = filters("tag=b&tag=a&status=open&view=mine&q=two+words&owner=me")
    assert given.query() == "view=mine&status=open&owner=me&tag=b&tag=a&q=two+words"
    assert filters(given.query()) == given
    assert Filters().query() == ""


def test_a_snoozed_ticket_is_out_of_its_owners_sight_until_its_promise_is_close(
    cast: Cast,
) -> None:
    asleep = MONDAY + 3 * HOUR
    made("Asleep", due=MONDAY + 5 * HOUR, owner=cast.sam, snoozed_until=asleep)
    made("Pressing", due=MONDAY + HOUR / 2, owner=cast.sam, snoozed_until=asleep)
    made("Awake", due=MONDAY + 5 * HOUR, owner=cast.sam, snoozed_until=MONDAY)
    assert found(cast.sam, "view=mine") == {"Pressing", "Awake"}
    assert found(cast.sam) == {"Asleep", "Pressing", "Awake"}


def test_a_private_queue_is_not_there_for_others_in_rows_counts_and_search(cast: Cast) -> None:
    team = build.team("trust", members=[cast.ravi])
    ticket = made("Secret leak", due=MONDAY)
    private = Queue.objects.create(key="trust", name="Trust", team=team, is_private=True)
    Ticket.objects.filter(pk=ticket.pk).update(queue=private, owner=None)
    for person, sees in ((cast.sam, False), (cast.ravi, True), (cast.maya, True)):
        want = {"Secret leak"} if sees else set()
        assert found(person) == found(person, "queue=trust") == found(person, "q=leak") == want
        counts = queue.tab_counts(person, Filters(), [], now=MONDAY)
        assert counts["team"].value == counts["here"].value == len(want)


# -- counts


def test_all_counts_are_one_statement_and_stop_at_the_limit(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        made(f"Number {number}", due=MONDAY - HOUR, sla_state="breached")
    view = SavedView.objects.create(name="Vips", query="tag=vip&queue=support", created_at=MONDAY)
    monkeypatch.setattr(queue, "COUNTED", 2)
    with CaptureQueriesContext(connection) as caught:
        counts = queue.tab_counts(cast.sam, filters("status=open"), [view], now=MONDAY)
    assert [str(counts[name]) for name in ("team", "mine", "close", f"v{view.pk}", "here")] == [
        *("2+", "0", "2+", "0", "0")
    ]
    assert counts["team"] and not counts["mine"]
    assert len(caught) == 2  # the queue's key, and the counts


def test_a_filter_that_can_match_nothing_counts_none(cast: Cast) -> None:
    made()
    counts = queue.tab_counts(cast.sam, filters("queue=elsewhere"), [], now=MONDAY)
    assert (counts["here"].value, counts["team"].value) == (0, 1)


# -- how promises stand


def test_a_row_says_how_its_most_urgent_promise_stands(cast: Cast) -> None:
    ticket = logged()
    standing = standings([ticket], now=MONDAY + 30 * MINUTE)[ticket.pk]
    assert (standing.state, standing.label) == ("running", "Triage")
    assert standing.due_at == MONDAY + 4 * HOUR
    assert standing.seconds == 3.5 * 3600

    friday_evening = MONDAY + timedelta(days=4, hours=12)
    late = standings([ticket], now=friday_evening)[ticket.pk]
    assert late.state == "breached"
    assert late.seconds == (4 + 4 * 9) * 3600  # working time: Monday from 14:00 on, four days


def test_an_ended_ticket_says_what_became_of_its_promises(cast: Cast) -> None:
    kept, missed = logged(), logged("Another", now=MONDAY - timedelta(days=9))
    for ticket in (kept, missed):
        lifecycle.transition(
            ticket=ticket, verb="resolve", resolution_code="fixed", no_reply_needed=True,
            actor=audit.person(cast.sam), now=MONDAY + HOUR,
        )  # fmt: skip
        ticket.refresh_from_db()
    found = standings([kept, missed], now=MONDAY + 2 * HOUR)
    assert found[kept.pk].state == "met"
    assert found[kept.pk].at == MONDAY + HOUR
    assert found[missed.pk].state == "breached"
    assert (found[missed.pk].seconds or 0) > 0


def test_a_missed_promise_that_stands_still_is_still_missed(cast: Cast) -> None:
    columns = {"sla_state": "breached", "sla_metric": "resolution", "sla_remaining_seconds": -7200}
    ticket = made(status="waiting_customer", **columns)
    standing = standings([ticket], now=MONDAY)[ticket.pk]
    assert (standing.state, standing.seconds) == ("breached", 7200)


def test_a_waived_promise_says_why(cast: Cast) -> None:
    ticket = logged()
    ticket.clocks.update(waived_at=MONDAY, waived_reason="They asked us to wait")
    Ticket.objects.filter(pk=ticket.pk).update(sla_state="none", sla_due_at=None)
    ticket.refresh_from_db()
    standing = standings([ticket], now=MONDAY)[ticket.pk]
    assert (standing.state, standing.reason) == ("waived", "They asked us to wait")


def test_rows_know_who_is_there_and_what_is_waited_for(cast: Cast) -> None:
    ticket, incident = logged(), build.incident(now=MONDAY)
    desk.be_present(ticket=ticket, person=cast.ravi, is_writing=True, now=MONDAY)
    desk.be_present(ticket=ticket, person=cast.sam, is_writing=False, now=MONDAY)
    desk.be_present(ticket=ticket, person=cast.bea, is_writing=False, now=MONDAY - HOUR)
    links.link(
        ticket=ticket, kind="incident", ref=incident.ref, relation="blocks",
        actor=audit.SYSTEM, now=MONDAY,
    )  # fmt: skip
    there = queue.present([ticket], beside=cast.sam, now=MONDAY)
    assert [(one.person, one.is_writing) for one in there[ticket.pk]] == [(cast.ravi, True)]
    assert [link.ref for link in queue.blocking([ticket])[ticket.pk]] == [incident.ref]
    desk.leave(ticket=ticket, person=cast.ravi)
    assert queue.present([ticket], beside=cast.sam, now=MONDAY) == {}
    assert desk.forget_absent(now=MONDAY) == 1
    assert Presence.objects.get().person == cast.sam


# -- saved views


def keep(person: Any, name: str, query: str = "", **more: Any) -> SavedView:
    return desk.save_view(view=None, person=person, name=name, query=query, now=MONDAY, **more)


def test_a_view_is_kept_renamed_moved_and_deleted(cast: Cast) -> None:
    one, two = keep(cast.sam, "Vips", "tag=vip&junk=1&status=nonsense"), keep(cast.sam, "Billing")
    assert one.query == "tag=vip"
    assert queue.views_of(cast.sam) == [one, two]
    desk.move_view(view=two, person=cast.sam, by=-1)
    assert queue.views_of(cast.sam) == [two, one]
    desk.move_view(view=two, person=cast.sam, by=-1)
    assert queue.views_of(cast.sam) == [two, one]
    desk.save_view(view=one, person=cast.sam, name="Very important", now=MONDAY)
    assert SavedView.objects.get(pk=one.pk).name == "Very important"
    desk.delete_view(view=one, person=cast.sam)
    assert queue.views_of(cast.sam) == [two]


def test_views_are_ones_own_unless_a_manager_shares_them(cast: Cast) -> None:
    mine, shared = keep(cast.sam, "Mine"), keep(cast.maya, "Ours", shared=True)
    assert queue.views_of(cast.sam) == [shared, mine]
    assert queue.views_of(cast.ravi) == [shared]
    with pytest.raises(NotFound):
        desk.find_view(pk=mine.pk, person=cast.ravi)
    for wrong in (
        lambda: keep(cast.sam, "Also ours", shared=True),
        lambda: desk.delete_view(view=shared, person=cast.sam),
        lambda: desk.move_view(view=shared, person=cast.sam, by=1),
        lambda: desk.save_view(view=shared, person=cast.sam, name="X", now=MONDAY),
    ):
        with pytest.raises(NotAllowed):
            wrong()


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "vips"])
def test_a_view_needs_a_name_of_its_own(cast: Cast, name: str) -> None:
    keep(cast.sam, "Vips")
    with pytest.raises(Invalid):
        keep(cast.sam, name)
    assert keep(cast.ravi, "Vips").name == "Vips"


# -- many at once, drafts


def test_each_of_many_tickets_answers_for_itself(cast: Cast) -> None:
    one, two = made("One"), made("Two", status="closed", resolved_at=MONDAY)
    outcome = desk.for_each(
        user=cast.sam,
        pks=[one.pk, two.pk, 999_999, one.pk],
        act=lambda t: tickets.snooze(
            ticket=t, until=MONDAY + HOUR, actor=audit.person(cast.sam), now=MONDAY
        ),
    )
    assert outcome.done == [one.ref]
    assert outcome.refused == [
        (two.ref, "This ticket is closed."),
        ("TCK-999999", "There is no such ticket."),
    ]


def test_not_more_than_a_hundred_at_once(cast: Cast) -> None:
    for pks in ([], range(1, 102)):
        with pytest.raises(Invalid):
            desk.for_each(user=cast.sam, pks=pks, act=print)


def test_a_draft_is_one_for_each_person_and_kind_and_goes_when_emptied(cast: Cast) -> None:
    ticket = logged()

    def keep_draft(body: str, person: Any = cast.sam, is_public: bool = True) -> Any:
        return desk.save_draft(
            ticket=ticket, person=person, is_public=is_public, body=body, now=MONDAY
        )

    keep_draft("Half a")
    keep_draft("Half a sentence")
    keep_draft("A note", is_public=False)
    keep_draft("Mine", person=cast.ravi)
    bodies = ticket.drafts.order_by("pk").values_list("body", flat=True)
    assert list(bodies) == ["Half a sentence", "A note", "Mine"]
    assert keep_draft("  ") is None
    desk.drop_draft(ticket=ticket, person=cast.ravi, is_public=True)
    assert list(bodies.all()) == ["A note"]


def test_logging_keeps_nothing_when_something_is_wrong(cast: Cast) -> None:
    build.support(now=MONDAY)
    kind = RequestType.objects.get(key="billing")
    for requester, subject in (("nobody", "Charged twice"), ("new@bramble.example", "")):
        with pytest.raises(Invalid):
            desk.log_ticket(
                requester=requester, subject=subject, request_type=kind,
                actor=audit.person(cast.sam), now=MONDAY,
            )  # fmt: skip
    assert not Contact.objects.exists()
    assert not Ticket.objects.exists()
