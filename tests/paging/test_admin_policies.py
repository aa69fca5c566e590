"""Escalation policies in the admin: steps with their targets on one page, validated and in use."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.core import clock
from apps.core.errors import Conflict
from apps.paging import services
from apps.paging.models import EscalationPolicy, SurfacePolicy
from apps.paging.services import PolicyStep
from tests import builders as build
from tests.adminkit import Values, fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

ADD = "/admin/paging/escalationpolicy/add/"
ON_CALL = PolicyStep(0, [{"kind": "surface_on_call"}])


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


def change(policy: EscalationPolicy) -> str:
    return f"/admin/paging/escalationpolicy/{policy.pk}/change/"


def steps_of(policy: EscalationPolicy) -> list[tuple[int, bool, list[str]]]:
    return [
        (
            step.delay_minutes,
            step.only_in_working_hours,
            [str(t).strip() for t in step.targets.all()],
        )
        for step in policy.steps.order_by("position")
    ]


def steps(*rows: dict[str, str]) -> Values:
    """Rows of the steps' table as a browser would send them."""
    return {
        f"steps-{index}-{part}": [value]
        for index, row in enumerate(rows)
        for part, value in {"position": str(index + 1), **row}.items()
    }


def without_steps(form: Values) -> Values:
    return {name: value for name, value in form.items() if not name.startswith("steps-")}


def test_a_policy_is_made_with_steps_to_everyone_that_there_is(maya: Client, cast: Cast) -> None:
    team, schedule = build.team("data", lead=cast.bea), build.schedule(cast.ravi)
    form = without_steps(fields(maya, ADD)) | {"name": ["Gentle"], "repeats": ["1"]}
    form |= steps(
        {"wait": "0", "t0": "surface_on_call", "t1": "surface_backup"},
        {"wait": "5", "t0": f"person:{cast.sam.pk}", "t1": f"team_lead:{team.pk}", "hours": "on"},
        {"wait": "10", "t0": f"schedule:{schedule.pk}:secondary", "t1": f"team:{team.pk}",
         "t2": "managers", "t3": "surface_lead"},
    )  # fmt: skip
    form |= {"working_hours-0-days": ["mon", "fri"], "working_hours-0-start": ["09:00"]}
    answer = send(maya, ADD, form | {"working_hours-0-end": ["17:00"]})
    assert answer.status_code == 302, text_of(answer)
    policy = EscalationPolicy.objects.get(name="Gentle")
    assert steps_of(policy) == [
        (0, False, ["On call for the surface", "The surface's backup owner"]),
        (5, True, ["A person Sam Sand", "A team's lead Data"]),
        (10, False, ["On call in a schedule Profiler", "Everybody in a team Data",
                     "All managers", "The lead of the surface's team"]),
    ]  # fmt: skip
    assert policy.working_hours == [{"days": ["mon", "fri"], "start": "09:00", "end": "17:00"}]
    assert policy.steps.all()[2].targets.all()[0].role == "secondary"


def test_what_the_page_shows_is_what_is_stored(maya: Client, cast: Cast) -> None:
    policy = build.policy(
        ON_CALL, PolicyStep(7, [{"kind": "person", "person": cast.bea}, {"kind": "managers"}])
    )
    before = steps_of(policy)
    assert send(maya, change(policy), fields(maya, change(policy))).status_code == 302
    assert steps_of(policy) == before


def test_steps_are_put_in_another_order_by_their_numbers(maya: Client, cast: Cast) -> None:
    policy = build.policy(ON_CALL, PolicyStep(7, [{"kind": "managers"}]))
    form = fields(maya, change(policy))
    form["steps-0-position"], form["steps-1-position"] = ["2"], ["1"]
    assert send(maya, change(policy), form).status_code == 302
    assert [wait for wait, _, _ in steps_of(policy)] == [7, 0]
    form = fields(maya, change(policy)) | {"steps-0-remove": ["on"]}
    assert send(maya, change(policy), form).status_code == 302
    assert [wait for wait, _, _ in steps_of(policy)] == [0]


