"""API keys in the admin: shown once, rotated with an overlap, revoked, never deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.accounts.models import ApiKey
from apps.core import clock, secrets
from tests import builders as build
from tests.adminkit import fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

ADD = "/admin/accounts/apikey/add/"


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


def shown(response: object) -> str:
    """The secret that a page holds: the value of its read-only field."""
    text = response.content.decode()  # type: ignore[attr-defined]
    return str(text.split('id="secret-1" value="')[1].split('"')[0])


def test_a_new_key_is_shown_once_on_a_page_that_nobody_keeps(maya: Client, cast: Cast) -> None:
    form = fields(maya, ADD)
    form |= {"name": ["Airflow"], "scopes": ["events:write", "rotations:read"]}
    answer = send(maya, ADD, form)
    row = ApiKey.objects.get()
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "This is shown once." in text_of(answer)
    assert secrets.digest(shown(answer)) == row.digest
    assert row.scopes == ["events:write", "rotations:read"]
    assert row.created_by == cast.maya
    change = f"/admin/accounts/apikey/{row.pk}/change/"
    assert f'data-now-at="{change}"' in answer.content.decode()
    again = maya.get(change)
    assert shown(answer) not in again.content.decode()
    assert row.prefix in text_of(again)


def test_a_key_without_a_scope_or_a_name_is_refused_at_its_field(maya: Client) -> None:
    answer = send(maya, ADD, fields(maya, ADD))
    assert answer.status_code == 200
    assert text_of(answer).count("This field is required.") == 2
    form = fields(maya, ADD) | {"name": ["x"], "scopes": ["root:all"]}
    assert "Select a valid choice." in text_of(send(maya, ADD, form))
    assert not ApiKey.objects.exists()


def test_each_scope_says_what_it_is_for(maya: Client) -> None:
    said = text_of(maya.get(ADD))
    assert "Post events: for monitoring tools that send alerts" in said


def test_what_a_key_may_do_never_changes(maya: Client) -> None:
    row = build.key("events:read").row
    change = f"/admin/accounts/apikey/{row.pk}/change/"
    form = fields(maya, change) | {"name": ["Renamed"], "scopes": ["admin"], "rate": ["9"]}
    assert send(maya, change, form).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.scopes, row.rate) == ("Renamed", ["events:read"], None)


def test_rotating_shows_a_new_key_and_leaves_the_old_one_its_overlap(maya: Client) -> None:
    old = build.key("events:write", name="Airflow").row
    page = f"/admin/accounts/apikey/{old.pk}/do/rotate/"
    assert "Makes a new key with the same rights" in text_of(maya.get(page))
    assert ApiKey.objects.count() == 1  # looking at the page does nothing
    answer = maya.post(page, {"overlap": "24"})
    new = ApiKey.objects.get(rotated_from=old)
    assert secrets.digest(shown(answer)) == new.digest
    old.refresh_from_db()
    assert old.expires_at is not None
    left = old.expires_at - clock.now()
    assert timedelta(hours=23) < left <= timedelta(hours=24)
    assert "Select a valid choice." in text_of(maya.post(page, {"overlap": "-5"}))


def test_a_revoked_key_stops_and_stays_on_the_record(maya: Client) -> None:
    row = build.key("events:write", name="Airflow").row
    answer = maya.post(f"/admin/accounts/apikey/{row.pk}/do/revoke/")
    assert messages(answer) == ["Airflow is revoked."]
    row.refresh_from_db()
    assert row.revoked_at is not None
    assert maya.get(f"/admin/accounts/apikey/{row.pk}/do/revoke/").status_code == 404
    assert "Airflow" in text_of(maya.get("/admin/accounts/apikey/?state=revoked"))
    assert "Airflow" not in text_of(maya.get("/admin/accounts/apikey/?state=usable"))
    assert maya.post(f"/admin/accounts/apikey/{row.pk}/delete/").status_code == 403


def test_an_action_needs_the_pages_own_token(cast: Cast) -> None:
    """A link or a form on another site revokes nothing."""
    row = build.key("events:write").row
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.maya, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert strict.post(f"/admin/accounts/apikey/{row.pk}/do/revoke/").status_code == 403
    row.refresh_from_db()
    assert row.revoked_at is None
