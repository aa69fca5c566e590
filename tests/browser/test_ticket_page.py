"""A ticket in a real browser: nothing typed is lost, keys do what they say, others are seen; and
what strangers use, on a phone and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from apps.accounts.models import Person
from apps.core import audit, clock, heartbeats
from apps.support import tokens
from apps.support.models import Draft, Ticket, TicketMessage
from apps.support.services import conversation, report_form, requester
from tests import builders as build
from tests.browser.conftest import until
from tests.portal.kit import BACKEND
from tests.support import ticketkit as kit

pytestmark = pytest.mark.browser
OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def sam(live: str) -> Person:
    now = clock.now()
    kit.desk(now)
    for part in (heartbeats.ENGINE, heartbeats.CLUSTER):
        heartbeats.beat(part, now=now)
    return build.person("Sam Sand", "support_agent", time_zone="Europe/Berlin", now=now)


@pytest.fixture
def ticket(sam: Person) -> Ticket:
    return kit.in_state("open", clock.now(), sam)


def enter(page: Page, person: Person, live: str, path: str) -> None:
    """Sign somebody in and open a page."""
    client = Client()
    client.force_login(person, backend=BACKEND)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live}])
    page.goto(f"{live}{path}")


def _refresh(page: Page, ticket: Ticket) -> None:
    """What the page does by itself every 15 seconds."""
    page.evaluate(
        "(url) => htmx.ajax('GET', url, {target: '#story', swap: 'outerHTML'})",
        f"/tickets/{ticket.ref}/live/",
    )


def test_words_are_kept_for_each_kind_and_sent_by_keys_and_taken_back(
    page: Page, live: str, sam: Person, ticket: Ticket
) -> None:
    enter(page, sam, live, f"/tickets/{ticket.ref}/")
    body = page.locator("#say-body")
    page.keyboard.press("n")
    expect(body).to_be_focused()
    page.keyboard.type("A thought of ours")
    page.locator("h1").click()
    page.keyboard.press("r")
    expect(body).to_have_value("")
    page.keyboard.type("By noon, for sure")
    until("both drafts are kept", lambda: Draft.objects.filter(ticket=ticket).count() == 2)
    page.reload()
    expect(body).to_have_value("By noon, for sure")
    page.locator("h1").click()
    page.keyboard.press("n")
    expect(body).to_have_value("A thought of ours")
    page.locator("h1").click()
    page.keyboard.press("r")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Your reply goes out in 15 s.")).to_be_visible()
    expect(page.locator("[data-goes-out]")).to_contain_text(re.compile(r"in \d+ s"))
    assert ticket.messages.latest("pk").status == "held"
    page.get_by_role("button", name="Undo").click()
    expect(body).to_have_value("By noon, for sure")
    assert ticket.messages.latest("pk").status == "withdrawn"


def test_a_refresh_shows_news_and_leaves_the_composer_alone(
    page: Page, live: str, sam: Person, ticket: Ticket
) -> None:
    conversation.requester_wrote(
        ticket=ticket, body="And?", quoted="> long ago", contact=ticket.requester,
        actor=audit.SYSTEM, now=clock.now(),
    )  # fmt: skip
    enter(page, sam, live, f"/tickets/{ticket.ref}/")
    page.get_by_text("Quoted before").click()
    body = page.locator("#say-body")
    page.locator("h1").click()
    page.keyboard.press("r")
    page.keyboard.type("Half a sent")
    conversation.note(ticket=ticket, body="Do not promise it", actor=audit.SYSTEM, now=clock.now())
    _refresh(page, ticket)
    expect(page.get_by_text("Do not promise it")).to_be_visible()
    expect(page.get_by_text("> long ago")).to_be_visible()
    expect(body).to_be_focused()
    page.keyboard.type("ence")
    expect(body).to_have_value("Half a sentence")


def test_what_was_not_seen_is_shown_before_it_is_sent(
    chromium: Browser, live: str, sam: Person, ticket: Ticket
) -> None:
    context = chromium.new_context()  # a refused form is no complaint of the page
    page = context.new_page()
    enter(page, sam, live, f"/tickets/{ticket.ref}/")
    page.keyboard.press("r")
    page.keyboard.type("It is fixed")
    conversation.note(ticket=ticket, body="It is not", actor=audit.SYSTEM, now=clock.now())
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("Somebody wrote here meanwhile")
    expect(page.get_by_text("It is not", exact=True)).to_be_visible()
    expect(page.locator("#say-body")).to_have_value("It is fixed")
    page.locator("#say-body").press("Control+Enter")
    expect(page.get_by_text("Your reply goes out")).to_be_visible()
    context.close()


def test_keys_open_what_they_name(page: Page, live: str, sam: Person, ticket: Ticket) -> None:
    enter(page, sam, live, f"/tickets/{ticket.ref}/")
    for key, focused in (("e", "#resolve-code"), ("l", "#link-ref"), ("h", "#snooze-snooze"),
                         ("m", "#merge-into"), ("2", "#priority-reason")):  # fmt: skip
        page.keyboard.press(key)
        expect(page.locator(focused)).to_be_focused()
        page.keyboard.press("Escape")
        page.locator("h1").click()
    page.keyboard.press("2")
    page.locator("#priority-reason").fill("Buyers wait")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{ticket.ref} is P2.")).to_be_visible()
    other = build.person("Bea Bell", "responder", now=clock.now())
    Ticket.objects.filter(pk=ticket.pk).update(owner=other)
    page.reload()
    page.keyboard.press("a")
    expect(page.locator("#assign-owner")).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_text(f"You own {ticket.ref} now.")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Public reply, internal note")


def test_j_and_k_go_through_the_list(page: Page, live: str, sam: Person, ticket: Ticket) -> None:
    other = kit.in_state("new", clock.now(), sam, subject="Another")
    enter(page, sam, live, "/tickets/?view=mine")
    page.get_by_role("link", name="Another").click()
    page.wait_for_url(f"**/tickets/{other.ref}/")
    page.keyboard.press("j")  # the new one is due first
    page.wait_for_url(f"**/tickets/{ticket.ref}/")
    page.keyboard.press("k")
    page.wait_for_url(f"**/tickets/{other.ref}/")


def test_w_sends_and_waits(page: Page, live: str, sam: Person, ticket: Ticket) -> None:
    enter(page, sam, live, f"/tickets/{ticket.ref}/")
    page.keyboard.press("w")
    expect(page.locator("#say-body")).to_be_focused()
    page.keyboard.type("Which version is it?")
    page.get_by_role("button", name="Send and wait").click()
    expect(page.get_by_text("Your reply goes out")).to_be_visible()
    assert ticket.messages.latest("pk").after == {"then": "wait"}


def test_a_name_is_offered_after_an_at_sign(
    page: Page, live: str, sam: Person, ticket: Ticket
) -> None:
    bea = build.person("Bea Bell", "responder", now=clock.now())
    enter(page, sam, live, f"/tickets/{ticket.ref}/")
    page.keyboard.press("n")
    page.keyboard.type("See @be")
    expect(page.get_by_role("option", name="Bea Bell")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#say-body")).to_have_value("See @be".replace("be", "bea@example.com "))
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Your note stands in the timeline.")).to_be_visible()
    assert [w.person for w in ticket.watchers.all()] == [bea]


def test_who_writes_is_seen_by_who_reads(
    open_page: Callable[..., Page], live: str, sam: Person, ticket: Ticket
) -> None:
    bea = build.person("Bea Bell", "responder", now=clock.now())
    hers, his = open_page(), open_page()
    enter(hers, bea, live, f"/tickets/{ticket.ref}/")
    hers.keyboard.press("r")
    hers.keyboard.type("I answer this")
    hers.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    until("she is known to be there", lambda: ticket.presences.filter(person=bea).exists())
    enter(his, sam, live, f"/tickets/{ticket.ref}/")
    expect(his.locator("#present")).to_contain_text("Bea Bell is")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit(
    scheme: str, open_page: Callable[..., Page], accessible: Any, live: str, sam: Person,
    ticket: Ticket,
) -> None:  # fmt: skip
    now = clock.now()
    code = "```\n" + "a long line of code " * 12 + "\n```"
    conversation.note(ticket=ticket, body=code, actor=kit.by(sam), now=now)
    conversation.requester_wrote(
        ticket=ticket, body="And?", quoted="> before", html="<p>And?</p>",
        contact=ticket.requester, actor=audit.SYSTEM, now=now,
    )  # fmt: skip
    token = tokens.make(ticket.pk, ticket.access_version)
    outside = [f"/requests/{token}/", "/report/", "/report/?about=failed_report"]
    message = TicketMessage.objects.exclude(html="").get()
    inside = [f"/tickets/{ticket.ref}/", f"/tickets/{ticket.ref}/messages/{message.pk}/"]
    for width in (1440, 360):
        page = open_page(width=width, color_scheme=scheme)
        for path in [*outside, *inside]:
            if path in inside:
                enter(page, sam, live, path)
            else:
                page.goto(f"{live}{path}")
            if path == inside[0]:
                for box in page.locator("details").all():
                    box.evaluate("(el) => { el.open = true; }")
            accessible(page)
            assert page.evaluate(OVER) <= 0, (path, width)


def test_a_stranger_reports_and_follows_on_a_phone_without_scripts(
    open_page: Callable[..., Page], live: str, sam: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(width=360, java_script_enabled=False)
    page.goto(f"{live}/report/")
    page.get_by_role("link", name="A report cannot be made").click()
    page.get_by_label("In a few words").fill("Old numbers")
    page.get_by_label("What do you see").fill("The board shows Friday.")
    page.get_by_label("Yes, I cannot go on").check()
    page.get_by_label("Your e-mail address").fill("nia@orchard.example")
    page.wait_for_timeout(report_form.QUICKEST.total_seconds() * 1000 + 500)
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_text("Thank you, it has reached us")).to_be_visible()
    followed = requester.status_link(Ticket.objects.get(subject="Old numbers"))  # from the mail
    page.goto(live + urlsplit(followed).path)
    expect(page.get_by_text("We have your request")).to_be_visible()
    page.get_by_label("Your message").fill("And the other board, too.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Your words have reached us.")).to_be_visible()
    made = Ticket.objects.get(subject="Old numbers")
    assert made.blocks_work
    assert made.messages.count() == 2


def test_an_agent_answers_without_scripts(
    open_page: Callable[..., Page], live: str, sam: Person, ticket: Ticket
) -> None:
    page = open_page(java_script_enabled=False)
    enter(page, sam, live, f"/tickets/{ticket.ref}/")
    page.locator("label.mode", has_text="Public reply").click()
    page.get_by_label("Text, in Markdown").fill("By noon.")
    page.get_by_role("button", name="Send reply").click()
    expect(page.get_by_text("Not sent yet, goes out")).to_be_visible()
    page.get_by_text("Snooze", exact=False).first.click()
    page.get_by_label("Until").select_option("tomorrow")
    page.get_by_role("button", name="Snooze").click()
    expect(page.get_by_text("Its promises run on.")).to_be_visible()
