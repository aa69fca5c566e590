"""Now, incidents and the acknowledge page in a real browser: refreshing loses no typed text, the
palette opens what it finds, and everything that matters at night works without a script.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from apps.accounts.models import Person
from apps.alerts.models import Alert
from apps.core import clock, heartbeats
from apps.incidents.models import Incident
from apps.paging import links
from apps.paging import services as paging
from apps.paging.models import Page as PagingPage
from opsportal import engine
from tests import builders as build

pytestmark = pytest.mark.browser
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
REFRESH = """address => htmx.ajax(
    'GET', address, {source: document.querySelector(`[hx-get^='${address}']`)}
)"""


@pytest.fixture
def ravi(live: str) -> Person:
    """Somebody on call; a critical alert waits for him, and another has no surface."""
    now = clock.now()
    person = build.person("Ravi Rao", "responder", time_zone="Europe/Berlin", is_demo=True)
    surface = build.surface(primary=person, now=now)
    build.schedule(person, surfaces=[surface], now=now - timedelta(hours=1))
    source = build.native(surface=surface)
    build.event(source, now=now, summary="Snowflake profiling times out", severity="critical")
    build.event(build.native(), now=now, summary="Schema drift", severity="warning")
    engine.run_once(now=now)
    for part in (heartbeats.ENGINE, heartbeats.CLUSTER):
        heartbeats.beat(part, now=now + timedelta(hours=1))  # nothing else beats here
    return person


def _cookie(person: Person, live: str) -> Any:
    client = Client()
    client.force_login(person, backend=BACKEND)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live}


def test_what_is_typed_outlives_every_refresh(page: Page, live: str, ravi: Person) -> None:
    page.context.add_cookies([_cookie(ravi, live)])
    page.goto(live)
    form = page.locator("details[id^=route-]")
    form.locator("summary").click()
    form.locator("input[name=surface]").fill("inspect.pro")
    waiting = PagingPage.objects.get(urgency="high")
    paging.acknowledge(page=waiting, actor=build.audit.person(ravi), person=ravi, now=clock.now())
    page.evaluate(REFRESH, "/now/live/")
    expect(page.locator("#pages-waiting .rows > li")).to_have_count(1)
    expect(form.locator("input[name=surface]")).to_be_focused()
    expect(form.locator("input[name=surface]")).to_have_value("inspect.pro")
    form.locator("input[name=surface]").fill("inspect.profiler")
    form.get_by_role("button").click()
    expect(page.get_by_text("The alert belongs to inspect.profiler.")).to_be_visible()

    incident = Incident.objects.get()
    page.goto(f"{live}/incidents/{incident.ref}/")
    page.fill("#id_text", "Half a sentence")
    page.evaluate(REFRESH, f"/incidents/{incident.ref}/live/")
    expect(page.get_by_text("Ravi Rao acknowledged the page.")).to_be_visible()
    expect(page.locator("#id_text")).to_have_value("Half a sentence")
    page.reload()
    expect(page.locator("#id_text")).to_have_value("Half a sentence")
    page.get_by_role("button", name="Add comment").click()
    expect(page.locator("#incident-timeline").get_by_text("Half a sentence")).to_be_visible()
    expect(page.locator("#id_text")).to_have_value("")


def test_keys_move_an_incident_and_the_palette_opens_what_it_finds(
    page: Page, live: str, ravi: Person
) -> None:
    page.context.add_cookies([_cookie(ravi, live)])
    incident = Incident.objects.get()
    page.goto(f"{live}/incidents/{incident.ref}/")
    page.keyboard.press("a")
    expect(page.get_by_text("Nobody else is woken.")).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_text(f"{incident.ref} is investigating.")).to_be_visible()
    page.goto(f"{live}/alerts/")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.type("times out")
    expect(page.locator("#palette-list li").first).to_contain_text(incident.ref)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live}/incidents/{incident.ref}/")


def test_a_page_is_acknowledged_from_a_phone_without_a_script_or_a_login(
    open_page: Callable[..., Page], live: str, ravi: Person
) -> None:
    phone = open_page(width=360, height=740, java_script_enabled=False)
    waiting = PagingPage.objects.get(urgency="high")
    phone.goto(f"{live}/ack/{links.make(waiting.pk, ravi.pk)}/")
    button = phone.get_by_role("button", name="I am on it")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 80
    assert box["y"] + box["height"] < 740  # in reach of a thumb, without scrolling
    button.click()
    expect(phone.get_by_text("You acknowledged this")).to_be_visible()
    waiting.refresh_from_db()
    assert waiting.acknowledged_by == ravi
    assert Alert.objects.get(severity="critical").status == "acknowledged"


def test_without_a_script_people_act_on_what_they_see(
    open_page: Callable[..., Page], live: str, ravi: Person
) -> None:
    phone = open_page(width=360, height=740, java_script_enabled=False)
    phone.context.add_cookies([_cookie(ravi, live)])
    phone.goto(live)
    phone.locator("#pages-waiting").get_by_role("button", name="Acknowledge").first.click()
    expect(phone.get_by_text("Nobody else is woken.")).to_be_visible()
    incident = Incident.objects.get()
    phone.goto(f"{live}/incidents/{incident.ref}/")
    phone.locator(".acts summary", has_text="Resolve").click()
    phone.fill("#move-resolved-impact_summary", "Forty reports were late")
    phone.fill("#move-resolved-public_silence", "Nobody outside noticed")
    phone.get_by_role("button", name="Resolve it").click()
    said = "Ravi Rao resolved the incident. Impact: Forty reports were late"
    expect(phone.get_by_text(said)).to_be_visible()


def test_nothing_serious_stands_in_anybodys_way(
    open_page: Callable[..., Page], live: str, ravi: Person, accessible: Callable[[Page], None]
) -> None:
    incident, alert = Incident.objects.get(), Alert.objects.get(severity="warning")
    token = links.make(PagingPage.objects.get(urgency="high").pk, ravi.pk)
    for options in ({"width": 1440}, {"width": 360, "color_scheme": "dark"}):
        tab = open_page(**options)
        tab.context.add_cookies([_cookie(ravi, live)])
        for path in (
            "/", "/incidents/", f"/incidents/{incident.ref}/", "/incidents/new/", "/alerts/",
            "/incidents/severity/", "/incidents/figures/", f"/incidents/{incident.ref}/page/",
            f"/incidents/{incident.ref}/times/", f"/incidents/new/?alert={alert.pk}",
            f"/alerts/{alert.pk}/", "/oncall/", "/oncall/profiler/", "/ownership/",
            "/ownership/inspect.profiler/", f"/people/{ravi.pk}/", "/search/?q=s", f"/ack/{token}/",
        ):  # fmt: skip
            tab.goto(live + path)
            accessible(tab)
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert tab.evaluate(wide) <= 0, path
