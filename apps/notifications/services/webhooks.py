"""Telling programs outside: an event becomes a row for each endpoint, and the engine sends it.

Claims, results and switching off are short transactions of the caller's thread; the requests run
on a few threads without a database, each for ten seconds at most. A sender that dies leaves a
lease, and the event goes again under the same id: at least once, and the receiver can tell.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from apps.core import secrets
from apps.core.audit import Actor
from apps.core.errors import Conflict, DomainError
from apps.core.transitions import move, settle
from apps.notifications import catalog, guard
from apps.notifications.channels.base import Result, failed
from apps.notifications.channels.webhook import deliver, judge, sign
from apps.notifications.models import WebhookDelivery, WebhookEndpoint
from apps.notifications.services import endpoints
from apps.notifications.services.site import site_config

log = structlog.get_logger("opsportal.notifications")
Status = WebhookDelivery.Status
# Seconds between attempts, three days in all; after the last one the delivery has failed.
WAITS = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
LONGEST_WAIT = 86400  # seconds that an endpoint may ask us to wait
GIVE_UP = timedelta(days=5)  # an endpoint that fails for so long is switched off
DEADLINE = 10.0  # seconds for one attempt, all in all
LEASE = timedelta(seconds=45)
GLANCE = 0.5  # seconds that a pass waits for answers
HANDS = 8  # attempts at once
EACH = 4  # of them for one endpoint
FAILING = 1  # of them for one endpoint that fails
PURGE_BATCH = 2000


# -- telling


def emit(
    *, event: str, data: Mapping[str, Any], subject: tuple[str, str], dedupe: str, now: datetime
) -> int:
    """Tell every endpoint that wants this event, in the caller's transaction; how many are told.

    `event` is a name of `catalog.EVENTS`, `data` has the keys of its example, `subject` is
    (kind, ref) of what it is about. `dedupe` names the fact (`ticket:7:status:3`): the same fact
    again tells nobody. Costs one query when there is no endpoint.
    """
    if event not in catalog.EVENTS:
        raise ValueError(f"{event} is no event of the catalog")
    live = WebhookEndpoint.objects.live().values_list("pk", "patterns")
    wanting = [pk for pk, patterns in live if catalog.matches(patterns, event)]
    if not wanting:
        return 0
    name = webhook_id(event, dedupe)
    payload = catalog.encode(event, data, now)
    rows = [_row(pk, event, name, payload, subject, now) for pk in wanting]
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)
    _wake()
    return len(rows)


def webhook_id(event: str, dedupe: str) -> str:
    """The same fact has the same id, whoever tells it and however often."""
    return f"msg_{hashlib.sha256(f'{event}:{dedupe}'.encode()).hexdigest()[:32]}"


def _row(
    endpoint_id: int, event: str, name: str, payload: str, subject: tuple[str, str], now: datetime
) -> WebhookDelivery:
    return WebhookDelivery(
        endpoint_id=endpoint_id,
        event=event,
        webhook_id=name,
        subject_kind=subject[0],
        subject_ref=subject[1],
        payload=payload,
        next_at=now,
        created_at=now,
    )


@transaction.atomic
def send_test(*, endpoint: WebhookEndpoint, actor: Actor, now: datetime) -> WebhookDelivery:
    """Send the event `test` to one endpoint, whatever it subscribed to."""
    _must_be_live(endpoint)
    payload = catalog.encode(catalog.TEST, catalog.EXAMPLE.example, now)
    name = f"msg_{secrets.token(32)}"
    row = _row(endpoint.pk, catalog.TEST, name, payload, ("webhook", str(endpoint.pk)), now)
    row.save(force_insert=True)
    _wake()
    return row


@transaction.atomic
def redeliver(*, delivery: WebhookDelivery, actor: Actor, now: datetime) -> WebhookDelivery:
    """Send a finished delivery once more, from the start of its schedule, under the same id."""
    _must_be_live(delivery.endpoint)
    move(
        delivery, to=Status.PENDING, actor=actor, now=now, note="sent again by hand",
        attempts=0, next_at=now, delivered_at=None, last_error="",
    )  # fmt: skip
    _wake()
    return delivery


def _must_be_live(endpoint: WebhookEndpoint) -> None:
    if not WebhookEndpoint.objects.live().filter(pk=endpoint.pk).exists():
        raise Conflict("This webhook is paused, switched off or archived. Resume it first.")


def _wake() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('opsportal_wake', 'webhook')")


# -- sending


@dataclass(frozen=True)
class Attempt:
    """One request, complete: whoever makes it needs no database."""

    delivery_id: int
    endpoint_id: int
    number: int
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    config: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """What came of it: `status` is None when there was no answer."""

    result: Result
    status: int | None = None
    duration_ms: int = 0


def send_webhooks(*, now: datetime, limit: int = HANDS) -> int:
    """Send what is due on threads of its own; answers how much is done or on its way.

    A pass never waits for a slow receiver: what has not answered within half a second is written
    down by a later one.
    """
    return _crew.run(now=now, limit=limit)


class _Crew:
    """Requests on their way, of which one thread at a time keeps the books."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None  # made late: threads do not survive a fork
        self._flying: dict[Future[Outcome], Attempt] = {}
        self._books = threading.Lock()

    def run(self, *, now: datetime, limit: int) -> int:
        if not self._books.acquire(blocking=False):
            return 0
        try:
            done = self._land(now)
            taken = self._start(now, limit)
            if self._flying:
                wait(self._flying, timeout=GLANCE, return_when=FIRST_COMPLETED)
            done += self._land(now)
            return max(done + taken, len(self._flying))
        finally:
            self._books.release()

    def _start(self, now: datetime, limit: int) -> int:
        busy = Counter(one.endpoint_id for one in self._flying.values())
        room = min(limit, HANDS - len(self._flying))
        attempts = claim(now=now, limit=room, busy=busy) if room > 0 else []
        for one in attempts:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(HANDS, thread_name_prefix="webhook")
            self._flying[self._pool.submit(perform, one)] = one
        return len(attempts)

    def _land(self, now: datetime) -> int:
        over = [one for one in self._flying if one.done()]
        for future in over:
            record(attempt=self._flying.pop(future), outcome=future.result(), now=now)
        return len(over)


