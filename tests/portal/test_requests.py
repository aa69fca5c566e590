"""The requester's page and the report form: what strangers may see, say and send."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from apps.core import audit
from apps.customers.models import Contact
from apps.ownership.models import Surface
from apps.portal.limits import Limit
from apps.portal.views.tickets import requests as views
from apps.support import tokens
from apps.support.models import SupportSettings, Ticket
from apps.support.services import conversation, files, lifecycle, report_form, requester, tickets
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import text_of
from tests.support import ticketkit as kit
from tests.world import World


@pytest.fixture(autouse=True)
def desk(world: World, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    world.at("2026-09-07 10:00")
    kit.desk(world.now - timedelta(days=1))
    monkeypatch.setattr(views, "LOOKS", Limit(10_000, 60))
    monkeypatch.setattr("apps.portal.views.tickets.report.LOOKS", Limit(10_000, 60))


@pytest.fixture
def one(world: World, cast: Cast) -> Ticket:
    return kit.in_state("open", world.now, cast.sam)


def _page(ticket: Ticket, contact: Contact | None = None) -> str:
    ticket.refresh_from_db()
    token = tokens.make(ticket.pk, ticket.access_version, contact.pk if contact else None)
    return f"/requests/{token}/"


# -- reading


def test_the_page_says_in_plain_words_where_it_stands(
    one: Ticket, client: Client, world: World, cast: Cast
) -> None:
    text = text_of(client.get(_page(one)))
    for words in (
        f"{one.subject} {one.ref}",
        "We are working on it",
        "You hear from us by Wed 9 Sep 12:00 at the latest",  # 18 working hours; Berlin time
        "You",
        "Sam answered",
        "We look at it.",
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("new", "We have your request"),
        ("waiting_customer", "We wait for your answer"),
        ("waiting_third_party", "We are working on it"),
        ("resolved", "We think that this is solved"),
        ("closed", "This is closed"),
    ],
)
def test_every_state_has_plain_words(
    status: str, words: str, client: Client, world: World, cast: Cast
) -> None:
    ticket = kit.in_state(status, world.now, cast.sam)
    text = text_of(client.get(_page(ticket)))
    assert words in text
    assert ("It is not solved" in text) is (status in {"resolved", "closed"})


def test_a_broken_promise_is_not_hidden(client: Client, world: World) -> None:
    ticket = kit.ticket(world.now - timedelta(days=9))
    assert "and are late. It is not forgotten." in text_of(client.get(_page(ticket)))


def test_no_internal_name_is_on_the_page(client: Client, world: World, cast: Cast) -> None:
    surface = build.surface("inspect.secret-surface", primary=cast.ravi, now=world.now)
    incident = build.incident(title="Secret incident", by=cast.maya, now=world.now)
    ticket = kit.in_state("open", world.now, cast.sam, surface=surface, tags=["secret-tag"])
    lifecycle.transition(
        ticket=ticket, verb="wait_third_party", link={"kind": "incident", "ref": incident.ref},
        expected_by=world.now + timedelta(days=1), actor=kit.by(cast.sam), now=world.now,
    )  # fmt: skip
    conversation.note(ticket=ticket, body="Secret note", actor=kit.by(cast.bea), now=world.now)
    raw = client.get(_page(ticket)).content.decode()
    for word in (
        "Sand", "secret", "Secret", "INC-", "Stale profile", "sam@example.com", "Bea", "Ravi",
        "P3", "Snowflake", 'href="/tickets',
    ):  # fmt: skip
        assert word not in raw, word
    assert Surface.objects.count() == 1


def test_a_link_leaves_no_trace(one: Ticket, client: Client) -> None:
    for address in (_page(one), "/requests/nope/", "/report/"):
        answer = client.get(address)
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer["X-Robots-Tag"]
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("token", ["nope", "a:b:c", "x" * 3000])
def test_a_link_that_is_broken_says_what_to_do(token: str, client: Client) -> None:
    answer = client.get(f"/requests/{token}/")
    assert answer.status_code == 404
    text = text_of(answer)
    assert "This link does not open" in text
    assert "Answer that mail." in text
    assert client.post(f"/requests/{token}/", {"body": "x"}).status_code == 404


def test_an_ended_link_says_so_also_to_who_posts(
    one: Ticket, client: Client, cast: Cast, world: World
) -> None:
    old = _page(one)
    requester.end_links(ticket=one, actor=kit.by(cast.sam), now=world.now)
    for answer in (client.get(old), client.post(old, {"body": "x"})):
        assert answer.status_code == 404
        assert "This link has ended." in text_of(answer)
    assert one.messages.count() == 2


def test_looking_too_often_is_slowed_down(
    one: Ticket, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "LOOKS", Limit(3, 60))
    codes = [client.get(_page(one)).status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    assert client.get(_page(one), REMOTE_ADDR="198.51.100.7").status_code == 200


def test_a_limit_counts_within_its_time_and_forgets() -> None:
    limit = Limit(2, 60)
    assert [limit.take("a", at) for at in (0, 1, 2, 61, 61.5, 62.5)] == [
        True, True, False, True, True, False,
    ]  # fmt: skip
    assert limit.take("b", 2)
    for number in range(10_001):
        limit.take(str(number), 100)
    assert len(limit._seen) == 10_000


def test_a_page_of_very_long_words_stays_small(one: Ticket, client: Client, world: World) -> None:
    for _ in range(25):
        conversation.requester_wrote(
            ticket=one, body="<&>" * 9000, contact=one.requester, actor=audit.SYSTEM, now=world.now
        )
    assert len(client.get(_page(one)).content) < 100_000


# -- saying


def test_an_answer_reaches_us_with_its_files(one: Ticket, client: Client) -> None:
    shot = SimpleUploadedFile("shot.png", b"\x89PNG")
    answer = client.post(_page(one), {"body": "Still old", "attachments": [shot]})
    assert answer.status_code == 302
    assert answer["Referrer-Policy"] == "no-referrer"
    message = one.messages.latest("pk")
    assert (message.body, message.contact, message.channel) == ("Still old", one.requester, "form")
    assert message.actor_kind == "contact"
    back = client.get(answer["Location"].partition("#")[0])
    assert "Your words have reached us." in text_of(back)
    link = re.search(r'href="(/requests/[^"]*/files/\d+/)"', back.content.decode())
    assert link is not None
    got = client.get(link[1])
    assert got.content == b"\x89PNG"
    assert got["Content-Disposition"].startswith("attachment;")
    assert got["Content-Type"] == "application/octet-stream"
    assert "sandbox" in got["Content-Security-Policy"]


def test_a_file_of_a_note_or_of_another_ticket_is_not_there(
    one: Ticket, client: Client, world: World, cast: Cast
) -> None:
    given = [files.accept(name="a.png", content=b"a")]
    note = conversation.note(
        ticket=one, body="", files_=given, actor=kit.by(cast.sam), now=world.now
    )
    other = kit.ticket(world.now, files_=given).messages.get().attachments.get()
    for pk in (note.attachments.get().pk, other.pk, 0):
        assert client.get(f"{_page(one)}files/{pk}/").status_code == 404
    assert client.get(f"/requests/nope/files/{other.pk}/").status_code == 404


def test_nothing_said_is_asked_for_and_nothing_typed_is_lost(one: Ticket, client: Client) -> None:
    answer = client.post(_page(one), {"body": " "})
    assert answer.status_code == 400
    assert "Write something" in text_of(answer)
    evil = SimpleUploadedFile("run.exe", b"MZ")
    answer = client.post(_page(one), {"body": "My words", "attachments": [evil]})
    assert answer.status_code == 400
    assert "My words</textarea>" in answer.content.decode()


def test_opening_a_link_changes_nothing(one: Ticket, client: Client, world: World) -> None:
    for address in (_page(one), f"{_page(one)}?rate=good", f"{_page(one)}?do=not_solved"):
        client.get(address)
        client.head(address)
    assert not one.csat.exists()
    assert one.messages.count() == 2
    assert client.put(_page(one)).status_code == 405


def test_not_solved_opens_it_again_and_after_closing_leads_to_the_follow_up(
    client: Client, world: World, cast: Cast
) -> None:
    solved = kit.in_state("resolved", world.now, cast.sam)
    client.post(_page(solved), {"do": "not_solved", "body": ""})
    solved.refresh_from_db()
    assert solved.status == "open"
    closed = kit.in_state("closed", world.now, cast.sam)
    answer = client.post(_page(closed), {"do": "not_solved", "body": "Again"})
    fresh = Ticket.objects.get(follows=closed)
    assert answer["Location"].startswith(_page(fresh))
    assert fresh.ref in text_of(client.get(answer["Location"].partition("#")[0]))


def test_an_opinion_is_preselected_by_the_mail_and_counts_when_sent(
    client: Client, world: World, cast: Cast
) -> None:
    ticket = kit.in_state("resolved", world.now, cast.sam)
    page = client.get(f"{_page(ticket)}?rate=bad").content.decode()
    assert re.search(r'value="bad"[^>]* checked', page)
    assert not ticket.csat.exists()
    client.post(_page(ticket), {"do": "rate", "score": "bad", "comment": "Slow"})
    assert (ticket.csat.get().score, ticket.csat.get().comment) == ("bad", "Slow")
    assert re.search(r'value="bad"[^>]* checked', client.get(_page(ticket)).content.decode())
    wrong = client.post(_page(ticket), {"do": "rate", "score": "great"})
    assert wrong.status_code == 400
    still_open = kit.in_state("open", world.now, cast.sam)
    answer = client.post(_page(still_open), {"do": "rate", "score": "good"})
    assert answer.status_code == 400
    assert "How was it?" not in text_of(client.get(_page(still_open)))


def test_many_messages_in_an_hour_wait_and_lose_nothing(
    one: Ticket, client: Client, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    monkeypatch.setattr(views, "WORDS_AN_HOUR", 3)
    codes = [client.post(_page(one), {"body": f"Word {n}"}).status_code for n in range(4)]
    assert codes == [302, 302, 429, 429]  # what opened the ticket counts, too
    answer = client.post(_page(one), {"body": "The last word"})
    assert "The last word</textarea>" in answer.content.decode()
    world.at("2026-09-07 11:30")
    assert client.post(_page(one), {"body": "The last word"}).status_code == 302


def test_who_takes_part_has_the_page_and_speaks_for_themselves(
    one: Ticket, client: Client, world: World, cast: Cast
) -> None:
    eve = build.contact("eve@rival.example", name="Eve", now=world.now)
    tickets.me_too(ticket=one, contact=eve, actor=kit.by(cast.sam), now=world.now)
    page = client.get(_page(one, eve))
    assert "weekend loads" not in text_of(page)
    client.post(_page(one, eve), {"body": "Eve's words"})
    assert one.messages.latest("pk").contact == eve
    assert "Eve's words" not in text_of(client.get(_page(one)))
    done = lifecycle.transition(
        ticket=one, verb="resolve", resolution_code="fixed", no_reply_needed=True,
        actor=kit.by(cast.sam), now=world.now,
    )  # fmt: skip
    refused = client.post(_page(done, eve), {"do": "rate", "score": "bad"})
    assert refused.status_code == 400


# -- reporting a problem

GIVEN = {
    "subject": "Old numbers",
    "body": "The board shows Friday.",
    "email": "new@orchard.example",
    "name": "Nia New",
    "type": "failed_report",
}


def _form(client: Client, query: str = "about=failed_report", path: str = "/report/") -> Any:
    return client.get(f"{path}?{query}")


def _opened(response: Any) -> str:
    found = re.search(r'name="opened" value="([^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


def _send(
    client: Client, world: World, query: str = "about=failed_report", *, wait: float = 10,
    path: str = "/report/", **values: Any,
) -> Any:  # fmt: skip
    opened = _opened(_form(client, query, path))
    world._set(world.now + timedelta(seconds=wait))
    return client.post(f"{path}?{query}", {**GIVEN, "opened": opened, **values})


def test_the_form_begins_with_what_it_is_about(client: Client) -> None:
    text = text_of(client.get("/report/"))
    assert "My profile is out of date" in text
    assert "It cost more than expected" in text
    assert "Stale profile" not in text
    text = text_of(_form(client))
    assert "Does it block your work?" in text
    assert "Diagnostic code (optional)" in text
    assert "What do you see, and what did you expect?" in text


def test_what_is_not_offered_to_customers_is_not_there(client: Client) -> None:
    from apps.support.models import RequestField, RequestType

    RequestType.objects.filter(key="billing").update(is_public=False)
    RequestField.objects.filter(key="diagnostic_code").update(is_public=False)
    assert "billing" not in text_of(client.get("/report/"))
    assert "In a few words" not in text_of(_form(client, "about=billing"))
    assert "Diagnostic code" not in text_of(_form(client))


def test_a_report_opens_a_ticket_and_its_receipt_says_by_when(client: Client, world: World) -> None:
    shot = SimpleUploadedFile("shot.png", b"\x89PNG")
    answer = _send(
        client, world, blocks="yes", attachments=[shot],
        **{"fact-report": "Quality", "fact-package_version": "2.14.0"},
    )  # fmt: skip
    assert answer.status_code == 302, text_of(answer)
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.channel, ticket.blocks_work) == ("Old numbers", "form", True)
    assert ticket.fields == {"report": "Quality", "package_version": "2.14.0"}
    assert (ticket.requester.email, ticket.requester.name) == ("new@orchard.example", "Nia New")
    assert ticket.messages.get().attachments.get().name == "shot.png"
    text = text_of(client.get(answer["Location"]))
    assert f"Its number is {ticket.ref}." in text
    assert "We answer by 12:00 UTC at the latest." in text
    assert "/requests/" not in client.get(answer["Location"]).content.decode()
    receipt = answer["Location"].rstrip("/").rpartition("/")[2]
    assert client.get(f"/requests/{receipt}/").status_code == 404
    assert kit.letters(ticket.requester)[0].what == "ticket_receipt"
    assert ticket.events.get(what="sender").subject_ref


def test_what_is_missing_is_said_and_what_is_typed_stays(client: Client, world: World) -> None:
    answer = _send(client, world, subject="", email="nobody", **{"fact-report": "Quality"})
    assert answer.status_code == 400
    raw = answer.content.decode()
    assert "The board shows Friday.</textarea>" in raw
    assert 'value="nobody"' in raw
    assert '<option value="Quality" selected>' in raw
    assert "2 things need your attention" in text_of(answer)
    assert not Ticket.objects.exists()


def test_the_same_form_sent_twice_is_one_report(client: Client, world: World) -> None:
    opened = _opened(_form(client))
    world._set(world.now + timedelta(seconds=30))
    sent = [client.post("/report/", {**GIVEN, "opened": opened}) for _ in range(3)]
    assert len({answer["Location"] for answer in sent}) == 1
    assert Ticket.objects.count() == 1


def test_a_machine_is_too_fast_and_a_person_tries_again_without_typing(
    client: Client, world: World
) -> None:
    opened = _opened(_form(client))
    answer = client.post("/report/", {**GIVEN, "opened": opened})
    assert answer.status_code == 429
    assert "That was very quick." in text_of(answer)
    assert "The board shows Friday.</textarea>" in answer.content.decode()
    world._set(world.now + timedelta(seconds=5))
    assert client.post("/report/", {**GIVEN, "opened": _opened(answer)}).status_code == 302


@pytest.mark.parametrize("days", [3, None])
def test_a_form_that_was_open_for_days_or_is_forged_is_sent_once_more(
    days: int | None, client: Client, world: World
) -> None:
    opened = _opened(_form(client)) if days else "forged"
    world._set(world.now + timedelta(days=days or 0))
    answer = client.post("/report/", {**GIVEN, "opened": opened})
    assert answer.status_code == 429
    assert "open for a long time" in text_of(answer)
    assert client.post("/report/", {**GIVEN, "opened": _opened(answer)}).status_code == 302


def test_what_no_person_sees_stays_empty(client: Client, world: World) -> None:
    answer = _send(client, world, website="https://spam.example")
    assert answer.status_code == 400
    assert "Leave the field “Website” empty." in text_of(answer)
    assert not Ticket.objects.exists()


def test_many_reports_of_one_address_or_network_wait(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_form, "PER_ADDRESS", 2)
    monkeypatch.setattr(report_form, "PER_SENDER", 3)
    assert [_send(client, world).status_code for _ in range(3)] == [302, 302, 429]
    assert _send(client, world, email="a@orchard.example").status_code == 302
    answer = _send(client, world, email="b@orchard.example")
    assert answer.status_code == 429
    assert "Many reports came from your network" in text_of(answer)
    assert "The board shows Friday.</textarea>" in answer.content.decode()
    assert Ticket.objects.count() == 3
    world._set(world.now + timedelta(hours=1, minutes=1))
    assert _send(client, world).status_code == 302


def test_a_blocked_address_and_a_closed_form_open_nothing(client: Client, world: World) -> None:
    from apps.customers import services as customers

    blocked = build.contact("bad@spam.example", now=world.now)
    customers.block_contact(contact=blocked, actor=audit.SYSTEM, now=world.now)
    assert _send(client, world, email="bad@spam.example").status_code == 409
    opened = _opened(_form(client))
    SupportSettings.objects.update(form_is_open=False)
    for path in ("/report/", "/report/embed/"):
        assert "This form is closed at the moment" in text_of(client.get(path))
        assert client.post(path, {**GIVEN, "opened": opened}).status_code == 403
    assert not Ticket.objects.exists()


# -- prefilled


def _theirs(secret: str, fields: dict[str, str]) -> str:
    """The query as a customer's product makes it, by the written description alone."""
    text = "&".join(f"{name}={quote_plus(fields[name])}" for name in sorted(fields))
    return (
        f"{text}&signature={hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"
    )