WRONG: list[tuple[Any, str]] = [
    ([], "Add a step that tells somebody."),
    ([{"wait": "5"}], "Step 1: choose whom it tells."),
    ([{"wait": "-1", "t0": "managers"}], "Step 1: the wait is 0 to 1440 minutes."),
    ([{"wait": "", "t0": "managers"}], "Step 1: the wait is 0 to 1440 minutes."),
    ([{"wait": "99999999999999999999", "t0": "managers"}], "the wait is 0 to 1440 minutes."),
    ([{"wait": "1e999", "t0": "managers"}], "the wait is 0 to 1440 minutes."),
    ([{"wait": "0", "t0": "managers"}, {"wait": "5", "t0": "person:999999"}],
     "Step 2: somebody whom it tells is gone."),
    ([{"wait": "0", "t0": "person:99999999999999999999999"}], "is gone. Choose again."),
    ([{"wait": "0", "t0": "person:"}], "Step 1: choose whom it tells from the list."),
    ([{"wait": "0", "t0": "emperor"}], "Step 1: choose whom it tells from the list."),
    ([{"wait": "0", "t0": "managers", "hours": "on"}], "A step waits for working hours: say when"),
]  # fmt: skip


def test_what_is_wrong_in_a_step_is_said_with_its_number(maya: Client) -> None:
    form = without_steps(fields(maya, ADD)) | {"name": ["Gentle"]}
    for rows, said in WRONG:
        answer = send(maya, ADD, form | steps(*rows))
        assert answer.status_code == 200, rows
        assert said in text_of(answer), rows
    assert not EscalationPolicy.objects.filter(name="Gentle").exists()


def test_a_name_is_taken_once_and_said_so(maya: Client) -> None:
    build.policy(ON_CALL, name="Gentle")
    form = fields(maya, ADD) | {"name": ["Gentle"]}
    assert "already exists" in text_of(send(maya, ADD, form))


def test_the_default_moves_from_one_policy_to_another_and_is_never_lost(maya: Client) -> None:
    first = build.policy(ON_CALL, name="First", is_default=True)
    second = build.policy(ON_CALL, name="Second")
    form = fields(maya, change(first))
    form.pop("is_default")
    assert "Make another policy the default instead." in text_of(send(maya, change(first), form))
    form = fields(maya, change(second)) | {"is_default": ["on"]}
    assert send(maya, change(second), form).status_code == 302
    assert list(EscalationPolicy.objects.filter(is_default=True)) == [second]


def test_a_policy_says_who_uses_it_and_stays_while_somebody_does(maya: Client, cast: Cast) -> None:
    policy, surface = build.policy(ON_CALL, name="Gentle"), build.surface()
    add = "/admin/paging/surfacepolicy/add/"
    form = fields(maya, add) | {"surface": [str(surface.pk)], "policy": [str(policy.pk)]}
    assert send(maya, add, form).status_code == 302
    listed = text_of(maya.get("/admin/paging/escalationpolicy/"))
    assert "1 surface" in listed and "on call for the surface" in listed
    assert surface.key in text_of(maya.get(change(policy)))
    archive = f"/admin/paging/escalationpolicy/{policy.pk}/do/archive/"
    assert f"Gentle is used by {surface.key}." in text_of(maya.post(archive))
    row = SurfacePolicy.objects.get()
    delete = f"/admin/paging/surfacepolicy/{row.pk}/delete/"
    assert maya.post(delete, {"post": "yes"}).status_code == 302
    assert not SurfacePolicy.objects.exists()
    assert messages(maya.post(archive))[-1] == "Gentle is archived."


# -- the services behind it


def test_there_is_always_a_default_even_when_its_usual_name_is_taken(cast: Cast) -> None:
    build.policy(ON_CALL, name="Standard")
    made = services.default_policy()
    assert made.is_default and made.name == "Standard (built in)"
    assert services.default_policy() == made


def test_the_default_cannot_be_archived(cast: Cast) -> None:
    with pytest.raises(Conflict, match="This is the default"):
        services.archive_policy(policy=services.default_policy(), now=clock.now())
    other = build.policy(ON_CALL, name="Other")
    services.archive_policy(policy=other, now=clock.now())
    assert services.restore_policy(policy=other).archived_at is None
