"""Surfaces in the admin: who answers from when, who covers it, what it leans on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.core import audit, clock
from apps.core.errors import Conflict
from apps.ownership import selectors, services
from apps.ownership.models import (
    ExternalParty,
    OwnershipAssignment,
    Position,
    PositionHolding,
    Surface,
    SurfaceDependency,
)
from apps.paging.models import SurfacePolicy
from apps.paging.services import PolicyStep
from apps.rotations.models import SurfaceSchedule
from tests import builders as build
from tests.adminkit import Values, fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of
from tests.world import World

ADD = "/admin/ownership/surface/add/"


@pytest.fixture
def maya(cast: Cast, world: World) -> Client:
    return sign_in(cast.maya)


def change(surface: Surface) -> str:
    return f"/admin/ownership/surface/{surface.pk}/change/"


def owners(surface: Surface) -> tuple[str, str]:
    found = selectors.owners(surface, at=clock.now())
    return (str(found.primary or "nobody"), str(found.backup or "nobody"))


def person(one: object) -> list[str]:
    return [f"person:{one.pk}"]  # type: ignore[attr-defined]


def test_a_surface_is_made_with_its_owners_its_cover_and_its_policy(
    maya: Client, cast: Cast
) -> None:
    schedule = build.schedule(cast.ravi)
    policy = build.policy(PolicyStep(0, [{"kind": "managers"}]), name="Gentle")
    form = fields(maya, ADD)
    form |= {"key": ["inspect.profiler"], "name": ["Profiler"], "primary": person(cast.ravi)}
    form |= {"backup": person(cast.bea), "schedule": [str(schedule.pk)], "policy": [str(policy.pk)]}
    answer = send(maya, ADD, form)
    assert answer.status_code == 302, text_of(answer)
    surface = Surface.objects.get()
    assert owners(surface) == ("Ravi Rao", "Bea Bell")
    assert SurfaceSchedule.objects.get(surface=surface).schedule == schedule
    assert SurfacePolicy.objects.get(surface=surface).policy == policy


def test_saving_without_a_change_makes_no_new_assignment(maya: Client, cast: Cast) -> None:
    surface = build.surface(primary=cast.ravi, backup=cast.bea)
    before = list(OwnershipAssignment.objects.values_list("pk", "active_from", "active_to"))
    assert send(maya, change(surface), fields(maya, change(surface))).status_code == 302
    assert list(OwnershipAssignment.objects.values_list("pk", "active_from", "active_to")) == before


def test_primary_and_backup_change_places_in_one_save(maya: Client, cast: Cast) -> None:
    surface = build.surface(primary=cast.ravi, backup=cast.bea)
    form = fields(maya, change(surface))
    form |= {"primary": person(cast.bea), "backup": person(cast.ravi)}
    answer = send(maya, change(surface), form)
    assert answer.status_code == 302, text_of(answer)
    assert owners(surface) == ("Bea Bell", "Ravi Rao")


def test_one_person_cannot_be_both_and_it_is_said_on_the_form(maya: Client, cast: Cast) -> None:
    surface = build.surface(primary=cast.ravi, backup=cast.bea)
    form = fields(maya, change(surface)) | {"backup": person(cast.ravi), "name": ["Other"]}
    answer = send(maya, change(surface), form)
    assert "Primary and backup must be two people." in text_of(answer)
    surface.refresh_from_db()
    assert surface.name != "Other"  # nothing of the save was kept
    assert owners(surface) == ("Ravi Rao", "Bea Bell")


def test_a_change_is_planned_for_a_date_and_taken_back(
    maya: Client, cast: Cast, world: World
) -> None:
    surface = build.surface(primary=cast.ravi)
    later = clock.now() + timedelta(days=7)
    form = fields(maya, change(surface))
    form |= {"primary": person(cast.sam), "primary_from": [f"{later:%Y-%m-%dT%H:%M}"]}
    assert send(maya, change(surface), form).status_code == 302
    assert owners(surface)[0] == "Ravi Rao"
    assert "Planned: Sam Sand since Mon 14 Sep" in text_of(maya.get(change(surface)))
    assert selectors.owners(surface, at=later).primary == cast.sam
    row = OwnershipAssignment.objects.get(person=cast.sam)
    answer = maya.post(f"/admin/ownership/ownershipassignment/{row.pk}/do/take_back/")
    assert answer["Location"] == change(surface)
    assert selectors.owners(surface, at=later).primary == cast.ravi
    begun = OwnershipAssignment.objects.get(person=cast.ravi)
    page = f"/admin/ownership/ownershipassignment/{begun.pk}/do/take_back/"
    assert maya.get(page).status_code == 404  # what has begun is history


def test_nobody_is_a_truthful_answer_and_visible_in_the_list(maya: Client, cast: Cast) -> None:
    surface = build.surface(primary=cast.ravi, backup=cast.bea)
    form = fields(maya, change(surface)) | {"backup": [""]}
    assert send(maya, change(surface), form).status_code == 302
    assert owners(surface) == ("Ravi Rao", "nobody")
    said = text_of(maya.get("/admin/ownership/surface/"))
    assert "◆ No backup" in said and "▲ Nobody" in said
    assert surface.key in text_of(maya.get("/admin/ownership/surface/?owners=no_backup"))
    assert surface.key not in text_of(maya.get("/admin/ownership/surface/?owners=no_primary"))
    assert surface.key in text_of(maya.get("/admin/ownership/surface/?cover=none"))


def test_a_position_owns_and_its_holder_answers(maya: Client, cast: Cast) -> None:
    add = "/admin/ownership/position/add/"
    form = fields(maya, add) | {"name": ["Head of data"], "key": ["head"]}
    assert send(maya, add, form | {"holder": [str(cast.bea.pk)]}).status_code == 302
    head = Position.objects.get()
    surface = build.surface()
    form = fields(maya, change(surface)) | {"primary": [f"position:{head.pk}"]}
    assert send(maya, change(surface), form).status_code == 302
    assert owners(surface)[0] == "Bea Bell"
    page = f"/admin/ownership/position/{head.pk}/change/"
    form = fields(maya, page) | {"holder": [str(cast.ravi.pk)]}
    assert send(maya, page, form).status_code == 302
    assert owners(surface)[0] == "Ravi Rao"
    assert PositionHolding.objects.count() in {1, 2}
    refused = maya.post(f"/admin/ownership/position/{head.pk}/do/archive/")
    assert f"still answers for {surface.key}" in text_of(refused)


WRONG: list[tuple[Values, str]] = [
    ({"key": ["Not A Key"]}, "Use lower-case words joined by dots or hyphens"),
    ({"name": [""]}, "This field is required."),
    ({"primary": ["person:999999"]}, "Select a valid choice."),
    ({"primary": ["nonsense"]}, "Select a valid choice."),
    ({"primary_from": ["yesterday"]}, "Enter a date and a time."),
    ({"primary_from": ["9999-12-31T23:59"]}, "Enter a year from 1970 to 2199."),
    ({"dashboard_url": ["javascript:alert(1)"]}, "Enter a valid URL."),
    ({"tier": ["9"]}, "Select a valid choice."),
]


def test_what_cannot_be_is_said_at_its_field(maya: Client, cast: Cast) -> None:
    form = fields(maya, ADD) | {"key": ["inspect.profiler"], "name": ["Profiler"]}
    for typed, said in WRONG:
        answer = send(maya, ADD, form | typed)
        assert answer.status_code == 200, typed
        assert said in text_of(answer), typed
    assert not Surface.objects.exists()


def test_a_surface_leans_on_a_surface_or_a_vendor_and_on_one_of_them(
    maya: Client, cast: Cast
) -> None:
    surface, other = build.surface(), build.surface("portal.web")
    snow = ExternalParty.objects.create(key="snowflake", name="Snowflake")
    form = fields(maya, change(surface))
    both = {"dependencies-0-on_surface": [str(other.pk)], "dependencies-0-on_party": [str(snow.pk)]}
    assert "Name either a surface or an external party." in text_of(
        send(maya, change(surface), form | both)
    )
    itself = {"dependencies-0-on_surface": [str(surface.pk)]}
    assert "cannot depend on itself" in text_of(send(maya, change(surface), form | itself))
    one = {"dependencies-0-on_party": [str(snow.pk)]}
    assert send(maya, change(surface), form | one).status_code == 302
    assert SurfaceDependency.objects.get().on_party == snow


def test_a_surface_is_archived_keeps_its_page_and_comes_back(maya: Client, cast: Cast) -> None:
    surface = build.surface(primary=cast.ravi)
    archive = f"/admin/ownership/surface/{surface.pk}/do/archive/"
    assert messages(maya.post(archive)) == ["inspect.profiler is archived."]
    assert f">{surface.key}</option>" not in maya.get(ADD).content.decode()
    assert maya.get(change(surface)).status_code == 200
    assert maya.post(f"/admin/ownership/surface/{surface.pk}/do/restore/").status_code == 302
    surface.refresh_from_db()
    assert surface.archived_at is None


def test_the_page_leads_to_the_same_surface_in_the_portal(maya: Client, cast: Cast) -> None:
    surface = build.surface()
    content = maya.get(change(surface)).content.decode()
    assert f'href="/ownership/{surface.key}/"' in content
    assert maya.get(f"/ownership/{surface.key}/").status_code == 200


# -- the services behind it


def test_a_planned_change_that_is_taken_back_leaves_who_was_there(cast: Cast) -> None:
    surface, now = build.surface(primary=cast.ravi), clock.now()
    actor = audit.person(cast.maya)
    for days, holder in ((5, cast.bea),):
        services.assign(
            surface=surface, role="primary", holder=holder,
            active_from=now + timedelta(days=days), actor=actor,
        )  # fmt: skip
    planned = OwnershipAssignment.objects.get(person=cast.bea)
    services.take_back(assignment=planned, actor=actor, now=now)
    row = OwnershipAssignment.objects.get()
    assert (row.person, row.active_to) == (cast.ravi, None)
    with pytest.raises(Conflict, match="part of the history"):
        services.take_back(assignment=row, actor=actor, now=now)


def test_a_position_that_owns_nothing_is_archived_and_its_holder_steps_down(cast: Cast) -> None:
    now, actor = clock.now(), audit.person(cast.maya)
    position = Position.objects.create(key="head", name="Head")
    since = now - timedelta(days=3)
    services.hold_position(position=position, person=cast.bea, active_from=since, actor=actor)
    services.archive_position(position=position, now=now)
    assert PositionHolding.objects.get().active_to == now
    assert position.archived_at == now
    assert services.restore(row=position).archived_at is None
    party = ExternalParty.objects.create(key="snow", name="Snow")
    assert services.archive_party(party=party, now=now).archived_at == now