@pytest.fixture
def secret(world: World) -> str:
    return report_form.new_secret(actor=audit.SYSTEM, now=world.now)


def _fields(world: World, **more: str) -> dict[str, str]:
    expires = str(int((world.now + timedelta(hours=1)).timestamp()))
    return {"report": "Orders & more", "job": "run-7", "expires": expires, **more}


def test_signed_facts_are_shown_and_not_asked_and_kept(
    client: Client, world: World, secret: str
) -> None:
    build.org("Orchard", external_id="org-9", account=build.account("Orchard", now=world.now))
    query = _theirs(secret, _fields(world, type="failed_report", org="org-9"))
    page = _form(client, query)
    assert "Report Orders & more Job run-7" in text_of(page)
    assert 'name="fact-report"' not in page.content.decode()
    answer = _send(client, world, query, **{"fact-report": "Forged"})
    assert answer.status_code == 302, text_of(answer)
    ticket = Ticket.objects.get()
    assert ticket.fields == {"report": "Orders & more", "run_id": "run-7"}
    assert str(ticket.account) == "Orchard"
    assert str(ticket.org) == "Orchard"


def test_our_own_signature_is_the_documented_one(world: World, secret: str) -> None:
    ours = report_form.sign({"report": "Orders & more", "job": "run-7"}, world.now)
    expires = str(int((world.now + report_form.LASTS).timestamp()))
    fields = {"report": "Orders & more", "job": "run-7", "expires": expires}
    assert ours == _theirs(secret, fields)


