"""`manage.py doctor`: what it finds, how it says so, and that one fault hides no other."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from pytest_django import Settings

from apps.accounts.models import Person
from apps.core import heartbeats
from apps.intake import services as intake
from apps.intake.models import Delivery
from apps.notifications import services as notifications
from apps.notifications.models import Channel, Site
from apps.portal import services as portal
from opsportal import doctor
from opsportal.doctor import database, host, product
from opsportal.doctor.finding import Finding
from tests import builders as build
from tests.notifications.receivers import free_port, smtp_receiver

NOW = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


def levels(found: Iterable[Finding]) -> list[str]:
    return [finding.level for finding in found]


def of(area: str, found: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.area == area]


# -- pure judgements


@pytest.mark.parametrize(
    ("number", "level"), [(150004, "ok"), (180000, "ok"), (140012, "warning"), (90600, "warning")]
)
def test_old_databases_are_named(number: int, level: str) -> None:
    assert levels(database.version(number)) == [level]


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, "ok"),
        ({"synchronous_commit": "remote_apply"}, "ok"),
        ({"fsync": "off"}, "error"),
        ({"full_page_writes": "off"}, "error"),
        ({"synchronous_commit": "off"}, "error"),
    ],
)
def test_a_database_that_may_forget_is_an_error(changes: dict[str, str], level: str) -> None:
    assert levels(database.durability(DURABLE | changes)) == [level]


@pytest.mark.parametrize(
    ("used", "limit", "level"), [(12, 100, "ok"), (85, 100, "warning"), (5, 20, "warning")]
)
def test_few_connections_left_are_a_warning(used: int, limit: int, level: str) -> None:
    assert levels(database.connections(used, limit)) == [level]


def test_a_missing_extension_is_named_with_the_statement_that_adds_it() -> None:
    (finding,) = database.extensions_there({"citext", "btree_gist"})
    assert finding.level == "error"
    assert "CREATE EXTENSION pg_trgm" in finding.mend


@pytest.mark.parametrize(
    ("seconds", "level"), [(0.1, "ok"), (-1.9, "ok"), (5, "warning"), (-40, "error")]
)
def test_clocks_that_differ(seconds: float, level: str) -> None:
    assert levels(database.skew(seconds)) == [level]


@pytest.mark.parametrize(
    ("address", "production", "level"),
    [
        ("https://ops.example.com", True, "ok"),
        ("http://ops.example.com", True, "error"),
        ("http://ops.example.com", False, "warning"),
        ("https://localhost:8000", True, "error"),
        ("http://127.0.0.1:8000", False, "warning"),
        ("https://other.example.com", True, "error"),  # not among the allowed hosts
        ("nonsense", True, "error"),
    ],
)
def test_an_address_must_be_one_that_a_phone_can_open(
    address: str, production: bool, level: str
) -> None:
    found = product.address_form(address, production=production, allowed=["ops.example.com"])
    assert levels(found) == [level]


@pytest.mark.parametrize(
    ("free", "level"), [(0.3, "error"), (1.5, "error"), (4, "warning"), (50, "ok")]
)
def test_a_disk_that_fills_up(free: float, level: str) -> None:
    gigabyte = 1024**3
    assert levels(host.disk_left(int(free * gigabyte), 100 * gigabyte, "/x")) == [level]


# -- the site as it is


@pytest.fixture
def site(db: None) -> Site:
    return notifications.save_site(
        values={"address": "https://ops.example.com", "smtp_host": "smtp.example.com"}, now=NOW
    )


def use_mail_server(port: int, **more: Any) -> None:
    values = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", **more}
    notifications.save_site(values=values, now=NOW)


def test_the_mail_server_is_tried_without_sending_anything(db: None) -> None:
    with smtp_receiver() as server:
        use_mail_server(server.port)
        (found,) = product.mail(NOW)
        assert found.level == "warning"  # it works, but unencrypted in production settings
        assert server.mails == []
    with smtp_receiver(auth=True) as server:
        use_mail_server(server.port, smtp_user="ops", smtp_password="right")
        (found,) = product.mail(NOW)  # it takes no password over an open line
        assert (found.level, "SMTP user and password" in found.text) == ("error", True)


def test_a_mail_server_that_is_away_or_dislikes_the_sender_is_an_error(db: None) -> None:
    use_mail_server(free_port())
    assert "No connection to the mail server" in next(iter(product.mail(NOW))).text
    with smtp_receiver() as server:
        server.replies["MAIL"] = "550 no"
        use_mail_server(server.port)
        assert "sender address" in next(iter(product.mail(NOW))).text


def test_no_mail_server_is_an_error_once_real_people_are_here(db: None) -> None:
    assert levels(product.mail(NOW)) == ["warning"]
    build.person("Maya Lind", "manager")
    assert levels(product.mail(NOW)) == ["error"]


def test_a_site_without_an_address_says_where_links_lead(db: None, settings: Settings) -> None:
    (found,) = product.address(NOW)
    assert found.level == "error" and "no address" in found.text.lower()
    settings.SITE_URL = "https://testserver"
    assert levels(product.address(NOW)) == ["ok"]


def test_engine_and_cluster_must_have_been_seen_lately(db: None) -> None:
    assert levels(product.worker(NOW)) == ["error", "error"]
    heartbeats.beat("engine", now=NOW)
    heartbeats.beat("cluster", now=NOW)
    assert levels(product.worker(NOW)) == ["ok", "ok"]
    later = NOW + timedelta(minutes=1)
    assert levels(product.worker(later)) == ["error", "ok"]


def test_pages_behind_unread_deliveries_and_failed_messages_are_told(db: None) -> None:
    heartbeats.beat("engine", now=NOW)
    heartbeats.beat("cluster", now=NOW)
    build.person("Maya Lind", "manager", now=NOW)
    build.page(now=NOW - timedelta(minutes=5))
    source = build.native()
    intake.receive(integration=source, body={"action": "nonsense"}, now=NOW)
    intake.normalise_due(now=NOW)
    assert Delivery.objects.get().status == "quarantined"
    texts = " ".join(finding.text for finding in product.worker(NOW))
    assert "overdue by 300 s" in texts and "1 deliveries could not be read" in texts


def test_before_the_first_run_it_says_where_to_go_and_the_code(db: None) -> None:
    (found,) = product.people(NOW)
    assert found.level == "warning"
    assert "/welcome/" in found.mend and portal.setup_code() in found.mend


def test_managers_and_whoever_is_on_call_must_be_reachable(db: None) -> None:
    maya, ravi = build.person("Maya Lind", "manager"), build.person("Ravi Rao")
    build.schedule(ravi, now=NOW)
    assert levels(product.people(NOW)) == ["warning", "error"]
    build.method(maya, Channel.NTFY, "https://ntfy.sh/m")
    build.method(ravi)
    assert levels(product.people(NOW)) == ["ok", "warning"]
    build.method(ravi, Channel.NTFY, "https://ntfy.sh/r")
    assert levels(product.people(NOW)) == ["ok"]
    Person.objects.get_queryset().filter(pk=maya.pk).update(roles=["viewer"])
    assert "no manager" in next(iter(product.people(NOW))).text


def test_demo_data_are_a_warning_in_production_alone(db: None, settings: Settings) -> None:
    build.person("Dee Mo", is_demo=True)
    assert levels(product.demo(NOW)) == ["warning"]
    settings.DEBUG = True
    assert levels(product.demo(NOW)) == []


def test_secrets_that_no_key_opens_are_an_error(site: Site, settings: Settings) -> None:
    notifications.save_site(values={"smtp_user": "x", "smtp_password": "y"}, now=NOW)
    assert levels(host.stored_secrets(NOW)) == []
    settings.SECRET_KEYS_AT_REST = ["another key"]
    assert levels(host.stored_secrets(NOW)) == ["error"]


@pytest.mark.parametrize(
    ("key", "at_rest", "level"),
    [
        ("x" * 60, ["y" * 50], "error"),
        ("short", ["y" * 50], "error"),
        ("abcdefghij" * 6, ["other"], "ok"),
        ("abcdefghij" * 6, ["abcdefghij" * 6], "warning"),
    ],
)
def test_weak_and_shared_keys_are_told(
    settings: Settings, key: str, at_rest: list[str], level: str
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEYS_AT_REST = key, at_rest
    assert levels(host.keys(NOW)) == [level]


def test_the_database_here_answers_with_its_extensions_and_migrations(db: None) -> None:
    assert levels(database.database(NOW)) == ["ok"]
    found = [*database.database_settings(NOW), *database.migrations(NOW),
             *database.time_zones(NOW), *database.time_of_day(NOW)]  # fmt: skip
    for area in ("extensions", "migrations", "time zones", "clock"):
        assert levels(of(area, found)) == ["ok"], area


def test_a_zone_that_is_not_known_any_more_is_named(db: None) -> None:
    person = build.person("Ravi Rao")
    Person.objects.get_queryset().filter(pk=person.pk).update(time_zone="Mars/Base")
    (found,) = database.time_zones(NOW)
    assert (found.level, "Mars/Base" in found.text) == ("error", True)


# -- the command


def run(*words: str) -> tuple[str, int]:
    """What it prints, and its exit code."""
    out, code = io.StringIO(), 0
    try:
        call_command("doctor", *words, stdout=out, no_color=True)
    except SystemExit as end:
        code = int(end.code or 0)
    return out.getvalue(), code


def test_errors_exit_with_one_and_each_says_how_it_is_mended(db: None) -> None:
    text, code = run()
    assert code == 1
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith(("error", "warning")):
            assert lines[number + 1].strip().startswith("→"), line
    assert lines[-1].startswith(("1 error", "2 error", "3 error", "4 error", "5 error"))


def test_json_holds_the_same_findings(db: None) -> None:
    text, code = run("--json")
    found = json.loads(text)
    assert code == 1
    assert {"area", "level", "text", "mend"} == set(found[0])
    assert "database" in {finding["area"] for finding in found}


def test_without_errors_it_exits_with_zero(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: [Finding("mail", "warning", "Hm.", "Do it.")])
    assert run() == ("warning  mail: Hm.\n         → Do it.\n\n0 errors, 1 warning\n", 0)


def test_a_check_that_breaks_is_a_finding_and_hides_no_other(db: None) -> None:
    def broken(now: datetime) -> Iterator[Finding]:
        yield Finding("x", "ok", "so far")
        raise RuntimeError("boom\nbang")

    (found,) = doctor.safely("x", broken, NOW)
    assert (found.level, "RuntimeError: boom bang" in found.text) == ("error", True)


def test_without_a_database_the_rest_is_still_told(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def cursor(self) -> None:
            raise OperationalError("connection refused")

    monkeypatch.setattr(database, "connection", Away())
    found = doctor.examine()
    assert (found[0].area, found[0].level) == ("database", "error")
    assert {"secrets", "disk"} <= {finding.area for finding in found}
    assert "Start PostgreSQL" in found[0].mend
