"""An engine, a cluster and a web process die by SIGKILL in the middle of the main flow.

It ends the same: the right people are told, each step once (or again under the same Message-ID),
and nothing that was answered with 2xx is lost.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.flows.product import Inbox, Product, fresh_copy, inbox, link_in, running, until

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]

SEED = """
from apps.core import clock, audit
from apps.accounts import services as accounts
from apps.notifications import services as notifications
from apps.ownership import services as ownership
from apps.paging import services as paging
from apps.rotations import services as rotations
now = clock.now()
person = lambda name, role: accounts.create_person(
    email=name.lower() + "@example.com", name=name, roles=[role], password="x" * 12, now=now)
maya, ravi, bea = person("Maya", "manager"), person("Ravi", "responder"), person("Bea", "responder")
surface = ownership.create_surface(key="inspect.profiler", name="Profiler")
ownership.assign(surface=surface, role="backup", holder=bea, active_from=now, actor=audit.SYSTEM)
rotations.weekly_preset(key="profiler", name="Profiler", people=[ravi], time_zone="UTC",
                        surfaces=[surface], by=maya, now=now)
paging.save_policy(name="Two steps", is_default=True, repeats=0, steps=[
    paging.PolicyStep(0, [{"kind": "surface_on_call"}]),
    paging.PolicyStep(1, [{"kind": "surface_backup"}])])
notifications.save_site(values={"smtp_host": "127.0.0.1", "smtp_port": PORT,
    "smtp_security": "none", "mail_from": "ops@example.com", "address": "URL"}, now=now)
answer = True
"""


@pytest.fixture(scope="module")
def mail() -> Iterator[Inbox]:
    with inbox() as box:
        yield box


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, mail: Inbox) -> Iterator[Product]:
    folder = fresh_copy(tmp_path_factory.mktemp("killed"))
    with running(folder) as made:
        made.query(SEED.replace("PORT", str(mail.port)).replace("URL", made.url))
        yield made


def _kill(product: Product, word: str) -> None:
    pids = product.children(word)
    assert pids, f"no process of this product runs {word}"
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _post(product: Product, key: str, **event: str) -> None:
    """As a tool would: again and again until it is answered 202."""

    def sent() -> bool:
        with suppress(httpx.HTTPError):
            answer = product.client.post(
                "/api/v1/events", json=event, headers={"Authorization": f"Bearer {key}"}
            )
            return answer.status_code == 202
        return False

    until("the event is taken", sent, within=40)


def _steps_are_told_once(mail: Inbox) -> None:
    """Two mails about one step to one person share their Message-ID."""
    told = Counter()
    for _, message in mail.mails:
        told[(str(message["To"]), str(message["Subject"]), str(message["Message-ID"]))] += 1
    by_step = Counter((to, subject) for to, subject, _ in told)
    assert all(count == 1 for count in by_step.values()), told


@pytest.mark.parametrize("victim", ["--only engine", "qcluster", "uvicorn"])
def test_it_ends_the_same(product: Product, mail: Inbox, victim: str) -> None:
    word = {"--only engine": "--only", "qcluster": "qcluster", "uvicorn": "uvicorn"}[victim]
    key = product.manage(
        "apikey",
        "create",
        "--name",
        f"kill {word}",
        "--scope",
        "events:write",
        "--surface",
        "inspect.profiler",
    )
    title = f"Profiling fails while {word} dies"
    _post(product, key, action="trigger", severity="critical", summary=title, dedup_key=word)
    _kill(product, word)
    first = mail.wait("ravi@example.com", title, within=60)
    _kill(product, word) if product.children(word) else None
    product.escalate()
    mail.wait("bea@example.com", title, within=60)
    acknowledge = link_in(first, "/ack/")

    def acknowledged() -> bool:
        with suppress(httpx.HTTPError):
            return product.client.post(acknowledge).status_code == 200
        return False

    until("the button behind the link acknowledges", acknowledged, within=40)
    _post(product, key, action="resolve", dedup_key=word)
    mail.wait("ravi@example.com", f"{title}. Resolved", within=60)
    state = product.query(
        "from apps.incidents.models import Incident\n"
        f"i = Incident.objects.get(title={title!r})\n"
        "answer = [i.status, [t.what for t in i.timeline.order_by('at', 'pk')]]"
    )
    assert state[0] == "resolved"
    assert [
        what for what in state[1] if what in {"opened", "paged", "acknowledged", "resolved"}
    ] == [
        "opened",
        "paged",
        "paged",
        "acknowledged",
        "resolved",
    ]
    _steps_are_told_once(mail)


def test_a_stopped_engine_is_noticed_and_stood_in_for(product: Product, mail: Inbox) -> None:
    """SIGSTOP is worse than a kill: the process is there and does nothing."""
    key = product.manage(
        "apikey",
        "create",
        "--name",
        "stop",
        "--scope",
        "events:write",
        "--surface",
        "inspect.profiler",
    )
    [*pids] = product.children("--only")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    started = time.monotonic()
    try:
        _post(
            product,
            key,
            action="trigger",
            severity="critical",
            summary="Quiet engine",
            dedup_key="stopped",
        )
        mail.wait("ravi@example.com", "Quiet engine", within=120)
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    print(f"stopped engine: the page went out after {time.monotonic() - started:.1f} s")
    _steps_are_told_once(mail)
