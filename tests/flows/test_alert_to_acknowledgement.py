"""The main flow as a stranger lives it: an empty folder, two commands, real tools.

`make run DEMO=0`, a first run, two people from a pasted table, a rotation from the preset; then a
real Alertmanager fires, nobody answers, the backup is told, the button behind the link
acknowledges, Alertmanager resolves, and the incident's timeline tells it all.
"""

from __future__ import annotations

import html
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.flows.product import (
    Inbox,
    Product,
    alertmanager,
    fire,
    fresh_copy,
    inbox,
    link_in,
    running,
    text_of,
    until,
)

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]

TABLE = """\
email,name,roles,teams,time_zone
ravi@example.com,Ravi Rao,responder,Inspect,Europe/Berlin
bea@example.com,Bea Bell,responder,Inspect,America/New_York

surface,name,tier,kind,team,primary,backup
inspect.profiler,Profiler,1,engine,Inspect,ravi@example.com,bea@example.com
"""
PASSWORD = "a good long password"  # of the test's own first manager


@contextmanager
def set_up(
    folder: Path, mail: Inbox, *, tls: bool = False, table: str = TABLE
) -> Iterator[Product]:
    """Up to the point where an alert wakes somebody, all through the pages."""
    with running(fresh_copy(folder), tls=tls) as product:
        assert any("/welcome/" in line for line in product.output)
        _first_run(product, mail)
        _import(product, table)
        _rotation(product)
        yield product


def _first_run(product: Product, mail: Inbox) -> None:
    answer = product.form(
        "/welcome/",
        name="Maya Lind",
        email="maya@example.com",
        password=PASSWORD,
        time_zone="Europe/Berlin",
        address=product.url,
        smtp_host="127.0.0.1",
        smtp_port=mail.port,
        smtp_security="none",
        mail_from="ops@example.com",
    )
    assert answer.url.path == "/setup/", _why(answer)


def _import(product: Product, table: str) -> None:
    dry = product.form("/people/import/", table=table, invite="on", do="look")
    seen = re.search(r'name="seen" value="([^"]+)"', dry.text)
    assert seen, _why(dry)
    done = product.form("/people/import/", table=table, invite="on", seen=seen[1], do="apply")
    assert done.url.path == "/setup/", _why(done)


def _rotation(product: Product) -> None:
    page = product.client.get("/schedules/new/").text
    names = re.findall(r'name="(in_\d+)"', page)
    people = [name for name in names if "Ravi" in _near(page, name)]
    surface = re.search(r'name="surfaces" value="(\d+)"', page)
    assert len(people) == 1 and surface, page
    done = product.form(
        "/schedules/new/",
        name="Profiler",
        weekday=0,
        at="09:00",
        time_zone="Europe/Berlin",
        surfaces=surface[1],
        do="create",
        **{people[0]: "on"},
    )
    assert done.url.path == "/setup/", _why(done)


def _near(page: str, name: str) -> str:
    at = page.index(f'name="{name}"')
    return page[at - 200 : at + 400].rpartition(f'name="{name}"')[2].partition('name="in_')[0]


def _why(answer: httpx.Response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))[:1500]


@pytest.fixture
def mail() -> Iterator[Inbox]:
    with inbox() as box:
        yield box


def test_alertmanager_wakes_escalates_and_resolves(tmp_path: Path, mail: Inbox) -> None:
    with set_up(tmp_path / "copy", mail) as product:
        hook = product.integration("alertmanager", surface="inspect.profiler")
        receiver = {"webhook_configs": [{"url": hook["url"], "send_resolved": True}]}
        with alertmanager(tmp_path / "am", receiver) as source:
            labels = {
                "alertname": "ProfilerJobFailureRateHigh",
                "severity": "critical",
                "instance": "snowflake",
            }
            fire(source, **labels)
            woken = mail.wait("ravi@example.com", "[SEV2]")
            _within_two_seconds(product, mail)
            assert "You are on call (1 of 3)" in str(woken["Subject"])
            assert "Ravi Rao" in text_of(woken) or "Bea Bell" in text_of(woken)

            product.escalate()  # nobody acknowledges
            backup = mail.wait("bea@example.com", "(2 of 3)")
            link = link_in(backup, "/ack/")
            _only_a_post_acknowledges(product, link)
            mail.wait("ravi@example.com", "Bea Bell is on it")

            fire(source, resolved=True, **labels)
            mail.wait("bea@example.com", "Resolved after", within=40)
        _timeline_tells_it_all(product)
        assert len(mail.to("ravi@example.com", "(1 of 3)")) == 1
        assert not mail.to("maya@example.com", "[SEV2]")


