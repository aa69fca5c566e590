"""Changing people and teams: only what is given, and never the last manager away."""

from __future__ import annotations

import pytest

from apps.accounts import services as accounts
from apps.core import audit
from apps.core.errors import Conflict, Invalid
from tests import builders as build
from tests.conftest import Cast


def test_only_what_is_given_is_changed(cast: Cast) -> None:
    ravi = accounts.change_person(person=cast.ravi, actor=audit.SYSTEM, roles=["viewer"])
    ravi.refresh_from_db()
    assert (ravi.name, ravi.roles, ravi.time_zone) == ("Ravi Rao", ["viewer"], "Europe/Berlin")
    accounts.change_person(person=ravi, actor=audit.SYSTEM, name=" Ravi R. ", time_zone="UTC")
    ravi.refresh_from_db()
    assert (ravi.name, ravi.roles, ravi.time_zone) == ("Ravi R.", ["viewer"], "UTC")


def test_the_last_manager_stays_one(cast: Cast) -> None:
    with pytest.raises(Conflict, match="only manager"):
        accounts.change_person(person=cast.maya, actor=audit.SYSTEM, roles=["viewer"])
    build.person("Mo Bo", "manager")
    assert not accounts.change_person(
        person=cast.maya, actor=audit.SYSTEM, roles=["viewer"]
    ).is_manager


def test_a_role_that_does_not_exist_is_refused(cast: Cast) -> None:
    with pytest.raises(Invalid, match="no role boss"):
        accounts.change_person(person=cast.ravi, actor=audit.SYSTEM, roles=["boss"])


def test_who_leads_a_team_is_a_member_of_it(cast: Cast) -> None:
    team = build.team()
    accounts.set_lead(team=team, lead=cast.maya)
    for _ in range(2):
        accounts.add_to_team(team=team, person=cast.ravi)
    assert team.lead == cast.maya
    assert set(team.members.all()) == {cast.maya, cast.ravi}
