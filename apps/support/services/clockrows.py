"""Clock rows in bulk: loaded with what they are judged by, written with their events.

A `Ledger` takes the changes that `clockwork` decides and writes them in three statements,
whatever their number: new clocks, changed clocks, events. An event is written once for its key;
what follows from it (a message, a page) is done for events that this transaction wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import Q, QuerySet

from apps.calendars.businesstime import Calendar
from apps.core.audit import Actor
from apps.notifications import services as notifications
from apps.support import matching
from apps.support.clockwork import Change, Changes, ClockState, Terms
from apps.support.models import ClockEvent, TicketClock
from apps.support.selectors.promising import calendar_of, step_seconds, terms_of

STATE = tuple(one.name for one in fields(ClockState))
WRITTEN = (*STATE, "policy_id", "policy_version", "target_id", "calendar_version_id")
SUBJECT = "ticket_clock"  # what a notice about one clock is about
# After these a notice that has not gone out yet says nothing true any more.
POINTLESS_AFTER = frozenset({"stop", "pause", "cancel", "waive", "unbreach"})


@dataclass
class Held:
    """A clock row, and what it is judged by."""

    row: TicketClock
    terms: Terms
    third_party: bool = False

    @property
    def calendar(self) -> Calendar:
        return calendar_of(self.row.calendar_version_id)

    @property
    def state(self) -> ClockState:
        return state_of(self.row)


def state_of(row: TicketClock) -> ClockState:
    values = {name: getattr(row, name) for name in STATE}
    values["anchor_at"] = row.anchor_at or row.started_at
    return ClockState(**values)


def held(rows: QuerySet[TicketClock]) -> list[Held]:
    """The clocks of a query with their targets, in one statement."""
    found = rows.select_related("target").annotate(delays=step_seconds("target"))
    return [
        Held(
            row,
            terms_of(row.target, row.target_seconds, row.delays),
            bool(row.target and row.target.pause_third_party),
        )
        for row in found
    ]


def of_tickets(ids: Iterable[int]) -> list[Held]:
    """Every clock of these tickets that an event can still touch."""
    rows = TicketClock.objects.filter(ticket_id__in=list(ids))
    wanted = Q(stopped_at=None) | Q(metric__in=matching.ONCE)
    return held(rows.filter(wanted).order_by("ticket_id", "pk"))


# -- writing


@dataclass
class Entry:
    """A change of one clock, to be written as its event."""

    held: Held
    change: Change
    due_before: datetime | None


@dataclass
class Ledger:
    """What one transaction does to clocks. `write` stores it all."""

    actor: Actor
    now: datetime
    entries: list[Entry] = field(default_factory=list)
    _touched: dict[int, Held] = field(default_factory=dict)  # by the id of the object: no pk yet
    _fresh: list[TicketClock] = field(default_factory=list)

    def take(self, one: Held, changes: Changes, cause: str = "") -> None:
        """Note what happened to a clock, and let its row say how it is now."""
        for change in changes:
            self.entries.append(Entry(one, _caused(change, cause), one.row.due_at))
            for name in STATE:
                setattr(one.row, name, getattr(change.clock, name))
        if changes:
            self._touched[id(one)] = one

    def touch(self, one: Held) -> None:
        """Columns of a clock were changed that are no event."""
        self._touched[id(one)] = one

    def add(self, one: Held, changes: Changes, cause: str = "") -> None:
        """The same for a clock that begins."""
        self._fresh.append(one.row)
        self.take(one, changes, cause)

    def write(self) -> list[Entry]:
        """Store clocks and events; answers the entries whose event is new."""
        fresh = {id(row) for row in self._fresh}
        known = [one.row for one in self._touched.values() if id(one.row) not in fresh]
        store(TicketClock, WRITTEN, known)  # first what ended: only one of a metric may be open
        TicketClock.objects.bulk_create(self._fresh)
        written = _insert(self.entries, self.actor, self.now)
        self._forget_notices()
        self._touched, self._fresh, self.entries = {}, [], []
        return written

    def _forget_notices(self) -> None:
        """Take back what was going to be said about clocks of which it is not true any more."""
        told = {
            entry.held.row.pk
            for entry in self.entries
            if entry.change.what in POINTLESS_AFTER and _may_have_notices(entry.held.row)
        }
        for pk in sorted(told):
            notifications.cancel(subject=(SUBJECT, str(pk)), now=self.now)


def _caused(change: Change, cause: str) -> Change:
    return (
        change
        if change.cause or not cause
        else Change(change.what, change.at, change.clock, cause, change.number)
    )


def _may_have_notices(row: TicketClock) -> bool:
    return bool(row.warned_percent or row.steps_taken or row.generation)


def store(model: type[models.Model], names: Sequence[str], rows: Sequence[Any]) -> None:
    """Write these columns of many rows in one UPDATE."""
    if not rows:
        return
    arrays = ", ".join(f"%s::{_column_type(model, name)}[]" for name in names)
    table = connection.ops.quote_name(model._meta.db_table)
    sets = ", ".join(f"{name} = v.{name}" for name in names)
    sql = (
        f"UPDATE {table} AS t SET {sets} "  # noqa: S608 - names of our own columns
        f"FROM unnest(%s::bigint[], {arrays}) AS v(id, {', '.join(names)}) WHERE t.id = v.id"
    )
    values = [[getattr(row, name) for row in rows] for name in names]
    with connection.cursor() as cursor:
        cursor.execute(sql, [[row.pk for row in rows], *values])


def _column_type(model: type[models.Model], name: str) -> str:
    column = model._meta.get_field(name.removesuffix("_id"))
    assert isinstance(column, models.Field)
    return str(column.db_type(connection))


EVENT = (
    "clock_id bigint", "what text", "key text", "at timestamptz", "due_before timestamptz",
    "due_after timestamptz", "consumed_seconds int", "target_seconds int", "cause text",
)  # fmt: skip


def _insert(entries: Sequence[Entry], actor: Actor, now: datetime) -> list[Entry]:
    """Write the events, each once for its key; answers those that were not there."""
    if not entries:
        return []
    names = [column.split()[0] for column in EVENT]
    arrays = ", ".join(f"%s::{column.split()[1]}[]" for column in EVENT)
    stamp = {**actor.columns(), "noted_at": now}
    table = connection.ops.quote_name(ClockEvent._meta.db_table)
    sql = (
        f"INSERT INTO {table} ({', '.join([*names, *stamp])}) "  # noqa: S608 - our own columns
        f"SELECT v.*, {', '.join(['%s'] * len(stamp))} FROM unnest({arrays}) AS v "
        "ON CONFLICT (clock_id, key) DO NOTHING RETURNING clock_id, key"
    )
    rows = [_event(entry) for entry in entries]
    with connection.cursor() as cursor:
        cursor.execute(
            sql, [*stamp.values(), *(list(column) for column in zip(*rows, strict=True))]
        )
        written = {(clock, key) for clock, key in cursor.fetchall()}
    return [one for one in entries if (one.held.row.pk, one.change.key) in written]


def _event(entry: Entry) -> tuple[Any, ...]:
    change, clock = entry.change, entry.change.clock
    return (
        entry.held.row.pk,
        change.what,
        change.key,
        change.at,
        entry.due_before,
        clock.due_at,
        clock.consumed_seconds,
        clock.target_seconds,
        change.cause[:200],
    )
