"""The queue's page: what it says, what it costs, and what can be done from it."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.core import audit
from apps.customers.models import Contact
from apps.support.models import SavedView, Ticket, TicketMessage
from apps.support.selectors import queue
from apps.support.services import desk, links, tickets
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
MORNING = "2026-09-07 09:12"  # a Monday


@pytest.fixture
def at_nine(world: World, cast: Cast) -> World:
    world.at(MORNING)
    return world


def logged(world: World, subject: str, **more: Any) -> Ticket:
    ana = Contact.objects.first() or build.contact(now=world.now)
    return build.ticket(subject, requester=ana, now=world.now, **more)


def more_like(ticket: Ticket, count: int) -> None:
    """So many copies of a ticket, without the words and clocks that logging each would make."""
    rows = []
    for number in range(1, count + 1):
        row = Ticket.objects.get(pk=ticket.pk)
        row.pk, row.subject = (
            None,
            f"A subject of a usual length, as people write, number {number:02}",
        )
        rows.append(row)
    Ticket.objects.bulk_create(rows)


def set_columns(ticket: Ticket, **columns: Any) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(**columns)


def send(client: Client, *given: Ticket, **fields: Any) -> str:
    """A bulk action, and what the page says then."""
    data = {"ids": [one.pk for one in given], "back": "view=team", **fields}
    return text_of(client.post("/tickets/bulk/", data, follow=True))


# -- what it says


def test_a_row_says_promise_context_state_owner_and_who_is_there(
    at_nine: World, cast: Cast
) -> None:
    surface = build.surface("inspect.profiler", primary=cast.ravi, now=at_nine.now)
    at_nine.forget()
    ticket = logged(at_nine, "Profiling job stuck at 92 %", surface=surface)
    incident = build.incident(now=at_nine.now)
    links.link(
        ticket=ticket, kind="incident", ref=incident.ref, relation="blocks",
        actor=audit.SYSTEM, now=at_nine.now,
    )  # fmt: skip
    desk.be_present(ticket=ticket, person=cast.bea, is_writing=True, now=at_nine.now)
    said = text_of(sign_in(cast.sam).get("/tickets/"))
    assert "Triage: 4 h left due 13:12" in said
    assert "Profiling job stuck at 92 %" in said
    context = f"{ticket.ref} · Ana Ruiz · Stale profile · inspect.profiler · {incident.ref}"
    assert context in said
    assert "Bea Bell is writing" in said
    assert "1 ticket. Sorted by due time, then priority" in said
    at_nine.forget()


def test_promises_are_written_in_words_a_shape_and_the_readers_own_time(
    at_nine: World, cast: Cast
) -> None:
    now, hour = at_nine.now, timedelta(hours=1)
    promises: dict[str, dict[str, Any]] = {
        "Late": {"sla_state": "breached", "sla_due_at": now - 64 * hour},
        "Soon": {"sla_state": "running", "sla_due_at": now + hour / 2},
        "Rests": {"sla_state": "paused", "sla_due_at": None, "sla_remaining_seconds": 12_000},
        "Free": {"sla_state": "none", "sla_due_at": None, "sla_metric": ""},
    }
    for subject, columns in promises.items():
        ticket = logged(at_nine, subject)
        ticket.clocks.all().delete()
        set_columns(ticket, **{"sla_metric": "resolution", **columns})
    page = sign_in(cast.ravi).get("/tickets/")  # who is in Berlin, two hours ahead
    said, html = text_of(page), page.content.decode()
    assert "Resolution: Breached 2 d 16 h due Fri 19:12" in said
    assert "Resolution: 30 m left due 11:42" in said
    assert "Resolution: Paused 3 h 20 m working left" in said
    assert "No target" in said
    assert 'title="Resolution due Monday 7 September 2026, 11:42 Berlin (09:42 UTC)"' in html
    assert "4 tickets, 1 overdue." in said
    at_nine.forget()


def test_tabs_count_and_stop_at_the_limit(
    at_nine: World, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        ticket = logged(at_nine, f"Number {number}")
    tickets.assign(ticket=ticket, owner=cast.sam, actor=audit.SYSTEM, now=at_nine.now)
    monkeypatch.setattr(queue, "COUNTED", 2)
    said = text_of(sign_in(cast.sam).get("/tickets/"))
    assert "Team 2+ My open 1 Unassigned 2 Close to breach 0 Waiting 0" in said
    assert "Stale profiles 2+ Billing escalations 0" in said  # the views that a site starts with
    at_nine.forget()


def test_filters_stand_as_chips_that_take_them_away(at_nine: World, cast: Cast) -> None:
    logged(at_nine, "One")
    client = sign_in(cast.sam)
    page = client.get("/tickets/?type=billing&type=stale_profile&owner=none&view=close&size=50")
    said, html = text_of(page), page.content.decode()
    assert "Status is not closed" in said
    assert "Type is Stale profile or Billing" in said or "Type is Billing or Stale profile" in said
    assert "Owner is nobody" in said
    without = "/tickets/?view=close&amp;type=billing&amp;type=stale_profile&amp;size=50"
    assert f'href="{without}"' in html
    wide = text_of(client.get("/tickets/?status=any"))
    assert "Status is any" in wide and "not closed" not in wide
    at_nine.forget()


def test_every_empty_list_says_what_belongs_there(at_nine: World, cast: Cast) -> None:
    client = sign_in(cast.sam)
    teach = {
        "": "No open tickets",
        "?view=mine": "Nothing is yours just now",
        "?view=unassigned": "Every ticket has an owner",
        "?view=close": "No promise is close to its end",
        "?view=waiting": "Nothing waits",
        "?tag=nothing": "No ticket fits these filters",
    }
    for address, words in teach.items():
        assert words in text_of(client.get(f"/tickets/{address}")), address
    assert "Log a ticket" in text_of(client.get("/tickets/"))


def test_pages_follow_each_other(at_nine: World, cast: Cast) -> None:
    more_like(logged(at_nine, "The first"), 26)
    client = sign_in(cast.sam)
    first = client.get("/tickets/").content.decode()
    assert first.count("data-row") == 25
    after = re.search(r'href="(\?[^"]*cursor=[^"]+)" rel="next"', first)
    assert after
    second = client.get("/tickets/" + after[1].replace("&amp;", "&")).content.decode()
    assert second.count("data-row") == 2
    assert "number 26" in second and 'rel="prev"' in second
    assert client.get("/tickets/?size=50").content.decode().count("data-row") == 27
    at_nine.forget()


# -- what it costs


def test_a_longer_queue_costs_no_more_statements_and_fits_the_budget(
    at_nine: World, cast: Cast
) -> None:
    client = sign_in(cast.sam)
    ticket = logged(at_nine, "One")
    queries(client, "/tickets/")  # the session is warm
    one = queries(client, "/tickets/?size=50")
    more_like(ticket, 52)
    assert queries(client, "/tickets/?size=50") == one
    assert one <= 26
    page = client.get("/tickets/?size=50")
    assert len(page.content) < 96_000  # of 100 kB; clocks add to each title
    assert client.get("/tickets/").content.count(b"data-row") == 25
    at_nine.forget()


@pytest.mark.parametrize("address", ["/tickets/", "/tickets/log/"])
def test_scripts_stay_within_the_budget(at_nine: World, cast: Cast, address: str) -> None:
    html = sign_in(cast.sam).get(address).content.decode()
    names = re.findall(r'<script src="/static/(js/[\w-]+\.js)', html)
    assert len(names) == len(re.findall("<script", html)) >= 5
    assert sum((ROOT / "static" / name).stat().st_size for name in names) < 20_000


# -- fetched again


def test_rows_and_counts_are_fetched_again_alone(at_nine: World, cast: Cast) -> None:
    logged(at_nine, "One")
    client = sign_in(cast.sam)
    page = client.get("/tickets/live/?view=unassigned")
    html = page.content.decode()
    assert "<html" not in html
    assert [f'id="{part}"' in html for part in ("queue-tabs", "queue-rows", "queue-sum")] == [
        True
    ] * 3
    assert "One" in html
    away = Client().get("/tickets/live/")
    assert (away.status_code, away["HX-Refresh"]) == (401, "true")
    at_nine.forget()


# -- export


def test_the_export_has_what_the_filters_show_and_no_formula(at_nine: World, cast: Cast) -> None:
    logged(at_nine, "=HYPERLINK(1)", tags=["vip"])
    logged(at_nine, "Not asked for")
    page = sign_in(cast.sam).get("/tickets/export.csv?tag=vip")
    assert page["Content-Disposition"] == 'attachment; filename="tickets-2026-09-07.csv"'
    text = b"".join(page.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined] # a stream
    rows = list(csv.DictReader(StringIO(text)))
    assert [row["subject"] for row in rows] == ["'=HYPERLINK(1)"]
    assert rows[0]["requester"] == "ana@bramble.example"
    assert rows[0]["created"] == "2026-09-07T09:12:00Z"
    assert rows[0]["tags"] == "vip"
    at_nine.forget()


def test_an_export_that_is_cut_says_so_in_its_name(
    at_nine: World, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        logged(at_nine, f"Number {number}")
    monkeypatch.setattr(queue, "EXPORTED", 3)
    monkeypatch.setattr(queue, "_STEP", 2)
    page = sign_in(cast.sam).get("/tickets/export.csv")
    assert "first-3" in page["Content-Disposition"]
    lines = b"".join(page.streaming_content).decode().splitlines()  # type: ignore[attr-defined] # a stream
    assert [line.split(",")[1] for line in lines[1:]] == ["Number 0", "Number 1", "Number 2"]
    at_nine.forget()


# -- many at once


def test_many_tickets_are_assigned_ranked_tagged_and_put_to_sleep(
    at_nine: World, cast: Cast
) -> None:
    client = sign_in(cast.sam)
    one, two = logged(at_nine, "One"), logged(at_nine, "Two")
    at_nine.forget()
    assert f"2 tickets assigned to you: {one.ref}, {two.ref}." in send(
        client, one, two, do="assign", owner="me"
    )
    assert "1 ticket assigned to Ravi Rao" in send(client, one, do="assign", owner=cast.ravi.pk)
    assert "set to P1" in send(client, one, two, do="priority", priority="P1", reason="Launch")
    assert "Say why it is P2" in send(client, one, do="priority", priority="P2")
    assert "tagged vip march" in send(client, one, two, do="tag", tag="vip, March")
    assert "2 tickets snoozed" in send(client, one, two, do="snooze", snooze="tomorrow")
    rows = {row.pk: row for row in Ticket.objects.all()}
    assert [rows[one.pk].owner, rows[two.pk].owner] == [cast.ravi, cast.sam]
    assert {row.priority for row in rows.values()} == {"P1"}
    assert {tuple(row.tags) for row in rows.values()} == {("vip", "march")}
    until = at_nine.now.replace(hour=9, minute=0) + timedelta(days=1)
    assert {row.snoozed_until for row in rows.values()} == {until}
    at_nine.forget()


def test_many_are_resolved_and_each_refusal_says_why(at_nine: World, cast: Cast) -> None:
    client = sign_in(cast.sam)
    free, stuck = logged(at_nine, "Free"), logged(at_nine, "Stuck")
    incident = build.incident(now=at_nine.now)
    links.link(
        ticket=stuck, kind="incident", ref=incident.ref, relation="blocks",
        actor=audit.SYSTEM, now=at_nine.now,
    )  # fmt: skip
    said = send(client, free, stuck, do="resolve", code="fixed", no_reply_needed="1")
    assert f"1 ticket resolved: {free.ref}." in said
    assert f"Not done with {stuck.ref}: {incident.ref} is not done and blocks this ticket." in said
    assert set(Ticket.objects.values_list("subject", "status")) == {
        ("Free", "resolved"),
        ("Stuck", "new"),
    }
    assert "Say how it ended." in send(client, stuck, do="resolve")
    at_nine.forget()


def test_the_others_are_merged_into_the_first_or_into_the_one_that_is_named(
    at_nine: World, cast: Cast
) -> None:
    client = sign_in(cast.sam)
    one, two, three, four = (logged(at_nine, f"Number {n}") for n in range(4))
    assert f"1 ticket merged into {one.ref}: {two.ref}." in send(client, one, two, do="merge")
    assert f"merged into {three.ref}" in send(client, four, do="merge", into=f"{three.ref}")
    assert "Select two tickets or more" in send(client, three, do="merge")
    assert "There is no TCK-99999" in send(client, three, do="merge", into="#99999")
    assert "is no ticket" in send(client, three, do="merge", into="INC-1")
    merged = Ticket.objects.filter(status="merged").values_list("pk", "merged_into")
    assert set(merged) == {(two.pk, one.pk), (four.pk, three.pk)}
    at_nine.forget()


def test_the_same_reply_and_note_go_to_each(at_nine: World, cast: Cast) -> None:
    client = sign_in(cast.sam)
    one, two = logged(at_nine, "One"), logged(at_nine, "Two")
    assert "2 tickets replied to" in send(client, one, two, do="reply", reply="It is fixed.")
    assert "2 tickets noted" in send(client, one, two, do="note", note="Same cause.")
    assert "Write the reply first." in send(client, one, do="reply", reply="  ")
    said = TicketMessage.objects.exclude(author="requester").values_list("ticket", "author", "body")
    assert set(said) == {
        *((one.pk, "agent", "It is fixed."), (two.pk, "agent", "It is fixed.")),
        *((one.pk, "note", "Same cause."), (two.pk, "note", "Same cause.")),
    }
    at_nine.forget()


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({}, "Nothing was changed."),
        ({"do": "explode"}, "Nothing was changed."),
        ({"do": "assign", "owner": "77777"}, "Pick who shall own them."),
        ({"do": "priority", "priority": "P9"}, "Nothing was changed."),
        ({"do": "snooze"}, "Say until when."),
        ({"do": "snooze", "until": "2020-01-01T09:00"}, "still to come"),
        ({"do": "tag", "tag": " "}, "Write a tag."),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_happens(
    at_nine: World, cast: Cast, fields: dict[str, Any], answer: str
) -> None:
    ticket = logged(at_nine, "One")
    before = Ticket.objects.get().version
    assert answer in send(sign_in(cast.sam), ticket, **fields)
    assert Ticket.objects.get().version == before
    at_nine.forget()


def test_nothing_selected_or_too_much_is_said(at_nine: World, cast: Cast) -> None:
    client = sign_in(cast.sam)
    assert "Select at least one ticket." in send(client, do="assign", owner="me")
    data = {"ids": range(1, 102), "do": "assign", "owner": "me"}
    assert "At most 100 tickets at once" in text_of(
        client.post("/tickets/bulk/", data, follow=True)
    )


def test_a_bulk_action_comes_back_to_the_list_as_it_stood(at_nine: World, cast: Cast) -> None:
    ticket = logged(at_nine, "One")
    back = "view=unassigned&tag=vip"
    data = {"ids": ticket.pk, "do": "assign", "owner": "me", "back": back}
    client = sign_in(cast.sam)
    assert client.post("/tickets/bulk/", data)["Location"] == f"/tickets/?{back}"
    assert client.get("/tickets/bulk/")["Location"] == "/tickets/"
    at_nine.forget()


def test_a_viewer_reads_and_selects_nothing(at_nine: World, cast: Cast) -> None:
    ticket = logged(at_nine, "One")
    client = sign_in(cast.olu)
    page = client.get("/tickets/")
    html = page.content.decode()
    assert "One" in html and 'name="ids"' not in html and "bulkbar" not in html
    assert "Your role does not include this" in text_of(page)
    refused = client.post("/tickets/bulk/", {"ids": ticket.pk, "do": "assign", "owner": "me"})
    assert refused.status_code == 403
    assert client.get("/tickets/export.csv").status_code == 200
    at_nine.forget()


# -- saved views


def test_a_view_is_saved_shown_as_a_tab_changed_and_deleted(at_nine: World, cast: Cast) -> None:
    client = sign_in(cast.sam)
    given = {"name": "Vips", "query": "tag=vip&priority=P1", "back": ""}
    answer = client.post("/tickets/views/", given)
    view = SavedView.objects.get(person=cast.sam)
    assert answer["Location"] == f"/tickets/?priority=P1&tag=vip&saved={view.pk}"
    page = client.get(answer["Location"])
    assert "The view Vips is saved." in text_of(page)
    assert re.search(r'aria-current="page">Vips <span class="n">0</span>', page.content.decode())
    path = f"/tickets/views/{view.pk}/"
    client.post(path, {"do": "filters", "query": "tag=gold"})
    client.post(path, {"do": "rename", "name": "Gold"})
    view.refresh_from_db()
    assert (view.name, view.query) == ("Gold", "tag=gold")
    assert "is saved" not in text_of(client.post("/tickets/views/", {"name": ""}, follow=True))
    said = text_of(client.post(path, {"do": "delete"}, follow=True))
    assert "The view Gold is deleted. Its tickets stay." in said
    assert client.get(path)["Location"] == "/tickets/views/"
    assert client.post(path, {"do": "delete"}).status_code == 404


def test_views_are_ordered_by_their_owner_and_shared_ones_by_managers(
    at_nine: World, cast: Cast
) -> None:
    sam, maya = sign_in(cast.sam), sign_in(cast.maya)
    for name in ("One", "Two"):
        sam.post("/tickets/views/", {"name": name})
    two = SavedView.objects.get(name="Two")
    sam.post(f"/tickets/views/{two.pk}/", {"do": "up"})
    assert [view.name for view in queue.views_of(cast.sam)] == ["Two", "One"]
    maya.post("/tickets/views/", {"name": "Ours", "shared": "1"})
    ours = SavedView.objects.get(name="Ours")
    assert ours.person is None
    assert sam.post("/tickets/views/", {"name": "Ours too", "shared": "1"}).status_code == 403
    assert sam.post(f"/tickets/views/{ours.pk}/", {"do": "delete"}).status_code == 403
    assert maya.post(f"/tickets/views/{two.pk}/", {"do": "delete"}).status_code == 404
    page = text_of(sam.get("/tickets/views/"))
    assert "Yours 2" in page and "Everybody's 1" in page
    assert "Ours" in text_of(sign_in(cast.ravi).get("/tickets/"))


# -- from everywhere


def test_the_menu_counts_tickets_and_keys_lead_to_them(at_nine: World, cast: Cast) -> None:
    logged(at_nine, "One")
    html = sign_in(cast.sam).get("/incidents/").content.decode()
    assert re.search(r'href="/tickets/" title="Tickets">.*?<b class="n">1<', html)
    for key, url in (("c", "/tickets/log/"), ("g q", "/tickets/"), ("g i", "/incidents/")):
        assert f'href="{url}" data-key="{key}"' in html
    assert 'data-key="c"' not in sign_in(cast.olu).get("/incidents/").content.decode()
    at_nine.forget()
