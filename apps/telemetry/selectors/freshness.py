"""How long ago each source was last profiled, against how often it should be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.customers.models import Connection
from apps.ownership.models import Surface
from apps.telemetry.models import ProfiledSource, ProfileRun
from apps.telemetry.staleness import GRACE, MAX_AGE, aged_state, limit, stale_state

State = Literal["fresh", "late", "stale", "never", "suppressed"]
_WORST = {"stale": 0, "never": 0, "late": 1, "fresh": 2, "suppressed": 3}


@dataclass(frozen=True)
class Freshness:
    """One source, or one connection with a rhythm that never sent a run.

    `age` counts from the last success, else from `since`, when the source was first heard of or the
    connection was made. `never` is what is stale and has never succeeded.
    """

    source: ProfiledSource | None
    connection: Connection | None
    label: str
    surface: Surface | None
    since: datetime
    age: timedelta
    cadence: timedelta | None
    limit: timedelta  # older than that is stale
    state: State
    last_success_at: datetime | None

    @property
    def share(self) -> float:
        """How much of its limit the age is: 1.0 is where it becomes stale."""
        return self.age / self.limit


def sources(*, now: datetime, user: Any = None) -> list[Freshness]:
    """Every source that sends runs or should, the worst first. Archived ones are left out.

    Without `user` all of them, as rules see them. A source of which only an inventory of types is
    known is none of these: it never said that it runs.
    """
    found = [of_source(row, now=now) for row in sending(user)]
    found += [_of_connection(row, now) for row in silent(user)]
    return sorted(found, key=lambda row: (_WORST[row.state], -row.share, row.label))


def sending(user: Any = None) -> QuerySet[ProfiledSource]:
    """Sources that run or should, paused ones too; pages, rules and objectives look at these."""
    rows = ProfiledSource.objects.filter(archived_at=None)
    if user is not None:
        rows = rows.visible_to(user)
    runs = ProfileRun.objects.filter(source=OuterRef("pk"))
    expected = Q(cadence_seconds__isnull=False) | Q(connection__cadence_seconds__isnull=False)
    heard = Q(last_finished_at__isnull=False) | Q(Exists(runs))
    return rows.filter(heard | expected).select_related("connection", "surface", "integration")


def silent(user: Any = None) -> QuerySet[Connection]:
    """Connections with a rhythm of which nobody has sent a run."""
    rows = Connection.objects.current()
    if user is not None:
        rows = rows.visible_to(user)
    mine = ProfiledSource.objects.filter(connection=OuterRef("pk"), archived_at=None)
    return rows.filter(~Exists(mine), cadence_seconds__isnull=False, paused_at=None)


def of_source(row: ProfiledSource, *, now: datetime) -> Freshness:
    """How fresh one source is."""
    since = row.last_success_at or row.first_seen_at
    return _judged(
        now=now, since=since, last=row.last_success_at, cadence=row.cadence,
        paused=is_resting(row), max_age=row.max_age_seconds, source=row,
        connection=row.connection, label=str(row), surface=row.surface,
    )  # fmt: skip


def is_resting(row: ProfiledSource) -> bool:
    """Nobody waits for it: it was paused, or its connection was paused or archived."""
    via = row.connection
    return row.paused_at is not None or (
        via is not None and (via.paused_at is not None or via.archived_at is not None)
    )


def _of_connection(row: Connection, now: datetime) -> Freshness:
    return _judged(
        now=now, since=row.created_at, last=None, paused=False, max_age=None,
        cadence=timedelta(seconds=row.cadence_seconds or 0), source=None, connection=row,
        label=row.name, surface=None,
    )  # fmt: skip


def _judged(
    *,
    now: datetime,
    since: datetime,
    last: datetime | None,
    cadence: timedelta | None,
    max_age: int | None,
    paused: bool,
    **shown: Any,
) -> Freshness:
    age = max(timedelta(0), now - since)
    seconds = age.total_seconds()
    if cadence:
        rhythm = cadence.total_seconds()
        most, state = limit(rhythm, GRACE), stale_state(seconds, rhythm, GRACE, paused)
    else:
        most = float(max_age or MAX_AGE)
        state = aged_state(seconds, most, paused)
    return Freshness(
        since=since,
        age=age,
        cadence=cadence,
        limit=timedelta(seconds=most),
        state=_named(state, last),
        last_success_at=last,
        **shown,
    )


def _named(state: str, last: datetime | None) -> State:
    match state:
        case "firing":
            return "stale" if last else "never"
        case "suppressed":
            return "suppressed"
        case "late":
            return "late"
        case _:
            return "fresh"
