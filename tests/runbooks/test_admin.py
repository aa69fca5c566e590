"""Runbooks in the admin: who holds them and what brings them up; versions and runs only read."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.core import clock
from apps.runbooks.models import Runbook
from tests.adminkit import fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of
from tests.runbooks import kit

pytestmark = pytest.mark.django_db


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


@pytest.fixture
def people(cast: Cast) -> kit.Cast:
    return kit.Cast(ravi=cast.ravi, bea=cast.bea, maya=cast.maya, olu=cast.olu)


def test_a_manager_makes_and_changes_a_runbook(people: kit.Cast, maya: Client) -> None:
    add = "/admin/runbooks/runbook/add/"
    values = fields(maya, add)
    given = {"key": "rb-a", "title": "A", "owner": str(people.ravi.pk)}
    refused = send(maya, add, values, **given, brings_up="alert: x\nsmell: y")
    assert "Line 2: write a sort, a colon and a value" in text_of(refused)
    made = send(maya, add, values, **given, brings_up="alert: snowflake timeout")
    assert made.status_code == 302, text_of(made)
    row = Runbook.objects.get()
    assert row.triggers.get().value == "snowflake timeout"
    change = f"/admin/runbooks/runbook/{row.pk}/change/"
    values = fields(maya, change)
    assert values["brings_up"] == ["alert: snowflake timeout"]
    saved = send(maya, change, values, brings_up="code: E1", backup=str(people.ravi.pk))
    assert "Owner and backup are two people." in text_of(saved)
    assert send(maya, change, values, brings_up="code: E1").status_code == 302
    assert row.triggers.get().by == "code"


def test_a_runbook_is_retired_with_a_reason(people: kit.Cast, maya: Client) -> None:
    row = kit.runbook(people)
    at = f"/admin/runbooks/runbook/{row.pk}/do/retire/"
    done = maya.post(at, {"reason": "The flag is gone"})
    assert messages(done) == ["rb-snowflake-timeouts is retired."]
    row.refresh_from_db()
    assert row.archived_at is not None


def test_versions_and_runs_are_only_read(people: kit.Cast, maya: Client) -> None:
    version = kit.approved(people, now=clock.now())
    run = kit.run(people, version, now=clock.now())
    for name, pk in (("runbookversion", version.pk), ("execution", run.pk)):
        page = maya.get(f"/admin/runbooks/{name}/{pk}/change/")
        assert page.status_code == 200 and 'name="_save"' not in page.content.decode()
        assert maya.get(f"/admin/runbooks/{name}/add/").status_code == 403
        assert maya.get(f"/admin/runbooks/{name}/?name=%00").status_code in {200, 302, 400}
    assert "Fresh" in text_of(maya.get("/admin/runbooks/runbook/")).title()


def test_a_responder_does_not_come_in(people: kit.Cast) -> None:
    assert sign_in(people.ravi).get("/admin/runbooks/runbook/").status_code in {302, 403}
