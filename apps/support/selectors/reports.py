"""Were the promises kept, how long did it take, what waits, and what is asked for most.

Rates are of stopped clocks by the week in which they stopped: met of (met + missed). Waived ones
and first replies that never came (resolved without a word) stand apart. Durations are working
seconds of stopped clocks, as median and 90th percentile with their number; never a mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q

from apps.support import lifecycle
from apps.support.models import Csat, Metric, Priority, Ticket, TicketClock, TicketMessage

BY = ("metric", "priority", "owner", "week", "type", "surface")
TOP = 10
AGES: Sequence[tuple[str, timedelta | None]] = (
    ("under 1 day", timedelta(days=1)),
    ("1 to 3 days", timedelta(days=3)),
    ("3 to 7 days", timedelta(days=7)),
    ("1 to 2 weeks", timedelta(days=14)),
    ("2 to 4 weeks", timedelta(days=28)),
    ("over 4 weeks", None),
)


@dataclass(frozen=True)
class Kept:
    """One row of a report on promises. `rate` is None where nothing was promised and stopped."""

    label: str
    met: int
    missed: int
    waived: int
    without_reply: int
    p50: int | None  # working seconds
    p90: int | None

    @property
    def n(self) -> int:
        return self.met + self.missed

    @property
    def rate(self) -> float | None:
        return self.met / self.n if self.n else None


_KEYS: Mapping[str, str] = {
    "metric": "c.metric",
    "priority": "t.priority",
    "owner": "coalesce(p.name, 'Nobody')",
    "week": "to_char(date_trunc('week', c.stopped_at AT TIME ZONE %(zone)s), 'YYYY-MM-DD')",
    "type": "rt.name",
    "surface": "coalesce(s.key, 'none')",
}


def kept(
    user: Any, *, by: str, start: datetime, end: datetime, zone: str, metric: str = ""
) -> list[Kept]:
    """Promises that were stopped in [start, end), by one of BY; of one metric, or of all."""
    key = _KEYS[by]
    visible = Ticket.objects.visible_to(user).real().values("pk")
    inner, parameters = visible.query.sql_with_params()
    chosen = "AND c.metric = %(metric)s" if metric else ""
    named = {f"p{i}": value for i, value in enumerate(parameters)}
    for name in named:
        inner = inner.replace("%s", f"%({name})s", 1)
    sql = f"""
        SELECT {key} AS label,
               count(*) FILTER (WHERE c.state = 'met' AND NOT c.without_reply AND w) AS met,
               count(*) FILTER (WHERE c.breached_at IS NOT NULL AND w) AS missed,
               count(*) FILTER (WHERE NOT w) AS waived,
               count(*) FILTER (WHERE c.without_reply AND c.state = 'met') AS without_reply,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY c.worked_seconds_final),
               percentile_disc(0.9) WITHIN GROUP (ORDER BY c.worked_seconds_final)
        FROM (SELECT *, waived_at IS NULL AS w FROM support_ticketclock
              WHERE stopped_at >= %(start)s AND stopped_at < %(end)s
                AND state <> 'cancelled') c
        JOIN support_ticket t ON t.id = c.ticket_id
        JOIN support_requesttype rt ON rt.id = t.request_type_id
        LEFT JOIN accounts_person p ON p.id = t.owner_id
        LEFT JOIN ownership_surface s ON s.id = t.surface_id
        WHERE t.id IN ({inner}) {chosen}
        GROUP BY 1 ORDER BY 1
    """  # noqa: S608 - `key` and `chosen` are ours, everything from outside is a parameter
    values = {"start": start, "end": end, "zone": zone, "metric": metric, **named}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows = [Kept(*row) for row in cursor.fetchall()]
    return _in_order(by, rows)


def _in_order(by: str, rows: list[Kept]) -> list[Kept]:
    if by == "metric":
        order = list(Metric.values)
        named = [_renamed(row, Metric(row.label).label) for row in rows]
        return sorted(named, key=lambda row: order.index(Metric[_enum(row.label)].value))
    if by in {"week", "priority"}:
        return rows
    return sorted(rows, key=lambda row: -row.n)[: TOP * 3]


def _enum(label: str) -> str:
    return label.upper().replace(" ", "_")


def _renamed(row: Kept, label: str) -> Kept:
    return Kept(label, row.met, row.missed, row.waived, row.without_reply, row.p50, row.p90)


@dataclass(frozen=True)
class Aged:
    """How many tickets are still worked on, by how long they have been there."""

    label: str
    total: int
    by_priority: Mapping[str, int]


def backlog(user: Any, *, now: datetime) -> list[Aged]:
    """The open tickets by age, youngest first; one query."""
    edges = [now - limit for _, limit in AGES if limit is not None]
    counts: dict[str, Any] = {}
    newer: datetime | None = None
    for number, edge in enumerate([*edges, None]):
        inside = Q()
        if edge is not None:
            inside &= Q(created_at__gt=edge)
        if newer is not None:
            inside &= Q(created_at__lte=newer)
        for priority in Priority.values:
            counts[f"a{number}{priority}"] = Count("pk", filter=inside & Q(priority=priority))
        newer = edge
    found = Ticket.objects.visible_to(user).real().active().aggregate(**counts)
    return [
        Aged(
            label,
            sum(found[f"a{number}{p}"] for p in Priority.values),
            {p: found[f"a{number}{p}"] for p in Priority.values},
        )
        for number, (label, _) in enumerate(AGES)
    ]


@dataclass(frozen=True)
class Share:
    """k of n."""

    k: int
    n: int

    @property
    def rate(self) -> float | None:
        return self.k / self.n if self.n else None


def first_contact(user: Any, *, start: datetime, end: datetime) -> Share:
    """Tickets resolved in the window with one public reply at most and never reopened."""
    replies = Count(
        "messages",
        filter=Q(messages__author=TicketMessage.Author.AGENT, messages__status="posted"),
    )
    resolved = (
        Ticket.objects.visible_to(user)
        .real()
        .filter(resolved_at__gte=start, resolved_at__lt=end)
        .filter(status__in=[lifecycle.RESOLVED, lifecycle.CLOSED])
        .annotate(replies=replies)
    )
    once = Count("pk", filter=Q(replies__lte=1, reopened_count=0))
    found = resolved.aggregate(n=Count("pk"), k=once)
    return Share(found["k"], found["n"])


def satisfaction(user: Any, *, start: datetime, end: datetime) -> Share:
    """Good answers of all answers to "was it solved well?" in the window."""
    rows = Csat.objects.filter(
        at__gte=start, at__lt=end, ticket__in=Ticket.objects.visible_to(user).real()
    )
    found = rows.aggregate(n=Count("pk"), k=Count("pk", filter=Q(score=Csat.Score.GOOD)))
    return Share(found["k"], found["n"])


@dataclass(frozen=True)
class Top:
    """What is asked for most: a request type or a surface, and how many of it are still open."""

    key: str
    label: str
    count: int
    open: int
    reopened: int


def top_types(user: Any, *, start: datetime, end: datetime) -> list[Top]:
    """The request types of the tickets that came in."""
    return _top(user, start, end, "request_type__key", "request_type__name")


def top_surfaces(user: Any, *, start: datetime, end: datetime) -> list[Top]:
    """The surfaces of the tickets that came in; those without one are left out."""
    found = _top(user, start, end, "surface__key", "surface__name")
    return [row for row in found if row.key]


def _top(user: Any, start: datetime, end: datetime, key: str, label: str) -> list[Top]:
    rows = (
        Ticket.objects.visible_to(user)
        .real()
        .filter(created_at__gte=start, created_at__lt=end)
        .exclude(status__in=[lifecycle.MERGED, lifecycle.SPAM])
        .values(top=F(key), name=F(label))
        .annotate(
            count=Count("pk"),
            open=Count("pk", filter=Q(status__in=sorted(lifecycle.ACTIVE))),
            reopened=Count("pk", filter=Q(reopened_count__gt=0)),
        )
        .order_by("-count", "top")[: TOP + 1]
    )
    return [
        Top(row["top"] or "", row["name"] or "", row["count"], row["open"], row["reopened"])
        for row in rows
    ]


@dataclass(frozen=True)
class Flow:
    """A week: what came in, what was resolved."""

    week: str
    created: int
    resolved: int


def flow(user: Any, *, start: datetime, end: datetime, zone: str) -> list[Flow]:
    """Created and resolved by week of the zone; weeks without either are there, too."""
    visible = Ticket.objects.visible_to(user).real()
    inner, parameters = visible.values("pk").query.sql_with_params()
    sql = f"""
        WITH mine AS (
            SELECT created_at, resolved_at FROM support_ticket WHERE id IN ({inner})
              AND status NOT IN ('merged', 'spam')
        ), weeks AS (
            SELECT generate_series(date_trunc('week', %s::timestamptz AT TIME ZONE %s),
                                   date_trunc('week', %s::timestamptz AT TIME ZONE %s),
                                   '7 days') AS week
        )
        SELECT to_char(week, 'YYYY-MM-DD'),
          (SELECT count(*) FROM mine WHERE created_at >= %s AND created_at < %s
             AND date_trunc('week', created_at AT TIME ZONE %s) = week),
          (SELECT count(*) FROM mine WHERE resolved_at >= %s AND resolved_at < %s
             AND date_trunc('week', resolved_at AT TIME ZONE %s) = week)
        FROM weeks ORDER BY week
    """  # noqa: S608 - the inner query is the ORM's, its values are parameters
    last = end - timedelta(seconds=1)
    values = [*parameters, start, zone, last, zone, start, end, zone, start, end, zone]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [Flow(*row) for row in cursor.fetchall()]


def unfinished(user: Any) -> Mapping[str, int]:
    """Promises that are still to be kept, by state."""
    rows = TicketClock.objects.unfinished().filter(
        ticket__in=Ticket.objects.visible_to(user).real()
    )
    return dict(rows.values_list("state").annotate(n=Count("pk")).order_by())
