"""A ticket is logged by the keyboard alone, with few keys beside the words, and quickly.

Prints the seconds that it took and what the server's answers on the way cost (`-s` shows it).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, Request, expect

from apps.accounts.models import Person
from apps.core import clock, heartbeats
from apps.support.models import RequestType, Ticket
from tests import builders as build

pytestmark = pytest.mark.browser
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
MOST_KEYS = 12
SUBJECTS = (
    "Profile of orders has not changed since Friday",
    "Emails of the newsletter list read as plain text",
    "Report of the claims schema stays empty",
    "Charged twice for the plan of September",
)


@pytest.fixture
def sam(live: str) -> Person:
    """A support agent on a site with its seeds, a hundred customers and some open tickets."""
    now = clock.now()
    person = build.person("Sam Sand", "support_agent", time_zone="Europe/Berlin")
    surface = build.surface("inspect.profiler", primary=person, now=now)
    build.support(now=now)
    RequestType.objects.filter(key="stale_profile").update(surface=surface)
    build.incident(title="Snowflake profiling times out", surface=surface, now=now)
    bramble = build.account("Bramble Foods", domain="bramble.example", now=now)
    ana = build.contact("ana@bramble.example", account=bramble, now=now)
    for number in range(100):
        build.contact(f"p{number}@kite.example", name=f"Person {number}", now=now)
    for number in range(5):
        build.ticket(f"Profile of table {number} is stale", requester=ana, now=now)
    for part in (heartbeats.ENGINE, heartbeats.CLUSTER):
        heartbeats.beat(part, now=now)
    return person


@dataclass
class Hands:
    """Types words, and counts every key that is none of them; a chord counts as its keys."""

    page: Page
    keys: int = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.keys += len(key.split("+"))
            self.page.keyboard.press(key)

    def type(self, words: str) -> None:
        self.page.keyboard.type(words)


@dataclass
class Answers:
    """Milliseconds from the request to the first byte of each answer that a view gave."""

    spent: dict[str, list[float]] = field(default_factory=dict)

    def hear(self, request: Request) -> None:
        path = request.url.partition("?")[0].split("/", 3)[-1]
        timing = request.timing
        if path.startswith("static/") or timing["responseStart"] < 0:
            return
        kind = f"{request.method} /{'tickets/…/' if '/TCK-' in f'/{path}' else path}"
        self.spent.setdefault(kind, []).append(timing["responseStart"] - timing["requestStart"])

    def p95(self) -> float:
        every = [one for some in self.spent.values() for one in some]
        return statistics.quantiles(every, n=20)[-1]


def enter(page: Page, person: Person, live: str, path: str) -> None:
    client = Client()
    client.force_login(person, backend=BACKEND)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookie: Any = {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live}
    page.context.add_cookies([cookie])
    page.goto(live + path)


@pytest.fixture
def unheard(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Tabs in which a refused form (a 400, of which the console complains) fails no test."""
    contexts = []

    def make(**options: Any) -> Page:
        contexts.append(chromium.new_context(**options))
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A tab that has left the ticket before the database is emptied: it says that it is there."""
    yield page
    page.goto("about:blank")


def log(hands: Hands, subject: str, submit: str) -> float:
    """Logs one ticket from wherever the page is; the seconds that it took."""
    page, began = hands.page, time.monotonic()
    hands.press("c")
    expect(page.locator("#id_subject")).to_be_focused()
    hands.type(subject)
    hands.press("Enter")  # on to what is missing: the type, which digits choose
    expect(page.locator("#id_type_0")).to_be_focused()
    hands.press("1")
    expect(page.locator("#id_requester")).to_be_focused()
    hands.type("ana")
    expect(page.locator("#requesters li")).to_have_count(1)
    hands.press("Enter")
    expect(page.locator("#id_requester")).to_have_value("ana@bramble.example")
    expect(page.get_by_text("P3: triage by")).to_be_visible()
    hands.press(submit)
    expect(page.get_by_text(f"is logged: {subject}")).to_be_visible()
    return time.monotonic() - began


def test_a_ticket_is_logged_by_the_keyboard_alone_with_few_keys_and_quickly(
    page: Page, live: str, sam: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (f"/tickets/{Ticket.objects.latest('pk').ref}/", "/tickets/log/", "/incidents/"):
        enter(page, sam, live, path)  # a server that runs has read its templates before
    answers, seconds = Answers(), []
    page.on("requestfinished", answers.hear)
    for subject in SUBJECTS:
        hands = Hands(page)
        last = subject == SUBJECTS[-1]
        seconds.append(log(hands, subject, "Control+Shift+Enter" if last else "Control+Enter"))
        assert hands.keys <= MOST_KEYS

    expect(page.locator("#id_requester")).to_have_value("ana@bramble.example")  # kept for the next
    expect(page.locator("#id_type_0")).to_be_checked()
    expect(page.locator("#id_subject")).to_have_value("")
    logged = Ticket.objects.filter(subject__in=SUBJECTS)
    assert set(logged.values_list("subject", flat=True)) == set(SUBJECTS)
    ana = ("ana@bramble.example", "stale_profile", "inspect.profiler")
    rows = logged.values_list("requester__email", "request_type__key", "surface__key")
    assert set(rows) == {ana}
    with capsys.disabled():
        print(f"\nlogged in {min(seconds):.1f} to {max(seconds):.1f} s with {hands.keys} keys")
        for kind, spent in sorted(answers.spent.items()):
            print(f"  {kind:42} n={len(spent):2}  median {statistics.median(spent):5.0f} ms")
        print(f"  server answers p95 {answers.p95():.0f} ms (wanted: under 200)")


def test_the_form_is_accessible_in_every_state(
    unheard: Callable[..., Page], live: str, sam: Person, accessible: Callable[[Page], None]
) -> None:
    page = unheard(reduced_motion="reduce")
    enter(page, sam, live, "/tickets/log/?type=stale_profile")
    page.keyboard.type("Profile of table 3 is stale")
    expect(page.get_by_role("button", name="Me too").first).to_be_visible()
    accessible(page)
    page.locator("#id_requester").fill("ana")
    expect(page.locator("#requesters li")).to_have_count(1)
    accessible(page)
    page.locator("#id_requester").fill("nobody")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    accessible(page)
    page.emulate_media(color_scheme="dark")
    accessible(page)
    page.set_viewport_size({"width": 360, "height": 740})
    over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(over) == 0


def test_enter_on_what_is_the_same_adds_one_person_instead_of_a_ticket(
    page: Page, live: str, sam: Person
) -> None:
    before = Ticket.objects.count()
    enter(page, sam, live, "/tickets/log/?type=billing&requester=p7@kite.example")
    page.keyboard.type("Profile of table 3 is stale")
    expect(page.get_by_text("similar subject").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("counts one person more")).to_be_visible()
    assert Ticket.objects.count() == before
    assert Ticket.objects.get(me_too_count=1).subject.startswith("Profile of table")


def test_a_pasted_mail_fills_what_is_empty_and_can_be_taken_back(
    page: Page, live: str, sam: Person
) -> None:
    enter(page, sam, live, "/tickets/log/")
    page.locator("#id_subject").fill("My own subject")
    page.locator("#paste").fill(
        "From: Ana Ruiz <ana@bramble.example>\nSubject: Profiling job stuck\n\n"
        "The snowflake profile has been stuck since Friday."
    )
    page.get_by_role("button", name="Read it").click()
    expect(page.locator("#id_requester")).to_have_value("Ana Ruiz <ana@bramble.example>")
    expect(page.locator("#id_subject")).to_have_value("My own subject")
    expect(page.locator("#id_type_0")).to_be_checked()
    expect(page.get_by_label("Warehouse").first).to_have_value("Snowflake")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#id_requester")).to_have_value("")
    expect(page.locator("#id_type_0")).not_to_be_checked()
    expect(page.locator("#id_subject")).to_have_value("My own subject")


def test_without_a_script_the_same_form_posts(
    unheard: Callable[..., Page], live: str, sam: Person
) -> None:
    page = unheard(java_script_enabled=False)
    enter(page, sam, live, "/tickets/log/")
    page.fill("#id_subject", "Logged without a script")
    page.locator("#id_type_1").check()
    expect(page.get_by_label("Should be")).to_be_visible()  # the questions of that type alone
    expect(page.get_by_label("Invoice")).to_be_hidden()
    page.get_by_label("Should be").fill("email")
    page.get_by_role("button", name="Create ticket").click()
    expect(page.get_by_text("Requester: This is missing.")).to_be_visible()
    expect(page.get_by_label("Should be")).to_have_value("email")
    page.fill("#id_requester", "tom@new.example")
    page.get_by_role("button", name="Create ticket").click()
    expect(page.get_by_text("is logged: Logged without a script")).to_be_visible()
    assert Ticket.objects.get(subject="Logged without a script").fields == {
        "expected_type": "email"
    }


def test_where_nothing_is_the_same_no_empty_box_stands(page: Page, live: str, sam: Person) -> None:
    enter(page, sam, live, "/tickets/log/?type=billing")
    page.keyboard.type("Profile of table 3 is stale")
    hints = page.locator("[data-hints]")
    expect(hints).to_be_visible()
    page.locator("#id_subject").fill("Zebra crossing xylophone")
    expect(hints).to_be_hidden()
