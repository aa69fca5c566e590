"""Teams in the admin: members inline, a lead who is a member, archived instead of deleted."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts import services
from apps.accounts.models import Person, Team
from apps.core import audit, clock
from apps.core.errors import Conflict
from tests import builders as build
from tests.adminkit import fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


def test_a_team_is_made_with_its_members_and_its_lead_is_one_of_them(
    maya: Client, cast: Cast
) -> None:
    form = fields(maya, "/admin/accounts/team/add/")
    form |= {"name": ["Data"], "key": ["data"], "lead": [str(cast.bea.pk)]}
    form["memberships-0-person"] = [str(cast.ravi.pk)]
    assert send(maya, "/admin/accounts/team/add/", form).status_code == 302
    assert set(Team.objects.get(key="data").members.all()) == {cast.ravi, cast.bea}


def test_a_member_is_taken_out_on_the_teams_page(maya: Client, cast: Cast) -> None:
    team = build.team("data", members=[cast.ravi, cast.bea])
    change = f"/admin/accounts/team/{team.pk}/change/"
    form = fields(maya, change)
    row = next(n for n, v in form.items() if n.endswith("-person") and v == [str(cast.ravi.pk)])
    form[row.replace("-person", "-DELETE")] = ["on"]
    assert send(maya, change, form).status_code == 302
    assert list(team.members.all()) == [cast.bea]


def test_a_team_is_archived_and_brought_back(maya: Client, cast: Cast) -> None:
    team = build.team("data")
    assert messages(maya.post(f"/admin/accounts/team/{team.pk}/do/archive/")) == [
        "Data is archived."
    ]
    assert "Data" not in text_of(maya.get("/admin/accounts/team/")).replace("Data is archived", "")
    assert "Data" in text_of(maya.get("/admin/accounts/team/?archived=yes"))
    assert maya.post(f"/admin/accounts/team/{team.pk}/do/restore/").status_code == 302
    team.refresh_from_db()
    assert team.archived_at is None


# -- the services behind it


def test_somebody_is_a_member_of_exactly_the_teams_that_are_named(cast: Cast) -> None:
    data, web = build.team("data", members=[cast.ravi]), build.team("web")
    services.set_teams(person=cast.ravi, teams=[web])
    assert list(cast.ravi.teams.all()) == [web]
    led = build.team("ops", lead=cast.ravi)
    services.set_teams(person=cast.ravi, teams=[data])
    assert set(cast.ravi.teams.all()) == {data, led}  # a lead stays in the team that they lead


def test_a_new_sign_in_address_must_be_free(cast: Cast) -> None:
    actor = audit.person(cast.maya)
    changed = services.change_person(person=cast.ravi, actor=actor, email="Ravi.Rao@Example.com")
    assert changed.email == "ravi.rao@example.com"
    with pytest.raises(Exception, match="already"):
        services.change_person(person=cast.ravi, actor=actor, email="bea@example.com")


def test_somebody_who_is_back_may_sign_in_again(cast: Cast) -> None:
    actor, now = audit.person(cast.maya), clock.now()
    services.deactivate(person=cast.ravi, actor=actor, now=now)
    assert cast.ravi not in Person.objects.active()
    services.reactivate(person=cast.ravi, actor=actor, now=now)
    assert cast.ravi in Person.objects.active()
    with pytest.raises(Conflict, match="the only manager"):
        services.deactivate(person=cast.maya, actor=actor, now=now)
