"""The pages of setting up: readable, accessible and never too wide, light and dark, desk and phone;
and their flows without a line of script. `SHOTS=folder` keeps a picture of each.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from apps.accounts.models import Person
from apps.core import clock
from apps.notifications import services as notifications
from apps.notifications.models import Channel, Message
from apps.rotations.models import Schedule
from tests import builders as build

pytestmark = pytest.mark.browser
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
SHOTS = os.environ.get("SHOTS", "")
VIEWS = {"1440": (1440, "light"), "360": (360, "light"), "dark": (1440, "dark")}
PASTE = """name,email,roles,teams
Nia Novak,nia@example.com,responder,Inspect
Maya L.,maya@example.com,manager,
=SUM(A1),x@example.com,viewer,
surface,name,tier,kind,team,primary,backup
inspect.profiler,Profiler with a rather long name,1,engine,Inspect,nia@example.com,maya@example.com
"""
Open = Callable[..., Page]
Check = Callable[[Page], None]


def cookie_of(person: Person, live: str) -> Any:
    """Somebody's session, as a browser keeps it."""
    client = Client()
    client.force_login(person, backend=BACKEND)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live}


class Looks:
    """Opens a page in both widths and schemes and finds nothing wrong with it."""

    def __init__(self, live: str, open_page: Open, accessible: Check) -> None:
        self.live, self.accessible = live, accessible
        self.tabs = {
            name: open_page(width=width, color_scheme=scheme)
            for name, (width, scheme) in VIEWS.items()
        }

    def sign_in(self, person: Person) -> None:
        for tab in self.tabs.values():
            tab.context.add_cookies([cookie_of(person, self.live)])

    def at(self, name: str, path: str, act: Callable[[Page], object] = lambda tab: None) -> None:
        for view, tab in self.tabs.items():
            answer = tab.goto(self.live + path)
            assert answer is not None and answer.status == 200, path
            act(tab)
            tab.wait_for_load_state()
            self.accessible(tab)
            over = tab.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert over <= 0, f"{name}, {view}: {over} px too wide"
            if SHOTS:
                tab.screenshot(path=Path(SHOTS) / f"{name}-{view}.png", full_page=True)


def press(words: str) -> Callable[[Page], object]:
    return lambda tab: tab.get_by_role("button", name=words, exact=True).first.click()


def test_the_first_run_page(live: str, open_page: Open, accessible: Check) -> None:
    looks = Looks(live, open_page, accessible)
    looks.at("welcome", "/welcome/")
    looks.at("welcome-errors", "/welcome/", press("Set up this site"))
    looks.at("welcome-test", "/welcome/", _test_mail)


def _test_mail(tab: Page) -> None:
    for name, text in {
        "email": "m@example.com",
        "smtp_host": "127.0.0.1",
        "smtp_port": "9",
    }.items():
        tab.locator(f"[name={name}]").fill(text)
    press("Send me a test mail")(tab)
    expect(tab.get_by_text("The test mail was not taken")).to_be_visible()


def test_the_pages_of_a_manager(live: str, open_page: Open, accessible: Check) -> None:
    maya, ravi = build.person("Maya Lind", "manager"), build.person("Ravi Rao")
    nobody = build.person("Nia Novak", password=None, email="nia.n@example.com")
    dee = build.person("Dee Mo", is_demo=True)
    now = clock.now()
    notifications.save_site(
        values={"smtp_host": "127.0.0.1", "smtp_port": 9, "address": live}, now=now
    )
    notifications.save_accounts(channel="pushover", values={"app_token": "a" * 30})
    mail = build.method(maya)
    phone = build.method(maya, Channel.NTFY, "https://ntfy.sh/maya-1f3k")
    notifications.set_rules(person=maya, urgency="high", rows=[(mail, 0), (phone, 5)])
    surface = build.surface("inspect.reports", primary=ravi, backup=maya)
    build.surface("platform.deploy.playground", primary=dee)
    pending = notifications.add_method(
        person=maya, channel="email", address="other@example.com", now=now
    )
    link = notifications.invite(person=nobody, by=maya, now=now)
    notifications.invite(person=dee, by=maya, now=now)
    looks = Looks(live, open_page, accessible)
    looks.sign_in(maya)
    looks.at("setup", "/setup/")
    looks.at("people", "/people/")
    looks.at("invite", "/people/invite/")
    looks.at("import", "/people/import/")
    looks.at("import-plan", "/people/import/", _paste)
    looks.at("rotation", "/schedules/new/", _preview)
    looks.at("rotation-errors", "/schedules/new/", press("Make the rotation"))
    looks.at("integration", "/integrations/new/")
    looks.at("integration-ready", "/integrations/new/", press("Make the integration"))
    looks.at("profile", "/profile/")
    looks.at("profile-method", f"/profile/methods/{pending.pk}/")
    looks.at("site", "/site/")
    looks.at("site-demo", "/site/demo/")
    looks.at("mailbox", "/mailbox/", lambda tab: tab.get_by_text("As a mail program").click())
    looks.at("join", "/join/" + link.partition("/join/")[2])
    notifications.send_test_page(method=mail, now=now)
    test = Message.objects.get(what="test_page").link.partition("/profile/test-page/")[2]
    looks.at("test-page", f"/profile/test-page/{test}")
    looks.at("test-page-done", f"/profile/test-page/{test}", _it_works)
    assert surface.assignments.count() == 2


