"""How the system itself is: what the banner, /readyz, the doctor and our own alerts look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from apps.alerts.models import Alert
from apps.core import heartbeats
from apps.intake import services as intake
from apps.intake.models import Delivery
from apps.notifications.models import Message
from apps.paging.models import Page


@dataclass(frozen=True)
class State:
    """Ages are None where a part was never seen; overdue is None when nothing waits."""

    engine_age: timedelta | None
    cluster_age: timedelta | None
    oldest_due_page: timedelta | None
    oldest_delivery: timedelta | None
    waiting_deliveries: int
    quarantined: int
    failed_messages: int

    @property
    def engine_late(self) -> bool:
        limit = timedelta(seconds=settings.ENGINE_LATE_AFTER_SECONDS)
        return self.engine_age is None or self.engine_age > limit

    @property
    def cluster_late(self) -> bool:
        limit = timedelta(seconds=settings.CLUSTER_LATE_AFTER_SECONDS)
        return self.cluster_age is None or self.cluster_age > limit

    @property
    def clean(self) -> bool:
        """Alive, and no page is more than a minute behind."""
        overdue = self.oldest_due_page or timedelta()
        return not self.engine_late and not self.cluster_late and overdue < timedelta(minutes=1)


def look(*, now: datetime) -> State:
    """Read the state; each figure is one indexed query and none counts a whole table."""
    due = Page.objects.due(now).order_by("next_at").values_list("next_at", flat=True).first()
    received = Delivery.objects.filter(status=Delivery.Status.RECEIVED)
    oldest = received.order_by("pk").values_list("received_at", flat=True).first()
    day = now - timedelta(days=1)
    return State(
        engine_age=heartbeats.age(heartbeats.ENGINE, now=now),
        cluster_age=heartbeats.age(heartbeats.CLUSTER, now=now),
        oldest_due_page=now - due if due else None,
        oldest_delivery=now - oldest if oldest else None,
        waiting_deliveries=len(received.values_list("pk", flat=True)[:1000]),
        quarantined=len(
            Delivery.objects.filter(status=Delivery.Status.QUARANTINED).values_list("pk")[:1000]
        ),
        failed_messages=len(
            Message.objects.filter(status=Message.Status.FAILED, created_at__gt=day).values_list(
                "pk"
            )[:1000]
        ),
    )


def tell(*, what: str, age: timedelta | None, now: datetime) -> None:
    """Raise an alert on ourselves, the same way as any other; one stands at a time."""
    seen = f"was last seen {int(age.total_seconds())} s ago" if age else "was never seen"
    intake.receive(
        integration=intake.internal_integration(now=now),
        body={
            "action": "trigger",
            "summary": f"OpsPortal's {what} {seen}",
            "severity": "error",
            "dedup_key": f"opsportal:{what}",
            "source": "opsportal",
            "class": "SelfMonitor",
        },
        now=now,
    )


def all_clear(*, what: str, now: datetime) -> None:
    """The part is back: resolve the alert on ourselves, if one stands or is on its way."""
    integration = intake.internal_integration(now=now)
    key = f"opsportal:{what}"
    stands = Alert.objects.filter(integration=integration, dedup_key=key).standing().exists()
    coming = integration.deliveries.filter(status=Delivery.Status.RECEIVED, dedup_key=key).exists()
    if stands or coming:
        body = {"action": "resolve", "summary": f"OpsPortal's {what} is back", "dedup_key": key}
        intake.receive(integration=integration, body=body, now=now)
