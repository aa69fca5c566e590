"""The severity framework, types, tasks, audiences and words in the admin, and incidents to read."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Model
from django.test import Client

from apps.incidents.models import (
    Audience,
    CommsTemplate,
    IncidentType,
    SeverityLevel,
    TaskTemplate,
)
from apps.incidents.seeds import ensure_incidents
from tests import builders as build
from tests.adminkit import fields, send
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of

HOME = "/admin/incidents"


@pytest.fixture
def maya(cast: Cast) -> Client:
    ensure_incidents()
    return sign_in(cast.maya)


def change(row: Model) -> str:
    return f"{HOME}/{row._meta.model_name}/{row.pk}/change/"


def test_the_levels_stand_side_by_side_and_none_is_added(maya: Client) -> None:
    page = text_of(maya.get(f"{HOME}/severitylevel/"))
    for said in ("SEV1", "p0", "5 min, 10 min", "30 min, 1 h", "3, 5 days", "2nd in 30 days"):
        assert said in page, said
    assert maya.get(f"{HOME}/severitylevel/add/").status_code == 403
    assert queries(maya, f"{HOME}/severitylevel/") < 15


def test_a_level_is_changed_in_spans_and_keeps_its_key(maya: Client) -> None:
    row = SeverityLevel.objects.get(key="SEV2")
    values = fields(maya, change(row))
    assert values["cadence_first_seconds"] == ["1 h"]
    # A number's box would show nothing of it.
    assert (
        'type="number" name="cadence_first_seconds"' not in maya.get(change(row)).content.decode()
    )
    answer = send(
        maya, change(row), values, alias="urgent", cadence_first_seconds="45 min",
        mitigate_seconds="", key="SEV9",
    )  # fmt: skip
    assert answer.status_code == 302, text_of(answer)
    row = SeverityLevel.objects.get(key="SEV2")
    assert (row.alias, row.cadence_first_seconds, row.mitigate_seconds) == ("urgent", 2700, None)
    assert set(row.audiences.values_list("key", flat=True)) >= {"public", "internal"}
    assert SeverityLevel.objects.count() == 4


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"cadence_first_seconds": "soon"}, "Write a span such as 15 min"),
    ({"cadence_after_seconds": "10 min"}, "do not come more often later"),
    ({"review_publish_days": ""}, "needs its days"),
    ({"review_draft_days": "30"}, "drafted before it is published"),
    ({"mitigate_seconds": "100 d"}, "At most 90 days"),
]


@pytest.mark.parametrize(("typed", "said"), REFUSED, ids=str)
def test_a_level_that_contradicts_itself_is_shown_again_with_why(
    maya: Client, typed: dict[str, Any], said: str
) -> None:
    row = SeverityLevel.objects.get(key="SEV2")
    answer = send(maya, change(row), fields(maya, change(row)), **typed)
    assert answer.status_code == 200
    assert said in text_of(answer)


def test_types_and_tasks_are_made_archived_and_brought_back(maya: Client) -> None:
    add = f"{HOME}/incidenttype/add/"
    assert send(maya, add, fields(maya, add), name="Model", key="model").status_code == 302
    made = IncidentType.objects.get(key="model")
    add = f"{HOME}/tasktemplate/add/"
    typed = {"text": "Pin the version", "severity": "SEV2", "type": str(made.pk)}
    assert (
        send(maya, add, fields(maya, add), due_after_seconds="20 min", **typed).status_code == 302
    )
    task = TaskTemplate.objects.get(type=made)
    assert (task.due_after_seconds, task.severity) == (1200, "SEV2")
    assert "SEV2 and worse" in text_of(maya.get(f"{HOME}/tasktemplate/?q=Pin"))
    for row in (made, task):
        where = f"{HOME}/{row._meta.model_name}/{row.pk}/do"
        assert maya.post(f"{where}/archive/").status_code == 302
        row.refresh_from_db()
        assert row.archived_at is not None
        assert maya.post(f"{where}/restore/").status_code == 302
        row.refresh_from_db()
        assert row.archived_at is None


def test_prepared_words_with_an_unknown_name_are_refused_at_their_field(maya: Client) -> None:
    row = CommsTemplate.objects.filter(audience__key="public").order_by("pk").first()
    assert row is not None
    page = maya.get(change(row))
    assert "{{ next_update }}" in text_of(page)
    for body, said in (("{{ rumour }}", "no placeholder"), ("{{ commander }}", "internal word")):
        answer = send(maya, change(row), fields(maya, change(row)), body=body)
        assert answer.status_code == 200
        assert said in text_of(answer)
    answer = send(maya, change(row), fields(maya, change(row)), body="{{ affected }} is slow.")
    assert answer.status_code == 302, text_of(answer)
    row.refresh_from_db()
    assert row.body == "{{ affected }} is slow."


def test_an_audience_inside_stays_inside_and_keeps_its_side_while_words_are_prepared(
    maya: Client,
) -> None:
    inside = Audience.objects.get(key="internal")
    answer = send(maya, change(inside), fields(maya, change(inside)), on_status_page="on")
    assert answer.status_code == 200
    assert "does not go on the status page" in text_of(answer)
    answer = send(maya, change(inside), fields(maya, change(inside)), side="public")
    assert answer.status_code == 200
    assert "Words are prepared for it" in text_of(answer)


def test_an_incident_shows_what_holds_it_up_and_cannot_be_changed(maya: Client, cast: Cast) -> None:
    incident = build.incident(severity="SEV2", by=cast.maya)
    page = text_of(maya.get(change(incident)))
    assert "Mitigated: Say what was done so that customers are fine." in page
    assert "SEV2" in page and "time in each severity" in page.lower()
    assert maya.get(f"{HOME}/incident/add/").status_code == 403
    assert maya.post(change(incident), {"title": "Other"}).status_code == 403


def test_only_managers_come_in(cast: Cast) -> None:
    ensure_incidents()
    for person in (cast.ravi, cast.sam, cast.olu):
        client = sign_in(person)
        for name in ("severitylevel", "incidenttype", "tasktemplate", "audience", "commstemplate"):
            assert client.get(f"{HOME}/{name}/").status_code == 403, name


@pytest.mark.parametrize(
    "name", ["severitylevel", "incidenttype", "tasktemplate", "audience", "commstemplate"]
)
def test_a_list_survives_any_address(maya: Client, name: str) -> None:
    for asked in ("q=%00", "archived=%27", "e=1", "o=99.-1", "p=9999", "side=x&stage=y"):
        assert maya.get(f"{HOME}/{name}/?{asked}").status_code in {200, 302, 400}, asked
