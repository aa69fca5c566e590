"""One ticket's page: what it shows, every button, and what is kept when something goes wrong."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.core import audit
from apps.incidents.models import Incident
from apps.paging.models import Page
from apps.support.models import Draft, Macro, Presence, Queue, Ticket, TicketMessage
from apps.support.selectors.ticket import story
from apps.support.services import conversation, files, links, merging, tickets
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of
from tests.support import ticketkit as kit
from tests.world import World

LARGEST = 100_000  # bytes of a page


@pytest.fixture(autouse=True)
def desk(world: World, cast: Cast) -> None:
    world.at("2026-09-07 10:00")
    kit.desk(world.now - timedelta(days=1))


@pytest.fixture
def one(world: World, cast: Cast) -> Ticket:
    return kit.in_state("open", world.now, cast.sam)


@pytest.fixture
def sam(cast: Cast) -> Client:
    return sign_in(cast.sam)


def _page(ticket: Ticket, more: str = "") -> str:
    return f"/tickets/{ticket.ref}/{more}"


def _do(client: Client, ticket: Ticket, name: str, **values: Any) -> Any:
    return client.post(_page(ticket, f"do/{name}/"), values)


def _say(client: Client, ticket: Ticket, body: str, kind: str = "reply", **values: Any) -> Any:
    return client.post(_page(ticket, "say/"), {"kind": kind, "body": body, **values})


# -- reading


def test_the_page_tells_the_story_the_promises_and_the_people(
    world: World, cast: Cast, sam: Client
) -> None:
    surface = build.surface(primary=cast.maya, backup=cast.bea, now=world.now)
    build.schedule(cast.ravi, surfaces=[surface], now=world.now)
    ticket = kit.in_state(
        "open", world.now, cast.sam, surface=surface, tags=["orders"],
        fields={"run_id": "run-88121", "odd_thing": "left over"}, blocks_work=True,
    )  # fmt: skip
    conversation.note(ticket=ticket, body="Odd **one**", actor=kit.by(cast.bea), now=world.now)
    text = text_of(sam.get(_page(ticket)))
    for words in (
        f"{ticket.subject} {ticket.ref}",
        "Open P3",
        "Blocks their work",
        "It is Monday and the weekend loads are in the warehouse.",
        "Routed to Support by request type Stale profile",
        "First reply met 10:00",
        "Bea Bell Internal note",
        "Odd one",
        "45 h target",
        "Owner SS Sam Sand",
        "Ravi Rao Profiler",
        "Backup BB Bea Bell",
        "Bramble Foods Standard",
        "ana@bramble.example",
        "Their first ticket",
        "Run run-88121",
        "Odd thing left over",
        "orders",
        "Pages Ravi Rao at once",
        "Goes to Ana Ruiz at Bramble Foods by e-mail. You can undo for 15 s after sending.",
    ):
        assert words in text, words


def test_a_ticket_has_one_address(one: Ticket, sam: Client) -> None:
    assert sam.get(f"/tickets/{one.ref.lower()}/")["Location"] == _page(one)
    for ref in ("TCK-0", "TCK-99999", "INC-1", "7", "TCK-1x", "TCK-" + "9" * 30):
        assert sam.get(f"/tickets/{ref}/").status_code == 404, ref


def test_a_page_costs_the_same_however_much_was_said(
    one: Ticket, sam: Client, world: World, cast: Cast
) -> None:
    sam.get(_page(one))  # the default escalation policy is made when it is first asked for
    few = queries(sam, _page(one))
    for number in range(12):
        say = {"actor": kit.by(cast.ravi), "now": world.now}
        conversation.note(
            ticket=one, body=f"@bea {number}", files_=[files.accept(name="a.txt", content=b"a")],
            **say,
        )  # fmt: skip
        links.link(ticket=one, kind="release", ref=f"2.{number}", relation="cause", **say)
        other = kit.ticket(world.now, subject=f"Same {number}")
        if number % 2:
            merging.merge(ticket=other, into=one, **say)
    assert queries(sam, _page(one)) <= few + 1  # files are read only where there are any
    assert few <= 60


def test_the_newest_fifty_stand_on_the_page_and_every_earlier_one_once(
    one: Ticket, sam: Client, world: World, cast: Cast
) -> None:
    for number in range(300):
        at = world.now + timedelta(seconds=number // 2)  # two of each instant
        TicketMessage.objects.create(
            ticket=one, author="note", body=f"word{number:03d} " + "and more of it " * 40,
            at=at, recorded_at=at, **kit.by(cast.sam).columns(),
        )  # fmt: skip
    seen: list[str] = []
    address = _page(one)
    for _ in range(20):
        response = sam.get(address)
        assert len(response.content) < LARGEST
        here = re.findall(r"word\d{3}", response.content.decode())
        assert len(here) <= 50
        seen = here + seen
        older = re.search(r'href="([^"]*\?before=[^"]*)"', response.content.decode())
        if older is None:
            break
        address = older[1]
    assert seen == [f"word{n:03d}" for n in range(300)]
    assert 'hx-trigger="every 15s"' not in sam.get(address).content.decode()


@pytest.mark.parametrize("junk", ["x", "1.9.9", "99999999999999999.0.1", "1.0.", "a" * 500])
def test_a_cursor_that_is_none_shows_the_newest(junk: str, one: Ticket, sam: Client) -> None:
    assert "We look at it." in text_of(sam.get(_page(one, f"?before={junk}")))


def test_a_paste_of_five_thousand_lines_is_one_click_away(
    one: Ticket, sam: Client, world: World, cast: Cast
) -> None:
    paste = "\n".join(f"line {n:05d} <ERR> & co" for n in range(5000))
    note = conversation.note(ticket=one, body=paste, actor=kit.by(cast.sam), now=world.now)
    for _ in range(3):
        conversation.note(ticket=one, body="<" * 150_000, actor=kit.by(cast.sam), now=world.now)
    response = sam.get(_page(one))
    assert len(response.content) < LARGEST
    assert f"All of it, {len(paste)} characters" in text_of(response)
    whole = sam.get(_page(one, f"messages/{note.pk}/text/"))
    assert whole.content.decode() == paste
    assert whole["Content-Type"] == "text/plain; charset=utf-8"
    assert "sandbox" in whole["Content-Security-Policy"]


def test_nothing_that_somebody_wrote_runs(
    one: Ticket, sam: Client, world: World, cast: Cast
) -> None:
    evil = "<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>"
    conversation.requester_wrote(
        ticket=one, body=evil, contact=one.requester, actor=kit.by(cast.sam), now=world.now,
        html="<p>shown <b>elsewhere</b></p>", quoted=evil,
    )  # fmt: skip
    raw = sam.get(_page(one)).content.decode()
    assert "<script>alert" not in raw
    assert 'href="javascript' not in raw
    assert "<img src=x" not in raw
    assert "<b>elsewhere</b>" not in raw
    message = one.messages.latest("pk")
    frame = sam.get(_page(one, f"messages/{message.pk}/"))
    assert f"/messages/{message.pk}/html/" in frame.content.decode()
    alone = sam.get(_page(one, f"messages/{message.pk}/html/"))
    assert b"<b>elsewhere</b>" in alone.content
    policy = alone["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert alone["X-Frame-Options"] == "SAMEORIGIN"


def test_a_refresh_brings_story_promises_and_state_and_no_composer(
    one: Ticket, sam: Client, world: World, cast: Cast
) -> None:
    seen = one.messages.latest("pk").pk
    conversation.note(ticket=one, body="Fresh", actor=kit.by(cast.bea), now=world.now)
    response = sam.get(_page(one, f"live/?seen={seen}"))
    raw = response.content.decode()
    assert "Fresh" in raw
    assert "msg--new" in raw
    assert 'id="ticket-head" hx-swap-oob="true"' in raw
    assert 'id="promises"' in raw
    assert "<textarea" not in raw
    assert f"?seen={seen}" in raw
    assert Client().get(_page(one, "live/")).status_code == 401


# -- who may


def test_a_private_queue_is_not_there_for_outsiders(world: World, cast: Cast) -> None:
    team = build.team("billing", members=[cast.sam])
    hidden = Queue.objects.create(key="billing", name="Billing", team=team, is_private=True)
    ticket = kit.ticket(world.now, queue=hidden, files_=[files.accept(name="a.txt", content=b"x")])
    message = ticket.messages.get()
    paths = ["", "live/", f"files/{message.attachments.get().pk}/"]
    paths += [f"messages/{message.pk}/text/"]
    for path in paths:
        assert sign_in(cast.sam).get(_page(ticket, path)).status_code == 200, path
        assert sign_in(cast.ravi).get(_page(ticket, path)).status_code == 404, path
        assert sign_in(cast.olu).get(_page(ticket, path)).status_code == 404, path
    for path in ("say/", "draft/", "presence/", "undo/", "macro/", "link/", "do/accept/"):
        assert sign_in(cast.ravi).post(_page(ticket, path)).status_code == 404, path
    ticket.refresh_from_db()
    assert ticket.status == "new"


def test_a_viewer_reads_and_changes_nothing(one: Ticket, cast: Cast) -> None:
    client = sign_in(cast.olu)
    text = text_of(client.get(_page(one)))
    assert "We look at it." in text
    assert "Your role does not include this" in text
    assert "Split off" not in text
    assert "<form" not in re.sub(
        r"(?s)<(header|dialog|nav).*?</\1>", "", client.get(_page(one)).content.decode()
    )
    for path in ("say/", "draft/", "undo/", "macro/", "link/", "unlink/1/", "do/resolve/"):
        assert client.post(_page(one, path), {"body": "x"}).status_code == 403, path


def test_an_action_that_is_only_visited_leads_to_the_page(one: Ticket, sam: Client) -> None:
    for path in ("say/", "draft/", "undo/", "macro/", "link/", "unlink/1/", "do/resolve/"):
        assert sam.get(_page(one, path))["Location"] == _page(one), path
    assert sam.post(_page(one, "do/explode/")).status_code == 404


def test_what_cannot_be_done_now_is_shown_with_the_reason(
    one: Ticket, sam: Client, world: World, cast: Cast
) -> None:
    incident = build.incident(by=cast.maya, now=world.now)
    say = {"actor": kit.by(cast.sam), "now": world.now}
    links.link(ticket=one, kind="incident", ref=incident.ref, relation="blocks", **say)
    conversation.requester_wrote(ticket=one, body="?", contact=one.requester, **say)
    text = text_of(sam.get(_page(one)))
    assert f"{incident.ref} blocks this ticket." in text
    assert "Ask the customer something first" in text
    closed = kit.in_state("closed", world.now, cast.sam)
    text = text_of(sam.get(_page(closed)))
    assert "The ticket is closed." in text


# -- saying something


def test_a_reply_is_held_and_can_be_taken_back_with_its_words(
    one: Ticket, sam: Client, cast: Cast
) -> None:
    sam.post(_page(one, "draft/"), {"kind": "reply", "body": "Half"})
    assert _say(sam, one, "By noon.")["Location"] == f"{_page(one)}#end"
    message = one.messages.latest("pk")
    assert (message.status, message.author, message.body) == ("held", "agent", "By noon.")
    assert not Draft.objects.exists()
    text = text_of(sam.get(_page(one)))
    assert "Not sent yet, goes out" in text
    assert "Undo" in text
    assert sign_in(cast.ravi).post(_page(one, "undo/"), {"message": message.pk}).status_code == 403
    sam.post(_page(one, "undo/"), {"message": message.pk})
    message.refresh_from_db()
    assert message.status == "withdrawn"
    page = sam.get(_page(one)).content.decode()
    assert ">By noon.</textarea>" in page
    assert sam.post(_page(one, "undo/"), {"message": "x"}).status_code == 404


def test_what_is_taken_back_too_late_has_gone_out(one: Ticket, sam: Client, world: World) -> None:
    _say(sam, one, "By noon.")
    conversation.release_held(now=world.now + timedelta(minutes=1))
    message = one.messages.latest("pk")
    response = sam.post(_page(one, "undo/"), {"message": message.pk}, follow=True)
    assert "gone out already" in text_of(response)


def test_a_reply_that_did_not_see_the_last_words_is_shown_them_and_kept(
    one: Ticket, sam: Client, world: World, cast: Cast
) -> None:
    seen = one.messages.latest("pk").pk
    conversation.note(ticket=one, body="Do not answer!", actor=kit.by(cast.ravi), now=world.now)
    response = _say(sam, one, "My long answer", seen=seen)
    assert response.status_code == 409
    raw = response.content.decode()
    assert ">My long answer</textarea>" in raw
    assert "Somebody wrote here meanwhile" in text_of(response)
    latest = one.messages.latest("pk").pk
    assert f'name="seen" value="{latest}"' in raw
    assert _say(sam, one, "My long answer", seen=latest).status_code == 302


def test_a_note_names_people_and_is_remembered_as_the_kind(
    one: Ticket, sam: Client, cast: Cast
) -> None:
    raw = sam.get(_page(one)).content.decode()
    assert re.search(r'value="note"[^>]* checked', raw)
    _say(sam, one, "Soon.", "reply")
    raw = sam.get(_page(one)).content.decode()
    assert re.search(r'value="reply"[^>]* checked', raw)
    _say(sam, one, "@bea see", "note")
    assert [w.person for w in one.watchers.all()] == [cast.bea]
    raw = sam.get(_page(one)).content.decode()
    assert re.search(r'value="note"[^>]* checked', raw)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"body": " "}, "Write something first."),
        ({"body": "Done", "then": "resolve"}, "Say how it ended."),
        ({"body": "Hm", "kind": "note", "then": "wait"}, "A note is not seen by the customer."),
        ({"body": "x", "kind": "shout"}, "One thing needs your attention"),
    ],
)
def test_what_cannot_be_sent_is_kept_with_the_reason(
    values: dict[str, str], words: str, one: Ticket, sam: Client
) -> None:
    response = sam.post(_page(one, "say/"), {"kind": "reply", **values})
    assert response.status_code == 400
    assert words in text_of(response)
    assert f">{values['body']}</textarea>" in response.content.decode()
    assert one.messages.count() == 2


def test_sending_can_wait_or_resolve_in_one_step(world: World, cast: Cast, sam: Client) -> None:
    waits, ends = (kit.in_state("open", world.now, cast.sam) for _ in range(2))
    _say(sam, waits, "Which version?", then="wait")
    _say(sam, ends, "Fixed.", then="resolve", code="fixed")
    conversation.release_held(now=world.now + timedelta(minutes=1))
    waits.refresh_from_db()
    ends.refresh_from_db()
    assert (waits.status, ends.status, ends.resolution_code) == (
        "waiting_customer",
        "resolved",
        "fixed",
    )


def test_files_go_with_a_message_and_refused_ones_keep_the_text(one: Ticket, sam: Client) -> None:
    shot = SimpleUploadedFile("shot.png", b"\x89PNG")
    _say(sam, one, "See", "note", attachments=[shot])
    assert one.messages.latest("pk").attachments.get().name == "shot.png"
    evil = SimpleUploadedFile("run.exe", b"MZ")
    response = _say(sam, one, "Do run this", "note", attachments=[evil])
    assert response.status_code == 400
    assert "files of this kind are not taken" in text_of(response)
    assert ">Do run this</textarea>" in response.content.decode()


def test_a_reply_that_did_not_arrive_says_so(one: Ticket, sam: Client) -> None:
    one.messages.filter(author="agent").update(delivery_error="550 no such mailbox")
    assert "Not delivered. 550 no such mailbox" in text_of(sam.get(_page(one)))


# -- the desk


def test_a_draft_is_kept_for_each_person_and_kind_and_comes_back(
    one: Ticket, sam: Client, cast: Cast
) -> None:
    for kind, body in (("note", "A thought"), ("reply", "An answer")):
        answer = sam.post(_page(one, "draft/"), {"kind": kind, "body": body})
        assert answer.json() == {"saved": True}
    raw = sam.get(_page(one)).content.decode()
    assert ">An answer</textarea>" in raw
    assert ">A thought</textarea>" in raw
    assert "Draft saved 10:00" in text_of(sam.get(_page(one)))
    assert ">An answer</textarea>" not in sign_in(cast.ravi).get(_page(one)).content.decode()
    assert sam.post(_page(one, "draft/"), {"kind": "reply", "body": " "}).json() == {"saved": False}
    assert [d.body for d in Draft.objects.all()] == ["A thought"]


def test_who_else_is_here_is_said(one: Ticket, sam: Client, cast: Cast) -> None:
    ravi, olu = sign_in(cast.ravi), sign_in(cast.olu)
    ravi.post(_page(one, "presence/"), {"writing": "1"})
    olu.post(_page(one, "presence/"), {"writing": "1"})
    text = text_of(sam.post(_page(one, "presence/"), {"writing": "0"}))
    assert "Ravi Rao is replying" in text
    assert "Olu Odd is reading this ticket" in text
    assert "Sam" not in text
    assert "Ravi Rao is replying" in text_of(sam.get(_page(one)))
    ravi.post(_page(one, "presence/"), {"leave": "1"})
    assert sorted(p.person.name for p in Presence.objects.all()) == ["Olu Odd", "Sam Sand"]


def test_a_macro_fills_the_composer_with_and_without_a_script(one: Ticket, sam: Client) -> None:
    macro = Macro.objects.create(
        name="Ask", body="Hello {requester}, which version?", then="wait", add_tags=["asked"]
    )
    assert "Ask" in text_of(sam.get(_page(one)))
    answer = sam.post(
        _page(one, "macro/"), {"macro": macro.pk}, headers={"Accept": "application/json"}
    )
    assert answer.json() == {
        "body": "Hello Ana Ruiz, which version?",
        "kind": "reply",
        "then": "wait",
        "code": "",
    }
    sam.post(_page(one, "macro/"), {"macro": macro.pk, "body": "First this.", "kind": "reply"})
    assert "First this.\n\nHello Ana Ruiz" in sam.get(_page(one)).content.decode()
    one.refresh_from_db()
    assert one.tags == ["asked"]
    assert sam.post(_page(one, "macro/"), {"macro": "x"}).status_code == 404


# -- moving it: every button


def test_accept_wait_back_resolve_reopen_close(world: World, cast: Cast, sam: Client) -> None:
    ticket = kit.ticket(world.now)
    steps: list[tuple[str, dict[str, Any], str]] = [
        ("accept", {}, "open"),
        ("wait_third_party", {"ref": "Snowflake support", "expected_by": "2026-09-09T12:00"},
         "waiting_third_party"),
        ("resume", {}, "open"),
        ("resolve", {"code": "workaround", "no_reply_needed": "1", "override": "1"}, "resolved"),
        ("reopen", {}, "open"),
        ("spam", {}, "spam"),
        ("not_spam", {}, "new"),
        ("resolve", {"code": "answered", "no_reply_needed": "1", "override": "1"}, "resolved"),
        ("close", {}, "closed"),
    ]  # fmt: skip
    for name, values, status in steps:
        response = _do(sam, ticket, name, **values)
        assert response.status_code == 302, (name, text_of(response))
        ticket.refresh_from_db()
        assert ticket.status == status, name
    row = ticket.links.get()
    assert (row.kind, row.relation) == ("vendor", "blocks")


def test_a_time_is_read_where_its_writer_is(world: World, cast: Cast) -> None:
    ticket = kit.in_state("open", world.now, cast.ravi)  # Ravi is in Berlin
    _do(sign_in(cast.ravi), ticket, "wait", remind_at="2026-09-08T12:00")
    ticket.refresh_from_db()
    assert ticket.remind_at is not None
    assert f"{ticket.remind_at:%d %H:%M}" == "08 10:00"


def test_snooze_for_a_while_until_a_time_and_not_at_all(one: Ticket, sam: Client) -> None:
    for values, until in (
        ({"snooze": "1h"}, "07 11:00"),
        ({"snooze": "tomorrow"}, "08 09:00"),
        ({"until": "2026-09-10T08:30"}, "10 08:30"),
    ):
        _do(sam, one, "snooze", **values)
        one.refresh_from_db()
        assert one.snoozed_until is not None
        assert f"{one.snoozed_until:%d %H:%M}" == until
    assert "Snoozed until" in text_of(sam.get(_page(one)))
    _do(sam, one, "snooze")
    one.refresh_from_db()
    assert one.snoozed_until is None
    assert "Say until when." in text_of(_do(sam, one, "snooze"))
    assert "still to come" in text_of(_do(sam, one, "snooze", until="2020-01-01T08:30"))


def test_assign_to_me_to_somebody_and_to_nobody(one: Ticket, sam: Client, cast: Cast) -> None:
    for given, owner in (
        ("ravi@example.com", cast.ravi), ("me", cast.sam), ("Bea Bell", cast.bea),
        ("rav", cast.ravi), ("", None),
    ):  # fmt: skip
        assert _do(sam, one, "assign", owner=given).status_code == 302
        one.refresh_from_db()
        assert one.owner == owner, given
    assert "There is nobody called Zoe." in text_of(_do(sam, one, "assign", owner="Zoe"))


def test_another_priority_takes_a_reason(one: Ticket, sam: Client) -> None:
    response = _do(sam, one, "priority", priority="P1")
    assert response.status_code == 400
    assert "Say why it is P1" in text_of(response)
    _do(sam, one, "priority", priority="P1", reason="Buyers wait")
    one.refresh_from_db()
    assert (one.priority, one.priority_reason) == ("P1", "Buyers wait")
    assert "P1 because: Buyers wait" in text_of(sam.get(_page(one)))


def test_facts_type_queue_and_surface_are_edited(one: Ticket, sam: Client, world: World) -> None:
    build.surface("platform.billing", now=world.now)
    _do(
        sam, one, "edit", subject="An invoice", type="billing", queue="support",
        surface="platform.billing", impact="high", urgency="high",
    )  # fmt: skip
    one.refresh_from_db()
    assert (one.subject, one.request_type.key, one.priority) == ("An invoice", "billing", "P1")
    assert one.surface is not None
    assert one.surface.key == "platform.billing"
    _do(sam, one, "facts", **{"fact-invoice": "2026-77", "fact-amount": " "})
    one.refresh_from_db()
    assert one.fields == {"invoice": "2026-77"}
    wrong = _do(sam, one, "edit", subject="x", type="billing", queue="nothing",
                surface="no.such", impact="high", urgency="high")  # fmt: skip
    assert wrong.status_code == 400
    assert "There is no surface no.such" in text_of(wrong)


def test_tags_come_and_go(one: Ticket, sam: Client) -> None:
    _do(sam, one, "tag", add="Orders, weekend #x")
    _do(sam, one, "tag", remove="weekend")
    one.refresh_from_db()
    assert one.tags == ["orders", "x"]


def test_watching_and_ending_links(one: Ticket, sam: Client, cast: Cast) -> None:
    _do(sam, one, "watch")
    assert [w.person for w in one.watchers.all()] == [cast.sam]
    _do(sam, one, "unwatch")
    assert not one.watchers.exists()
    _do(sam, one, "end_links")
    one.refresh_from_db()
    assert one.access_version == 2


def test_escalating_says_whom_it_pages_and_takes_a_reason(one: Ticket, sam: Client) -> None:
    assert "so the managers are paged" in text_of(sam.get(_page(one)))
    assert "Why it cannot wait: This is missing." in text_of(_do(sam, one, "escalate"))
    assert not Page.objects.exists()
    _do(sam, one, "escalate", reason="Their buyers wait")
    assert Page.objects.get().opener_ref == str(one.pk)


def test_a_missed_promise_is_waived_by_a_manager_with_a_reason(
    world: World, cast: Cast, sam: Client
) -> None:
    from apps.support.services import clocks

    ticket = kit.ticket(world.now - timedelta(days=10))
    with_lock = tickets.lock(ticket.pk)
    clocks.agent_replied(ticket=with_lock, at=world.now, actor=kit.by(cast.sam), now=world.now)
    clock = ticket.clocks.get(metric="first_reply")
    assert clock.state == "breached"
    given = {"clock": clock.pk, "reason": "They were on holiday"}
    assert "Waive" not in text_of(sam.get(_page(ticket)))
    assert _do(sam, ticket, "waive", **given).status_code == 403
    maya = sign_in(cast.maya)
    assert "Waive it" in text_of(maya.get(_page(ticket)))
    assert "This is missing." in text_of(_do(maya, ticket, "waive", clock=clock.pk))
    _do(maya, ticket, "waive", **given)
    clock.refresh_from_db()
    assert clock.waived_reason == "They were on holiday"
    assert "is waived" in text_of(maya.get(_page(ticket)))
    other = kit.in_state("open", world.now, cast.sam)
    assert _do(maya, other, "waive", **given).status_code == 404


# -- several tickets


def test_a_merge_is_shown_on_both_and_undone(
    one: Ticket, world: World, cast: Cast, sam: Client
) -> None:
    other = kit.ticket(world.now, subject="Same thing", body="Here, too")
    wrong = _do(sam, other, "merge", into="TCK-9999")
    assert wrong.status_code == 400
    assert "There is no ticket TCK-9999." in text_of(wrong)
    _do(sam, other, "merge", into=one.ref)
    text = text_of(sam.get(_page(one)))
    assert "Here, too" in text
    assert f"on {other.ref}" in text
    text = text_of(sam.get(_page(other)))
    assert f"This ticket went into {one.ref}" in text
    assert f"It is merged: write on {one.ref}." in text
    _do(sam, other, "unmerge")
    assert "Here, too" not in text_of(sam.get(_page(one)))
    refused = _do(sam, one, "merge", into=one.ref)
    assert "Pick another ticket." in text_of(refused)


def test_a_ticket_that_is_not_seen_is_not_merged_into(
    one: Ticket, world: World, cast: Cast
) -> None:
    team = build.team("billing", members=[cast.sam])
    hidden = Queue.objects.create(key="billing", name="Billing", team=team, is_private=True)
    private = kit.ticket(world.now, queue=hidden, body="Private words")
    response = _do(sign_in(cast.ravi), one, "merge", into=private.ref)
    assert f"There is no ticket {private.ref}." in text_of(response)
    merging.merge(ticket=private, into=one, actor=kit.by(cast.sam), now=world.now)
    assert "Private words" in text_of(sign_in(cast.sam).get(_page(one)))
    assert "Private words" not in text_of(sign_in(cast.ravi).get(_page(one)))


def test_a_message_is_split_off(one: Ticket, sam: Client) -> None:
    message = one.messages.get(author="requester")
    page = sam.get(_page(one, f"?split={message.pk}")).content.decode()
    assert 'id="act-split" open' in page
    assert "It is Monday" in page
    given = {"message": message.pk, "subject": "Something else", "type": "billing"}
    _do(sam, one, "split", **given)
    assert Ticket.objects.get(split_from=one).subject == "Something else"
    answer = one.messages.get(author="agent")
    refused = _do(sam, one, "split", **{**given, "message": answer.pk})
    assert "Only what the requester said" in text_of(refused)
    for junk in ("x", "0", str(answer.pk)):
        assert 'id="act-split"' not in sam.get(_page(one, f"?split={junk}")).content.decode()


# -- links


@pytest.mark.parametrize(
    ("ref", "kind"),
    [
        ("https://example.com/x", "url"),
        ("inspect-2.14.1", "change"),
        ("Snowflake support", "vendor"),
        ("Fivetran", "vendor"),
    ],
)
def test_a_reference_tells_what_it_is(ref: str, kind: str, one: Ticket, sam: Client) -> None:
    sam.post(_page(one, "link/"), {"ref": ref, "relation": "cause"})
    row = one.links.get()
    assert (row.kind, row.ref, row.relation) == (kind, ref, "cause")
    sam.post(_page(one, f"unlink/{row.pk}/"))
    assert not one.links.exists()
    assert sam.post(_page(one, f"unlink/{row.pk}/")).status_code == 404


def test_an_incident_that_is_not_seen_is_not_linked_and_not_named(
    one: Ticket, world: World, cast: Cast, sam: Client
) -> None:
    hidden = build.incident(title="Hush", visibility="restricted", by=cast.maya, now=world.now)
    given = {"ref": hidden.ref, "relation": "blocks"}
    response = sam.post(_page(one, "link/"), given)
    assert response.status_code == 400
    assert f"There is no {hidden.ref}." in text_of(response)
    waits = _do(sam, one, "wait_third_party", ref=hidden.ref, expected_by="2026-09-09T12:00")
    assert f"There is no {hidden.ref}." in text_of(waits)
    sign_in(cast.maya).post(_page(one, "link/"), given)
    assert "Hush" in text_of(sign_in(cast.maya).get(_page(one)))
    assert "Hush" not in text_of(sam.get(_page(one)))
    assert Incident.objects.count() == 1


# -- files


def test_a_file_is_only_ever_a_download(one: Ticket, sam: Client, world: World, cast: Cast) -> None:
    names = ["evil.html", "pic.svg", 'naïve "quote".png', "päper.pdf"]
    given = [files.accept(name=name, content=b"<script>alert(1)</script>") for name in names]
    note = conversation.note(
        ticket=one, body="", files_=given, actor=kit.by(cast.sam), now=world.now
    )
    for attachment in note.attachments.all():
        answer = sam.get(_page(one, f"files/{attachment.pk}/"))
        assert answer.content == b"<script>alert(1)</script>"
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"].startswith('attachment; filename="')
        assert "\n" not in answer["Content-Disposition"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
        assert "default-src 'none'" in answer["Content-Security-Policy"]
    last = note.attachments.latest("pk")
    assert "filename*=UTF-8''p%C3%A4per.pdf" in sam.get(
        _page(one, f"files/{last.pk}/")
    )["Content-Disposition"]  # fmt: skip
    other = kit.ticket(world.now)
    assert sam.get(_page(other, f"files/{last.pk}/")).status_code == 404


# -- the list that it was opened from


def test_the_page_leads_on_through_the_list_that_it_was_opened_from(
    world: World, cast: Cast, sam: Client
) -> None:
    first, second, third = (
        kit.ticket(world.now + timedelta(minutes=n), subject=f"Number {n}", owner=cast.sam)
        for n in range(3)
    )
    came = {"Referer": "http://testserver/tickets/?view=mine"}
    raw = sam.get(_page(second), headers=came).content.decode()
    assert f'href="{_page(first)}" rel="prev"' in raw
    assert f'href="{_page(third)}" rel="next"' in raw
    assert "My open" in raw
    inside = {"Referer": f"http://testserver{_page(second)}"}
    assert (
        f'href="{_page(third)}" rel="next"'
        in sam.get(_page(second), headers=inside).content.decode()
    )
    assert 'rel="next"' not in sam.get(_page(second)).content.decode()
    sent = sam.post(
        _page(second, "say/"), {"kind": "note", "body": "Hm", "after": "next"}, headers=inside
    )
    assert sent["Location"] == _page(third)
    raw = sam.get(_page(third), headers=inside).content.decode()
    assert '<option value="next" selected>' in raw


def test_the_history_of_the_requester_is_counted(world: World, cast: Cast, sam: Client) -> None:
    kit.in_state("resolved", world.now, cast.sam)
    kit.ticket(world.now, subject="Another one")
    ticket = kit.ticket(world.now)
    text = text_of(sam.get(_page(ticket)))
    assert "1 open, 1 ended since" in text
    assert "Another one, new" in text


def test_a_story_of_a_chain_of_merges_ends(world: World, cast: Cast) -> None:
    chain = [kit.in_state("open", world.now, cast.sam) for _ in range(3)]
    for ticket, into in pairwise(chain):
        merging.merge(ticket=ticket, into=into, actor=audit.SYSTEM, now=world.now)
    assert set(story(chain[-1], cast.sam).merged) == {chain[0].pk, chain[1].pk}


def test_somebody_is_copied_in_and_left_out_by_an_address(
    one: Ticket, sam: Client, cast: Cast
) -> None:
    _do(sam, one, "copied", add="Ben Bo <ben@bramble.example>")
    text = text_of(sam.get(_page(one)))
    assert "Leave out Ben Bo" in text
    row = one.contacts.get()
    assert row.contact.email == "ben@bramble.example"
    refused = _do(sam, one, "copied", add="nobody at all")
    assert refused.status_code == 400
    assert 'id="copied-wrong"' in refused.content.decode()
    _do(sam, one, "copied", remove=row.contact_id)
    assert not one.contacts.exists()
    assert "Copy somebody in" in text
    assert "Copy somebody in" not in text_of(sign_in(cast.olu).get(_page(one)))
