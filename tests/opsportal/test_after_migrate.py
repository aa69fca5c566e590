"""What `migrate` leaves behind besides tables: the schedules, and what an older site lacks."""

from __future__ import annotations

import pytest
from django.core.management.sql import emit_post_migrate_signal
from django_q.models import Schedule

from apps.core import clock
from apps.notifications.models import Site
from apps.support.models import RequestType, SlaPolicy
from opsportal.schedules import SCHEDULES

pytestmark = pytest.mark.django_db


def migrated() -> None:
    """The end of `manage.py migrate`."""
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")


def test_migrate_writes_every_schedule_and_takes_what_is_gone() -> None:
    Schedule.objects.all().delete()
    Schedule.objects.create(name="of an older release", func="gone.tasks.gone")
    migrated()
    assert set(Schedule.objects.values_list("name", flat=True)) == {e.name for e in SCHEDULES}


def test_a_site_from_before_tickets_gets_request_types_and_promises() -> None:
    Site.objects.create(pk=1, set_up_at=clock.now())
    migrated()
    assert RequestType.objects.exists() and SlaPolicy.objects.filter(is_default=True).exists()
    RequestType.objects.filter(key="billing").update(name="Money")
    migrated()
    assert RequestType.objects.get(key="billing").name == "Money"


def test_a_site_that_nobody_set_up_is_left_to_its_first_manager() -> None:
    migrated()
    assert not RequestType.objects.exists()
