"""Declaring in a real browser: what fits appears while somebody writes, and digits tick it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from apps.changes.models import Change
from apps.core import clock
from apps.incidents.models import Incident
from tests import builders as build

pytestmark = pytest.mark.browser
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def test_what_fits_appears_while_one_writes_and_digits_tick_it(page: Page, live: str) -> None:
    now = clock.now()
    ravi = build.person("Ravi Rao", "responder", time_zone="Europe/Berlin")
    surface = build.surface(primary=ravi, now=now)
    change = Change.objects.create(
        kind="release",
        ref="2.14.0",
        summary="inspect 2.14.0",
        surface=surface,
        occurred_at=now - timedelta(hours=2),
        recorded_at=now,
    )
    client = Client()
    client.force_login(ravi, backend=BACKEND)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live}
    page.context.add_cookies([cookie])  # type: ignore[list-item] # playwright's own dict
    page.goto(f"{live}/incidents/new/")
    page.fill("#id_title", "Profiles time out")
    page.fill("#id_surface", surface.key)
    page.keyboard.press("Tab")
    expect(page.locator("#declare-side")).to_contain_text("Ravi Rao")
    expect(page.locator("#declare-side")).to_contain_text("inspect 2.14.0")
    page.get_by_label("Several customers").check()
    expect(page.locator("#declare-side")).to_contain_text("SEV2")
    page.keyboard.press("1")  # while an answer has the focus
    expect(page.locator("#hint-1")).to_be_checked()
    page.get_by_label("Not sure yet").last.check()
    expect(page.locator("#hint-1")).to_be_checked()  # also after it was looked up again
    assert "csrf" not in "".join(page.evaluate("performance.getEntries().map(e => e.name)"))
    page.locator("button.btn--primary", has_text="Declare incident").click()
    expect(page.get_by_text("is declared.")).to_be_visible()
    incident = Incident.objects.get()
    assert list(incident.links.values_list("kind", "ref")) == [("change", str(change.pk))]
    assert incident.severity == "SEV2"
