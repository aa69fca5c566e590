"""The page behind the link of a message: no login, one button, and only its POST acts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.core import audit
from apps.paging import links
from apps.paging import services as paging
from apps.paging.models import Page
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import Scene, scene, text_of
from tests.world import World


@pytest.fixture
def made(world: World, cast: Cast) -> Scene:
    return scene(world, cast)


@pytest.fixture
def mail_program() -> Client:
    """A mail program's mail_program: no session, no cookie, and CSRF enforced as in life."""
    return Client(enforce_csrf_checks=True)


def _link(page: Page, person: object) -> str:
    return f"/ack/{links.make(page.pk, getattr(person, 'pk'))}/"  # noqa: B009 - any person


def test_opening_the_link_shows_the_question_and_changes_nothing(
    made: Scene, cast: Cast, mail_program: Client, world: World
) -> None:
    address = _link(made.page, cast.ravi)
    for _ in range(3):
        response = mail_program.get(address)
        assert mail_program.head(address).status_code == 200
    text = text_of(response)
    for said in (
        "Snowflake profiling times out",
        "SEV2",
        "I am on it",
        "Since now, 08:30 Berlin",  # in Ravi's zone, though nobody is signed in
        "You are Ravi Rao",
        "inspect.profiler",
        "If nobody answers, Ravi Rao, Bea Bell are told in 5 m, 08:35 Berlin.",
    ):
        assert said in text, said
    made.page.refresh_from_db()
    assert made.page.is_waiting
    assert list(made.page.notes.filter(what="acknowledged")) == []


def test_its_button_acknowledges_as_the_person_of_the_link(
    made: Scene, cast: Cast, mail_program: Client, world: World
) -> None:
    response = mail_program.post(_link(made.page, cast.bea))
    assert response.status_code == 200
    text = text_of(response)
    assert "You acknowledged this" in text
    assert "Nobody else is woken." in text
    for row in (made.page, made.alert, made.incident):
        row.refresh_from_db()
    assert made.page.acknowledged_by == cast.bea
    assert made.alert.status == "acknowledged"
    assert made.incident.timeline.filter(what="acknowledged", actor=cast.bea).exists()
    world.advance(hours=2)
    assert [message.address for message in world.sent] == ["ravi@example.com"]  # Bea is on it
    world.forget()


def test_whoever_comes_second_hears_who_took_it_and_when(
    made: Scene, cast: Cast, mail_program: Client, world: World
) -> None:
    mail_program.post(_link(made.page, cast.bea))
    world.advance(minutes=2)
    world.forget()
    for answer in (mail_program.get, mail_program.post):
        text = text_of(answer(_link(made.page, cast.ravi)))
        assert "Bea Bell acknowledged this 2 m ago, 08:30 Berlin" in text
        assert "I am on it" not in text
    made.page.refresh_from_db()
    assert made.page.acknowledged_by == cast.bea
    assert "You acknowledged this" in text_of(mail_program.post(_link(made.page, cast.bea)))


def test_what_is_over_says_so(made: Scene, cast: Cast, mail_program: Client, world: World) -> None:
    paging.resolve(page=made.page, actor=audit.SYSTEM, now=world.now)
    for answer in (mail_program.get, mail_program.post):
        text = text_of(answer(_link(made.page, cast.ravi)))
        assert "There is nothing left to do" in text
        assert "I am on it" not in text
    made.page.refresh_from_db()
    assert made.page.acknowledged_by is None


def test_when_everybody_was_told_the_button_is_still_there(
    made: Scene, cast: Cast, mail_program: Client
) -> None:
    Page.objects.update(status="exhausted", next_at=None)
    text = text_of(mail_program.get(_link(made.page, cast.ravi)))
    assert "Everybody was told and nobody has answered yet." in text
    mail_program.post(_link(made.page, cast.ravi))
    made.page.refresh_from_db()
    assert made.page.acknowledged_by == cast.ravi


def test_a_page_that_got_worse_can_be_taken_again_by_the_old_link(
    made: Scene, cast: Cast, mail_program: Client, world: World
) -> None:
    mail_program.post(_link(made.page, cast.ravi))
    made.page.refresh_from_db()
    paging.raise_page(
        page=made.page, urgency="high", summary="All of it is down", reason="more",
        actor=audit.SYSTEM, now=world.now,
    )  # fmt: skip
    assert "All of it is down" in text_of(mail_program.get(_link(made.page, cast.ravi)))
    mail_program.post(_link(made.page, cast.bea))
    made.page.refresh_from_db()
    assert made.page.acknowledged_by == cast.bea
    world.forget()