@pytest.mark.parametrize("how", ["changed", "added", "late", "endless", "other", "cut", "long"])
def test_a_signature_that_does_not_count_makes_suggestions_of_the_facts(
    how: str, client: Client, world: World, secret: str
) -> None:
    fields = _fields(world)
    if how == "late":
        fields["expires"] = str(int(world.now.timestamp()) - 1)
    if how == "endless":
        fields["expires"] = str(int((world.now + timedelta(days=3)).timestamp()))
    if how == "long":
        fields["report"] = "x" * 400
    query = _theirs("another secret" if how == "other" else secret, fields)
    query = {
        "changed": query.replace("run-7", "run-8"),
        "added": f"org=org-9&{query}",
        "cut": query[:-1],
    }.get(how, query)
    page = _form(client, f"about=failed_report&{query}")
    assert page.status_code == 200
    assert "<dl" not in page.content.decode()
    assert "facts" in text_of(page) or "link" in text_of(page)
    assert 'name="fact-report"' in page.content.decode()


def test_what_is_not_signed_only_fills_what_is_seen(client: Client, world: World) -> None:
    query = "type=wrong_column_type&column=a.b.c&email=x@orchard.example&job=run-7&org=org-9"
    page = _form(client, query)
    assert 'name="fact-column" value="a.b.c"' in page.content.decode().replace('type="text" ', "")
    assert 'value="x@orchard.example"' in page.content.decode()
    assert "run-7" not in re.sub(r'action="[^"]*"', "", page.content.decode())
    answer = _send(client, world, query, type="wrong_column_type")
    assert answer.status_code == 302
    assert Ticket.objects.get().fields == {}