def _paste(tab: Page) -> None:
    tab.locator("[name=table]").fill(PASTE)
    tab.get_by_role("button", name="Check", exact=True).last.click()
    expect(tab.get_by_text("begins like a spreadsheet formula")).to_be_visible()


def _preview(tab: Page) -> None:
    for name in ("Ravi Rao", "Maya Lind"):
        tab.get_by_label(name, exact=True).check()
    expect(tab.locator("#preview")).to_contain_text("and so on")


def _it_works(tab: Page) -> None:
    button = tab.get_by_role("button", name="It works")
    if button.count():
        button.click()
    expect(tab.get_by_text("This way to reach you works")).to_be_visible()


def test_everything_works_without_scripts(live: str, open_page: Open) -> None:
    """First run, people, rotation and profile by plain forms."""
    tab = open_page(width=360, java_script_enabled=False)
    tab.goto(f"{live}/welcome/")
    for name, text in {
        "name": "Maya Lind",
        "email": "maya@example.com",
        "password": "correct horse battery",
    }.items():
        tab.locator(f"[name={name}]").fill(text)
    tab.get_by_label("Time zone").select_option("Europe/Berlin")
    tab.get_by_label("Set up mail later").check()
    press("Set up this site")(tab)
    tab.wait_for_url("**/setup/")

    tab.goto(f"{live}/people/import/")
    tab.locator("[name=table]").fill("Ravi Rao,ravi@example.com\na.b,Thing,1,service,,Ravi Rao")
    tab.get_by_role("button", name="Check", exact=True).last.click()
    press("Import 2 lines")(tab)
    tab.wait_for_url("**/setup/")

    tab.goto(f"{live}/schedules/new/")
    tab.get_by_label("Ravi Rao", exact=True).check()
    press("Who is on call then?")(tab)
    expect(tab.locator("#preview")).to_contain_text("Ravi Rao is on call from now on, every week")
    press("Make the rotation")(tab)
    tab.wait_for_url("**/setup/")
    assert Schedule.objects.get().covers.count() == 1

    tab.goto(f"{live}/profile/")
    tab.get_by_label("Mon", exact=True).first.check()
    tab.locator("form[action='/profile/quiet/'] button").click()
    expect(tab.get_by_text("Saved.")).to_be_visible()
    maya = Person.objects.active().get(email="maya@example.com")
    assert maya.quiet_hours.windows[0]["days"] == ["mon"]


def test_the_sandboxed_mail_runs_no_script_and_its_frame_is_shown(
    live: str, chromium: Browser
) -> None:
    maya, dee = build.person("Maya Lind", "manager"), build.person("Dee Mo", is_demo=True)
    notifications.invite(person=dee, by=maya, now=clock.now())
    Message.objects.update(body_html="<p id=x>Hello</p><script>top.location='/login/'</script>")
    context = chromium.new_context()  # one whose console may complain
    context.add_cookies([cookie_of(maya, live)])
    tab = context.new_page()
    tab.goto(f"{live}/mailbox/")
    tab.get_by_text("As a mail program").click()
    expect(tab.frame_locator("iframe").locator("#x")).to_have_text("Hello")
    assert tab.url == f"{live}/mailbox/"
    context.close()
