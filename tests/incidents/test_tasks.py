"""Tasks of an incident, the customers whom it hurts, and the framework that both come from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.core import audit, clock
from apps.core.errors import Conflict, IllegalTransition, Invalid
from apps.incidents import services as incidents
from apps.incidents.models import (
    Audience,
    Impact,
    Incident,
    IncidentTask,
    IncidentType,
    SeverityLevel,
    TaskTemplate,
)
from apps.incidents.seeds_framework import LEVELS, TASKS, ensure_framework
from apps.incidents.services import framework, impacts, tasks
from tests import builders as build
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


def _by(cast: Cast) -> dict[str, Any]:
    return {"actor": audit.person(cast.maya), "now": clock.now()}


def _texts(incident: Incident) -> list[str]:
    return list(incident.timeline.filter(what="task").order_by("pk").values_list("text", flat=True))


# -- the book


def test_the_seeds_are_the_levels_of_the_design_and_made_once() -> None:
    ensure_framework()
    ensure_framework()
    assert list(SeverityLevel.objects.values_list("key", "alias")) == [
        ("SEV1", "p0"), ("SEV2", "p1"), ("SEV3", "p2"), ("SEV4", "p3"),
    ]  # fmt: skip
    worst, low = SeverityLevel.objects.get(key="SEV1"), SeverityLevel.objects.get(key="SEV4")
    assert (worst.acknowledge_seconds, worst.cadence_first_seconds) == (300, 1800)
    assert (worst.review_draft_days, worst.review_publish_days) == (3, 5)
    assert (worst.review, worst.freezes, worst.review_by_another) == (
        "required", "dependents", True,
    )  # fmt: skip
    assert (low.review, low.cadence_first_seconds, low.mitigate_seconds) == ("none", None, None)
    assert TaskTemplate.objects.count() == len(TASKS)
    for row in SeverityLevel.objects.all():
        row.full_clean()
    assert len(LEVELS) == 4


def test_the_seeds_leave_alone_what_somebody_changed() -> None:
    ensure_framework()
    SeverityLevel.objects.filter(key="SEV2").update(alias="urgent", acknowledge_seconds=60)
    IncidentType.objects.filter(key="vendor").update(archived_at=clock.now(), name="Others")
    TaskTemplate.objects.exclude(text=TASKS[0].text).delete()
    ensure_framework()
    level = SeverityLevel.objects.get(key="SEV2")
    assert (level.alias, level.acknowledge_seconds) == ("urgent", 60)
    vendor = IncidentType.objects.get(key="vendor")
    assert (vendor.name, vendor.archived_at is None) == ("Others", False)
    assert TaskTemplate.objects.count() == 1


def test_new_levels_know_whom_to_tell() -> None:
    for key in ("public", "internal"):
        Audience.objects.create(key=key, name=key, side="public" if key == "public" else "internal")
    ensure_framework()
    told = {
        level.key: {audience.key for audience in level.audiences.all()}
        for level in SeverityLevel.objects.all()
    }
    assert told["SEV1"] == {"public", "internal"}
    assert told["SEV4"] == {"internal"}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"cadence_first_seconds": 3600, "cadence_after_seconds": 60}, "cadence_after_seconds"),
    ({"cadence_first_seconds": None, "cadence_after_seconds": 3600}, "cadence_first_seconds"),
    ({"review_draft_days": 9, "review_publish_days": 3}, "review_draft_days"),
    ({"mitigate_seconds": 91 * 24 * 3600}, "mitigate_seconds"),
]


@pytest.mark.parametrize(("fields", "where"), REFUSED, ids=str)
def test_a_level_that_contradicts_itself_is_refused(
    cast: Cast, fields: dict[str, Any], where: str
) -> None:
    ensure_framework()
    level = SeverityLevel.objects.get(key="SEV1")
    with pytest.raises(Invalid) as refused:
        framework.save_level(level=level, fields=fields, actor=audit.person(cast.maya))
    assert set(refused.value.fields) == {where}


def test_keys_stay_once_they_are_given(cast: Cast) -> None:
    ensure_framework()
    row = IncidentType.objects.get(key="vendor")
    saved = framework.save_type(
        incident_type=row, fields={"key": "other", "name": "Vendors"},
        actor=audit.person(cast.maya),
    )  # fmt: skip
    assert (saved.key, saved.name) == ("vendor", "Vendors")


# -- tasks


def test_an_incident_starts_with_the_tasks_of_its_severity_and_type_once(cast: Cast) -> None:
    ensure_framework()
    now = clock.now()
    vendor = IncidentType.objects.get(key="vendor")
    incident = build.incident(severity="SEV3", by=cast.maya, type=vendor, now=now)
    incident.tasks.all().delete()
    made = incidents.make_tasks(incident=incident, actor=audit.SYSTEM, now=now)
    wanted = {
        task.text for task in TASKS
        if task.severity in {"", "SEV3", "SEV4"} and task.type in {"", "vendor"}
    }  # fmt: skip
    assert {task.text for task in made} == wanted
    assert any("vendor" in task.text for task in made)
    first = next(task for task in made if task.due_at)
    assert first.due_at == now + timedelta(seconds=first.template.due_after_seconds or 0)  # type: ignore[union-attr] # made from one
    assert incidents.make_tasks(incident=incident, actor=audit.SYSTEM, now=now) == []
    assert incident.timeline.filter(what="tasks").count() >= 1


def test_a_task_goes_from_hand_to_hand_and_ends(cast: Cast) -> None:
    incident = build.incident(by=cast.maya)
    task = tasks.add(incident=incident, text="Ask the\nvendor", **_by(cast))
    assert (task.text, task.status) == ("Ask the vendor", "open")
    tasks.assign(task=task, person=cast.ravi, **_by(cast))
    tasks.assign(task=task, person=cast.ravi, **_by(cast))
    done = tasks.finish(task=task, note="They roll back", **_by(cast))
    assert (done.status, done.ended_by_label) == ("done", "Maya Lind")
    with pytest.raises(IllegalTransition):
        tasks.drop(task=task, **_by(cast))
    again = tasks.reopen(task=task, note="They did not", **_by(cast))
    assert (again.status, again.ended_at, again.ended_by_label) == ("open", None, "")
    assert tasks.drop(task=task, **_by(cast)).status == "dropped"
    assert _texts(incident) == [
        "Task: Ask the vendor", "Ravi Rao has the task: Ask the vendor",
        "Task done: Ask the vendor (They roll back)",
        "Task open again: Ask the vendor (They did not)",
        "Task not needed: Ask the vendor",
    ]  # fmt: skip
    assert incident.participants.filter(pk=cast.ravi.pk).exists()


def test_a_task_is_changed_all_or_none(cast: Cast) -> None:
    incident = build.incident(by=cast.maya)
    due = clock.now() + timedelta(hours=1)
    task = tasks.add(incident=incident, text="Look", due_at=due, assignee=cast.bea, **_by(cast))
    changed = tasks.change(
        task=task, changes={"text": "Look again", "role": "lead", "assignee": None}, **_by(cast)
    )
    assert (changed.text, changed.role, changed.assignee, changed.due_at) == (
        "Look again", "lead", None, due,
    )  # fmt: skip
    assert tasks.change(task=task, changes={"due_at": None}, **_by(cast)).due_at is None
    cast.olu.is_active = False
    cast.olu.save()
    with pytest.raises(Invalid):
        tasks.change(task=task, changes={"text": "Other", "assignee": cast.olu}, **_by(cast))
    task.refresh_from_db()
    assert task.text == "Look again"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"text": ""}, "text"), ({"text": " \n\t"}, "text"), ({"text": "x" * 301}, "text"),
    ({"text": "Look", "role": "king"}, "role"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "field"), BAD, ids=str)
def test_a_task_that_says_nothing_is_refused(cast: Cast, given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        tasks.add(incident=build.incident(by=cast.maya), **given, **_by(cast))
    assert set(refused.value.fields) == {field}
    assert not IncidentTask.objects.filter(template=None).exists()


def test_what_was_declined_takes_no_more_tasks(cast: Cast) -> None:
    incident = build.incident(by=cast.maya)
    Incident.objects.filter(pk=incident.pk).update(status="declined")
    with pytest.raises(Conflict, match="is declined"):
        tasks.add(incident=incident, text="Look", **_by(cast))


# -- customers


def test_a_customer_is_hurt_from_when_to_when(cast: Cast) -> None:
    incident, bramble = build.incident(by=cast.maya), build.account("Bramble Foods")
    start = clock.now() - timedelta(hours=2)
    row = impacts.add(
        incident=incident, account=bramble, from_at=start, note="27 boards", **_by(cast)
    )
    other = impacts.add(incident=incident, label="A trial that no list knows", **_by(cast))
    ended = impacts.end(impact=row, at=start + timedelta(hours=1), **_by(cast))
    assert (str(ended), ended.to_at, ended.note) == (
        "Bramble Foods", start + timedelta(hours=1), "27 boards",
    )  # fmt: skip
    with pytest.raises(Conflict, match="well again already"):
        impacts.end(impact=row, at=clock.now(), **_by(cast))
    assert impacts.end_all(incident=incident, at=clock.now(), **_by(cast)) == 1
    with pytest.raises(Invalid, match="Say why"):
        impacts.remove(impact=other, reason=" ", **_by(cast))
    impacts.remove(impact=other, reason="They were away.", **_by(cast))
    assert list(incident.impacts.all()) == [row]
    said = incident.timeline.filter(what="impact").order_by("pk").values_list("text", flat=True)
    assert list(said) == [
        "Bramble Foods is hurt: 27 boards", "A trial that no list knows is hurt.",
        "Bramble Foods is well again.", "1 customer is well again.",
        "A trial that no list knows is not hurt after all: They were away.",
    ]  # fmt: skip


def test_the_same_customer_is_not_hurt_twice(cast: Cast) -> None:
    incident, bramble = build.incident(by=cast.maya), build.account("Bramble Foods")
    impacts.add(incident=incident, account=bramble, **_by(cast))
    with pytest.raises(Conflict, match="on the list already"):
        impacts.add(incident=incident, account=bramble, **_by(cast))
    assert Impact.objects.count() == 1


def test_times_that_cannot_be_are_refused_in_words(cast: Cast) -> None:
    incident, now = build.incident(by=cast.maya), clock.now()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"from_at": now, "to_at": now - timedelta(hours=1)}, "to_at"),
        ({"from_at": now + timedelta(hours=1)}, "from_at"),
        ({"note": "x" * 10_001}, "note"),
        ({"label": ""}, "account"),
        ({"label": "x" * 161}, "label"),
    ]
    for given, field in wrong:
        with pytest.raises(Invalid) as refused:
            impacts.add(
                incident=incident, **{"label": "Somebody", **given},
                actor=audit.person(cast.maya), now=now,
            )  # fmt: skip
        assert set(refused.value.fields) == {field}
    assert not Impact.objects.exists()
