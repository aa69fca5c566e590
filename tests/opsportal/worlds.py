"""What must hold in every demo world, whatever its size and time."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.db.models import F

from apps.alerts.models import Alert, AlertGroup
from apps.incidents.models import Incident
from apps.notifications.models import Message
from apps.paging.models import Page
from apps.rotations import services as rotations
from apps.rotations.models import Schedule

SNOWFLAKE = "Snowflake profiling: 38 of 112 runs failed"


def expect_groups_pages_and_incidents_agree() -> None:
    alerts_of: dict[int | None, list[Alert]] = defaultdict(list)
    for alert in Alert.objects.all():
        alerts_of[alert.group_id].append(alert)
    for group in AlertGroup.objects.select_related("page"):
        alerts = alerts_of[group.pk]
        standing = [a for a in alerts if a.status != Alert.Status.RESOLVED]
        assert (group.closed_at is None) == bool(standing), group
        if group.page:
            assert group.page.opener_ref == str(group.pk)
            assert group.page.surface_id in {a.surface_id for a in alerts}
            assert group.closed_at is None or group.page.status == Page.Status.RESOLVED
        else:
            assert {a.severity for a in alerts} == {"info"} or {a.kind for a in alerts} == {"test"}
    for incident in Incident.objects.exclude(group_key="").prefetch_related("links"):
        linked = {link.ref for link in incident.links.all() if link.kind == "alert"}
        groups = AlertGroup.objects.filter(
            integration_id=incident.group_integration_id, key=incident.group_key
        )
        loud = {str(a.pk) for group in groups for a in alerts_of[group.pk] if a.severity != "info"}
        assert linked == loud
        assert {group.incident_ref for group in groups} == {incident.ref}


def expect_time_runs_forward(now: datetime) -> None:
    assert not Alert.objects.filter(resolved_at__lt=F("first_seen_at")).exists()
    assert not Alert.objects.filter(acknowledged_at__lt=F("first_seen_at")).exists()
    assert not Page.objects.filter(acknowledged_at__lt=F("opened_at")).exists()
    assert not Page.objects.filter(resolved_at__lt=F("opened_at")).exists()
    assert not Message.objects.filter(sent_at__gt=now).exists()
    for incident in Incident.objects.prefetch_related("timeline"):
        times = [entry.at for entry in incident.timeline.all()]
        assert min(times) == incident.detected_at and max(times) <= now, incident


def expect_rotations_are_in_order(now: datetime) -> None:
    for schedule in Schedule.objects.current():
        assert rotations.find_differences(schedule=schedule, now=now) == [], schedule
    assert rotations.tell_handoffs(now=now) == 0


def expect_nothing_left_the_house() -> None:
    assert set(Message.objects.values_list("channel", flat=True)) == {"mailbox"}
    ends = set(Message.objects.values_list("status", flat=True))
    assert "sent" in ends and ends <= {"sent", "cancelled"}  # what was answered is taken back
    assert not Message.objects.filter(person__is_demo=False).exists()


def expect_the_crisis(now: datetime) -> None:
    """Mara took it 70 minutes ago; Aiko is asked about the playground at this moment."""
    incident = Incident.objects.get(title=SNOWFLAKE)
    age = (now - incident.detected_at).total_seconds() / 60
    assert 72 <= age < 73
    assert Page.objects.get(summary=SNOWFLAKE).acknowledged_label == "Mara Lindqvist"
    told = Page.objects.get(summary__startswith="Playground").steps_taken.get()
    assert [person.name for person in told.people.all()] == ["Aiko Sato"]
