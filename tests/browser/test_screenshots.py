"""Every page in a real browser, at a desk, on a phone and in the dark; and the pictures of docs/.

`SCREENSHOTS=1` (`make screenshots`) writes the pictures; otherwise pages are only looked at.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import Person
from apps.alerts.models import Alert, Heartbeat
from apps.core import clock, heartbeats
from apps.customers.models import Contact
from apps.followups.models import FollowUp
from apps.incidents.models import Incident, Review, StatusUpdate
from apps.intake.models import Integration
from apps.paging import links
from apps.paging.models import Page as PagingPage
from apps.rotations.models import Schedule
from apps.runbooks.models import Execution
from apps.support import tokens
from apps.support.models import SlaPolicy, Ticket
from apps.telemetry.models import ProfiledSource, ProfileRun
from opsportal import demo

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, reset_sequences=True),
    pytest.mark.filterwarnings("ignore:No directory at"),  # static files are not collected here
]

PICTURES = Path(settings.BASE_DIR) / "docs" / "screenshots"
WANTED = bool(os.environ.get("SCREENSHOTS"))
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
# A desk, the same in the dark, a phone. A page is opened once and changed from view to view.
VIEWS: Mapping[str, tuple[int, int, Literal["light", "dark"]]] = {
    "1440": (1440, 900, "light"),
    "dark": (1440, 900, "dark"),
    "360": (360, 740, "light"),
}
# The pages whose pictures stand in docs/; the others are only looked at.
SHOWN = {
    "now",
    "incident",
    "alert",
    "oncall",
    "acknowledge",
    "welcome",
    "sign-in",
    "styleguide",
    "admin-schedule",
    "tickets",
    "ticket",
    "ticket-log",
    "ticket-reports",
    "request",
    "report",
    "admin-promises",
    "incident-new",
    "incident-update",
    "incident-severity",
    "incident-figures",
    "runbooks",
    "runbook-run",
    "follow-ups",
    "reviews",
    "review",
    "status",
    "status-history",
    "telemetry",
    "slo",
    "rule-replay",
    "integration",
}


@dataclass
class Walk:
    """Opens pages, looks at each in every view, and collects what is wrong with them."""

    browser: Browser
    base: str
    cookie: str = ""
    wrong: list[str] = field(default_factory=list)

    def through(self, pages: Mapping[str, str]) -> None:
        context = self.browser.new_context(reduced_motion="reduce")
        if self.cookie:
            name = settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": self.cookie, "url": self.base}])
        for name, path in pages.items():
            page = context.new_page()
            self._open(page, name, path)
            for view in VIEWS:
                self._look(page, name, view)
            page.close()
        context.close()

    def _open(self, page: Page, name: str, path: str) -> None:
        def complain(text: str) -> None:
            self.wrong.append(f"{name}: console: {text}")

        page.on("console", lambda m: complain(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complain(str(error)))
        for part in (heartbeats.ENGINE, heartbeats.CLUSTER):
            heartbeats.beat(part, now=clock.now())  # nothing runs here; the banner would say so
        width, height, _ = VIEWS["1440"]
        page.set_viewport_size({"width": width, "height": height})
        answer = page.goto(self.base + path)
        if answer is None or answer.status != 200:
            self.wrong.append(f"{name}: {answer.status if answer else 'no'} answer at {path}")
        if page.url.partition("?")[0] != (self.base + path).partition("?")[0]:
            self.wrong.append(f"{name}: {path} leads to {page.url}")

    def _look(self, page: Page, name: str, view: str) -> None:
        width, height, scheme = VIEWS[view]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        root = "document.documentElement"
        over = page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
        if over > 0:
            self.wrong.append(f"{name}: {over} px wider than its window ({view})")
        if WANTED and name in SHOWN:
            page.reload()  # as one sees it who comes in this view: the admin looks only once
            PICTURES.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=PICTURES / f"{name}-{view}.png")


def _cookie_of(email: str) -> str:
    client = Client()
    client.force_login(Person.objects.get_queryset().get(email=email), backend=BACKEND)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _portal_pages() -> dict[str, str]:
    running = Incident.objects.get(status="investigating")
    closed = Incident.objects.filter(status="closed", visibility="open").latest("detected_at")
    restricted = Incident.objects.get(visibility="restricted")
    run = Execution.objects.get(status="running")
    reviewed = Review.objects.filter(status="published").latest("incident_id")
    loud = Alert.objects.get(severity="critical", status="acknowledged")
    person = Person.objects.get_queryset().get(email__startswith="aiko")
    waiting = Ticket.objects.filter(links__ref=running.ref, status="waiting_third_party")
    asked = waiting.latest("pk")
    ended = Ticket.objects.filter(status="resolved").latest("pk")
    merged = Ticket.objects.filter(status="merged").latest("pk")
    return {
        "now": "/",
        "incidents": "/incidents/",
        "incidents-all": "/incidents/?view=all",
        "incident": f"/incidents/{running.ref}/",
        "incident-closed": f"/incidents/{closed.ref}/",
        "incident-restricted": f"/incidents/{restricted.ref}/",
        "incident-new": "/incidents/new/",
        "incident-severity": "/incidents/severity/",
        "incident-figures": "/incidents/figures/?months=12",
        "incident-update": f"/incidents/{running.ref}/updates/new/",
        "incident-page-someone": f"/incidents/{running.ref}/page/",
        "incident-times": f"/incidents/{running.ref}/times/",
        "runbooks": "/runbooks/",
        "runbook": f"/runbooks/{run.version.runbook.key}/",
        "runbook-new": "/runbooks/new/",
        "runbook-import": "/runbooks/import/",
        "runbook-runs": "/runbooks/runs/",
        "runbook-run": f"/runbooks/runs/{run.ref}/",
        "follow-ups": "/followups/?view=all",
        "follow-up": f"/followups/{FollowUp.objects.latest('pk').ref}/",
        "follow-up-new": "/followups/new/",
        "follow-ups-figures": "/followups/?view=figures",
        "reviews": "/reviews/",
        "review": f"/incidents/{reviewed.incident.ref}/review/",
        "alerts": "/alerts/",
        "alert": f"/alerts/{loud.pk}/",
        "alert-unrouted": f"/alerts/{Alert.objects.unrouted().get().pk}/",
        "oncall": "/oncall/",
        "schedule": "/oncall/packs/",
        "person": f"/people/{person.pk}/",
        "people": "/people/",
        "people-import": "/people/import/",
        "people-invite": "/people/invite/",
        "ownership": "/ownership/",
        "surface": "/ownership/platform.deploy.cloud/",
        "tickets": "/tickets/",
        "tickets-breached": "/tickets/?view=close",
        "ticket": f"/tickets/{asked.ref}/",
        "ticket-resolved": f"/tickets/{ended.ref}/",
        "ticket-merged": f"/tickets/{merged.ref}/",
        "ticket-log": "/tickets/log/?type=stale_profile",
        "ticket-views": "/tickets/views/",
        "ticket-reports": "/tickets/reports/",
        "ticket-import": "/tickets/import/",
        "customers": "/customers/",
        "customer": "/customers/lumen-clinics/",
        "customer-new": "/customers/new/",
        "customer-edit": "/customers/kite-logistics/edit/",
        "customer-import": "/customers/import/",
        "contacts": "/customers/contacts/",
        "contact": f"/customers/contacts/{Contact.objects.earliest('pk').pk}/",
        "contact-new": "/customers/contacts/new/?account=kite-logistics",
        "search": "/search/?q=snowflake",
        "profile": "/profile/",
        "mailbox": "/mailbox/",
        "setup": "/setup/",
        "site": "/site/",
        "site-demo": "/site/demo/",
        "schedule-new": "/schedules/new/",
        "integration-new": "/integrations/new/",
        "integrations": "/integrations/",
        "integration": f"/integrations/{Integration.objects.get(kind='gcp').pk}/",
        "telemetry": "/telemetry/",
        "telemetry-28d": "/telemetry/?span=28d",
        "telemetry-runs": "/telemetry/runs/",
        "telemetry-run": f"/telemetry/runs/{ProfileRun.objects.latest('finished_at').pk}/",
        "telemetry-reports": "/telemetry/reports/",
        "telemetry-sources": "/telemetry/sources/",
        "telemetry-source": f"/telemetry/sources/{ProfiledSource.objects.earliest('pk').pk}/",
        "telemetry-accuracy": "/telemetry/accuracy/",
        "telemetry-releases": "/telemetry/accuracy/releases/",
        "telemetry-types": "/telemetry/types/",
        "telemetry-measurements": "/telemetry/measurements/",
        "telemetry-counts": "/telemetry/counts/",
        "telemetry-detection": "/telemetry/detection/",
        "slos": "/slos/",
        "slo": "/slos/snowflake-runs/",
        "slo-new": "/slos/new/",
        "rules": "/rules/",
        "rule": "/rules/runs-fail/",
        "rule-replay": "/rules/snowflake-slow/replay/",
        "rule-new": "/rules/new/rate/",
        "silences": "/silences/",
        "silence-new": "/silences/new/",
        "heartbeats": "/heartbeats/",
        "heartbeat": f"/heartbeats/{Heartbeat.objects.get(slug='docs-links').pk}/",
        "api-docs": "/api/docs",
    }


def _request_page(status: str) -> str:
    ticket = Ticket.objects.filter(status=status).latest("pk")
    return f"/requests/{tokens.make(ticket.pk, ticket.access_version)}/"


def _told_in_public() -> str:
    told = StatusUpdate.objects.filter(status="published", audience__on_status_page=True)
    return told.latest("published_at").incident.ref


def _admin_pages() -> dict[str, str]:
    schedule = Schedule.objects.get(key="profiler")
    promises = SlaPolicy.objects.get(is_default=True)
    tables = (
        "accounts/person accounts/team accounts/apikey ownership/surface ownership/position "
        "ownership/externalparty paging/escalationpolicy paging/page intake/integration "
        "intake/delivery alerts/alert alerts/routingrule incidents/incident changes/change "
        "notifications/message rotations/schedule rotations/shift customers/account "
        "customers/contact customers/org customers/project customers/source customers/connection "
        "calendars/businesscalendar support/slapolicy support/requesttype support/queue "
        "support/macro support/mailbox support/ticket support/ticketclock support/inboundmail "
        "support/csat incidents/severitylevel incidents/incidenttype incidents/tasktemplate "
        "incidents/audience incidents/commstemplate incidents/component incidents/subscription "
        "runbooks/runbook runbooks/runbookversion runbooks/execution followups/followup "
        "followups/factor alerts/maintenancewindow alerts/alertrule alerts/firing alerts/silence "
        "alerts/heartbeat alerts/ping telemetry/profiledsource telemetry/diagnosticcode "
        "telemetry/durationobjective telemetry/profilerun telemetry/reportrun "
        "telemetry/semanticlabel telemetry/typechange telemetry/slicount telemetry/measurement"
    )
    lists = {f"admin-{table.partition('/')[2]}s": f"/admin/{table}/" for table in tables.split()}
    return {
        "admin": "/admin/",
        "admin-schedule": f"/admin/rotations/schedule/{schedule.pk}/change/",
        "admin-severity": "/admin/incidents/severitylevel/SEV2/change/",
        "admin-promises": f"/admin/support/slapolicy/{promises.pk}/change/",
        "admin-what-if": f"/admin/support/slapolicy/{promises.pk}/what-if/",
        **lists,
    }


def test_every_page_of_the_demo_renders_without_errors_and_never_scrolls_sideways(
    live_server: LiveServer, chromium: Browser
) -> None:
    demo.load(now=clock.now())
    walk = Walk(chromium, live_server.url, _cookie_of("nora@dataface.example"))
    walk.through(_portal_pages())
    page = PagingPage.objects.filter(status="open").latest("opened_at")
    told = page.steps_taken.get().people.get()
    out = Walk(chromium, live_server.url)
    out.through(
        {
            "sign-in": "/accounts/login/",
            "acknowledge": f"/ack/{links.make(page.pk, told.pk)}/",
            "password-reset": "/accounts/password/reset/",
            "request": _request_page("waiting_third_party"),
            "request-resolved": _request_page("resolved"),
            "report": "/report/?type=wrong_column_type",
            "report-embed": "/report/embed/",
            "status": "/status/",
            "status-history": "/status/history/",
            "status-incident": f"/status/incidents/{_told_in_public()}/",
            "status-subscribe": "/status/subscribe",
        }
    )
    assert [*walk.wrong, *out.wrong] == []


def test_every_list_of_the_admin_renders_too(live_server: LiveServer, chromium: Browser) -> None:
    demo.load(now=clock.now())
    walk = Walk(chromium, live_server.url, _cookie_of("nora@dataface.example"))
    walk.through(_admin_pages())
    assert walk.wrong == []


def test_the_first_run_page_renders_on_an_empty_database(
    live_server: LiveServer, chromium: Browser
) -> None:
    walk = Walk(chromium, live_server.url)
    walk.through({"welcome": "/welcome/"})
    assert walk.wrong == []


def test_the_styleguide_renders_where_it_is_shown(
    live_server: LiveServer, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a page for those who build; only development shows it."""
    demo.load(now=clock.now())
    monkeypatch.setattr(settings, "DEBUG", True)
    walk = Walk(chromium, live_server.url, _cookie_of("nora@dataface.example"))
    walk.through({"styleguide": "/styleguide/"})
    assert walk.wrong == []
