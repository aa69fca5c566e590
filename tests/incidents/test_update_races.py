"""Two at once, with real transactions: who publishes, who edits, who reminds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.accounts.models import Person
from apps.core import audit
from apps.core.errors import Conflict
from apps.incidents.models import Incident, Mark, StatusUpdate
from apps.incidents.services import cadence, updates
from apps.notifications.models import Message
from tests import builders as build
from tests.incidents import commskit as comms
from tests.notifications.test_races import together

NOW = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def maya() -> Person:
    return build.person("Maya Lind", "manager", now=NOW)


@pytest.fixture
def incident(maya: Person) -> Incident:
    comms.framework(approve=True)
    made = build.incident(severity="SEV1", by=maya, commander=maya, now=NOW)
    ravi = build.person("Ravi Rao", now=NOW)
    made.participants.add(ravi)
    return made


def test_of_two_who_publish_one_does_and_the_other_is_told(
    incident: Incident, maya: Person
) -> None:
    for _ in range(5):
        row = comms.draft(incident, maya, NOW, to="internal")
        one, two = (StatusUpdate.objects.get(pk=row.pk) for _ in range(2))
        errors = together(
            lambda one=one: comms.publish(one, maya, NOW),
            lambda two=two: comms.publish(two, maya, NOW),
        )
        assert [type(error) for error in errors] == [Conflict]
        assert incident.timeline.filter(what="update", subject_ref=str(row.pk)).count() == 1
        assert (
            Message.objects.filter(dedupe_key__startswith=f"incident-update:{row.pk}:").count() == 1
        )


def test_of_two_who_edit_one_version_one_does(incident: Incident, maya: Person) -> None:
    row = comms.draft(incident, maya, NOW)
    say = {"update": row, "version": 1, "actor": audit.person(maya), "now": NOW}
    errors = together(
        lambda: updates.edit(body="one", **say),
        lambda: updates.edit(body="two", **say),
    )
    assert [getattr(error, "code", "") for error in errors] == ["stale"]
    row.refresh_from_db()
    assert row.version == 2


def test_an_edit_and_a_publication_of_the_same_version_do_not_mix(
    incident: Incident, maya: Person
) -> None:
    """Either what was read goes out, or the edit stands and nothing went out."""
    for _ in range(5):
        row = comms.draft(incident, maya, NOW, body="read")
        errors = together(
            lambda row=row: comms.publish(row, maya, NOW, version=1),
            lambda row=row: updates.edit(
                update=row, version=1, body="edited", actor=audit.person(maya), now=NOW
            ),
        )
        assert len(errors) == 1 and isinstance(errors[0], Conflict)
        row.refresh_from_db()
        assert (row.status, row.body) in {("published", "read"), ("draft", "edited")}


def test_two_workers_at_once_double_no_reminder(incident: Incident) -> None:
    later = NOW + timedelta(minutes=180)
    assert together(
        lambda: cadence.remind_due(now=later), lambda: cadence.remind_due(now=later)
    ) == []  # fmt: skip
    cadence.remind_due(now=later)  # what both left to each other
    keys = list(Message.objects.values_list("dedupe_key", flat=True))
    assert keys and len(keys) == len(set(keys))
    assert Mark.objects.filter(was_sent=True, slot__startswith="update:").count() == 2
