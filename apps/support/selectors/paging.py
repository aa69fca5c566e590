"""Pages of tickets by their place in the order, so that the hundredth costs what the first does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import F, Q

from apps.support.models import Ticket
from apps.support.querysets import TicketQuerySet

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DUE_ORDER = (F("sla_due_at").asc(nulls_last=True), "priority", "pk")
_DUE_BACK = (F("sla_due_at").desc(nulls_first=True), "-priority", "-pk")
_CURSOR = re.compile(r"([ab])(?:(n|-?\d{1,17})\.(P[1-4])\.)?(\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class Mark:
    """The row after (or before) which a page begins; `due` and `priority` in the due order."""

    back: bool
    pk: int
    priority: str = ""
    due: datetime | None = None

    def write(self) -> str:
        way = "b" if self.back else "a"
        if not self.priority:
            return f"{way}{self.pk}"
        micros = "n" if self.due is None else (self.due - _EPOCH) // timedelta(microseconds=1)
        return f"{way}{micros}.{self.priority}.{self.pk}"


def mark(text: str, *, by_due: bool) -> Mark | None:
    """A cursor as it stood in an address; None for none and for what is no cursor."""
    found = _CURSOR.fullmatch(text)
    if found is None or bool(found[3]) is not by_due:
        return None
    try:
        due = (
            _EPOCH + timedelta(microseconds=int(found[2])) if found[2] not in (None, "n") else None
        )
    except OverflowError:
        return None
    return Mark(found[1] == "b", int(found[4]), found[3] or "", due)


@dataclass(frozen=True)
class Page:
    """Tickets in order; `before` and `after` are cursors, empty at the ends."""

    rows: list[Ticket]
    before: str = ""
    after: str = ""


def page(found: TicketQuerySet, *, by_due: bool, cursor: str, size: int) -> Page:
    """A page of `found`: `size` tickets after the cursor, or before it."""
    at = mark(cursor, by_due=by_due)
    back = at is not None and at.back
    ids = _after(found, at, by_due=by_due, back=back, count=size + 1)
    more, ids = len(ids) > size, ids[:size]
    rows = _in_order(ids[::-1] if back else ids)
    if not rows:
        return Page([])
    ahead, behind = (more, True) if back else (at is not None, more)
    return Page(
        rows,
        _mark_of(rows[0], by_due=by_due, back=True).write() if ahead else "",
        _mark_of(rows[-1], by_due=by_due, back=False).write() if behind else "",
    )


def _mark_of(row: Ticket, *, by_due: bool, back: bool) -> Mark:
    return Mark(back, row.pk, row.priority, row.sla_due_at) if by_due else Mark(back, row.pk)


def _after(
    found: TicketQuerySet, at: Mark | None, *, by_due: bool, back: bool, count: int
) -> list[int]:
    """Up to `count` ids from the mark on, the next first."""
    if not by_due:
        beyond = Q() if at is None else Q(pk__gt=at.pk) if back else Q(pk__lt=at.pk)
        return list(found.filter(beyond).order_by("pk" if back else "-pk")
                    .values_list("pk", flat=True)[:count])  # fmt: skip
    ids: list[int] = []
    for stretch in _stretches(at):
        ordered = found.filter(stretch).order_by(*(_DUE_BACK if back else DUE_ORDER))
        ids += ordered.values_list("pk", flat=True)[: count - len(ids)]
        if len(ids) == count:
            break
    return ids


def _stretches(at: Mark | None) -> list[Q]:
    """What lies beyond the mark, in parts that each are one stretch of the index.

    Tickets without a due time stand at the end, where no comparison of times reaches them.
    """
    if at is None:
        return [Q()]
    way = "lt" if at.back else "gt"
    nearer = Q(**{f"priority__{way}": at.priority}) | Q(
        priority=at.priority, **{f"pk__{way}": at.pk}
    )
    if at.due is None:
        rest = Q(sla_due_at=None, **{f"priority__{way}e": at.priority}) & nearer
        return [rest, Q(sla_due_at__isnull=False)] if at.back else [rest]
    timed = Q(**{f"sla_due_at__{way}e": at.due}) & (
        Q(**{f"sla_due_at__{way}": at.due}) | Q(sla_due_at=at.due) & nearer
    )
    return [timed] if at.back else [timed, Q(sla_due_at=None)]


def _in_order(ids: Sequence[int]) -> list[Ticket]:
    """These tickets with what a row shows of them."""
    rows = Ticket.objects.select_related(
        "request_type", "surface", "account", "requester", "owner", "queue"
    ).in_bulk(list(ids))
    return [rows[pk] for pk in ids if pk in rows]
