"""The public status page as visitors find it: in memory, without what is internal, followed."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from apps.core import clock
from apps.incidents.admin import components as component_admin
from apps.incidents.models import Audience, Component, Incident, StatusUpdate, Subscription
from apps.incidents.selectors import status as selectors
from apps.incidents.services import status as services
from apps.notifications.models import Message
from apps.portal import statusboard
from apps.portal.limits import Limit
from apps.portal.statusboard import Board, board
from apps.portal.views import status_follow
from tests.adminkit import fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

HOUR = timedelta(hours=1)
FEEDS = ("summary", "status", "components", "incidents", "scheduled-maintenances")
API = [f"/status/api/v2/{one}.json" for one in FEEDS]


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No page and no counts of the tests before."""
    monkeypatch.setattr(status_follow, "ASKS", Limit(20, 3600))
    monkeypatch.setattr(status_follow, "LOOKS", Limit(120, 60))
    board.forget()
    yield
    board.forget()


def part(key: str = "reports", **more: Any) -> Component:
    started = (clock.now() - timedelta(days=200)).date()
    return Component.objects.create(
        **{"key": key, "name": key.title(), "started_on": started} | more
    )


def incident(subject: str = "Reports are slow", **more: Any) -> Incident:
    now = clock.now()
    wanted = {"title": "internal words", "severity": "SEV2", "status": "investigating",
              "detected_at": now - 2 * HOUR, **more}  # fmt: skip
    row = Incident.objects.create(**wanted)
    say(row, subject)
    return row


def say(row: Incident, subject: str, **more: Any) -> StatusUpdate:
    public, _ = Audience.objects.update_or_create(
        key="public",
        defaults={"name": "Public", "side": "public", "on_status_page": True,
                  "to_subscribers": True},
    )  # fmt: skip
    now = clock.now()
    wanted = {
        "subject": subject, "body": "We look into it.", "status": "published",
        "published_at": now, "incident_status": "investigating", "created_at": now,
        "changed_at": now, **more,
    }  # fmt: skip
    return StatusUpdate.objects.create(incident=row, audience=public, **wanted)


def test_a_page_without_anything_says_so_and_works(db: None, client: Client) -> None:
    page = text_of(client.get("/status/"))
    assert "Everything is working" in page
    assert "No part of the product is shown here yet." in page
    for path in ("/status/history/", "/status/atom", *API):
        assert client.get(path).status_code == 200


def test_several_incidents_stand_with_their_parts_and_next_updates(
    db: None, client: Client
) -> None:
    part()
    part("billing")
    one, other = incident(), incident("Invoices are late")
    services.set_states(incident=one, states={"reports": "partial_outage"}, now=clock.now())
    services.set_states(incident=other, states={"billing": "major_outage"}, now=clock.now())
    say(other, "Still late", next_update_at=clock.now() + HOUR)
    page = text_of(client.get("/status/"))
    for words in ("Some parts are down", "Reports are slow", "Invoices are late", "Partly down",
                  "Next update by", "trouble on 1 day"):  # fmt: skip
        assert words in page
    assert "internal words" not in page
    assert "Still late" in text_of(client.get(f"/status/incidents/{other.ref}/"))


def test_html_in_an_update_is_words_and_never_markup(db: None, client: Client) -> None:
    row = incident("<img src=x onerror=alert(1)>")
    say(row, "<script>alert(1)</script>", body="<script>alert(2)</script> [x](javascript:alert(3))")
    for path in ("/status/", f"/status/incidents/{row.ref}/", "/status/history/"):
        html = client.get(path).content.decode()
        assert "alert(1)</script>" not in html
        assert "<img src=x" not in html
        assert "<script>alert" not in html
        assert 'href="javascript' not in html


def test_an_incident_that_is_not_public_answers_like_one_that_never_was(
    db: None, client: Client
) -> None:
    hidden = incident(visibility="restricted")
    drill = incident(kind="drill")
    for ref in (hidden.ref, drill.ref, "INC-999999", "x", "INC-1%00"):
        assert client.get(f"/status/incidents/{ref}/").status_code == 404


def test_a_merged_incident_leads_to_the_one_it_went_into(db: None, client: Client) -> None:
    survivor = incident()
    child = incident("Tiles do not load", status="merged", merged_into=survivor)
    answer = client.get(f"/status/incidents/{child.ref}/")
    assert (answer.status_code, answer["Location"]) == (302, f"/status/incidents/{survivor.ref}/")


