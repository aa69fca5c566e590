"""What the portal's tests share: signed-in clients, counted queries, one incident with its page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Person
from apps.alerts.models import Alert
from apps.incidents.models import Incident
from apps.intake import services as intake
from apps.intake.models import Integration
from apps.ownership.models import Surface
from apps.paging.models import Page
from tests import builders as build
from tests.conftest import Cast
from tests.world import World

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def sign_in(person: Person) -> Client:
    """A browser of one person's own."""
    client = Client()
    client.force_login(person, backend=BACKEND)
    return client


def text_of(response: Any) -> str:
    """What a reader sees of an answer, as one line: sentences can be looked for in it."""
    words = " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())
    return re.sub(r" ([.,:;)])", r"\1", words).replace("( ", "(")


def queries(client: Client, address: str) -> int:
    """How many statements a page costs; it must be found."""
    with CaptureQueriesContext(connection) as caught:
        response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return len(caught)


@dataclass
class Scene:
    """A critical alert at half past six: its page waits for Ravi, its incident is in triage."""

    surface: Surface
    source: Integration
    alert: Alert
    page: Page
    incident: Incident


def fire(world: World, source: Integration, key: str, **body: Any) -> Alert:
    """One event and all that the engine makes of it; messages are not looked at."""
    body = {"summary": f"{key} is broken", "severity": "critical", **body}
    delivery = intake.receive(
        integration=source, body={"action": "trigger", "dedup_key": key, **body}, now=world.now
    )
    world.run()
    world.forget()
    delivery.refresh_from_db()
    assert delivery.status == "normalised", delivery.error
    return Alert.objects.get(integration=source, dedup_key=key)


def scene(world: World, cast: Cast) -> Scene:
    world.at("2026-09-07 06:30")
    surface = build.surface(primary=cast.ravi, backup=cast.bea, now=world.now)
    build.schedule(cast.ravi, cast.bea, surfaces=[surface], now=world.now)
    source = build.native(surface=surface)
    alert = fire(world, source, "snowflake", summary="Snowflake profiling times out")
    page = Page.objects.get()
    return Scene(surface, source, alert, page, Incident.objects.get())
