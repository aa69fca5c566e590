"""The link of an invitation: it lets one person in, once, and tells nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.accounts.models import Person
from apps.core import clock
from apps.notifications import services as notifications
from apps.notifications.models import ContactMethod, Invitation
from tests import builders as build
from tests.conftest import Cast

FORM = {
    "name": "Nia Novak",
    "password": "correct horse battery",
    "time_zone": "Europe/Berlin",
}


@pytest.fixture
def nia(cast: Cast) -> Person:
    return build.person("Nia N", password=None)


@pytest.fixture
def link(nia: Person, cast: Cast) -> str:
    """The path of Nia's invitation."""
    url = notifications.invite(person=nia, by=cast.maya, now=clock.now())
    return "/join/" + url.partition("/join/")[2]


def test_joining_sets_name_password_and_zone_and_signs_in(
    client: Client, nia: Person, link: str
) -> None:
    assert "Maya Lind invites you" in client.get(link).content.decode()
    answer = client.post(link, FORM)
    assert (answer.status_code, answer["Location"]) == (302, "/profile/")
    nia.refresh_from_db()
    assert (nia.name, nia.time_zone) == ("Nia Novak", "Europe/Berlin")
    assert nia.check_password(FORM["password"])
    assert client.get("/profile/").status_code == 200
    method = ContactMethod.objects.get(person=nia)
    assert (method.channel, bool(method.verified_at)) == ("email", True)  # the mail proved it


def test_the_answer_is_not_kept_and_the_address_is_not_passed_on(client: Client, link: str) -> None:
    page = client.get(link)
    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] == "strict-origin"


def test_a_link_works_once(client: Client, link: str) -> None:
    client.post(link, FORM)
    for answer in (Client().get(link), Client().post(link, FORM)):
        assert answer.status_code == 404
        assert "used or expired" in answer.content.decode()


@pytest.mark.parametrize("path", ["/join/nonsense/", f"/join/{'x' * 43}/"])
def test_a_link_that_was_never_made_is_not_found(client: Client, cast: Cast, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path, FORM).status_code == 404


def test_an_expired_link_and_one_of_somebody_deactivated_are_not_found(
    client: Client, nia: Person, link: str
) -> None:
    Invitation.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert client.get(link).status_code == 404
    Invitation.objects.update(expires_at=clock.now() + timedelta(days=1))
    nia.is_active = False
    nia.save()
    assert client.get(link).status_code == 404


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"password": "short"}, "password", "too short"),
        ({"password": "nia@example.com"}, "password", "similar"),
        ({"name": ""}, "name", "required"),
        ({"time_zone": "Nowhere"}, "time_zone", "valid choice"),
    ],
)
def test_what_is_wrong_is_said_and_the_link_stays_good(
    client: Client, nia: Person, link: str, changes: dict[str, str], field: str, says: str
) -> None:
    page = client.post(link, {**FORM, **changes})
    assert page.status_code == 200
    assert says in str(page.context["form"].errors[field])
    nia.refresh_from_db()
    assert not nia.has_usable_password()
    assert client.post(link, FORM).status_code == 302


def test_somebody_signed_in_as_another_is_told_and_becomes_the_invited(
    as_ravi: Client, nia: Person, link: str
) -> None:
    assert "You are signed in as Ravi Rao" in as_ravi.get(link).content.decode()
    as_ravi.post(link, FORM)
    assert as_ravi.get("/profile/").context["person"] == nia


def test_of_two_invitations_the_second_dies_with_the_first(
    client: Client, nia: Person, link: str, cast: Cast
) -> None:
    url = notifications.invite(person=nia, by=cast.maya, now=clock.now() + timedelta(seconds=1))
    client.post(link, FORM)
    assert Client().get("/join/" + url.partition("/join/")[2]).status_code == 404