# -- a crowd costs nothing


def test_a_crowd_asks_the_database_nothing(
    db: None, client: Client, django_assert_num_queries: Any
) -> None:
    row = incident()
    paths = ["/status/", "/status/history/", "/status/atom", f"/status/incidents/{row.ref}/",
             "/status/incidents/INC-999999/", *API]  # fmt: skip
    for path in paths:
        client.get(path)
    with django_assert_num_queries(0):
        for _ in range(5):
            for path in paths:
                client.get(path)


def test_a_visitor_with_any_cookie_costs_nothing_either(
    cast: Cast, client: Client, django_assert_num_queries: Any
) -> None:
    ravi = sign_in(cast.ravi)
    client.cookies["sessionid"] = "a" * 32
    client.get("/status/")
    with django_assert_num_queries(0):
        for visitor in (client, ravi):
            assert "Cookie" not in visitor.get("/status/")["Vary"]


def test_while_nothing_changes_a_look_is_one_query_and_the_bytes_stay(
    db: None, django_assert_num_queries: Any
) -> None:
    incident()
    eager = Board(every=0)
    first = eager.current()
    with django_assert_num_queries(1):
        assert eager.current() is first


def test_what_is_published_shows_at_the_next_look(db: None) -> None:
    row = incident()
    eager = Board(every=0)
    assert len(eager.current().page.incidents[0].updates) == 1
    say(row, "Better")
    assert len(eager.current().page.incidents[0].updates) == 2


