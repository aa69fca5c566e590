"""Contact methods are proved before they are used; invitations let people in."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from apps.core.errors import Conflict, Invalid, NotFound
from apps.notifications import services as notifications
from apps.notifications.models import ContactMethod, Message
from tests import builders as build
from tests.conftest import Cast
from tests.world import World


@pytest.fixture(autouse=True)
def mail_server(world: World) -> None:
    notifications.save_site(values={"smtp_host": "mail.example"}, now=world.now)


def _code(text: str) -> str:
    found = re.search(r"\b\d{6}\b", text)
    assert found
    return found[0]


def test_a_method_is_used_only_after_its_code(world: World, cast: Cast) -> None:
    method = notifications.add_method(
        person=cast.ravi, channel="email", address="RAVI@home.example", now=world.now
    )
    world.run()
    [mail] = world.sent
    assert mail.address == "RAVI@home.example"
    with pytest.raises(Invalid, match="4 tries left"):
        notifications.confirm(method=method, code="000000x", now=world.now)
    notifications.confirm(method=method, code=_code(mail.text), now=world.now)
    assert method.verified_at == world.now
    world.forget()


def test_a_code_ends_after_ten_minutes_or_five_tries(world: World, cast: Cast) -> None:
    method = notifications.add_method(
        person=cast.ravi, channel="email", address="ravi@home.example", now=world.now
    )
    world.run()
    code = _code(world.sent[0].text)
    with pytest.raises(Invalid, match="used up"):
        notifications.confirm(method=method, code=code, now=world.now + timedelta(minutes=11))
    for _ in range(5):
        with pytest.raises(Invalid):
            notifications.confirm(method=method, code="wrong", now=world.now)
    with pytest.raises(Invalid, match="used up"):
        notifications.confirm(method=method, code=code, now=world.now)
    world.forget()


def test_codes_cannot_be_asked_for_in_a_burst(world: World, cast: Cast) -> None:
    method = notifications.add_method(
        person=cast.ravi, channel="email", address="ravi@home.example", now=world.now
    )
    with pytest.raises(Conflict, match="less than a minute"):
        notifications.send_code(method=method, now=world.now)
    world.run()
    world.forget()


@pytest.mark.parametrize("address", ["", "not an address", "a@b\r\nBcc: x@y.example", "x" * 400])
def test_an_address_that_cannot_be_one_is_refused(world: World, cast: Cast, address: str) -> None:
    with pytest.raises(Invalid):
        notifications.add_method(person=cast.ravi, channel="email", address=address, now=world.now)
    assert not ContactMethod.objects.exists()


def test_the_address_is_sealed_at_rest(world: World, cast: Cast) -> None:
    method = build.method(cast.ravi, address="secret@home.example")
    method.refresh_from_db()
    assert "secret" not in method.address_sealed


def test_one_sees_only_ones_own_methods(world: World, cast: Cast) -> None:
    build.method(cast.ravi)
    assert ContactMethod.objects.visible_to(cast.ravi).count() == 1
    assert ContactMethod.objects.visible_to(cast.maya).count() == 0


def test_an_invitation_works_once_and_proves_the_address(world: World, cast: Cast) -> None:
    new = build.person("Nia New", password=None)
    link = notifications.invite(person=new, by=cast.maya, now=world.now)
    world.run()
    mail = world.expect_message(to=new, containing="Maya Lind invites you")
    assert link in mail.text
    token = link.rstrip("/").rpartition("/")[2]
    invitation = notifications.open_invitation(token=token, now=world.now)
    with pytest.raises(Invalid):
        notifications.accept(invitation=invitation, name="Nia", password="short", now=world.now)
    notifications.accept(
        invitation=invitation, name="Nia New", password=build.PASSWORD, now=world.now
    )
    assert new.contact_methods.get().verified_at == world.now
    with pytest.raises(NotFound):
        notifications.open_invitation(token=token, now=world.now)


def test_an_invitation_expires(world: World, cast: Cast) -> None:
    new = build.person("Nia New", password=None)
    link = notifications.invite(person=new, by=cast.maya, now=world.now)
    token = link.rstrip("/").rpartition("/")[2]
    with pytest.raises(NotFound):
        notifications.open_invitation(token=token, now=world.now + timedelta(days=8))
    world.run()
    world.forget()


def test_a_demo_person_gets_codes_in_the_mailbox(world: World, cast: Cast) -> None:
    demo = build.person("Mara Demo", is_demo=True)
    notifications.add_method(
        person=demo, channel="email", address="someone@real.example", now=world.now
    )
    world.run()
    assert Message.objects.get().channel == "mailbox"
    world.forget()
