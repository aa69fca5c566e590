"""The in-app mailbox: demo people's messages, to them and to managers, harmless in a frame."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.accounts.models import Person
from apps.core import clock
from apps.notifications import services as notifications
from apps.notifications.models import Channel, Message
from apps.notifications.wording import Texts
from tests import builders as build
from tests.conftest import Cast

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def write(person: Person, subject: str, html: str = "<p>Hello</p>", minutes: int = 0) -> Message:
    """A message as any part of the product would write it."""
    notifications.send_to_address(
        person=person, channel=Channel.EMAIL, address=person.email, what="account",
        texts=Texts(subject=subject, text=f"Text of {subject}", html=html, short=subject),
        subject=("account", subject), dedupe=f"{person.pk}:{subject}",
        now=clock.now() - timedelta(minutes=minutes), link="http://testserver/ack/x/",
    )  # fmt: skip
    return Message.objects.get(dedupe_key=f"{person.pk}:{subject}")


@pytest.fixture
def dee(cast: Cast) -> Person:
    return build.person("Dee Mo", "responder", is_demo=True)


@pytest.fixture
def dan(cast: Cast) -> Person:
    return build.person("Dan Mo", "viewer", is_demo=True)


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person, backend=BACKEND)
    return client


def test_a_manager_reads_all_demo_people_and_nobody_elses_mail(
    as_maya: Client, cast: Cast, dee: Person, dan: Person
) -> None:
    write(dee, "To Dee", minutes=2)
    write(dan, "To Dan")
    write(cast.ravi, "To Ravi")
    page = as_maya.get("/mailbox/")
    text = page.content.decode()
    assert "Text of To Dan" in text  # the newest is open
    assert "To Dee" in text and "To Ravi" not in text
    only = as_maya.get(f"/mailbox/?to={dee.pk}").content.decode()
    assert "Text of To Dee" in only and "Text of To Dan" not in only


def test_a_demo_person_reads_only_their_own(dee: Person, dan: Person) -> None:
    mine, theirs = write(dee, "To Dee"), write(dan, "To Dan")
    client = signed_in(dee)
    text = client.get("/mailbox/").content.decode()
    assert "To Dee" in text and "To Dan" not in text
    assert client.get(f"/mailbox/{mine.pk}/").status_code == 200
    for path in (f"/mailbox/{theirs.pk}/", f"/mailbox/{theirs.pk}/html/"):
        assert client.get(path).status_code == 404


def test_real_people_without_that_right_have_no_mailbox(as_ravi: Client, dee: Person) -> None:
    message = write(dee, "To Dee")
    for path in ("/mailbox/", f"/mailbox/{message.pk}/", f"/mailbox/{message.pk}/html/"):
        assert as_ravi.get(path).status_code == 403
        assert Client().get(path).status_code == 302


def test_a_real_persons_message_is_not_in_it_by_address_either(
    as_maya: Client, cast: Cast, dee: Person
) -> None:
    message = write(cast.ravi, "Private")
    assert as_maya.get(f"/mailbox/{message.pk}/").status_code == 404
    assert as_maya.get(f"/mailbox/{message.pk}/html/").status_code == 404


def test_the_html_part_stands_alone_in_a_sandbox(as_maya: Client, dee: Person) -> None:
    message = write(dee, "Trick", html="<script>alert(1)</script><p>Hello</p>")
    page = as_maya.get(f"/mailbox/{message.pk}/").content.decode()
    assert "alert(1)" not in page
    assert f'<iframe class="mail-frame" sandbox src="/mailbox/{message.pk}/html/"' in page
    part = as_maya.get(f"/mailbox/{message.pk}/html/")
    policy = part["Content-Security-Policy"]
    assert policy.endswith("; sandbox") and "default-src 'none'" in policy
    assert "script-src" not in policy and "frame-ancestors 'self'" in policy
    assert part["X-Frame-Options"] == "SAMEORIGIN"


def test_nothing_to_demo_people_leaves_the_house(dee: Person) -> None:
    surface = build.surface(primary=dee)
    build.schedule(dee, surfaces=[surface])
    build.page(surface=surface)
    from opsportal import engine

    engine.run_once(now=clock.now())
    channels = set(Message.objects.filter(person=dee).values_list("channel", flat=True))
    assert channels == {"mailbox"}
    assert "You are on call" in signed_in(dee).get("/mailbox/").content.decode()


def test_older_messages_are_on_the_next_page(as_maya: Client, dee: Person) -> None:
    for number in range(23):
        write(dee, f"Note {number:02d}", minutes=number)
    first = as_maya.get("/mailbox/")
    assert len(first.context["page"].rows) == 20
    second = as_maya.get("/mailbox/" + first.context["page"].next)
    assert [row.subject for row in second.context["page"].rows] == [
        "Note 20", "Note 21", "Note 22",
    ]  # fmt: skip


def test_an_empty_mailbox_says_what_it_is_for(as_maya: Client, cast: Cast) -> None:
    assert "No messages yet" in as_maya.get("/mailbox/").content.decode()


def test_the_menu_leads_there_only_while_demo_people_are_here(as_maya: Client, cast: Cast) -> None:
    link = 'href="/mailbox/"'
    assert link not in as_maya.get("/profile/").content.decode()
    dee = build.person("Dee Mo", is_demo=True)
    assert link in as_maya.get("/profile/").content.decode()
    assert link in signed_in(dee).get("/profile/").content.decode()
    assert link not in signed_in(cast.ravi).get("/profile/").content.decode()
