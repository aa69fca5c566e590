"""The first run: one manager, once, by somebody who may; and the list of what comes after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import Person
from apps.core import clock
from apps.core.errors import Conflict
from apps.notifications import services as notifications
from apps.notifications.models import Site
from apps.portal import services
from apps.portal.views import welcome
from tests import builders as build
from tests.notifications.receivers import smtp_receiver

FORM = {
    "name": "Maya Lind",
    "email": "Maya@Example.com",
    "password": "correct horse battery",
    "time_zone": "Europe/Berlin",
    "address": "https://ops.example.com/",
    "smtp_host": "smtp.example.com",
    "smtp_port": "587",
    "smtp_security": "starttls",
}
LOCAL = {"HTTP_HOST": "localhost"}


@pytest.fixture(autouse=True)
def data_folder(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """The set-up code is written here, once a process: each test is its own process."""
    settings.DATA_DIR = tmp_path
    welcome._announced.clear()
    yield tmp_path
    welcome._announced.clear()


def post(client: Client, **changes: str) -> Any:
    return client.post("/welcome/", {**FORM, **changes}, **LOCAL)


@pytest.mark.django_db
def test_the_first_person_becomes_manager_sets_the_site_up_and_is_signed_in(
    client: Client,
) -> None:
    answer = post(client)
    assert (answer.status_code, answer["Location"]) == (302, "/setup/")
    maya, site = Person.objects.active().get(), notifications.site()
    assert (maya.email, maya.roles, maya.time_zone) == (
        "maya@example.com", ["manager"], "Europe/Berlin",
    )  # fmt: skip
    assert (site.address, site.smtp_host, site.time_zone, site.mail_from) == (
        "https://ops.example.com", "smtp.example.com", "Europe/Berlin", "Maya@Example.com",
    )  # fmt: skip
    assert client.get("/setup/").status_code == 200


@pytest.mark.django_db
def test_the_page_is_closed_once_somebody_is_here(client: Client) -> None:
    build.person("Ravi Rao")
    for answer in (client.get("/welcome/", **LOCAL), post(client)):
        assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/")
    assert Person.objects.active().count() == 1


@pytest.mark.django_db
def test_the_address_is_suggested_from_the_request_and_nothing_is_cached(client: Client) -> None:
    page = client.get("/welcome/", **LOCAL)
    assert page.context["form"].initial["address"] == "http://localhost"
    assert "no-store" in page["Cache-Control"]


@pytest.mark.django_db
def test_an_address_from_the_environment_is_shown_and_not_asked(
    client: Client, settings: Settings
) -> None:
    settings.SITE_URL = "https://fixed.example.com"
    page = client.get("/welcome/", **LOCAL).content.decode()
    assert "OPSPORTAL_SITE_URL" in page and 'type="hidden" name="address"' in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"name": ""}, "name", "required"),
        ({"email": "maya"}, "email", "valid email"),
        ({"password": "short"}, "password", "10 characters"),
        ({"password": "password1234"}, "password", "common"),
        ({"password": "maya@example.com"}, "password", "similar"),
        ({"time_zone": "Mars/Base"}, "time_zone", "valid choice"),
        ({"address": "ops.example.com"}, "address", "https://ops.example.com"),
        ({"address": "https://ops.example.com/path"}, "address", "without a path"),
        ({"smtp_host": ""}, "smtp_host", "Set up mail later"),
        ({"smtp_host": "smtp://mail"}, "smtp_host", "name alone"),
        ({"smtp_port": "99999"}, "smtp_port", "65535"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nobody_is_made(
    client: Client, changes: dict[str, str], field: str, says: str
) -> None:
    page = post(client, **changes)
    assert page.status_code == 200
    assert says in str(page.context["form"].errors[field])
    assert not Person.objects.get_queryset().exists()


@pytest.mark.django_db
def test_mail_may_be_left_for_later_with_the_consequence_shown(client: Client) -> None:
    assert "nobody can be invited" in client.get("/welcome/", **LOCAL).content.decode()
    assert post(client, smtp_host="", later="on").status_code == 302
    assert "Until then nobody gets invitations" in client.get("/setup/").content.decode()


# -- test mail


@pytest.mark.django_db
def test_a_test_mail_is_sent_at_once_and_the_answer_of_the_server_is_shown(client: Client) -> None:
    with smtp_receiver() as server:
        page = post(client, do="test", smtp_host="127.0.0.1", smtp_port=str(server.port),
                    smtp_security="none", name="", password="")  # fmt: skip
        text = page.content.decode()
        assert "took a test mail for Maya@Example.com" in text
        assert "queued as 4F1" in text
        assert b"[TEST] Mail from OpsPortal works" in server.mails[0]
    assert not Person.objects.get_queryset().exists()
    assert not page.context["form"].errors  # the other fields are not asked for yet


@pytest.mark.django_db
def test_a_test_mail_that_fails_says_why_in_words(client: Client) -> None:
    with smtp_receiver() as server:
        server.replies["MAIL"] = "553 sender not allowed"
        page = post(client, do="test", smtp_host="127.0.0.1", smtp_port=str(server.port),
                    smtp_security="none").content.decode()  # fmt: skip
        assert "was not taken" in page and "sender address" in page
    gone = post(client, do="test", smtp_host="127.0.0.1", smtp_port=str(server.port),
                smtp_security="none").content.decode()  # fmt: skip
    assert "No connection to the mail server" in gone


@pytest.mark.django_db
def test_what_was_typed_is_still_there_after_a_test_mail(client: Client) -> None:
    page = post(client, do="test", smtp_host="").content.decode()
    assert 'value="Maya Lind"' in page and 'value="correct horse battery"' in page


# -- strangers


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("meta", "local"),
    [
        ({"HTTP_HOST": "localhost:8000"}, True),
        ({"HTTP_HOST": "127.0.0.1"}, True),
        ({"HTTP_HOST": "[::1]:8000", "REMOTE_ADDR": "::1"}, True),
        ({"HTTP_HOST": "ops.example.com"}, False),
        ({"HTTP_HOST": "localhost", "REMOTE_ADDR": "203.0.113.9"}, False),
        ({"HTTP_HOST": "localhost", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}, False),
        ({"HTTP_HOST": "localhost", "HTTP_FORWARDED": "for=203.0.113.9"}, False),
        ({"HTTP_HOST": "localhost", "REMOTE_ADDR": ""}, False),
    ],
)
def test_only_a_browser_on_the_same_machine_needs_no_code(
    client: Client, settings: Settings, meta: dict[str, str], local: bool
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    page = client.get("/welcome/", **meta)
    assert ("set-up code" in page.content.decode()) is not local


@pytest.mark.django_db
def test_a_stranger_needs_the_code_of_the_servers_log(client: Client, data_folder: Path) -> None:
    answers = [client.post("/welcome/", FORM)]
    answers.append(client.post("/welcome/", {**FORM, "setup_code": "AAAAA-AAAAA"}))
    for answer in answers:
        assert "not the code" in str(answer.context["form"].errors["setup_code"])
    written = (data_folder / "setup_code").read_text().strip()
    assert written == services.setup_code()
    assert (data_folder / "setup_code").stat().st_mode & 0o077 == 0
    typed = written.lower().replace("-", " ")
    assert client.post("/welcome/", {**FORM, "setup_code": typed}).status_code == 302


@pytest.mark.django_db
def test_a_stranger_without_the_code_cannot_make_the_server_send_anything(client: Client) -> None:
    with smtp_receiver() as server:
        page = client.post("/welcome/", {**FORM, "do": "test", "smtp_host": "127.0.0.1",
                           "smtp_port": str(server.port), "smtp_security": "none"})  # fmt: skip
        assert page.context["result"] is None
        assert server.mails == []


# -- two at once


@pytest.mark.django_db(transaction=True)
def test_of_two_first_runs_at_once_one_wins() -> None:
    start, outcomes = Barrier(2), []

    def run(name: str) -> None:
        start.wait(5)
        try:
            services.first_run(
                name=name, email=f"{name}@example.com", password="correct horse battery",
                time_zone="UTC", site={"address": ""}, now=clock.now(),
            )  # fmt: skip
            outcomes.append("won")
        except Conflict as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(name,)) for name in ("maya", "olu")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["set_up", "won"]
    assert Person.objects.get_queryset().count() == 1
    assert Site.objects.count() == 1


# -- afterwards


def labels(client: Client) -> dict[str, str]:
    return {item.label: item.state for item in client.get("/setup/").context["items"]}


@pytest.mark.django_db
def test_the_list_ticks_itself_as_the_site_grows(client: Client) -> None:
    post(client)
    maya = Person.objects.active().get()
    assert list(labels(client).values()) == ["done", "now", *["next"] * 5]
    ravi, bea = build.person("Ravi Rao"), build.person("Bea Bell")
    surface = build.surface(primary=ravi, backup=bea)
    assert list(labels(client).values()) == ["done", "done", "done", "now", *["next"] * 3]
    build.schedule(ravi, bea, surfaces=[surface])
    page = client.get("/setup/")
    assert "Ravi Rao must confirm one on their own profile" in page.content.decode()
    method = build.method(ravi)
    assert labels(client)["A confirmed way to reach who is on call"] == "done"
    build.integration(surface=surface)
    notifications.send_test_page(method=method, now=clock.now())
    token = ravi.messages.get(what="test_page").link.rstrip("/").rpartition("/")[2]
    notifications.answer_test_page(token=token, now=clock.now() + timedelta(seconds=2))
    page = client.get("/setup/")
    assert page.context["complete"]
    assert "Ravi Rao answered one" in page.content.decode()
    assert maya.is_manager


@pytest.mark.django_db
def test_demo_rows_tick_nothing(client: Client) -> None:
    post(client)
    demo = build.person("Dee Mo", is_demo=True)
    build.method(demo)
    states = labels(client)
    assert states["People"] == "now"
    assert states["A confirmed way to reach who is on call"] == "next"


@pytest.mark.django_db
def test_the_list_is_for_managers(client: Client) -> None:
    ravi = build.person("Ravi Rao")
    assert client.get("/setup/").status_code == 302
    client.force_login(ravi, backend=welcome.BACKEND)
    assert client.get("/setup/").status_code == 403


def test_every_address_of_an_empty_site_leads_to_the_first_run(db: None, client: Client) -> None:
    answer = client.get("/", follow=True)
    assert [url for url, _ in answer.redirect_chain][-1] == "/welcome/"
