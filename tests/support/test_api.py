"""Tickets over the API: opened, read, changed, moved."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.customers.models import Contact
from apps.support.models import Queue, RequestType, Ticket
from apps.support.seeds import ensure_support
from apps.support.services import tickets as rows
from tests import builders as build
from tests.calls import Caller, nobody, signed_in, tool
from tests.conftest import Cast
from tests.support.desk import bare_desk

pytestmark = pytest.mark.django_db
SCOPES = ("tickets:read", "tickets:write")


MONDAY = datetime.fromisoformat("2026-11-16T10:00:00+00:00")


@pytest.fixture(autouse=True)
def desk(cast: Cast) -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        bare_desk(build.surface("inspect.profiler", primary=cast.ravi, backup=cast.bea))
        yield


@pytest.fixture
def promised(desk: None) -> None:
    """What a new site promises, too."""
    ensure_support(now=clock.now())


@pytest.fixture
def bot() -> Caller:
    return tool(*SCOPES, name="bot")


def opened(caller: Caller, **more: Any) -> Any:
    """A stale profile that Ana reported."""
    body = {"subject": "Profile is old", "type": "stale_profile",
            "requester": "ana@bramble.example", **more}  # fmt: skip
    reply = caller.post("tickets", body)
    assert reply.status == 201, reply.body
    return reply


# -- opening


def test_a_ticket_is_opened_and_shown_in_one_shape(bot: Caller) -> None:
    made = opened(
        bot, requester="Ana Ruiz <Ana@Bramble.example>", body="Since *Tuesday*.",
        fields={"warehouse_type": "Snowflake", "rows": 12, "seen": True, "empty": None},
        tags=["EU", "eu", "#vip"], status="closed", id=7, version=99, sla_state="met",
    )  # fmt: skip
    ticket = Ticket.objects.get()
    assert made["ref"] == made["id"] == ticket.ref
    assert (made["status"], made["priority"], made["version"]) == ("new", "P3", ticket.version)
    assert (made["type"], made["queue"]) == ("stale_profile", "support")
    assert (made["surface"], made["owner"]) == ("inspect.profiler", "ravi@example.com")
    assert (made["requester"], made["channel"]) == ("ana@bramble.example", "api")
    assert made["fields"] == {"warehouse_type": "Snowflake", "rows": "12", "seen": "yes"}
    assert (made["tags"], made["account"], made["links"]) == (["eu", "vip"], None, [])
    assert Contact.objects.get().name == "Ana Ruiz"
    assert bot.get(f"tickets/{made['ref']}").body == made.body
    assert bot.get(f"tickets/{made['ref'].lower()}").status == 200
    (row,) = bot.get("tickets")["results"]
    assert row == {name: made[name] for name in row}
    (said,) = bot.get(f"tickets/{made['ref']}/messages")["results"]
    assert (said["author"], said["body"], said["contact"]) == (
        "requester", "Since *Tuesday*.", "ana@bramble.example",
    )  # fmt: skip


@pytest.mark.usefixtures("promised")
def test_the_clocks_say_what_was_promised(bot: Caller) -> None:
    made = opened(bot)
    clocks = {row["metric"]: row for row in made["clocks"]}
    assert set(clocks) == {"triage", "first_reply", "resolution"}
    first = clocks["first_reply"]
    assert (first["state"], first["target_seconds"]) == ("running", 8 * 3600)
    assert first["due_at"].endswith("Z") and first["breached_at"] is None
    assert first["remaining_seconds"] == first["target_seconds"]
    assert made["sla"]["state"] == "running" and made["sla"]["metric"] == "triage"


@pytest.mark.usefixtures("promised")
def test_a_clock_says_how_late_it_is_and_what_it_took(bot: Caller) -> None:
    ref = opened(bot, impact="high", urgency="high")["ref"]
    now = clock.now() + timedelta(hours=1)
    with time_machine.travel(now, tick=False):
        clocks = {row["metric"]: row for row in bot.get(f"tickets/{ref}")["clocks"]}
    assert -2710 < clocks["triage"]["remaining_seconds"] <= -2700  # 15 min, at all hours
    bot.post(f"tickets/{ref}/messages", {"body": "We look.", "public": True})
    clocks = {row["metric"]: row for row in bot.get(f"tickets/{ref}")["clocks"]}
    assert clocks["first_reply"]["state"] == "met"
    assert clocks["first_reply"]["remaining_seconds"] is None
    assert clocks["first_reply"]["worked_seconds"] is not None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"subject": ""}, "subject"),
    ({"subject": "x" * 201}, "subject"),
    ({"subject": None}, "subject"),
    ({"type": "nothing"}, "type"),
    ({"type": ["other"]}, "type"),
    ({"requester": "no address"}, "requester"),
    ({"requester": ""}, "requester"),
    ({"impact": "extreme"}, "impact"),
    ({"urgency": 3}, "urgency"),
    ({"priority": "P0"}, "priority"),
    ({"priority": "P1"}, "priority_reason"),
    ({"surface": "nothing"}, "surface"),
    ({"queue": "nothing"}, "queue"),
    ({"owner": "olu@elsewhere.example"}, "owner"),
    ({"kind": "joke"}, "kind"),
    ({"channel": "import"}, "channel"),
    ({"fields": ["a"]}, "fields"),
    ({"fields": {"a": {"b": 1}}}, "fields.a"),
    ({"fields": {"a": "x" * 2001}}, "fields"),
    ({"fields": {str(n): "x" for n in range(41)}}, "fields"),
    ({"tags": "eu"}, "tags"),
    ({"tags": ["x" * 41]}, "tags[0]"),
    ({"tags": [str(n) for n in range(21)]}, "tags"),
    ({"connection": "7"}, "connection"),
    ({"body": "x" * 200_001}, "body"),
    ({"files": [{"name": "a.txt", "content": "%%"}]}, "files[0].content"),
    ({"files": [{"name": "a.exe", "content": "YQ=="}]}, "files"),
    ({"files": [{"name": "a.txt", "content": "YQ=="}] * 11}, "files"),
    ({"answered": "perhaps"}, "answered"),
]


def test_a_ticket_that_makes_no_sense_is_refused_whole(bot: Caller) -> None:
    for changes, field in WRONG:
        body = {"subject": "x", "type": "other", "requester": "ana@bramble.example", **changes}
        reply = bot.post("tickets", body)
        assert (reply.status, reply.fields) == (400, {field}), (str(changes)[:80], reply.body)
    assert not Ticket.objects.exists() and not Contact.objects.exists()


def test_a_body_that_is_too_long_is_told_the_limit(bot: Caller) -> None:
    reply = bot.post("tickets", {"subject": "x", "type": "other", "requester": "a@b.example",
                                 "body": "x" * 200_001})  # fmt: skip
    assert "200,000 characters" in reply["detail"]


def test_poison_is_refused_and_nothing_is_kept(bot: Caller) -> None:
    for text in ("a\\u0000b", "a\\ud800b"):
        raw = f'{{"subject": "{text}", "type": "other", "requester": "a@b.example"}}'.encode()
        assert bot.post("tickets", raw).status == 400
        raw = f'{{"subject": "x", "type": "other", "requester": "{text}@b.example"}}'.encode()
        assert bot.post("tickets", raw).status == 400
    assert not Ticket.objects.exists()


def test_a_retry_opens_one_ticket(bot: Caller) -> None:
    body = {"subject": "x", "type": "other", "requester": "ana@bramble.example"}
    first = bot.post("tickets", body, Idempotency_Key="a")
    again = bot.post("tickets", body, Idempotency_Key="a")
    assert (first.body, again.status) == (again.body, 201)
    assert again.headers["Idempotent-Replay"] == "true"
    assert Ticket.objects.count() == 1


@pytest.mark.usefixtures("promised")
def test_what_a_tool_says_outweighs_what_the_type_does(bot: Caller, cast: Cast) -> None:
    Queue.objects.create(key="money", name="Money")
    build.surface("billing.api", primary=cast.bea)
    link = build.connection()
    made = opened(
        bot, surface="billing.api", queue="money", owner="sam@example.com", impact="high",
        urgency="high", priority="P2", priority_reason="One customer only.", kind="drill",
        channel="phone", answered=True, blocks_work=True, connection=str(link.pk),
        files=[{"name": "../run.log", "content": b64encode(b"boom").decode()}], body="Look.",
    )  # fmt: skip
    assert (made["surface"], made["queue"], made["owner"]) == (
        "billing.api", "money", "sam@example.com",
    )  # fmt: skip
    assert (made["priority"], made["priority_reason"]) == ("P2", "One customer only.")
    assert (made["kind"], made["channel"], made["blocks_work"]) == ("drill", "phone", True)
    assert made["connection"] == str(link.pk)
    assert {c["metric"]: c["state"] for c in made["clocks"]}["first_reply"] == "met"


# -- who may


def test_a_key_needs_the_scope_and_a_person_the_grant(cast: Cast, bot: Caller) -> None:
    ref = opened(bot)["ref"]
    reader = tool("tickets:read")
    assert nobody().get("tickets").status == 401
    assert tool("incidents:read").get("tickets").status == 403
    assert reader.get(f"tickets/{ref}").status == 200
    assert reader.post("tickets", {"subject": "x"}).status == 403
    assert reader.patch(f"tickets/{ref}", {"subject": "x"}).status == 403
    assert signed_in(cast.olu).get(f"tickets/{ref}").status == 200
    sam = signed_in(cast.sam)
    sam.client.cookies["csrftoken"] = token = "a" * 32
    reply = sam.patch(f"tickets/{ref}", {"subject": "By Sam"}, X_CSRFToken=token)
    assert (reply.status, reply["subject"]) == (200, "By Sam")


PATHS = (
    *("", "/messages", "/links", "/links/1", "/watchers", "/watchers/a@b.example", "/events"),
    *("/csat", "/files/1", "/transition", "/merge", "/unmerge", "/split", "/escalate"),
)


def test_a_ticket_of_anothers_surface_or_private_queue_is_not_there(
    bot: Caller, cast: Cast
) -> None:
    theirs = build.team("billing", members=[cast.bea])
    build.surface("billing.api", team=theirs)
    Queue.objects.create(key="hush", name="Hush", team=theirs, is_private=True)
    foreign = opened(bot, surface="billing.api")["ref"]
    hidden = opened(tool("admin"), queue="hush", type="other")["ref"]
    team = build.team("inspect")
    mine = tool(*SCOPES, team=team)
    for ref in (foreign, hidden):
        for path in PATHS:
            for method in ("GET", "POST", "PATCH", "DELETE"):
                body = {"to": "resolved", "body": "x", "public": True, "into": ref}
                status = mine.call(method, f"tickets/{ref}{path}", body).status
                assert status in (404, 405), (ref, method, path, status)
    for key in (mine, tool("admin", team=team)):
        assert (
            key.get("tickets")["results"] == key.get("tickets", {"q": "profile"})["results"] == []
        )
        assert [row["key"] for row in key.get("queues")["results"]] == ["support"]
        assert key.get(f"tickets/{hidden}").status == 404
    theirs_too = tool("admin", team=theirs)
    assert theirs_too.get(f"tickets/{hidden}").status == 200
    assert signed_in(cast.ravi).get(f"tickets/{hidden}").status == 404
    assert signed_in(cast.bea).get(f"tickets/{hidden}").status == 200
    assert Ticket.objects.filter(status="new").count() == 2


def test_nothing_that_is_hidden_can_be_named_in_a_body(bot: Caller, cast: Cast) -> None:
    theirs = build.team("billing", members=[cast.bea])
    Queue.objects.create(key="hush", name="Hush", team=theirs, is_private=True)
    hidden = opened(tool("admin"), queue="hush", type="other")["ref"]
    hush = build.incident(title="Hush", visibility="restricted", by=cast.maya)
    ref = opened(bot)["ref"]
    assert bot.patch(f"tickets/{ref}", {"queue": "hush"}).fields == {"queue"}
    assert bot.post(f"tickets/{ref}/merge", {"into": hidden}).fields == {"into"}
    for kind, name in (("incident", hush.ref), ("ticket", hidden)):
        gone = name[:4] + "987654"
        seen = bot.post(f"tickets/{ref}/links", {"kind": kind, "ref": name})
        absent = bot.post(f"tickets/{ref}/links", {"kind": kind, "ref": gone})
        assert (seen.status, seen.fields) == (absent.status, absent.fields) == (400, {"ref"})
    body = {"to": "waiting_third_party", "link": {"kind": "incident", "ref": hush.ref},
            "expected_by": "2199-01-01T00:00:00Z"}  # fmt: skip
    assert bot.post(f"tickets/{ref}/transition", body).fields == {"link"}
    assert bot.post(f"tickets/{hidden}/watchers", {"person": "sam@example.com"}).status == 404
    told = tool("admin").post(f"tickets/{hidden}/watchers", {"person": "sam@example.com"})
    assert told.fields == {"person"}


def test_a_reference_that_is_none_is_not_found(bot: Caller) -> None:
    for ref in ("7", "TCK-", "TCK-x", "TCK-99999999999999999999", "INC-1", "%00"):
        said = bot.post(f"tickets/{ref}/messages", {"body": "x", "public": True}).status
        assert {bot.get(f"tickets/{ref}").status, said} <= {400, 404}, ref


# -- the list


@pytest.mark.usefixtures("promised")
def test_the_list_is_filtered(bot: Caller, cast: Cast) -> None:
    account = build.account("Bramble", domain="bramble.example")
    one = opened(bot, tags=["eu"], impact="high", urgency="high", body="zebra crossing")
    two = opened(bot, type="other", requester="kit@kite.example", owner="sam@example.com")
    three = opened(bot, type="other", requester="kit@kite.example", kind="drill")
    Ticket.objects.filter(pk=int(three["ref"][4:])).update(owner=None)

    def refs(**query: str) -> list[str]:
        reply = bot.get("tickets", query)
        assert reply.status == 200, reply.body
        return [row["ref"] for row in reply["results"]]

    a, b, c = one["ref"], two["ref"], three["ref"]
    assert refs() == [c, b, a]
    assert refs(status="new,open") == [c, b, a] and refs(status="closed") == []
    assert refs(priority="P1") == [a] and refs(priority="P1,P4") == [c, b, a]
    assert refs(queue="support") == [c, b, a] and refs(queue="nothing") == []
    assert refs(type="stale_profile") == refs(surface="inspect.profiler") == [a]
    assert refs(owner="SAM@example.com") == [b] and refs(owner="none") == [c]
    assert refs(requester="Kit@kite.example") == [c, b]
    assert refs(account=account.key) == [a]
    assert refs(tag="EU") == [a] and refs(kind="drill") == [c]
    assert refs(sla="running") == [c, b, a] and refs(sla="breached") == []
    assert refs(q="zebra") == [a] and refs(q=b) == [b] and refs(q="nothing at all") == []
    now = clock.now()
    assert refs(created_since=(now - timedelta(hours=1)).isoformat()) == [c, b, a]
    assert refs(created_until=(now - timedelta(hours=1)).isoformat()) == []
    assert refs(updated_since=(now + timedelta(hours=1)).isoformat()) == []


def test_pages_follow_each_other(bot: Caller) -> None:
    made = [opened(bot, subject=f"No {n}")["ref"] for n in range(5)]
    seen, path = [], "tickets?limit=2"
    while path:
        page = bot.get(path)
        seen += [row["ref"] for row in page["results"]]
        path = (page["next"] or "").removeprefix("http://testserver")
    assert seen == made[::-1]


def test_a_filter_that_makes_no_sense_is_refused(bot: Caller) -> None:
    for name, value in (
        ("status", "lost"), ("priority", "P9"), ("kind", "joke"), ("sla", "late"),
        ("nothing", "1"), ("created_since", "yesterday"), ("limit", "0"), ("cursor", "x"),
    ):  # fmt: skip
        reply = bot.get("tickets", {name: value})
        assert (reply.status, reply.fields) == (400, {name}), reply.body


def test_a_list_costs_the_same_for_one_and_for_many(bot: Caller, cast: Cast) -> None:
    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            assert bot.get(path).status == 200
        return len(caught)

    ref = _busy(bot, "1")
    below = [f"tickets/{ref}/{name}" for name in ("messages", "events", "links", "watchers")]
    paths = ["tickets", "request-types", "queues", "macros", f"tickets/{ref}", *below]
    few = {path: cost(path) for path in paths}
    for number in range(3):
        _busy(bot, f"2{number}")
    for number in range(4):
        bot.post(f"tickets/{ref}/messages", {"body": "x", "public": True, "files": [
            {"name": "a.txt", "content": b64encode(str(number).encode()).decode()}
        ]})  # fmt: skip
        bot.post(f"tickets/{ref}/links", {"kind": "vendor", "ref": f"CASE-{number}"})
    assert {p: (few[p], cost(p)) for p in paths if cost(p) > few[p]} == {}
    assert max(few.values()) <= 14, few


def _busy(bot: Caller, mark: str) -> str:
    build.account(f"Bramble {mark}", domain=f"b{mark}.example")
    ref = opened(bot, requester=f"ana@b{mark}.example", body="x")["ref"]
    bot.post(f"tickets/{ref}/links", {"kind": "url", "ref": f"https://x.example/{mark}"})
    bot.post(f"tickets/{ref}/watchers", {"person": "sam@example.com"})
    bot.post(f"tickets/{ref}/messages", {"body": "hm", "public": False, "files": [
        {"name": "a.txt", "content": "YQ=="}
    ]})  # fmt: skip
    return str(ref)


# -- changing


@pytest.mark.usefixtures("promised")
def test_a_ticket_is_changed_as_a_whole(bot: Caller, cast: Cast) -> None:
    build.surface("billing.api", primary=cast.bea)
    ref = opened(bot, tags=["eu"])["ref"]
    done = bot.patch(f"tickets/{ref}", {
        "subject": "Two profiles are old", "type": "billing", "impact": "high",
        "urgency": "high", "surface": "billing.api", "owner": "sam@example.com",
        "tags": ["vip"], "fields": {"invoice": "F-1"}, "status": "closed", "requester": "x",
    })  # fmt: skip
    assert (done.status, done["subject"], done["type"]) == (200, "Two profiles are old", "billing")
    assert (done["priority"], done["surface"], done["owner"]) == (
        "P1", "billing.api", "sam@example.com",
    )  # fmt: skip
    assert (done["tags"], done["fields"], done["status"]) == (["vip"], {"invoice": "F-1"}, "new")
    assert done["requester"] == "ana@bramble.example"
    targets = {row["metric"]: row["target_seconds"] for row in done["clocks"]}
    assert targets["first_reply"] == 1800
    freed = bot.patch(f"tickets/{ref}", {"owner": None})
    assert (freed.status, freed["owner"]) == (200, None)
    assert bot.patch(f"tickets/{ref}", {}).body["version"] == freed["version"]


def test_a_change_that_is_refused_leaves_everything_as_it_was(bot: Caller) -> None:
    before = opened(bot)
    ref = before["ref"]
    reply = bot.patch(f"tickets/{ref}", {"subject": "Other", "priority": "P1"})
    assert (reply.status, reply.fields, reply.code) == (400, {"priority_reason"}, "reason_missing")
    for wrong in ({"subject": ""}, {"tags": [1] * 30}, {"type": "x"}, {"surface": None}):
        assert bot.patch(f"tickets/{ref}", wrong).status == 400, wrong
    assert bot.get(f"tickets/{ref}").body == before.body
    done = bot.patch(f"tickets/{ref}", {"priority": "P1", "priority_reason": "Board meeting"})
    assert (done["priority"], done["priority_reason"]) == ("P1", "Board meeting")


def test_a_change_of_what_was_read_before_is_refused_as_stale(bot: Caller) -> None:
    made = opened(bot)
    first = bot.patch(f"tickets/{made['ref']}", {"subject": "A", "version": made["version"]})
    second = bot.patch(f"tickets/{made['ref']}", {"subject": "B", "version": made["version"]})
    assert (first.status, second.status, second.code) == (200, 409, "stale")
    assert Ticket.objects.get().subject == "A"


# -- moving


def test_a_ticket_goes_its_way_and_no_other(bot: Caller) -> None:
    ref = opened(bot, body="Help")["ref"]

    def step(to: str, **more: Any) -> Any:
        return bot.post(f"tickets/{ref}/transition", {"to": to, **more})

    assert (step("closed").status, step("closed").code) == (409, "illegal_transition")
    assert step("merged").fields == step("nowhere").fields == {"to"}
    assert step("open")["status"] == "open"
    assert step("waiting_customer").code == "message_missing"
    assert step("waiting_third_party").fields == {"link", "expected_by"}
    assert step("resolved").fields == {"resolution_code"}
    assert step("resolved", resolution_code="fixed").fields == {"no_reply_needed"}
    done = step("resolved", resolution_code="fixed", no_reply_needed=True, note="by itself")
    assert (done["status"], done["resolution_code"]) == ("resolved", "fixed")
    assert done["next_states"] == ["closed", "open", "spam"]
    assert step("open")["reopened_count"] == 1
    texts = [row["text"] for row in bot.get(f"tickets/{ref}/events")["results"]]
    assert "Open → Resolved: by itself" in texts


@pytest.mark.usefixtures("promised")
def test_a_new_ticket_is_accepted_for_somebody(bot: Caller) -> None:
    ref = opened(bot, type="other")["ref"]
    assert bot.get(f"tickets/{ref}")["owner"] is None
    reply = bot.post(f"tickets/{ref}/transition", {"to": "open"})
    assert (reply.status, reply.fields) == (400, {"owner"})
    done = bot.post(f"tickets/{ref}/transition", {"to": "open", "owner": "sam@example.com"})
    assert (done["status"], done["owner"]) == ("open", "sam@example.com")
    assert {c["metric"]: c["state"] for c in done["clocks"]}["triage"] == "met"


def test_what_it_waits_for_blocks_it(bot: Caller, cast: Cast) -> None:
    incident = build.incident(by=cast.maya)
    ref = opened(bot)["ref"]
    when = (clock.now() + timedelta(days=2)).isoformat()
    link = {"kind": "incident", "ref": incident.ref}
    move = {"to": "waiting_third_party", "link": link, "expected_by": when}
    done = bot.post(f"tickets/{ref}/transition", move)
    assert (done["status"], done["links"][0]["ref"]) == ("waiting_third_party", incident.ref)
    assert done["blockers"] == [
        {"to": "resolved", "reason": f"Incident {incident.ref} is not done."}
    ]
    end = {"to": "resolved", "resolution_code": "fixed", "no_reply_needed": True}
    held = bot.post(f"tickets/{ref}/transition", end)
    assert (held.status, held.code, held.fields) == (409, "blocked", {"blockers"})
    assert incident.ref in held["errors"][0]["message"]
    freed = bot.post(f"tickets/{ref}/transition", {**end, "override_blocking": True})
    assert freed["status"] == "resolved"


def test_setup_is_read_with_its_fields(bot: Caller) -> None:
    RequestType.objects.all().delete()
    ensure_support(now=clock.now())
    types = bot.get("request-types")["results"]
    assert [row["key"] for row in types][:2] == ["stale_profile", "wrong_column_type"]
    assert len(types) == 8
    one = bot.get("request-types/stale_profile")
    assert (one["queue"], one["surface"], one["impact"]) == (
        "support", "inspect.profiler", "medium",
    )  # fmt: skip
    fields = {row["key"]: row for row in one["fields"]}
    assert "Snowflake" in fields["warehouse_type"]["choices"]
    assert bot.get("request-types/nothing").status == 404
    assert bot.post("request-types", {"key": "x"}).status == 405
    RequestType.objects.filter(key="other").update(is_public=False)
    public = bot.get("request-types", {"public": "true"})["results"]
    assert "other" not in [row["key"] for row in public] and len(public) == 7
    assert bot.get("macros")["results"] == []
    assert rows.MAX_BODY == 200_000