def _within_two_seconds(product: Product, mail: Inbox) -> None:
    """From the webhook's commit to the mail at the SMTP server."""
    received = product.query(
        "from apps.intake.models import Delivery\n"
        "answer = Delivery.objects.earliest('received_at').received_at.timestamp()"
    )
    arrived = next(at for at, message in mail.mails if "[SEV2]" in str(message["Subject"]))
    print(f"webhook to mail: {1000 * (arrived - received):.0f} ms")
    assert arrived - received < 2.0


def _only_a_post_acknowledges(product: Product, link: str) -> None:
    with httpx.Client(timeout=10, verify=False) as phone:  # nobody is signed in there  # noqa: S501 - loopback
        for _ in range(3):
            assert phone.head(link).status_code == 200
            shown = phone.get(link)
            assert shown.status_code == 200 and "I am on it" in shown.text
        assert _page_status(product) == "open"
        assert phone.post(link).status_code == 200
    assert _page_status(product) == "acknowledged"


def _page_status(product: Product) -> str:
    code = "from apps.paging.models import Page\nanswer = Page.objects.latest('opened_at').status"
    return str(product.query(code))


def _timeline_tells_it_all(product: Product) -> None:
    """What the incident's page shows, in the order in which it happened."""

    def resolved() -> str | None:
        text = html.unescape(product.client.get("/incidents/INC-1/").text)
        return text if "All its alerts are resolved" in text else None

    page = until("the incident is resolved", resolved)
    sentences = [
        "SEV2 opened in triage",
        "Told Ravi Rao (1 of 3)",
        "Told Ravi Rao, Bea Bell (2 of 3)",
        "Bea Bell acknowledged the page",
        "Alert resolved",
        "All its alerts are resolved",
    ]
    places = [page.index(sentence) for sentence in sentences]
    assert places == sorted(places, reverse=True), "newest first"


def test_the_pagerduty_command_line_over_tls(tmp_path: Path, mail: Inbox) -> None:
    with set_up(tmp_path / "copy", mail, tls=True) as product:
        source = product.integration("pagerduty", surface="inspect.profiler")
        trust = next(line for line in product.output if line.startswith("SSL_CERT_FILE="))

        def pagerduty(verb: str, *words: str) -> str:
            program = str(Path(sys.executable).parent / "pagerduty")
            done = subprocess.run(
                [program, verb, "-k", source["key"], *words, "--base-url", product.url],
                capture_output=True,
                text=True,
                timeout=60,
                env={"PATH": "/usr/bin:/bin", "SSL_CERT_FILE": trust.partition("=")[2]},
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout + done.stderr

        started = time.time()
        pagerduty(
            "trigger",
            "--description",
            "Profiler workers are out of memory",
            "--source",
            "worker-3",
            "-i",
            "oom",
        )
        woken = mail.wait("ravi@example.com", "Profiler workers are out of memory")
        print(f"pagerduty client to mail: {time.time() - started:.1f} s with its own start")
        assert _page_status(product) == "open"
        assert str(woken["Subject"]).startswith("[SEV")
        pagerduty("acknowledge", "-i", "oom")
        until("acknowledged", lambda: _page_status(product) == "acknowledged")
        pagerduty("resolve", "-i", "oom")
        mail.wait("ravi@example.com", "Resolved after")
