"""Were the promises kept, how long did it take, what waits, and what is asked for most.

Rates are of stopped clocks by the week in which they stopped: met of (met + missed). Waived ones
and first replies that never came (resolved without a word) stand apart. Durations are working
seconds of stopped clocks, as median and 90th percentile with their number; never a mean. Only
tickets of kind real that the reader may see are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, CharField, Count, F, Q, QuerySet, Value, When
from django.db.models.functions import TruncWeek

from apps.accounts.models import Person
from apps.ownership.models import Surface
from apps.support import lifecycle
from apps.support.models import Csat, Metric, Priority, RequestType, Ticket, TicketClock

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
ENDED_OTHERWISE = (lifecycle.MERGED, lifecycle.SPAM)  # neither asked for nor resolved


@dataclass(frozen=True)
class Kept:
    """One row of a report on promises. `rate` is None where nothing was promised and stopped.

    `key` names what the row is of: a metric, a priority, the first day of a week, or an id.
    """

    label: str
    met: int
    missed: int
    waived: int
    without_reply: int
    p50: int | None = None  # working seconds
    p90: int | None = None
    key: str = ""

    @property
    def n(self) -> int:
        return self.met + self.missed

    @property
    def rate(self) -> float | None:
        return self.met / self.n if self.n else None


# What a clock is counted under, as an expression over the inner query's columns.
_KEYS: Mapping[str, str] = {
    "metric": "metric",
    "priority": "priority",
    "owner": "coalesce(owner, 0)",
    "week": "date_trunc('week', stopped_at AT TIME ZONE %(zone)s)::date",
    "type": "type",
    "surface": "coalesce(surface, 0)",
}
_COLUMNS: Mapping[str, str] = {
    "metric": "clocks__metric",
    "priority": "priority",
    "owner": "owner_id",
    "type": "request_type_id",
    "surface": "surface_id",
    "stopped_at": "clocks__stopped_at",
    "state": "clocks__state",
    "breached_at": "clocks__breached_at",
    "waived_at": "clocks__waived_at",
    "without_reply": "clocks__without_reply",
    "worked": "clocks__worked_seconds_final",
}
_COUNTS = """
    count(*) FILTER (WHERE w AND state = 'met' AND NOT without_reply),
    count(*) FILTER (WHERE w AND breached_at IS NOT NULL),
    count(*) FILTER (WHERE NOT w),
    count(*) FILTER (WHERE w AND state = 'met' AND without_reply)
"""
_DURATIONS = """
    percentile_disc(0.5) WITHIN GROUP (ORDER BY worked) FILTER (WHERE NOT without_reply),
    percentile_disc(0.9) WITHIN GROUP (ORDER BY worked) FILTER (WHERE NOT without_reply)
