"""The queue by its keys: rows, selection, panels, and a refresh that takes nothing away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import Person
from apps.core import audit, clock, heartbeats
from apps.support.models import Ticket
from apps.support.services import tickets
from tests import builders as build
from tests.browser.test_quick_log import enter

pytestmark = pytest.mark.browser
OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def sam(live: str) -> Person:
    """A support agent; three tickets, the first the most urgent."""
    now = clock.now()
    person = build.person("Sam Sand", "support_agent", time_zone="Europe/Berlin")
    ana = build.contact(now=now)
    for number in range(3):
        made = build.ticket(f"Number {number}", requester=ana, now=now)
        due = now + timedelta(hours=2 + number)
        Ticket.objects.filter(pk=made.pk).update(sla_due_at=due, sla_state="running")
    for part in (heartbeats.ENGINE, heartbeats.CLUSTER):
        heartbeats.beat(part, now=now)
    return person


def pressed(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_rows_are_moved_through_selected_and_acted_on_by_keys(
    page: Page, live: str, sam: Person
) -> None:
    enter(page, sam, live, "/tickets/")
    bar = page.get_by_role("toolbar")
    expect(bar).to_be_hidden()
    pressed(page, "j", "x", "j", "x")
    expect(bar).to_contain_text("2 selected")
    pressed(page, "1")
    expect(page.get_by_label("Why it is not")).to_be_focused()
    page.keyboard.type("Their launch is today")
    pressed(page, "Enter")
    expect(page.get_by_text("2 tickets set to P1")).to_be_visible()
    pressed(page, "j", "j", "j", "a", "a")  # without a selection the row in focus is meant
    expect(page.get_by_text("1 ticket assigned to you")).to_be_visible()
    rows = dict(Ticket.objects.values_list("subject", "priority"))
    assert rows == {"Number 0": "P1", "Number 1": "P1", "Number 2": "P3"}
    assert Ticket.objects.get(owner=sam).subject == "Number 2"


def test_escape_gives_the_row_back_and_letters_in_fields_are_letters(
    page: Page, live: str, sam: Person
) -> None:
    enter(page, sam, live, "/tickets/")
    pressed(page, "j", "t")
    expect(page.get_by_label("Tags to add")).to_be_focused()
    page.keyboard.type("hear 1")
    expect(page.get_by_label("Tags to add")).to_have_value("hear 1")
    pressed(page, "Escape")
    expect(page.get_by_role("toolbar")).to_be_hidden()
    expect(page.get_by_role("link", name="Number 0")).to_be_focused()
    pressed(page, "/")
    page.keyboard.type("number 1")
    pressed(page, "Enter")
    expect(page.locator("[data-row]")).to_have_count(1)
    pressed(page, "Escape", "g", "i")
    expect(page).to_have_url(f"{live}/incidents/")
    pressed(page, "g", "t")
    expect(page).to_have_url(f"{live}/tickets/?status=new")


def test_r_and_l_open_the_ticket_where_one_writes_and_links(
    page: Page, live: str, sam: Person
) -> None:
    enter(page, sam, live, "/tickets/")
    pressed(page, "j", "r")
    expect(page.get_by_label("Text, in Markdown")).to_be_focused()
    expect(page.get_by_role("radio", name="Public reply")).to_be_checked()
    page.go_back()
    pressed(page, "j", "l")
    expect(page.locator("#act-link")).to_have_attribute("open", "")
    page.goto("about:blank")  # nobody is there any more when the database is emptied


def test_a_refresh_keeps_selection_focus_and_scroll(page: Page, live: str, sam: Person) -> None:
    enter(page, sam, live, "/tickets/")
    pressed(page, "j", "j", "x")
    urgent = Ticket.objects.get(subject="Number 2")
    tickets.set_priority(
        ticket=urgent, priority="P1", reason="Now", actor=audit.SYSTEM, now=clock.now()
    )
    Ticket.objects.filter(pk=urgent.pk).update(sla_due_at=clock.now(), sla_state="breached")
    page.locator("[data-queue]").dispatch_event("queue:refresh")
    expect(page.locator("[data-row]").first).to_contain_text("Number 2")
    expect(page.get_by_text("3 tickets, 1 overdue.")).to_be_visible()
    expect(page.get_by_role("link", name="Number 1")).to_be_focused()
    expect(page.get_by_role("toolbar")).to_contain_text("1 selected")
    chosen = page.locator("[name=ids]:checked")
    expect(chosen).to_have_value(str(Ticket.objects.get(subject="Number 1").pk))
    pressed(page, "Escape")
    expect(page.get_by_role("toolbar")).to_be_hidden()


def test_the_queue_is_accessible_at_every_width_and_in_the_dark(
    page: Page, live: str, sam: Person, accessible: Callable[[Page], None]
) -> None:
    enter(page, sam, live, "/tickets/")
    accessible(page)
    pressed(page, "j", "x", "e")
    expect(page.get_by_label("How it ended")).to_be_focused()
    accessible(page)
    pressed(page, "Escape", "Escape", "f")
    accessible(page)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    accessible(page)
    for width in (1440, 1024, 768, 360, 320):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate(OVER) == 0, width
    page.goto(f"{live}/tickets/views/")
    accessible(page)


def test_without_a_script_the_bar_stands_once_a_row_is_ticked(
    open_page: Callable[..., Page], live: str, sam: Person
) -> None:
    page = open_page(java_script_enabled=False)
    enter(page, sam, live, "/tickets/")
    page.locator("[name=ids]").first.check()
    page.get_by_role("toolbar").get_by_text("Assign", exact=False).first.click()
    page.get_by_role("button", name="Assign to me").click()
    expect(page.get_by_text("1 ticket assigned to you")).to_be_visible()
    assert Ticket.objects.get(owner=sam).subject == "Number 0"
