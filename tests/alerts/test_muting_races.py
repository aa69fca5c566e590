"""The end of a mute and something else at the same moment: real commits, several threads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.alerts import services
from apps.alerts.models import Alert, AlertGroup
from apps.core import audit
from apps.intake import services as intake
from apps.intake.models import Integration
from apps.paging.models import Page
from tests import builders as build
from tests.races import together

NOW = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def source() -> Integration:
    """Three alerts of their own, all muted for an hour."""
    found = build.native(surface=build.surface(now=NOW))
    services.create_silence(
        reason="Resized", integration=found, ends_at=LATER, actor=audit.SYSTEM, now=NOW
    )
    for key in "abc":
        build.alert(found, now=NOW, severity="error", dedup_key=key)
    return found


def test_two_workers_end_a_mute_once(source: Integration) -> None:
    for _ in range(3):
        assert not together(*[lambda: services.unmute_due(now=LATER)] * 3)
    assert Page.objects.count() == 3
    assert Page.objects.filter(round=0).count() == 3
    assert not AlertGroup.objects.exclude(muted_at=None).exists()


def test_a_rise_and_the_end_of_the_mute_open_one_page_for_the_worse(source: Integration) -> None:
    for key in "abc":
        build.event(source, now=LATER, severity="critical", dedup_key=key, summary="Down")
    errors = together(
        lambda: intake.normalise_due(now=LATER), lambda: services.unmute_due(now=LATER)
    )
    assert not errors
    assert Page.objects.count() == 3
    assert {page.summary for page in Page.objects.get_queryset()} == {"Down"}
    assert not AlertGroup.objects.exclude(muted_at=None).exists()


def test_a_resolve_and_the_end_of_the_mute_leave_no_page_that_waits(source: Integration) -> None:
    alerts = list(Alert.objects.order_by("pk"))
    errors = together(
        *[
            lambda one=one: services.resolve(alert=one, actor=audit.SYSTEM, now=LATER)
            for one in alerts
        ],
        lambda: services.unmute_due(now=LATER),
    )
    assert not errors
    services.unmute_due(now=LATER)
    assert not Page.objects.standing().exists()


def test_a_source_and_a_person_who_resolve_together_do_not_wait_for_ever(
    source: Integration,
) -> None:
    build.event(source, now=NOW, action="resolve", dedup_key="a")
    alert = Alert.objects.get(dedup_key="a")
    together(
        lambda: intake.normalise_due(now=NOW),
        lambda: services.resolve(alert=alert, actor=audit.SYSTEM, now=NOW),
    )
    intake.normalise_due(now=NOW)
    alert.refresh_from_db()
    assert alert.status == "resolved"