_crew = _Crew()


@transaction.atomic
def claim(*, now: datetime, limit: int, busy: Mapping[int, int] | None = None) -> list[Attempt]:
    """Lease due deliveries of live endpoints and commit that they are being sent.

    `busy` is how many of each endpoint are on their way: a slow or dead one holds up no other.
    """
    rows: list[WebhookDelivery] = []
    flying = busy or {}
    for endpoint in _due_endpoints(now):
        each = FAILING if endpoint.failing_since else EACH
        rows += _due_of(endpoint, now, min(each - flying.get(endpoint.pk, 0), limit))
    rows.sort(key=lambda row: (bool(row.endpoint.failing_since), row.next_at, row.pk))
    config = site_config("webhook") if rows else {}
    found = []
    for row in rows[:limit]:
        if row.status == Status.SENDING and row.attempts > len(WAITS):
            settle(row, to=Status.FAILED, lease_until=None, last_error=_BROKE_OFF)
            continue
        settle(row, to=Status.SENDING, lease_until=now + LEASE, attempts=row.attempts + 1)
        found.append(_attempt(row, config, now))
    return found


_BROKE_OFF = "interrupted: The sending broke off, again and again."


def _due_endpoints(now: datetime) -> list[WebhookEndpoint]:
    """The live endpoints, if anything is due for any of them."""
    live = list(WebhookEndpoint.objects.live().order_by("pk"))
    theirs = WebhookDelivery.objects.filter(endpoint_id__in=[one.pk for one in live])
    # In the order of the index: a plain EXISTS is planned as a scan of the table.
    first = theirs.waiting(now).order_by("endpoint_id", "next_at").values_list("pk", flat=True)[:1]
    due = bool(live) and (bool(list(first)) or theirs.broken_off(now).exists())
    return live if due else []


def _due_of(endpoint: WebhookEndpoint, now: datetime, room: int) -> list[WebhookDelivery]:
    found: list[WebhookDelivery] = []
    theirs = WebhookDelivery.objects.filter(endpoint=endpoint)
    for rows, order in ((theirs.broken_off(now), "lease_until"), (theirs.waiting(now), "next_at")):
        left = room - len(found)
        if left > 0:
            locked = rows.select_for_update(skip_locked=True, of=("self",))
            found += locked.order_by(order, "pk")[:left]
    for row in found:
        row.endpoint = endpoint
    return found


def _attempt(row: WebhookDelivery, config: Mapping[str, str], now: datetime) -> Attempt:
    body = row.payload.encode()
    try:
        url, headers = secrets.unseal(row.endpoint.url_sealed), _headers(row, body, now)
    except (DomainError, ValueError):
        url, headers = "", {}  # `perform` says so: the reason is the same on every attempt
    return Attempt(row.pk, row.endpoint_id, row.attempts, url, body, headers, config)


