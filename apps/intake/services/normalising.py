"""What becomes of deliveries: normalised, ignored or quarantined."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate, groupby

import structlog
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import F, Func, IntegerField

from apps.core import audit, events
from apps.core.errors import DomainError, is_away
from apps.core.transitions import move, settle
from apps.intake.adapters import ADAPTERS, WHOLE
from apps.intake.canonical import CanonicalEvent, InvalidEvent
from apps.intake.events import EventsNormalised
from apps.intake.models import Delivery, Event, Integration
from apps.intake.readings import READINGS
from apps.intake.redaction import redact_event
from apps.intake.services.telling import tell_owner

log = structlog.get_logger("opsportal.intake")
MAX_TRIES = 5  # a delivery whose processing keeps dying is set aside
BATCH = 100
# Kinds whose bodies may be many megabytes: read one at a time, and a few in each pass.
HEAVY = frozenset({Integration.Kind.MAIL})
HEAVY_BATCH = 5
BUDGET = 8 << 20  # bytes of bodies that one pass reads of an integration, but one at least
KEPT = (Delivery.Status.RECEIVED, Delivery.Status.QUARANTINED)  # retention leaves these
_LOCK = 0x4F50_0001  # advisory lock class of "one normaliser an integration"


class OctetLength(Func):
    """The bytes of a body, which PostgreSQL knows without reading it."""

    function = "octet_length"
    output_field = IntegerField()


def normalise_due(*, now: datetime, limit: int = BATCH) -> int:
    """Turn waiting deliveries into events, oldest first; answers how many were looked at.

    One normaliser an integration at a time keeps the order of what belongs together: a resolve is
    never taken before the trigger that came first. Any number of engines may call this.
    """
    waiting = list(
        Delivery.objects.filter(status=Delivery.Status.RECEIVED)
        .order_by("integration_id")
        .values_list("integration_id", "integration__kind")
        .distinct()[:limit]
    )
    share = max(10, limit // max(1, len(waiting)))  # a pass stays short, and nobody starves
    done = 0
    for pk, kind in waiting:
        heavy = kind in HEAVY
        most = min(share, HEAVY_BATCH) if heavy else share
        try:
            done += _normalise_integration(pk, now=now, limit=most, heavy=heavy)
        except OperationalError as error:
            if is_away(error):
                raise
            # Deadlock, lock timeout, a full lock table: nothing is wrong with what was sent.
            log.warning("normalising put off", integration=pk, error=type(error.__cause__).__name__)
    return done


def _normalise_integration(integration_id: int, *, now: datetime, limit: int, heavy: bool) -> int:
    with _one_normaliser(integration_id) as mine:
        if not mine:
            return 0
        rows = _due(integration_id, limit=limit, heavy=heavy)
        for alone, batch in groupby(rows, key=lambda row: heavy or _stands_alone(row)):
            group = list(batch)
            parts: Sequence[list[Delivery]] = [[row] for row in group] if alone else [group]
            for part in parts:
                _take(part, now=now)
                for row in part if heavy else ():
                    row.__dict__.pop("body", None)  # megabytes, and nobody asks again
        return len(rows)


def _due(integration_id: int, *, limit: int, heavy: bool) -> list[Delivery]:
    """The oldest waiting deliveries, no more than memory has room for; heavy ones unread."""
    waiting = Delivery.objects.filter(
        integration_id=integration_id, status=Delivery.Status.RECEIVED
    ).order_by("pk")
    found = waiting.select_related("integration", "integration__surface")
    if heavy:
        return list(found.defer("body")[:limit])
    sizes = list(waiting.values_list("pk", OctetLength("body"))[:limit])
    summed = accumulate(size for _, size in sizes)
    fitting = [pk for (pk, _), upto in zip(sizes, summed, strict=True) if upto <= BUDGET]
    return list(found.filter(pk__in=fitting or [pk for pk, _ in sizes[:1]]))


def _stands_alone(row: Delivery) -> bool:
    """A batch that killed its process is tried again one by one, so only the culprit waits.

    Readings lock rows that other integrations' readings lock as well: they never share a
    transaction, so that no two of them can wait for each other.
    """
    return row.tries > 0 or row.adapter in READINGS


def _take(batch: list[Delivery], *, now: datetime) -> None:
    dead = [row for row in batch if row.tries >= MAX_TRIES]
    for row in dead:
        _quarantine(row, "Processing this delivery broke off several times.", now=now)
    alive = [row for row in batch if row.tries < MAX_TRIES]
    Delivery.objects.filter(pk__in=[row.pk for row in alive]).update(tries=F("tries") + 1)
    try:
        with transaction.atomic():
            for row in alive:
                _normalise_one(row, now=now)
    except OperationalError as error:
        if not is_away(error):  # rolled back whole, and no fault of these: the try does not count
            Delivery.objects.filter(pk__in=[row.pk for row in alive]).update(tries=F("tries") - 1)
        raise


def _normalise_one(row: Delivery, *, now: datetime) -> None:
    """One delivery in its own savepoint: what fails is set aside and its neighbors go on."""
    try:
        with transaction.atomic():
            if row.adapter in READINGS:
                events.publish(EventsNormalised("telemetry", row, (), now))
                settle(row, to=Delivery.Status.NORMALISED, normalised_at=now)
                return
            adapter = ADAPTERS[row.adapter]
            canonical = [
                redact_event(event)
                for event in adapter.normalise(
                    bytes(row.body),
                    row.headers,
                    received_at=row.received_at,
                    fallback_key=row.dedup_key or None,
                )
            ]
            stored = Event.objects.bulk_create(
                [_event_row(row, seq, event) for seq, event in enumerate(canonical)]
            )
            _hand_on(row, stored, now=now)
            useful = row.adapter in WHOLE or any(event.kind != "ignore" for event in stored)
            to = Delivery.Status.NORMALISED if useful else Delivery.Status.IGNORED
            settle(row, to=to, normalised_at=now)
    except (InvalidEvent, DomainError) as error:  # it cannot be read, or nobody could take it
        _quarantine(row, error.message, now=now)
    except OperationalError:
        raise  # the database's trouble, not the delivery's: it waits
    except DatabaseError as error:
        log.exception("delivery failed", delivery=row.pk)
        _quarantine(row, f"The database refused a value ({type(error).__name__}).", now=now)
    except Exception as error:
        log.exception("delivery failed", delivery=row.pk)
        _quarantine(
            row,
            f"The reading of this {row.adapter} delivery failed: {type(error).__name__}.",
            now=now,
        )


def _hand_on(row: Delivery, stored: list[Event], *, now: datetime) -> None:
    if row.adapter in WHOLE:
        events.publish(EventsNormalised(WHOLE[row.adapter], row, tuple(stored), now))
        return
    for kind, found in groupby(stored, key=lambda event: event.kind):
        events.publish(EventsNormalised(kind, row, tuple(found), now))


def _event_row(row: Delivery, seq: int, event: CanonicalEvent) -> Event:
    details = {**event.details, **({"images": event.images} if event.images else {})}
    return Event(
        delivery=row,
        seq=seq,
        kind=event.kind,
        action=event.action,
        dedup_key=event.dedup_key or "",
        group_key=event.group_key or "",
        severity=event.severity or "",
        summary=event.summary or "",
        source=event.source or "",
        component=event.component or "",
        class_name=event.class_ or "",
        surface_key=event.surface or "",
        occurred_at=event.occurred_at,
        source_ts=event.source_ts,
        links=list(event.links),
        details=details,
        test=event.test or row.headers.get("x-opsportal-test") == "1",
    )


def _quarantine(row: Delivery, error: str, *, now: datetime) -> None:
    log.warning("delivery quarantined", delivery=row.pk, error=error)
    settle(row, to=Delivery.Status.QUARANTINED, error=error[:2000])
    tell_owner(row, now=now)


@transaction.atomic
def replay(*, delivery: Delivery, actor: audit.Actor, now: datetime) -> Delivery:
    """Read a quarantined or ignored delivery again, after a mended rule or a new version."""
    move(
        delivery,
        to=Delivery.Status.RECEIVED,
        actor=actor,
        now=now,
        note="replayed",
        error="",
        tries=0,
    )
    delivery.events.all().delete()
    wake()
    return delivery


def wake() -> None:
    """Nudge the engine when the transaction commits; its polling is the truth."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('opsportal_wake', 'work')")


class _one_normaliser:  # noqa: N801 - reads as the phrase it is
    """A session lock on an integration; it goes with the connection if the process dies."""

    def __init__(self, integration_id: int) -> None:
        self.key = integration_id & 0x7FFF_FFFF

    def __enter__(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, self.key])
            row = cursor.fetchone()
        self.held = bool(row and row[0])
        return self.held

    def __exit__(self, *_: object) -> None:
        if self.held and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, self.key])


def purge(*, now: datetime, keep: timedelta, limit: int = 1000) -> int:
    """Delete one small batch of old deliveries that no alert needs any more."""
    old = Delivery.objects.filter(received_at__lt=now - keep).order_by("pk")
    ids = list(old.exclude(status__in=KEPT).values_list("pk", flat=True)[:limit])
    Event.objects.filter(delivery_id__in=ids).delete()
    Delivery.objects.filter(pk__in=ids).delete()
    return len(ids)
