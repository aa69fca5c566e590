"""The site's own settings: address, mail, channel accounts; secrets go in and never come out."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.notifications import services as notifications
from apps.notifications.models import Site
from tests.conftest import Cast
from tests.notifications.receivers import smtp_receiver

FORM = {
    "name": "Ops",
    "address": "https://ops.example.com",
    "time_zone": "Europe/Berlin",
    "smtp_host": "smtp.example.com",
    "smtp_port": "465",
    "smtp_security": "ssl",
    "smtp_user": "ops",
    "smtp_password": "hunter2hunter2",
    "mail_from": "ops@example.com",
}


def save(client: Client, **changes: str) -> Any:
    return client.post("/site/", FORM | changes)


def test_settings_are_saved_and_the_password_is_kept_sealed(as_maya: Client, cast: Cast) -> None:
    assert save(as_maya).status_code == 302
    row, config = Site.objects.get(), notifications.site_config("email")
    assert (row.name, row.address, row.smtp_port) == ("Ops", "https://ops.example.com", 465)
    assert config["password"] == "hunter2hunter2"
    assert "hunter2" not in row.smtp_password_sealed
    assert "hunter2" not in as_maya.get("/site/").content.decode()


def test_an_empty_password_keeps_the_stored_one(as_maya: Client, cast: Cast) -> None:
    save(as_maya)
    save(as_maya, smtp_password="", name="Other")
    assert notifications.site_config("email")["password"] == "hunter2hunter2"
    save(as_maya, smtp_password="", smtp_user="")
    assert notifications.site_config("email")["password"] == ""


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": "ftp://ops.example.com"}, "address"),
        ({"address": "https://user@ops.example.com"}, "address"),
        ({"smtp_port": "0"}, "smtp_port"),
        ({"smtp_security": "rot13"}, "smtp_security"),
        ({"mail_from": "ops"}, "mail_from"),
        ({"time_zone": "Mars"}, "time_zone"),
        ({"name": ""}, "name"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_saved(
    as_maya: Client, cast: Cast, changes: dict[str, str], field: str
) -> None:
    page = save(as_maya, **changes)
    assert field in page.context["form"].errors
    assert not Site.objects.exists()


def test_a_test_mail_uses_what_stands_in_the_form_and_saves_nothing(
    as_maya: Client, cast: Cast
) -> None:
    with smtp_receiver() as server:
        page = save(as_maya, do="test", smtp_host="127.0.0.1", smtp_port=str(server.port),
                    smtp_security="none", smtp_user="", smtp_password="")  # fmt: skip
        assert page.context["result"].ok
        assert b"maya@example.com" in server.mails[0]
        assert b"ops@example.com" in server.mails[0]
    assert not Site.objects.exists()


def test_a_stored_password_is_not_sent_to_another_server(as_maya: Client, cast: Cast) -> None:
    save(as_maya)
    with smtp_receiver(auth=True) as server:
        save(as_maya, do="test", smtp_host="127.0.0.1", smtp_port=str(server.port),
             smtp_security="none", smtp_password="")  # fmt: skip
        assert server.logins in ([], ["ops"])
        assert server.mails == []


def test_a_wrong_password_is_said_in_words(as_maya: Client, cast: Cast) -> None:
    with smtp_receiver(auth=True) as server:
        page = save(as_maya, do="test", smtp_host="127.0.0.1", smtp_port=str(server.port),
                    smtp_security="none", smtp_password="wrong")  # fmt: skip
    assert not page.context["result"].ok
    assert "SMTP" in page.context["result"].text


def test_channel_accounts_are_stored_changed_in_parts_and_removed(
    as_maya: Client, cast: Cast
) -> None:
    path = "/site/accounts/twilio_sms/"
    names = ("account_sid", "auth_token", "from")
    data = dict(zip((f"twilio_sms-{n}" for n in names), ("AC1", "t0ken", "+4930123"), strict=True))
    assert as_maya.post(path, data).status_code == 302
    assert notifications.site_config("twilio_sms")["auth_token"] == "t0ken"
    assert "t0ken" not in as_maya.get("/site/").content.decode()
    assert "t0ken" not in Site.objects.get().accounts_sealed
    as_maya.post(path, {"twilio_sms-from": "+4940999"})
    config = notifications.site_config("twilio_sms")
    assert (config["auth_token"], config["from"]) == ("t0ken", "+4940999")
    as_maya.post(path, {"do": "remove"})
    assert not notifications.site_config("twilio_sms").get("auth_token")


def test_an_account_without_a_needed_part_is_refused_beside_the_field(
    as_maya: Client, cast: Cast
) -> None:
    page = as_maya.post("/site/accounts/pushover/", {})
    assert page.status_code == 200
    assert "This is missing" in page.content.decode()
    assert as_maya.post("/site/accounts/pigeon/", {}).status_code == 404


def test_an_override_from_the_environment_is_shown(
    as_maya: Client, cast: Cast, settings: Settings
) -> None:
    settings.SITE_URL = "https://fixed.example.com"
    page = as_maya.get("/site/").content.decode()
    assert "OPSPORTAL_SITE_URL" in page and "https://fixed.example.com" in page


def test_only_managers_see_and_change_the_site(as_ravi: Client, cast: Cast) -> None:
    assert as_ravi.get("/site/").status_code == 403
    assert save(as_ravi).status_code == 403
    assert as_ravi.post("/site/accounts/pushover/", {}).status_code == 403
    assert as_ravi.get("/site/demo/").status_code == 403
    assert as_ravi.post("/site/demo/").status_code == 403
    assert not Site.objects.exists()
