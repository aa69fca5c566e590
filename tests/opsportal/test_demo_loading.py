"""How demo and preset load: at any time, on an empty database, never beside real people."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.accounts.models import Person
from apps.alerts.models import Alert
from apps.core.errors import Conflict
from apps.incidents.models import Incident
from apps.ownership import selectors as ownership
from apps.ownership.models import ExternalParty, OwnershipAssignment, Surface
from opsportal import demo, preset
from opsportal.demo import bulk, crowd, people, surfaces
from tests import builders as build
from tests.opsportal import worlds

NOW = datetime(2026, 9, 9, 13, 17, 25, tzinfo=UTC)  # a Wednesday afternoon


@pytest.mark.django_db
def test_it_is_refused_where_real_people_are() -> None:
    build.person("Maya Lind", "manager")
    with pytest.raises(Conflict, match="real people"):
        demo.load(now=NOW)
    assert Person.objects.get_queryset().count() == 1


@pytest.mark.django_db
def test_the_command_is_silent_and_takes_the_night_on_which_an_hour_comes_twice() -> None:
    out = io.StringIO()
    call_command("demo", at="2026-10-25T02:30:00+02:00", stdout=out, stderr=out)
    assert out.getvalue() == ""
    _expect_a_sound_world(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))


@pytest.mark.django_db
def test_the_large_world_agrees_with_itself_after_a_handoff_in_the_middle_of_the_crisis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk, "ALERTS", 300)
    monkeypatch.setattr(bulk, "INCIDENTS", 60)
    now = datetime(2026, 9, 7, 9, 20, tzinfo=UTC)
    demo.load(now=now, size="large")
    assert Person.objects.active().count() == crowd.PEOPLE
    assert Surface.objects.current().count() == crowd.SURFACES
    assert (Alert.objects.count(), Incident.objects.count()) == (300, 60)
    _expect_a_sound_world(now)


def _expect_a_sound_world(now: datetime) -> None:
    worlds.expect_the_crisis(now)
    worlds.expect_nothing_left_the_house()
    worlds.expect_groups_pages_and_incidents_agree()
    worlds.expect_time_runs_forward(now)
    worlds.expect_rotations_are_in_order(now)


# -- the preset and the command


@pytest.mark.django_db
def test_the_preset_is_truthful_no_backups_nobody_in_a_seat_and_billing_is_proposed() -> None:
    loaded = preset.load(now=NOW)
    assert len(loaded.surfaces) == len(preset.SURFACES) == 37
    assert not OwnershipAssignment.objects.filter(role="backup").exists()
    assert OwnershipAssignment.objects.filter(position=None).count() == 0
    owners = ownership.owners_of(loaded.surfaces.values(), at=NOW)
    assert all(pair.primary is None for pair in owners.values())
    assert Surface.objects.get(lifecycle="proposed").key == "platform.billing"
    assert {party.status_url[:8] for party in ExternalParty.objects.all()} == {"https://"}


def test_every_dependency_of_the_preset_names_something_that_it_has() -> None:
    known = {spec.key for spec in preset.SURFACES} | {spec.key for spec in preset.PARTIES}
    for surface, target, _ in preset.DEPENDENCIES:
        assert {surface, target} <= known, (surface, target)
    assert len({(one, other) for one, other, _ in preset.DEPENDENCIES}) == len(preset.DEPENDENCIES)


@pytest.mark.django_db
def test_the_preset_adds_what_is_missing_and_leaves_what_is_there() -> None:
    mine = build.surface("core.render", lifecycle="deprecated")
    preset.load(now=NOW)
    again = preset.load(now=NOW + timedelta(days=1))
    assert again.made == {"surfaces": [], "positions": [], "parties": []}
    mine.refresh_from_db()
    assert mine.lifecycle == "deprecated"
    assert mine.assignments.count() == 0


@pytest.mark.django_db
def test_over_the_preset_the_demo_counts_only_its_own_as_made() -> None:
    preset.load(now=NOW - timedelta(days=90))
    cast = people.hire(now=NOW)
    owned = surfaces.settle(cast, people.form_teams(cast), since=NOW - timedelta(days=40))
    assert owned.made["surfaces"] == [owned.surfaces["docs.analyst-guide"].pk]
    assert owned.made["positions"] == owned.made["parties"] == []
    assert owned.parties["stripe"].plan == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("at", "words"), [("tomorrow", "is not a time"), ("2026-09-09T13:17:00", "no offset")]
)
def test_a_time_that_is_none_is_refused_in_words(at: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("demo", at=at)


@pytest.mark.django_db
def test_in_production_a_password_that_everybody_knows_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SETTINGS_MODULE = "opsportal.settings.prod"
    with pytest.raises(CommandError, match="OPSPORTAL_DEMO_PASSWORD"):
        call_command("demo")
    monkeypatch.setenv("OPSPORTAL_DEMO_PASSWORD", "a-password-of-our-own-81")
    assert {password for _, _, password in demo.logins()} == {"a-password-of-our-own-81"}
    build.person("Maya Lind", "manager")
    with pytest.raises(CommandError, match="real people"):
        call_command("demo")
