"""How the system itself is: for the banner, the engine panel, /readyz and /metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from apps.accounts.models import Person
from apps.core import heartbeats
from apps.core.models import Heartbeat
from apps.intake.models import Delivery
from apps.notifications.models import Message
from apps.paging.models import Page

MANY = 1000  # figures stop counting here and say "1000+": no page scans a table
PAGE_LATE = timedelta(minutes=1)


@dataclass(frozen=True)
class Vitals:
    """When engine and cluster were last seen alive; None: never."""

    now: datetime
    engine_at: datetime | None
    cluster_at: datetime | None

    @property
    def engine_age(self) -> timedelta | None:
        return max(timedelta(), self.now - self.engine_at) if self.engine_at else None

    @property
    def cluster_age(self) -> timedelta | None:
        return max(timedelta(), self.now - self.cluster_at) if self.cluster_at else None

    @property
    def engine_late(self) -> bool:
        limit = timedelta(seconds=settings.ENGINE_LATE_AFTER_SECONDS)
        return self.engine_age is None or self.engine_age > limit

    @property
    def cluster_late(self) -> bool:
        limit = timedelta(seconds=settings.CLUSTER_LATE_AFTER_SECONDS)
        return self.cluster_age is None or self.cluster_age > limit


def vitals(now: datetime) -> Vitals:
    """Both signs of life in one query."""
    names = [heartbeats.ENGINE, heartbeats.CLUSTER]
    seen = dict(Heartbeat.objects.filter(name__in=names).values_list("name", "beat_at"))
    return Vitals(now, seen.get(heartbeats.ENGINE), seen.get(heartbeats.CLUSTER))


def oldest_due_page(now: datetime) -> datetime | None:
    """When the longest waiting escalation step should have been taken; None: none is due."""
    return Page.objects.due(now).order_by("next_at").values_list("next_at", flat=True).first()


@dataclass(frozen=True)
class Count:
    """A figure that was not counted past a limit."""

    value: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.value}+" if self.more else str(self.value)

    def __bool__(self) -> bool:
        return self.value > 0


def count(rows: QuerySet[Delivery] | QuerySet[Message] | QuerySet[Page]) -> Count:
    """How many rows there are, at most MANY."""
    found = len(rows.order_by().values_list("pk", flat=True)[: MANY + 1])
    return Count(min(found, MANY), found > MANY)


@dataclass(frozen=True)
class Engine:
    """The engine panel: signs of life, intake, messages of the viewer's day, quarantine."""

    vitals: Vitals
    waiting: Count
    quarantined: Count
    quarantined_since: datetime | None
    sent_today: Count
    failed_today: Count
    overdue_at: datetime | None

    @property
    def overdue(self) -> bool:
        """A page is more than a minute behind."""
        return self.overdue_at is not None and self.vitals.now - self.overdue_at > PAGE_LATE

    @property
    def healthy(self) -> bool:
        return not (self.vitals.engine_late or self.vitals.cluster_late or self.overdue)


def engine(*, viewer: Person, vitals: Vitals, today: datetime) -> Engine:
    """The panel's figures; `today` is the viewer's midnight."""
    received = Delivery.objects.visible_to(viewer).filter(status=Delivery.Status.RECEIVED)
    aside = Delivery.objects.visible_to(viewer).filter(status=Delivery.Status.QUARANTINED)
    oldest = aside.order_by("received_at").values_list("received_at", flat=True).first()
    sent, failed, more = _messages(today)
    return Engine(
        vitals=vitals,
        waiting=count(received),
        quarantined=count(aside) if oldest else Count(0),
        quarantined_since=oldest,
        sent_today=Count(sent, more),
        failed_today=Count(failed),
        overdue_at=oldest_due_page(vitals.now),
    )


def _messages(today: datetime) -> tuple[int, int, bool]:
    """(sent, failed, whether there are more) since `today`, among the newest MANY messages."""
    newest = list(
        Message.objects.order_by("-pk").values_list("status", "sent_at", "created_at")[:MANY]
    )
    done = {Message.Status.SENT, Message.Status.BUNDLED}
    sent = sum(1 for status, at, made in newest if status in done and (at or made) >= today)
    failed = sum(
        1 for status, _, made in newest if status == Message.Status.FAILED and made >= today
    )
    return sent, failed, len(newest) == MANY and newest[-1][2] >= today
