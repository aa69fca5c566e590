"""What is done to one ticket over the API: said, merged, split, linked, escalated, watched."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from apps.core import clock
from apps.notifications.models import Message
from apps.ownership.models import Surface
from apps.paging.models import Page
from apps.support.models import Attachment, Csat, Ticket, TicketMessage
from apps.support.seeds import ensure_support
from tests import builders as build
from tests.calls import Caller, signed_in, tool
from tests.conftest import Cast
from tests.support.desk import bare_desk

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def desk(cast: Cast) -> None:
    surface = build.surface("inspect.profiler", primary=cast.ravi, backup=cast.bea)
    bare_desk(surface)


@pytest.fixture
def bot() -> Caller:
    return tool("tickets:read", "tickets:write", name="bot")


def opened(caller: Caller, **more: Any) -> str:
    body = {"subject": "Profile is old", "type": "stale_profile", "body": "Help",
            "requester": "ana@bramble.org", **more}  # fmt: skip
    return str(caller.post("tickets", body)["ref"])


def status(caller: Caller, ref: str) -> str:
    return str(caller.get(f"tickets/{ref}")["status"])


# -- words


def test_a_public_message_is_an_agents_reply_and_a_note_is_not(bot: Caller) -> None:
    ref = opened(bot)
    note = bot.post(f"tickets/{ref}/messages", {"body": "Hm.", "public": False})
    assert (note.status, note["author"], note["public"], note["by"]) == (201, "note", False, "bot")
    assert status(bot, ref) == "new"
    reply = bot.post(f"tickets/{ref}/messages", {"body": "We look.", "public": True})
    assert (reply.status, reply["author"], reply["status"]) == (201, "agent", "posted")
    shown = bot.get(f"tickets/{ref}")
    assert (shown["status"], shown["awaits_us"]) == ("open", False)
    assert shown["first_replied_at"] is not None
    said = bot.get(f"tickets/{ref}/messages")["results"]
    assert [row["author"] for row in said] == ["requester", "note", "agent"]
    assert said[2] == reply.body
    mails = Message.objects.filter(what="ticket_reply")
    assert [mail.subject_ref for mail in mails] == [reply["id"]]


def test_a_reply_takes_its_step_or_is_not_sent_at_all(bot: Caller) -> None:
    ref = opened(bot)

    def say(**more: Any) -> Any:
        return bot.post(f"tickets/{ref}/messages", {"body": "Fine?", "public": True, **more})

    assert say(then="wait").status == 201 and status(bot, ref) == "waiting_customer"
    assert say(then="resolve").fields == {"resolution_code"}
    assert say(then="explode").fields == {"then"}
    assert say(then="wait", public=False).fields == {"then"}
    assert TicketMessage.objects.filter(author="agent").count() == 1
    assert say(then="resolve", resolution_code="answered").status == 201
    assert status(bot, ref) == "resolved"
    late = say(then="wait")
    assert (late.status, late.code) == (409, "illegal_transition")


def test_a_message_that_makes_no_sense_is_refused(bot: Caller) -> None:
    ref = opened(bot)
    for body, field in (
        ({"public": True}, "body"), ({"body": " ", "public": True}, "body"),
        ({"body": "x"}, "public"), ({"body": "x", "public": "perhaps"}, "public"),
        ({"body": "x" * 200_001, "public": True}, "body"),
        ({"body": ["x"], "public": True}, "body"),
        ({"body": "x", "public": True, "seen_message": "new"}, "seen_message"),
        ({"body": "x", "public": True, "remind_at": "tomorrow"}, "remind_at"),
        ({"body": "x", "public": False, "files": [{"name": "a", "content": ""}]},
         "files[0].content"),
    ):  # fmt: skip
        reply = bot.post(f"tickets/{ref}/messages", body)
        assert (reply.status, reply.fields) == (400, {field}), (str(body)[:60], reply.body)
    assert TicketMessage.objects.count() == 1


def test_who_has_not_read_the_last_words_is_told(bot: Caller, cast: Cast) -> None:
    ref = opened(bot)
    first = bot.get(f"tickets/{ref}/messages")["results"][0]["id"]
    other = tool("tickets:write", name="other")
    body = {"body": "x", "public": True, "seen_message": first}
    assert other.post(f"tickets/{ref}/messages", body).status == 201
    stale = bot.post(f"tickets/{ref}/messages", body)
    assert (stale.status, stale.code) == (409, "stale")


def test_a_reply_is_sent_once_however_often_it_is_tried(bot: Caller) -> None:
    ref = opened(bot)
    body = {"body": "We look.", "public": True}
    first = bot.post(f"tickets/{ref}/messages", body, Idempotency_Key="k")
    again = bot.post(f"tickets/{ref}/messages", body, Idempotency_Key="k")
    assert first["id"] == again["id"]
    assert Message.objects.filter(what="ticket_reply").count() == 1


def test_a_file_comes_back_as_a_download_only(bot: Caller, cast: Cast) -> None:
    page = b"<script>alert(1)</script>"
    ref = opened(bot, files=[{"name": "../Übel.html", "content": b64encode(page).decode()}])
    (file,) = bot.get(f"tickets/{ref}/messages")["results"][0]["files"]
    assert (file["name"], file["size"]) == ("Übel.html", len(page))
    assert file["url"].endswith(f"/api/v1/tickets/{ref}/files/{file['id']}")
    answer = signed_in(cast.olu).client.get(file["url"])
    assert answer.content == page
    assert answer["Content-Disposition"].startswith("attachment; filename")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Type"] == "application/octet-stream"
    assert "sandbox" in answer["Content-Security-Policy"]
    other = opened(bot)
    assert bot.get(f"tickets/{other}/files/{file['id']}").status == 404
    assert bot.get(f"tickets/{ref}/files/999999").status == 404
    assert Attachment.objects.count() == 1


# -- one, two


def test_a_ticket_goes_into_another_and_comes_out_again(bot: Caller) -> None:
    ensure_support(now=clock.now())
    one, two = opened(bot), opened(bot, subject="Same here", requester="kit@kite.org")
    merged = bot.post(f"tickets/{one}/merge", {"into": two.lower()})
    assert (merged["status"], merged["merged_into"]) == ("merged", two)
    assert {row["state"] for row in merged["clocks"]} == {"cancelled"}
    assert merged["clocks"][0]["remaining_seconds"] is None
    said = bot.get(f"tickets/{two}/messages")["results"]
    assert [row["ticket"] for row in said] == [one, two]
    assert bot.get(f"tickets/{two}")["copied"] == ["ana@bramble.org"]
    again = bot.post(f"tickets/{one}/merge", {"into": two})
    assert (again.status, again.code) == (409, "conflict")
    assert bot.post(f"tickets/{two}/merge", {"into": two}).fields == {"into"}
    apart = bot.post(f"tickets/{one}/unmerge")
    assert (apart["status"], apart["merged_into"]) == ("new", None)
    assert {row["state"] for row in apart["clocks"]} == {"running"}
    assert bot.post(f"tickets/{one}/unmerge").status == 409


def test_a_message_opens_a_ticket_of_its_own(bot: Caller) -> None:
    ref = opened(bot, files=[{"name": "a.txt", "content": "YQ=="}])
    (said,) = bot.get(f"tickets/{ref}/messages")["results"]
    body = {"message": said["id"], "subject": "And the invoice", "type": "billing"}
    fresh = bot.post(f"tickets/{ref}/split", body)
    assert (fresh.status, fresh["split_from"], fresh["type"]) == (201, ref, "billing")
    (copy,) = bot.get(f"tickets/{fresh['ref']}/messages")["results"]
    assert (copy["body"], copy["files"][0]["name"]) == ("Help", "a.txt")
    note = bot.post(f"tickets/{ref}/messages", {"body": "x", "public": False})
    refused = bot.post(f"tickets/{ref}/split", {**body, "message": note["id"]})
    assert refused.code == "not_the_requesters"
    foreign = bot.post(f"tickets/{fresh['ref']}/split", body)
    assert (foreign.status, foreign.fields) == (400, {"message"})
    for wrong, field in (({"message": "x"}, "message"), ({"subject": ""}, "subject"),
                         ({"type": "none"}, "type")):  # fmt: skip
        assert bot.post(f"tickets/{ref}/split", {**body, **wrong}).fields == {field}


# -- links


def test_links_are_made_changed_and_taken_away(bot: Caller, cast: Cast) -> None:
    incident = build.incident(by=cast.maya)
    ref = opened(bot)

    def link(**body: str) -> Any:
        return bot.post(f"tickets/{ref}/links", body)

    made = link(kind="incident", ref=incident.ref.lower(), relation="blocks")
    assert (made.status, made["ref"], made["label"]) == (201, incident.ref, incident.title)
    assert (made["relation"], made["done_at"]) == ("blocks", None)
    again = link(kind="incident", ref=incident.ref)
    assert (again["id"], again["relation"]) == (made["id"], "related")
    link(kind="vendor", ref="CASE-1", url="https://vendor.example/1", label="Case")
    rows = bot.get(f"tickets/{ref}/links")["results"]
    assert [row["kind"] for row in rows] == ["incident", "vendor"]
    assert link(kind="vendor", ref="x", url="javascript:alert(1)").fields == {"url"}
    assert link(kind="nothing", ref="x").fields == {"kind"}
    assert link(kind="ticket", ref=ref).fields == {"ref"}
    assert link(kind="incident", ref="INC-x").fields == {"ref"}
    assert bot.call("DELETE", f"tickets/{ref}/links/{made['id']}").status == 204
    assert bot.call("DELETE", f"tickets/{ref}/links/{made['id']}").status == 404
    other = opened(bot)
    assert bot.call("DELETE", f"tickets/{other}/links/{rows[1]['id']}").status == 404
    assert len(bot.get(f"tickets/{ref}/links")["results"]) == 1


# -- people


def test_escalating_wakes_the_surfaces_people_once(bot: Caller, cast: Cast) -> None:
    build.schedule(cast.ravi, cast.bea, surfaces=[Surface.objects.get()])
    ref = opened(bot)
    assert bot.post(f"tickets/{ref}/escalate", {"reason": " "}).fields == {"reason"}
    woken = bot.post(f"tickets/{ref}/escalate", {"reason": "The board meets at ten"})
    page = Page.objects.get()
    assert (woken.status, woken.body) == (
        201, {"ref": ref, "page": str(page.pk), "status": "open"},
    )  # fmt: skip
    assert bot.post(f"tickets/{ref}/escalate", {"reason": "Still"})["page"] == woken["page"]
    assert bot.get(f"tickets/{ref}")["page"] == woken["page"]
    end = {"to": "resolved", "resolution_code": "fixed", "no_reply_needed": True}
    bot.post(f"tickets/{ref}/transition", end)
    assert bot.post(f"tickets/{ref}/escalate", {"reason": "Late"}).status == 409


def test_watchers_come_and_go(bot: Caller) -> None:
    ref = opened(bot)
    made = bot.post(f"tickets/{ref}/watchers", {"person": "Sam@example.com"})
    assert (made.status, made["person"]) == (201, "sam@example.com")
    bot.post(f"tickets/{ref}/watchers", {"person": "sam@example.com"})
    assert [row["person"] for row in bot.get(f"tickets/{ref}/watchers")["results"]] == [
        "sam@example.com"
    ]
    assert bot.get(f"tickets/{ref}")["watchers"] == ["sam@example.com"]
    assert bot.post(f"tickets/{ref}/watchers", {"person": "no@one.example"}).fields == {"person"}
    assert bot.call("DELETE", f"tickets/{ref}/watchers/sam@example.com").status == 204
    assert bot.call("DELETE", f"tickets/{ref}/watchers/no@one.example").status == 404
    assert bot.get(f"tickets/{ref}/watchers")["results"] == []


def test_history_and_ratings_are_read(bot: Caller) -> None:
    ref = opened(bot)
    events = bot.get(f"tickets/{ref}/events")["results"]
    assert events[0]["what"] == "routed" and events[0]["by"] == "bot"
    assert "Ravi Rao (owner)" in events[0]["text"]
    ticket = Ticket.objects.get()
    Csat.objects.create(ticket=ticket, cycle=0, score="bad", comment="", at=clock.now())
    (row,) = bot.get(f"tickets/{ref}/csat")["results"]
    assert (row["cycle"], row["score"], row["comment"]) == (0, "bad", None)
    assert bot.post(f"tickets/{ref}/csat", {"score": "good"}).status == 405
