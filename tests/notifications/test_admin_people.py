"""People in the admin: added, invited, switched off and on; and an outbox that tells no secrets."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import Person
from apps.core import clock
from apps.notifications import services as notifications
from apps.notifications.models import ContactMethod, Invitation, Message
from tests import builders as build
from tests.adminkit import fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

ADD = "/admin/accounts/person/add/"


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


def change(person: Person) -> str:
    return f"/admin/accounts/person/{person.pk}/change/"


def test_somebody_is_added_with_roles_teams_and_an_invitation(maya: Client) -> None:
    team = build.team("data")
    form = fields(maya, ADD)
    form |= {"name": ["Nina New"], "email": ["Nina@Example.com"], "roles": ["responder", "viewer"]}
    form |= {"teams": [str(team.pk)], "time_zone": ["Europe/Berlin"]}
    assert form["invite"] == ["on"]
    assert send(maya, ADD, form).status_code == 302
    nina = Person.objects.get_by_natural_key("nina@example.com")
    assert (nina.roles, nina.time_zone) == (["responder", "viewer"], "Europe/Berlin")
    assert list(nina.teams.all()) == [team]
    assert not nina.has_usable_password()
    assert Message.objects.get(what="invitation").person == nina


def test_an_invitation_is_sent_only_when_it_is_meant(maya: Client) -> None:
    form = fields(maya, ADD) | {"name": ["Nina"], "email": ["nina@example.com"]}
    form.pop("invite")
    assert send(maya, ADD, form).status_code == 302
    assert not Invitation.objects.exists()
    assert "◆ Not invited" in text_of(maya.get("/admin/accounts/person/"))
    nina = Person.objects.get_by_natural_key("nina@example.com")
    answer = maya.post(f"/admin/accounts/person/{nina.pk}/do/invite/")
    assert messages(answer) == ["Nina is invited."]
    assert "■ Invited" in text_of(maya.get("/admin/accounts/person/"))


def test_several_are_invited_at_once(maya: Client, cast: Cast) -> None:
    chosen = [cast.ravi.pk, cast.bea.pk]
    answer = maya.post(
        "/admin/accounts/person/", {"action": "send_invitations", "_selected_action": chosen}
    )
    assert "Invited 2 people." in messages(answer)
    assert Invitation.objects.count() == 2


def test_no_page_of_a_person_asks_for_a_password(maya: Client, cast: Cast) -> None:
    for address in (ADD, change(cast.ravi)):
        assert b'type="password"' not in maya.get(address).content
        assert "password" not in fields(maya, address)


REFUSED = [
    ({"email": ["ravi@example.com"]}, "already"),
    ({"email": ["not an address"]}, "Enter a valid email address."),
    ({"name": [""]}, "This field is required."),
    ({"time_zone": ["Mars/Olympus"]}, "Mars/Olympus is not a time zone."),
    ({"roles": ["emperor"]}, "Select a valid choice."),
]


@pytest.mark.parametrize(("typed", "said"), REFUSED, ids=[str(typed) for typed, _ in REFUSED])
def test_what_cannot_be_is_said_at_its_field(
    typed: dict[str, list[str]], said: str, maya: Client, cast: Cast
) -> None:
    form = fields(maya, ADD) | {"name": ["Nina"], "email": ["nina@example.com"]}
    answer = send(maya, ADD, form | typed)
    assert answer.status_code == 200
    assert said in text_of(answer)
    assert Person.objects.get_queryset().count() == 5


def test_the_last_manager_stays_one_and_it_is_said_on_the_form(maya: Client, cast: Cast) -> None:
    form = fields(maya, change(cast.maya)) | {"roles": ["viewer"], "name": ["Maya Renamed"]}
    answer = send(maya, change(cast.maya), form)
    assert answer.status_code == 200
    assert "is the only manager. Make somebody else a manager first." in text_of(answer)
    assert "Maya Renamed" in answer.content.decode()  # what was typed is still there
    cast.maya.refresh_from_db()
    assert (cast.maya.roles, cast.maya.name) == (["manager"], "Maya Lind")
    refused = maya.post(f"/admin/accounts/person/{cast.maya.pk}/do/deactivate/")
    assert "is the only manager" in text_of(refused)


def test_somebody_is_switched_off_and_on_by_buttons(maya: Client, cast: Cast) -> None:
    deactivate = f"/admin/accounts/person/{cast.ravi.pk}/do/deactivate/"
    assert "can no longer sign in" in text_of(maya.get(deactivate))
    assert maya.post(deactivate).status_code == 302
    cast.ravi.refresh_from_db()
    assert not cast.ravi.is_active
    assert maya.get(deactivate).status_code == 404
    assert maya.post(f"/admin/accounts/person/{cast.ravi.pk}/do/reactivate/").status_code == 302
    cast.ravi.refresh_from_db()
    assert cast.ravi.is_active


def test_the_list_says_who_can_be_woken(maya: Client, cast: Cast) -> None:
    build.method(cast.ravi, "ntfy", "https://ntfy.sh/ravi")
    build.method(cast.bea)
    rows = text_of(maya.get("/admin/accounts/person/"))
    assert "● Yes" in rows and "◆ E-mail only" in rows and "◆ Sign-in address only" in rows


def test_a_managers_change_is_in_the_history_with_their_name(maya: Client, cast: Cast) -> None:
    form = fields(maya, change(cast.ravi)) | {"name": ["Ravi R."]}
    assert send(maya, change(cast.ravi), form).status_code == 302
    said = text_of(maya.get(f"/admin/accounts/person/{cast.ravi.pk}/history/"))
    assert "Maya Lind Changed name: Ravi Rao → Ravi R." in said
    everything = text_of(maya.get("/admin/history/?what=accounts.person"))
    assert "Changed person Ravi R." in everything


def test_contact_methods_are_their_owners_alone(maya: Client, cast: Cast) -> None:
    method = build.method(cast.ravi, "ntfy", "https://ntfy.sh/very-secret-topic")
    pages = ["/admin/history/", change(cast.ravi), "/admin/accounts/person/",
             f"/admin/accounts/person/{cast.ravi.pk}/history/"]  # fmt: skip
    for address in pages:
        content = maya.get(address).content.decode()
        assert "very-secret-topic" not in content and method.address_hint not in content
    assert ContactMethod.objects.visible_to(cast.maya).count() == 0


def test_the_outbox_shows_that_and_never_what_was_written(maya: Client, cast: Cast) -> None:
    link = notifications.invite(person=cast.ravi, by=cast.maya, now=clock.now())
    token = link.rstrip("/").rsplit("/", 1)[1]
    method = build.method(cast.bea)
    notifications.send_code(method=method, now=clock.now())
    code = Message.objects.get(what="code")
    for row in Message.objects.all():
        page = maya.get(f"/admin/notifications/message/{row.pk}/change/")
        assert page.status_code == 200
        assert token not in page.content.decode()
    listed = maya.get("/admin/notifications/message/")
    assert code.subject not in text_of(listed) and "(code)" in text_of(listed)
    digits = "".join(c for c in code.subject if c.isdigit())
    found = maya.get(f"/admin/notifications/message/?q={digits}")
    assert "(code)" not in text_of(found)  # nobody finds a code by guessing at it