"""


def kept(
    user: Any, *, by: str, start: datetime, end: datetime, zone: str, metric: str = ""
) -> list[Kept]:
    """Promises that were stopped in [start, end), by one of BY; of one metric, or of all."""
    return kept_by(user, by=[by], start=start, end=end, zone=zone, metric=metric)[by]


def kept_by(
    user: Any,
    *,
    by: Sequence[str],
    start: datetime,
    end: datetime,
    zone: str,
    metric: str = "",
    durations: bool = True,
) -> dict[str, list[Kept]]:
    """The same by several of BY, in one pass over the clocks.

    Without `durations` nothing has to be sorted, which is most of the work: one count for each
    combination, summed up here.
    """
    try:
        inner, parameters = _stopped(user, start, end, metric).query.sql_with_params()
    except EmptyResultSet:
        return {one: [] for one in by}
    named = {f"p{number}": value for number, value in enumerate(parameters)}
    for name in named:
        inner = inner.replace("%s", f"%({name})s", 1)
    keys = [f"k{number}" for number in range(len(by))]
    chosen = ", ".join(f"{_KEYS[one]} AS {key}" for one, key in zip(by, keys, strict=True))
    sets = ", ".join(f"({key})" for key in keys)
    sql = f"""
        SELECT {", ".join(keys)}, {_COUNTS} {"," + _DURATIONS if durations else ""}
        FROM (SELECT *, waived_at IS NULL AS w, {chosen}
              FROM ({inner}) x({", ".join(_COLUMNS)})) y
        GROUP BY {f"GROUPING SETS ({sets})" if durations else ", ".join(keys)}
    """  # noqa: S608 - keys and columns are ours, everything from outside is a parameter
    with connection.cursor() as cursor:
        cursor.execute(sql, {"zone": zone, **named})
        rows = cursor.fetchall()
    found = _apart(by, rows) if durations else _summed(by, rows)
    return {one: _in_order(one, _named(one, rows)) for one, rows in found.items()}


def _apart(by: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Kept]]:
    """Each row of grouping sets has the key of one of them."""
    found: dict[str, list[Kept]] = {one: [] for one in by}
    for row in rows:
        place = next(number for number in range(len(by)) if row[number] is not None)
        key = str(row[place])
        met, missed, waived, without_reply, p50, p90 = row[len(by) :]
        found[by[place]].append(Kept(key, met, missed, waived, without_reply, p50, p90, key))
    return found


def _summed(by: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Kept]]:
    sums: dict[str, dict[str, tuple[int, int, int, int]]] = {one: {} for one in by}
    for row in rows:
        met, missed, waived, without_reply = row[len(by) :]
        for one, key in zip(by, row, strict=False):
            a, b, c, d = sums[one].get(str(key), (0, 0, 0, 0))
            sums[one][str(key)] = (a + met, b + missed, c + waived, d + without_reply)
    return {
        one: [Kept(key, *counts, None, None, key) for key, counts in of_one.items()]
        for one, of_one in sums.items()
    }


def _stopped(user: Any, start: datetime, end: datetime, metric: str) -> QuerySet[Ticket, Any]:
    """Visible real tickets joined with their clocks that were stopped in the window.

    The metrics are always named, because the index begins with them.
    """
    clocks = {
        "clocks__metric__in": [metric] if metric else Metric.values,
        "clocks__stopped_at__gte": start,
        "clocks__stopped_at__lt": end,
        "clocks__state__in": [TicketClock.State.MET, TicketClock.State.BREACHED],
    }
    visible = Ticket.objects.visible_to(user).real()
    return visible.filter(**clocks).order_by().values_list(*_COLUMNS.values())


def _named(by: str, rows: list[Kept]) -> list[Kept]:
    """The rows with words instead of ids."""
    if by == "metric":
        return [_renamed(row, Metric(row.key).label) for row in rows]
    ids = [int(row.key) for row in rows] if by in {"owner", "type", "surface"} else []
    words: dict[int, str] = {}
    if by == "owner":
        people = Person.objects.get_queryset().filter(pk__in=ids)
        words = {0: "Nobody", **dict(people.values_list("pk", "name"))}
    elif by == "type":
        words = dict(RequestType.objects.filter(pk__in=ids).values_list("pk", "name"))
    elif by == "surface":
        words = {0: "none", **dict(Surface.objects.filter(pk__in=ids).values_list("pk", "key"))}
    return [_renamed(row, words.get(int(row.key), row.key)) for row in rows] if ids else rows


def _renamed(row: Kept, label: str) -> Kept:
    return Kept(
        label, row.met, row.missed, row.waived, row.without_reply, row.p50, row.p90, row.key
    )


def _in_order(by: str, rows: list[Kept]) -> list[Kept]:
    if by == "metric":
        return sorted(rows, key=lambda row: Metric.values.index(row.key))
    if by in {"week", "priority"}:
        return sorted(rows, key=lambda row: row.key)
    return sorted(rows, key=lambda row: (-row.n, row.label))[: TOP * 3]


@dataclass(frozen=True)
class Aged:
    """How many tickets are still worked on, by how long they have been there."""

    label: str
    total: int
    by_priority: Mapping[str, int]


def backlog(user: Any, *, now: datetime) -> list[Aged]:
    """The open tickets by age, youngest first; one query."""
    edges = [(number, now - limit) for number, (_, limit) in enumerate(AGES) if limit is not None]
    age = Case(
        *(When(created_at__gt=edge, then=Value(str(number))) for number, edge in edges),
        default=Value(str(len(AGES) - 1)),
        output_field=CharField(),
    )
    rows = (
        Ticket.objects.visible_to(user)
        .real()
        .active()
        .order_by()
        .values(age=age, rank=F("priority"))
        .annotate(n=Count("pk"))
    )
    counts = {(int(row["age"]), row["rank"]): row["n"] for row in rows}
    return [
        Aged(
            label,
            sum(counts.get((number, p), 0) for p in Priority.values),
            {p: counts.get((number, p), 0) for p in Priority.values},
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
    """Tickets resolved in the window with one public reply at most and never reopened.

    Each message is looked up by its ticket, and only the second reply matters.
    """
    resolved = (
        Ticket.objects.visible_to(user)
        .real()
        .filter(resolved_at__gte=start, resolved_at__lt=end)
        .filter(status__in=[lifecycle.RESOLVED, lifecycle.CLOSED])
    )
    try:
        inner, parameters = resolved.values_list("pk", "reopened_count").query.sql_with_params()
    except EmptyResultSet:
        return Share(0, 0)
    sql = f"""
        SELECT count(*), count(*) FILTER (WHERE again = 0 AND NOT EXISTS (
            SELECT 1 FROM support_ticketmessage m
            WHERE m.ticket_id = x.id AND m.author = 'agent' AND m.status = 'posted' OFFSET 1))
        FROM ({inner}) x(id, again)
    """  # noqa: S608 - the inner query is the ORM's, its values are parameters
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        n, k = cursor.fetchone()
    return Share(k, n)


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
    return _top(user, start, end, "request_type", RequestType._default_manager.all())


def top_surfaces(user: Any, *, start: datetime, end: datetime) -> list[Top]:
    """The surfaces of the tickets that came in; those without one are left out."""
    return _top(user, start, end, "surface", Surface._default_manager.all())


def _top(user: Any, start: datetime, end: datetime, column: str, table: QuerySet[Any]) -> list[Top]:
    rows = list(
        Ticket.objects.visible_to(user)
        .real()
        .filter(created_at__gte=start, created_at__lt=end, **{f"{column}__isnull": False})
        .exclude(status__in=ENDED_OTHERWISE)
        .values(top=F(f"{column}_id"))
        .annotate(
            count=Count("pk"),
            open=Count("pk", filter=Q(status__in=sorted(lifecycle.ACTIVE))),
            reopened=Count("pk", filter=Q(reopened_count__gt=0)),
        )
        .order_by("-count", "top")[:TOP]
    )
    names = table.in_bulk([row["top"] for row in rows])
    return [
        Top(names[row["top"]].key, names[row["top"]].name, row["count"], row["open"],
            row["reopened"])
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True)
class Flow:
    """A week, by its Monday: what came in, what was resolved."""

    week: str
    created: int
    resolved: int


def weeks(start: datetime, end: datetime, zone: str) -> list[str]:
    """The Mondays, in the zone, of the weeks that [start, end) touches."""
    local = ZoneInfo(zone)
    first = start.astimezone(local).date()
    last = (end - timedelta(microseconds=1)).astimezone(local).date()
    monday = first - timedelta(days=first.weekday())
    count = (last - monday).days // 7 + 1
    return [(monday + timedelta(weeks=number)).isoformat() for number in range(count)]


def flow(user: Any, *, start: datetime, end: datetime, zone: str) -> list[Flow]:
    """Created and resolved by week of the zone; weeks without either are there, too."""
    created = _by_week(user, "created_at", start, end, zone)
    resolved = _by_week(user, "resolved_at", start, end, zone)
    return [
        Flow(week, created.get(week, 0), resolved.get(week, 0)) for week in weeks(start, end, zone)
    ]


def _by_week(user: Any, column: str, start: datetime, end: datetime, zone: str) -> dict[str, int]:
    rows: Iterable[tuple[datetime, int]] = (
        Ticket.objects.visible_to(user)
        .real()
        .filter(**{f"{column}__gte": start, f"{column}__lt": end})
        .exclude(status__in=ENDED_OTHERWISE)
        .order_by()
        .values_list(TruncWeek(column, tzinfo=ZoneInfo(zone)))
        .annotate(n=Count("pk"))
    )
    return {f"{week:%Y-%m-%d}": n for week, n in rows}


def unfinished(user: Any) -> Mapping[str, int]:
    """Promises that are still to be kept, by state."""
    rows = TicketClock.objects.unfinished().filter(
        ticket__in=Ticket.objects.visible_to(user).real()
    )
    return dict(rows.values_list("state").annotate(n=Count("pk")).order_by())