def _headers(row: WebhookDelivery, body: bytes, now: datetime) -> dict[str, str]:
    endpoint, at = row.endpoint, int(now.timestamp())
    keys = [secrets.unseal(endpoint.secret_sealed)]
    if endpoint.previous_valid_until and endpoint.previous_valid_until > now:
        keys.append(secrets.unseal(endpoint.previous_secret_sealed))
    return {
        "Content-Type": "application/json",
        "webhook-id": row.webhook_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(sign(key, row.webhook_id, at, body) for key in keys if key),
    }


def perform(attempt: Attempt) -> Outcome:
    """Make the request; whatever goes wrong becomes an outcome. Uses no database."""
    began = time.monotonic()
    try:
        result, status = _post(attempt)
    except Exception as error:
        log.exception("webhook broke", delivery=attempt.delivery_id)
        result, status = failed("broke", f"The sending broke ({type(error).__name__})."), None
    return Outcome(result, status, int((time.monotonic() - began) * 1000))


def _post(attempt: Attempt) -> tuple[Result, int | None]:
    if not attempt.url:
        return failed("secret", "Address or secret cannot be opened. Enter them again."), None
    reply = deliver(attempt.url, attempt.body, attempt.headers, attempt.config, seconds=DEADLINE)
    return (judge(reply), reply.status) if isinstance(reply, guard.Reply) else (reply, None)


# -- what came of it


def record(*, attempt: Attempt, outcome: Outcome, now: datetime) -> None:
    """Write an outcome down; a failure is tried again later, or ends the delivery or endpoint."""
    if _settled(attempt, outcome, now) and not outcome.result.ok:
        _doubt(attempt.endpoint_id, outcome, now)


@transaction.atomic
def _settled(attempt: Attempt, outcome: Outcome, now: datetime) -> bool:
    rows = WebhookDelivery.objects.filter(pk=attempt.delivery_id, status=Status.SENDING)
    row = rows.filter(attempts=attempt.number).select_for_update(of=("self",)).first()
    if row is None:
        return False  # its lease ended and another sender has it, or it is gone
    facts: dict[str, Any] = {
        "lease_until": None,
        "last_status": outcome.status,
        "last_error": outcome.result.error,
        "duration_ms": outcome.duration_ms,
    }
    endpoint = WebhookEndpoint.objects.filter(pk=attempt.endpoint_id)
    if outcome.result.ok:
        settle(row, to=Status.DELIVERED, delivered_at=now, **facts)
        endpoint.exclude(failing_since=None).update(failing_since=None)
        return True
    endpoint.filter(failing_since=None).update(failing_since=now)
    over = not endpoint.current().filter(disabled_at=None).exists()
    if over or outcome.result.permanent or row.attempts > len(WAITS):
        settle(row, to=Status.FAILED, **facts)
        return True
    asked = min(outcome.result.retry_after or 0, LONGEST_WAIT)
    seconds = max(WAITS[row.attempts - 1], asked)
    settle(row, to=Status.PENDING, next_at=now + timedelta(seconds=seconds), **facts)
    return True


def _doubt(endpoint_id: int, outcome: Outcome, now: datetime) -> None:
    """Whether the endpoint itself is to be switched off."""
    if outcome.status == 410:
        endpoints.disable(endpoint_id=endpoint_id, reason="The other side said 410 Gone.", now=now)
        return
    row = WebhookEndpoint.objects.get(pk=endpoint_id)
    if row.failing_since and now - row.failing_since >= GIVE_UP:
        days = GIVE_UP.days
        reason = f"Every attempt of the last {days} days failed. {outcome.result.error}"
        endpoints.disable(endpoint_id=endpoint_id, reason=reason, now=now)


def purge_webhooks(*, now: datetime, keep: timedelta) -> int:
    """Delete one batch of finished deliveries older than `keep`; answers how many."""
    finished = [Status.DELIVERED, Status.FAILED, Status.CANCELLED]
    old = WebhookDelivery.objects.filter(created_at__lt=now - keep, status__in=finished)
    ids = list(old.order_by("created_at").values_list("pk", flat=True)[:PURGE_BATCH])
    return WebhookDelivery.objects.filter(pk__in=ids, status__in=finished).delete()[0] if ids else 0
