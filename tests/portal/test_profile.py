"""One's own page: how one is reached, when by which, and that nobody else sees it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from apps.core import clock
from apps.notifications import services as notifications
from apps.notifications.models import (
    Channel,
    ContactMethod,
    Message,
    NotificationRule,
    QuietHours,
)
from tests import builders as build
from tests.conftest import Cast
from tests.world import World

PREFERENCES = {
    "name": "Ravi R.",
    "time_zone": "America/New_York",
    "week_start": "6",
    "hour_cycle": "12",
}


@pytest.fixture(autouse=True)
def mail_server(db: None) -> None:
    """Without one, e-mail is not among the channels that somebody can add."""
    values = {"smtp_host": "smtp.example.com", "address": "https://ops.example.com"}
    notifications.save_site(values=values, now=clock.now())


@pytest.fixture
def others(cast: Cast) -> ContactMethod:
    return build.method(cast.bea)


def code_of(method: ContactMethod) -> str:
    """The digits in the newest code that was written for a method."""
    message = Message.objects.about("contact_method", str(method.pk)).filter(what="code").last()
    assert message is not None
    found = re.match(r"\d{6}", message.subject)
    assert found
    return found[0]


BACK = {"Referer": "http://testserver/profile/"}


def add(client: Client, **data: str) -> Any:
    return client.post("/profile/methods/", {"channel": "email", "address": "r@example.com"} | data)


# -- oneself


def test_name_zone_week_and_clock_are_saved(as_ravi: Client, cast: Cast) -> None:
    assert as_ravi.post("/profile/", PREFERENCES).status_code == 302
    cast.ravi.refresh_from_db()
    ravi = cast.ravi
    assert (ravi.name, ravi.time_zone, ravi.week_start, ravi.hour_cycle) == (
        "Ravi R.", "America/New_York", 6, "12",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"time_zone": "Nowhere"}, "time_zone"),
        ({"week_start": "3"}, "week_start"),
        ({"hour_cycle": "13"}, "hour_cycle"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_saved(
    as_ravi: Client, cast: Cast, changes: dict[str, str], field: str
) -> None:
    page = as_ravi.post("/profile/", PREFERENCES | changes)
    assert field in page.context["preferences"].errors
    cast.ravi.refresh_from_db()
    assert cast.ravi.name == "Ravi Rao"


def test_every_signed_in_role_has_a_profile_and_strangers_are_sent_to_sign_in(
    client: Client, cast: Cast
) -> None:
    assert client.get("/profile/").status_code == 302
    backend = "allauth.account.auth_backends.AuthenticationBackend"
    for person in (cast.maya, cast.ravi, cast.sam, cast.olu):
        client.force_login(person, backend=backend)
        page = client.get("/profile/")
        assert page.status_code == 200
        assert person.email in page.content.decode()


# -- contact methods


def test_a_method_is_added_and_confirmed_by_the_code_that_went_there(
    as_ravi: Client, cast: Cast, world: World
) -> None:
    answer = add(as_ravi, address="Ravi.Private@Example.com", label="private")
    method = ContactMethod.objects.get(person=cast.ravi)
    assert answer["Location"] == f"/profile/methods/{method.pk}/"
    assert as_ravi.get(answer["Location"]).context["sent"].status == "pending"
    world.run()
    mail = next(m for m in world.sent if "ravi.private" in m.address.lower())
    world.forget()
    assert as_ravi.get(answer["Location"]).context["sent"].status == "sent"
    code = mail.subject[:6]
    done = as_ravi.post(answer["Location"], {"code": f" {code[:3]} {code[3:]} "})
    assert done["Location"] == "/profile/"
    method.refresh_from_db()
    assert method.verified_at == world.now


def test_the_fate_of_the_code_is_shown(as_ravi: Client, cast: Cast, world: World) -> None:
    world.channel("email").down = True
    path = add(as_ravi)["Location"]
    world.run()
    assert "No connection to the server" in as_ravi.get(path).content.decode()


def test_five_wrong_codes_use_the_code_up(as_ravi: Client, cast: Cast) -> None:
    path = add(as_ravi)["Location"]
    method = ContactMethod.objects.get(person=cast.ravi)
    right = code_of(method)
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(5):
        page = as_ravi.post(path, {"code": wrong})
        assert "not the code" in str(page.context["form"].errors["code"])
    page = as_ravi.post(path, {"code": right})
    assert "Send a new code" in str(page.context["form"].errors["code"])
    method.refresh_from_db()
    assert method.verified_at is None


def test_a_new_code_comes_at_most_once_a_minute(as_ravi: Client, cast: Cast, world: World) -> None:
    method = ContactMethod.objects.get(pk=add(as_ravi)["Location"].split("/")[3])
    early = as_ravi.post(f"/profile/methods/{method.pk}/code/", follow=True, headers=BACK)
    assert "less than a minute ago" in early.content.decode()
    world.advance(minutes=2)
    assert as_ravi.post(f"/profile/methods/{method.pk}/code/").status_code == 302
    world.run()
    assert len([m for m in world.sent if "code" in m.subject]) == 2
    world.forget()


@pytest.mark.parametrize(
    ("data", "field", "says"),
    [
        ({"address": "not an address"}, "address", "one e-mail address"),
        ({"address": ""}, "address", "required"),
        ({"channel": "pigeon"}, "channel", "valid choice"),
        ({"channel": "mailbox"}, "channel", "valid choice"),
        ({"channel": "pushover"}, "channel", "valid choice"),  # no account on this site
        ({"channel": "webhook", "address": "https://example.com/x"}, "channel", "signing secret"),
        ({"channel": "ntfy", "address": "no topic"}, "address", "space"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused_in_words(
    as_ravi: Client, cast: Cast, data: dict[str, str], field: str, says: str
) -> None:
    page = add(as_ravi, **data)
    assert page.status_code == 200
    assert says in str(page.context["method_form"].errors[field])
    assert not ContactMethod.objects.exists()


def test_a_channel_is_offered_once_the_site_has_its_account(as_ravi: Client, cast: Cast) -> None:
    assert "Pushover (push)" not in as_ravi.get("/profile/").content.decode()
    notifications.save_accounts(channel="pushover", values={"app_token": "x" * 30})
    assert "Pushover (push)" in as_ravi.get("/profile/").content.decode()
    assert add(as_ravi, channel="pushover", address="u" * 30).status_code == 302


def test_removing_a_method_takes_its_rules_along(as_ravi: Client, cast: Cast) -> None:
    method = build.method(cast.ravi)
    notifications.set_rules(person=cast.ravi, urgency="high", rows=[(method, 0)])
    assert as_ravi.post(f"/profile/methods/{method.pk}/remove/").status_code == 302
    assert not ContactMethod.objects.exists() and not NotificationRule.objects.exists()


def test_an_address_is_never_shown_in_full_again(as_ravi: Client, cast: Cast) -> None:
    build.method(cast.ravi, Channel.NTFY, "https://ntfy.sh/ravi-secret-topic")
    assert "ravi-secret-topic" not in as_ravi.get("/profile/").content.decode()


# -- others


@pytest.mark.parametrize("action", ["", "code/", "remove/", "test/"])
def test_somebody_elses_method_is_not_found_not_even_by_a_manager(
    client: Client, cast: Cast, others: ContactMethod, action: str
) -> None:
    for person in (cast.ravi, cast.maya):
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        path = f"/profile/methods/{others.pk}/{action}"
        assert client.post(path, {"code": "123456"}).status_code == 404
    assert client.get(f"/profile/methods/{others.pk}/").status_code == 404
    assert ContactMethod.objects.filter(pk=others.pk).exists()


def test_somebody_elses_method_cannot_stand_in_ones_rules(
    as_ravi: Client, cast: Cast, others: ContactMethod
) -> None:
    build.method(cast.ravi)
    page = as_ravi.post("/profile/rules/high/", {"high-method_0": str(others.pk)})
    assert page.status_code == 200
    assert not NotificationRule.objects.exists()


def test_a_get_of_an_action_leads_to_the_profile_and_does_nothing(
    as_ravi: Client, cast: Cast
) -> None:
    method = build.method(cast.ravi)
    for action in ("remove", "test", "code"):
        answer = as_ravi.get(f"/profile/methods/{method.pk}/{action}/")
        assert (answer.status_code, answer["Location"]) == (302, "/profile/")
    assert ContactMethod.objects.exists() and not Message.objects.exists()


# -- warnings


def test_the_page_warns_when_nothing_or_only_email_is_confirmed(
    as_ravi: Client, cast: Cast
) -> None:
    assert "No way to reach you is confirmed" in as_ravi.get("/profile/").content.decode()
    build.method(cast.ravi)
    assert "wakes nobody at night" in as_ravi.get("/profile/").content.decode()
    build.method(cast.ravi, Channel.NTFY, "https://ntfy.sh/x")
    page = as_ravi.get("/profile/").content.decode()
    assert "wakes nobody at night" not in page and "No way to reach you" not in page


# -- test page


def test_a_test_page_is_answered_by_its_button_without_signing_in(
    as_ravi: Client, cast: Cast, world: World
) -> None:
    method = build.method(cast.ravi, now=world.now)
    as_ravi.post(f"/profile/methods/{method.pk}/test/")
    world.run()
    mail = world.expect_page(to=cast.ravi, containing="Nothing is broken")
    link = mail.outgoing.link
    assert link and link in mail.text
    path = "/profile/test-page/" + link.partition("/profile/test-page/")[2]
    stranger = Client()
    assert "Did this test page reach you, Ravi?" in stranger.get(path).content.decode()
    stranger.head(path)
    assert notifications.tested_at([method]) == {}  # looking changes nothing
    world.advance(minutes=1)
    assert "It works, Ravi" in stranger.post(path).content.decode()
    assert notifications.tested_at([method]) == {method.pk: world.now}
    first = world.now
    world.advance(minutes=1)
    stranger.post(path)
    assert notifications.tested_at([method]) == {method.pk: first}  # the first counts
    assert "Test page answered 1 m ago" in as_ravi.get("/profile/").content.decode()


def test_a_test_link_dies_with_its_method_and_after_a_day(
    as_ravi: Client, cast: Cast, world: World
) -> None:
    method = build.method(cast.ravi, now=world.now)
    as_ravi.post(f"/profile/methods/{method.pk}/test/")
    link = Message.objects.get(what="test_page").link
    path = "/profile/test-page/" + link.partition("/profile/test-page/")[2]
    assert Client().get("/profile/test-page/forged/").status_code == 404
    assert Client().post(path[:-3] + "x/").status_code == 404
    world.advance(hours=25)
    assert Client().get(path).status_code == 404
    world.at("2026-09-07 06:30")
    assert Client().get(path).status_code == 200
    notifications.remove_method(method=method, now=world.now)
    assert Client().post(path).status_code == 404
    world.forget()


def test_an_unconfirmed_method_gets_no_test_page(as_ravi: Client, cast: Cast) -> None:
    method = ContactMethod.objects.get(pk=add(as_ravi)["Location"].split("/")[3])
    page = as_ravi.post(f"/profile/methods/{method.pk}/test/", follow=True, headers=BACK)
    assert "Confirm this method with its code first" in page.content.decode()
    assert not Message.objects.filter(what="test_page").exists()


# -- when by which


def test_rules_say_at_once_by_this_and_after_five_minutes_by_that(
    as_ravi: Client, cast: Cast
) -> None:
    mail = build.method(cast.ravi)
    phone = build.method(cast.ravi, Channel.NTFY, "https://ntfy.sh/x")
    answer = as_ravi.post(
        "/profile/rules/high/",
        {"high-method_0": mail.pk, "high-delay_0": "0",
         "high-method_1": phone.pk, "high-delay_1": "5", "high-method_2": ""},
    )  # fmt: skip
    assert answer.status_code == 302
    rows = NotificationRule.objects.filter(urgency="high").values_list("method", "delay_minutes")
    assert list(rows) == [(mail.pk, 0), (phone.pk, 5)]
    form = as_ravi.get("/profile/").context["rules"][0]
    assert [by.value() for by, _ in form.rows] == [mail.pk, phone.pk, ""]
    as_ravi.post("/profile/rules/high/", {})
    assert not NotificationRule.objects.exists()


@pytest.mark.parametrize("minutes", ["-1", "121", "soon"])
def test_a_wait_is_zero_to_two_hours(as_ravi: Client, cast: Cast, minutes: str) -> None:
    mail = build.method(cast.ravi)
    page = as_ravi.post("/profile/rules/low/", {"low-method_0": mail.pk, "low-delay_0": minutes})
    assert page.status_code == 200
    assert "delay_0" in page.context["rules"][1].errors


def test_there_are_rules_for_two_urgencies(as_ravi: Client, cast: Cast) -> None:
    assert as_ravi.post("/profile/rules/medium/", {}).status_code == 404


def test_quiet_hours_are_weekly_windows(as_ravi: Client, cast: Cast) -> None:
    data = {"quiet-days_0": ["mon", "tue"], "quiet-start_0": "22:00", "quiet-end_0": "07:00"}
    assert as_ravi.post("/profile/quiet/", data).status_code == 302
    assert QuietHours.objects.get(person=cast.ravi).windows == [
        {"days": ["mon", "tue"], "start": "22:00", "end": "07:00"}
    ]
    form = as_ravi.get("/profile/").context["quiet"]
    assert form.rows[0][0].value() == ["mon", "tue"]
    as_ravi.post("/profile/quiet/", {})
    assert QuietHours.objects.get(person=cast.ravi).windows == []


@pytest.mark.parametrize(
    "data",
    [
        {"quiet-days_0": ["mon"], "quiet-start_0": "", "quiet-end_0": "07:00"},
        {"quiet-days_0": ["mon"], "quiet-start_0": "25:00", "quiet-end_0": "07:00"},
        {"quiet-days_0": ["someday"], "quiet-start_0": "22:00", "quiet-end_0": "07:00"},
    ],
)
def test_a_window_that_cannot_be_is_refused(
    as_ravi: Client, cast: Cast, data: dict[str, Any]
) -> None:
    page = as_ravi.post("/profile/quiet/", data)
    assert page.status_code == 200 and page.context["quiet"].errors
    assert not QuietHours.objects.exists()


def test_saved_quiet_hours_hold_back_low_urgency(as_ravi: Client, cast: Cast, world: World) -> None:
    build.method(cast.ravi, now=world.now)
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    as_ravi.post(
        "/profile/quiet/",
        {"quiet-days_0": days, "quiet-start_0": "08:00", "quiet-end_0": "10:00"},
    )
    surface = build.surface(now=world.now)
    build.schedule(cast.ravi, surfaces=[surface], now=world.now)
    build.page(surface=surface, urgency="low", now=world.now)  # 08:00 in Berlin
    world.run()
    world.expect_nothing()
    world.advance(hours=2)
    world.expect_page(to=cast.ravi)
    world.forget()