def test_a_new_secret_ends_the_links_of_the_old_one(
    client: Client, world: World, secret: str
) -> None:
    query = _theirs(secret, _fields(world))
    assert "could not be checked" not in text_of(_form(client, query))
    report_form.new_secret(actor=audit.SYSTEM, now=world.now)
    assert "could not be checked" in text_of(_form(client, query))
    assert secret not in SupportSettings.objects.get().form_secret_sealed


def test_the_example_of_the_docs_makes_a_link_that_counts(
    client: Client, world: World, secret: str
) -> None:
    text = (Path(settings.BASE_DIR) / "docs/integrations.md").read_text()
    example = text.partition("## The report form")[2].partition("```python")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - our own page
    link = names["report_link"](
        "https://ops.example.org", secret, report="Orders & ä", job="run-7", type="failed_report"
    )
    path = link.removeprefix("https://ops.example.org")
    text = text_of(client.get(path))
    assert "Report Orders & ä Job run-7" in text
    assert "A report cannot be made" in text


# -- in a frame


def test_only_the_embedded_form_may_be_framed_and_only_where_it_is_allowed(
    client: Client, world: World
) -> None:
    with override_settings(REPORT_FRAME_ANCESTORS=["https://inspect.example.com"]):
        answer = _send(client, world, path="/report/embed/")
        for address in ("/report/embed/", answer["Location"]):
            framed = client.get(address)
            assert (
                "frame-ancestors https://inspect.example.com" in framed["Content-Security-Policy"]
            )
            assert "X-Frame-Options" not in framed
        sent = text_of(client.get(answer["Location"]))
        assert "Thank you, it has reached us" in sent
        for address in ("/report/", answer["Location"].replace("/embed", "")):
            assert client.get(address)["X-Frame-Options"] == "DENY"
    closed = client.get("/report/embed/")
    assert "frame-ancestors 'none'" in closed["Content-Security-Policy"]
    assert closed["X-Frame-Options"] == "DENY"
    assert "plain-head" not in closed.content.decode()


def test_a_frame_needs_no_cookie(world: World) -> None:
    strict = Client(enforce_csrf_checks=True)
    opened = _opened(_form(strict, path="/report/embed/"))
    strict.cookies.clear()
    world._set(world.now + timedelta(seconds=30))
    answer = strict.post(
        "/report/embed/?about=failed_report", {**GIVEN, "opened": opened},
        headers={"Origin": "null"},
    )  # fmt: skip
    assert answer.status_code == 302
    token = tokens.make(Ticket.objects.get().pk, 1)
    said = strict.post(f"/requests/{token}/", {"body": "And"}, headers={"Origin": "null"})
    assert said.status_code == 302
