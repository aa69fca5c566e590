"""A real engine process beside real receivers: crowds and slow ones hold up no page, and what a
killed engine had in its hands goes again under the same id."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from apps.core import audit, clock
from apps.notifications import services as notifications
from apps.notifications.models import Message, WebhookDelivery
from apps.paging import services as paging
from tests import builders as build

from .receivers import http_receiver, raw_server, smtp_receiver
from .test_outside import write

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
RUN = "import django; django.setup(); from opsportal.engine import Engine; Engine().run()"


@contextmanager
def engine() -> Iterator[subprocess.Popen[bytes]]:
    """The engine as the worker starts it, on the database of this test."""
    at = connection.settings_dict
    login = f"{at['USER']}:{at['PASSWORD']}" if at["PASSWORD"] else at["USER"]
    host = quote(at["HOST"] or "", safe="")  # a folder when it is a socket
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "opsportal.settings.test",
        "DATABASE_URL": f"postgres://{login}@{host}:{at['PORT'] or 5432}/{at['NAME']}",
        "OPSPORTAL_OUTGOING_ALLOW_HTTP": "1",
    }
    process = subprocess.Popen([sys.executable, "-c", RUN], cwd=ROOT, env=env)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def until(what: str, look: Callable[[], Any], within: float = 20.0) -> Any:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.03)
    raise AssertionError(f"not within {within:.0f} s: {what}")


def endpoint(url: str, name: str) -> None:
    notifications.create_endpoint(
        url=url, description=name, events=["*"], actor=audit.SYSTEM, now=clock.now()
    )


def tell(dedupe: str) -> None:
    notifications.emit(
        event="ticket.created", data={}, subject=("ticket", "7"), dedupe=dedupe, now=clock.now()
    )


def test_slow_customers_and_dead_webhooks_hold_up_no_page(settings: Any) -> None:
    settings.OUTGOING_ALLOW_HTTP = True
    over = threading.Event()
    with smtp_receiver() as mail, raw_server(lambda client: over.wait(30) and None) as dead:
        mail.slow["customer.example"] = 4
        notifications.save_site(
            values={"smtp_host": "127.0.0.1", "smtp_port": mail.port, "smtp_security": "none"},
            now=clock.now(),
        )
        endpoint(f"http://127.0.0.1:{dead}", "Dead")
        for number in range(20):
            write(now=clock.now(), message_id=f"m{number}@x.y", dedupe=f"m{number}", lane=9)
            tell(f"t{number}")
        with engine():
            until("customers' mails on their way", _sending(Message))
            until("webhooks on their way", _sending(WebhookDelivery))
            ravi = build.person("Ravi Rao", now=clock.now())
            page = build.page(surface=build.surface(primary=ravi))
            began = time.monotonic()
            until(
                "the page leaves while all the others are slow",
                Message.objects.filter(what="page_step", status="sent").exists,
                within=10,
            )
            took = time.monotonic() - began
            paging.acknowledge(page=page, actor=audit.person(ravi), person=ravi, now=clock.now())
            print(f"a page beside 20 slow mails and 20 dead webhooks took {took:.2f} s")
            assert took < 3  # a slow mail alone takes four
            assert Message.objects.filter(what="ticket_reply", status="sent").count() < 20
        over.set()


def _sending(model: Any) -> Callable[[], bool]:
    return lambda: bool(model.objects.filter(status="sending").exists())


def test_what_a_killed_engine_had_in_its_hands_goes_again_under_the_same_id(settings: Any) -> None:
    settings.OUTGOING_ALLOW_HTTP = True
    came = threading.Event()

    def swallow(client: Any) -> None:
        client.recv(65_536)
        came.set()
        client.recv(1)  # until the other side is gone

    with http_receiver() as healthy, raw_server(swallow) as port:
        endpoint(f"http://127.0.0.1:{port}", "CRM")
        tell("a")
        with engine() as first:
            assert came.wait(20), "the request arrives"
            first.kill()
            first.wait(10)
        row = WebhookDelivery.objects.get()
        assert (row.status, row.attempts) == ("sending", 1)
        notifications.change_endpoint(
            endpoint=row.endpoint, fields={"url": healthy.url}, actor=audit.SYSTEM, now=clock.now()
        )
        WebhookDelivery.objects.update(lease_until=clock.now())  # the lease's time, made short
        with engine():
            until(
                "it is delivered",
                WebhookDelivery.objects.filter(status="delivered", attempts=2).exists,
            )
        [request] = healthy.requests
        assert request.headers["webhook-id"] == row.webhook_id
        assert request.body == row.payload.encode()
