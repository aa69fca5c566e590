"""What would be promised to a ticket that is not logged yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.calendars.businesstime import BusinessTimeError, deadline
from apps.customers.models import Account
from apps.support import matching
from apps.support.models import Metric, Queue, RequestType
from apps.support.selectors.promising import Asked, promises

# Which of them begin at once: the others begin with the messages of a ticket.
AT_CREATION = (matching.TRIAGE, matching.FIRST_REPLY, matching.RESOLUTION)


@dataclass(frozen=True)
class PromiseLine:
    """One promise: its metric, its working seconds, when it would be due, and by which policy.

    `due_at` is None for what begins only later (next reply, periodic update).
    """

    metric: str
    seconds: int
    due_at: datetime | None
    policy_id: int

    @property
    def label(self) -> str:
        """The promise in words: "First reply"."""
        return str(Metric(self.metric).label)


def preview(
    *,
    request_type: RequestType | None,
    priority: str,
    account: Account | None = None,
    queue: Queue | None = None,
    tags: Sequence[str] = (),
    at: datetime,
) -> list[PromiseLine]:
    """The promises in the order of the metrics; nothing is written. Without a queue the type's
    own counts. One statement."""
    asked = Asked(
        priority=priority,
        queue_id=queue.pk if queue else request_type.queue_id if request_type else None,
        request_type_id=request_type.pk if request_type else None,
        account_id=account.pk if account else None,
        tags=tuple(tags),
    )
    found = promises(asked)
    lines = []
    for metric in matching.METRICS:
        promise = found.get(metric)
        if promise is None:
            continue
        try:
            due = deadline(promise.calendar, at, promise.terms.seconds)
        except BusinessTimeError:  # the ticket would go without this clock, too
            continue
        shown = due if metric in AT_CREATION else None
        lines.append(PromiseLine(metric, promise.terms.seconds, shown, promise.policy_id))
    return lines