def test_a_form_from_a_tab_of_hours_ago_still_works(
    made: Scene, cast: Cast, mail_program: Client
) -> None:
    response = mail_program.post(
        _link(made.page, cast.ravi),
        {"csrfmiddlewaretoken": "stale"},
        headers={"Origin": "null"},
    )
    assert response.status_code == 200
    made.page.refresh_from_db()
    assert made.page.acknowledged_by == cast.ravi


def test_neither_cache_nor_robot_nor_another_site_learns_of_the_link(
    made: Scene, cast: Cast, mail_program: Client
) -> None:
    good, bad = _link(made.page, cast.ravi), "/ack/nonsense/"
    for response in (mail_program.get(good), mail_program.post(good), mail_program.get(bad)):
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["Cache-Control"] == "no-store"
        assert response["X-Robots-Tag"] == "noindex, nofollow"


def test_a_link_that_is_cut_forged_or_older_than_a_week_is_refused_in_words(
    made: Scene, cast: Cast, mail_program: Client, world: World
) -> None:
    good = _link(made.page, cast.ravi)
    forged = good.replace(":", "x", 1)
    for wrong in (good[:-6] + "/", forged, "/ack/x/", "/ack/W10:x:y/"):
        for answer in (mail_program.get, mail_program.post):
            response = answer(wrong)
            assert response.status_code == 404, wrong
            assert "This link is not complete." in text_of(response)
    world.at((world.now + timedelta(days=8)).strftime("%Y-%m-%d %H:%M"))
    response = mail_program.post(good)
    assert response.status_code == 404
    assert "This link is older than a week." in text_of(response)
    made.page.refresh_from_db()
    assert made.page.acknowledged_by is None


def test_somebody_who_left_acknowledges_nothing(
    made: Scene, cast: Cast, mail_program: Client
) -> None:
    cast.ravi.is_active = False
    cast.ravi.save()
    response = mail_program.post(_link(made.page, cast.ravi))
    assert response.status_code == 404
    made.page.refresh_from_db()
    assert made.page.is_waiting


def test_a_page_that_is_gone_is_said_to_be(made: Scene, cast: Cast, mail_program: Client) -> None:
    response = mail_program.get(f"/ack/{links.make(999_999, cast.ravi.pk)}/")
    assert response.status_code == 404
    assert "not here any more" in text_of(response)


def test_other_methods_are_refused(made: Scene, cast: Cast, mail_program: Client) -> None:
    assert mail_program.put(_link(made.page, cast.ravi)).status_code == 405
    assert mail_program.delete(_link(made.page, cast.ravi)).status_code == 405


def test_who_is_signed_in_as_somebody_else_still_answers_as_the_link_says(
    made: Scene, cast: Cast
) -> None:
    client = Client()
    client.force_login(cast.olu, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post(_link(made.page, cast.ravi))
    made.page.refresh_from_db()
    assert made.page.acknowledged_by == cast.ravi


def test_a_drill_says_that_it_is_one(cast: Cast, world: World, mail_program: Client) -> None:
    page = build.page(kind="drill", recipients=[cast.ravi.pk], now=world.now)
    assert "Drill" in text_of(mail_program.get(_link(page, cast.ravi)))


def test_it_needs_no_script_and_little_of_the_network(
    made: Scene, cast: Cast, mail_program: Client
) -> None:
    body = mail_program.get(_link(made.page, cast.ravi)).content.decode()
    assert 'type="module"' not in body
    assert "htmx" not in body.split("<body")[0].replace("htmx-config", "")
    assert len(body) < 20_000


def test_the_second_button_ends_the_page_as_the_person_of_the_link(
    made: Scene, cast: Cast, mail_program: Client, world: World
) -> None:
    assert "It is over" in text_of(mail_program.get(_link(made.page, cast.ravi)))
    mail_program.post(_link(made.page, cast.ravi))
    text = text_of(mail_program.post(_link(made.page, cast.ravi), {"do": "resolve"}))
    assert "Ravi Rao ended this" in text
    assert "There is nothing left to do: the page is ended, and nobody is woken." in text
    assert "It is over" not in text
    made.page.refresh_from_db()
    assert made.page.status == Page.Status.RESOLVED
    assert made.page.notes.filter(what="resolved", actor=cast.ravi).count() == 1
    world.forget()


def test_what_waits_can_be_ended_without_being_taken_and_again_is_no_fault(
    made: Scene, cast: Cast, mail_program: Client, world: World
) -> None:
    for person in (cast.bea, cast.ravi):
        text = text_of(mail_program.post(_link(made.page, person), {"do": "resolve"}))
        assert "Bea Bell ended this" in text
    made.page.refresh_from_db()
    assert (made.page.status, made.page.acknowledged_by) == (Page.Status.RESOLVED, None)
    world.forget()