def test_one_thread_looks_and_the_others_get_the_page_that_stands(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    eager = Board(every=0)
    old = eager.current()
    looking, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        looking.set()
        assert go_on.wait(10)
        return old.version

    monkeypatch.setattr(selectors, "version", slow)
    one = threading.Thread(target=eager.current)
    one.start()
    assert looking.wait(10)
    assert [eager.current() for _ in range(50)] == [old] * 50  # nobody waits
    go_on.set()
    one.join(10)
    assert not one.is_alive()


def test_the_page_stays_up_while_the_database_is_away(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident()
    eager = Board(every=0)
    shown = eager.current()

    def away() -> str:
        raise OperationalError("gone")

    monkeypatch.setattr(selectors, "version", away)
    assert eager.current() is shown
    with pytest.raises(OperationalError):
        Board(every=0).current()


def test_a_reader_who_has_it_gets_nothing_and_others_get_it_packed(
    db: None, client: Client
) -> None:
    part()
    plain = client.get("/status/")
    packed = client.get("/status/", headers={"accept-encoding": "gzip, br"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    for known in (plain["ETag"], "*", f'"x", {plain["ETag"]}'):
        again = client.get("/status/", headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again["Cache-Control"].startswith("public, max-age=3")
    assert client.get("/status/", headers={"if-none-match": '"other"'}).status_code == 200


def test_widgets_of_other_sites_may_read_the_json(db: None, client: Client) -> None:
    answer = client.get("/status/api/v2/summary.json")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert json.loads(answer.content)["status"]["indicator"] == "none"
    assert client.get("/status/api/v2/nothing.json").status_code == 404


def test_whoever_is_lost_outside_is_led_back_to_the_status_page(db: None, client: Client) -> None:
    body = client.get("/status/nothing/").content.decode()
    assert 'href="/status/">See how it is now' in body
    assert "Search instead" not in body
    assert "Go to Now" in client.get("/nothing/").content.decode()
    assert client.post("/status/").status_code == 405


def test_a_moment_after_the_look_nobody_looks_again(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = Board(every=3)
    shown = calm.current()
    monkeypatch.setattr(selectors, "version", lambda: pytest.fail("asked"))
    assert calm.current() is shown
    later = statusboard.time.monotonic() + 4
    monkeypatch.setattr(statusboard.time, "monotonic", lambda: later)
    with pytest.raises(pytest.fail.Exception, match="asked"):
        calm.current()


# -- following


def token(what: str, way: str) -> str:
    found = re.search(rf"/status/{way}/(\S+)", Message.objects.filter(what=what).latest("pk").body)
    assert found is not None
    return found[1]


def test_somebody_follows_says_yes_and_leaves(db: None, client: Client) -> None:
    part()
    given = {"address": "ana@bramble.example", "components": ["reports"]}
    answer = client.post("/status/subscribe", given, follow=True)
    assert "Look into your mailbox" in text_of(answer)
    confirm = f"/status/confirm/{token('status_ask', 'confirm')}"
    assert "Only about Reports" in text_of(client.get(confirm))
    assert not Subscription.objects.filter(
        confirmed_at__isnull=False
    ).exists()  # a GET does nothing
    page = client.post(confirm)
    assert "You get updates from now on" in text_of(page)
    leave = re.search(r'href="(/status/unsubscribe/[^"]+)"', page.content.decode())
    assert leave is not None
    assert "Stop updates to" in text_of(client.get(leave[1]))
    assert Subscription.objects.get().ended_at is None
    strict = Client(enforce_csrf_checks=True)  # as a mail program does it
    assert strict.post(leave[1], {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Subscription.objects.get().ended_at is not None


def test_the_answer_says_nothing_of_who_follows(db: None, client: Client) -> None:
    def answer(address: str) -> tuple[int, str]:
        found = client.post("/status/subscribe", {"address": address}, follow=True)
        return found.status_code, text_of(found)

    first = answer("ana@bramble.example")
    client.post(f"/status/confirm/{token('status_ask', 'confirm')}")
    assert answer("ana@bramble.example") == answer("bob@bramble.example") == first


def test_these_pages_leave_no_trace(db: None, client: Client) -> None:
    client.post("/status/subscribe", {"address": "ana@bramble.example"})
    for path in ("/status/subscribe", f"/status/confirm/{token('status_ask', 'confirm')}",
                 "/status/confirm/forged", "/status/unsubscribe/forged"):  # fmt: skip
        answer = client.get(path)
        assert answer["Cache-Control"] == "no-store"
        assert answer["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("way", ["confirm", "unsubscribe"])
def test_a_forged_token_says_what_to_do(db: None, client: Client, way: str) -> None:
    for answer in (client.get(f"/status/{way}/abc:def"), client.post(f"/status/{way}/abc:def")):
        assert answer.status_code == 404
        assert text_of(answer).count("This link does not open") == 2  # in the title, on the page
        assert 'href="/status/subscribe"' in answer.content.decode()


def test_a_header_injection_is_refused_at_its_field(db: None, client: Client) -> None:
    answer = client.post("/status/subscribe", {"address": "a@b.example\r\nBcc: c@d.example"})
    assert answer.status_code == 400
    assert "Write one e-mail address" in text_of(answer)
    assert not Subscription.objects.exists()


def test_ten_thousand_posts_of_one_client_make_twenty_mails(db: None, client: Client) -> None:
    status_follow.LOOKS = Limit(20_000, 60)  # the other limit is the one that is asked
    for number in range(30):
        answer = client.post("/status/subscribe", {"address": f"a{number}@bramble.example"})
    assert answer.status_code == 429
    limit = status_follow.ASKS
    assert sum(limit.take("127.0.0.1") for _ in range(9_970)) == 0
    assert Message.objects.filter(what="status_ask").count() == 20


def test_a_machine_that_fills_in_everything_is_thanked_and_ignored(
    db: None, client: Client
) -> None:
    given = {"address": "ana@bramble.example", "website": "https://spam.example"}
    assert client.post("/status/subscribe", given).status_code == 302
    assert not Subscription.objects.exists()


# -- the admin


def test_a_manager_names_the_parts_and_archives_one(cast: Cast) -> None:
    assert component_admin.ComponentAdmin.empty_text
    maya = sign_in(cast.maya)
    where = reverse("admin:incidents_component_changelist")
    assert "Name three to ten things that customers use" in text_of(maya.get(where))
    form = fields(maya, f"{where}add/") | {"name": ["Reports"], "key": ["reports"]}
    assert send(maya, f"{where}add/", form).status_code == 302
    row = Component.objects.get()
    assert "Operational" in text_of(maya.get(where))
    assert messages(maya.post(f"{where}{row.pk}/do/archive/")) == ["Archived."]
    assert selectors.page(clock.now()).components == ()
    assert sign_in(cast.ravi).get(where).status_code in {302, 403}
