"""The agent's queue: which tickets, in which order, a page at a time, and how many of each.

Everything starts from what the reader may see. Active tickets come by due time, priority and
number, which is the order of the partial indexes, so that a page costs its rows and not the
table; once ended ones are asked for, the newest come first. Counts stop at COUNTED.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, Q, QuerySet

from apps.accounts.models import Person
from apps.customers.models import Account
from apps.ownership.models import Surface
from apps.support import lifecycle
from apps.support.models import (
    Presence,
    Queue,
    RequestType,
    SavedView,
    Ticket,
    TicketLink,
)
from apps.support.querysets import TicketQuerySet
from apps.support.selectors.filters import ANY, CREATED, TABS, Filters, parse
from apps.support.selectors.paging import DUE_ORDER, Mark, Page, page
from apps.support.selectors.textual import Said, said

__all__ = [
    "ANY",
    "CLOSE",
    "COUNTED",
    "CREATED",
    "DUE_ORDER",
    "EXPORTED",
    "SEEN",
    "SIZES",
    "TABS",
    "VIEWS_COUNTED",
    "Count",
    "Filters",
    "Mark",
    "Page",
    "blocking",
    "counts",
    "exported",
    "matching",
    "named",
    "of_view",
    "page",
    "parse",
    "present",
    "tab_counts",
    "views_of",
    "wording",
]

COUNTED = 999  # counts stop here and say "999+"
SIZES = (25, 50)
CLOSE = timedelta(hours=1)  # so near, a promise is close to its breach
SEEN = timedelta(seconds=60)  # who was there so lately is there
VIEWS_COUNTED = 12  # saved views whose tickets are counted on the page
EXPORTED = 10_000  # rows of an export
_STEP = 500  # of them read at once

# -- which tickets


Ids = Mapping[str, Mapping[str, int]]  # queue, type, surface, account: key → id


def matching(
    user: Any,
    filters: Filters,
    *,
    now: datetime,
    ids: Ids | None = None,
    among: TicketQuerySet | None = None,
) -> TicketQuerySet:
    """The visible tickets of a view that pass the filters, in no order yet.

    `ids` spares looking up the keys once more where they are known, `among` the search for words.
    """
    known = named(user, [filters]) if ids is None else ids
    if among is None:
        among = wording(user, filters).all
    if filters.statuses != frozenset(Ticket.Status.values):
        among = among.filter(status__in=sorted(filters.statuses))
    return among.filter(_of_view(user, filters.view, now), *_narrowing(user, filters, known, now))


def wording(user: Any, filters: Filters) -> Said:
    """The visible tickets that say what is looked for; all of them when nothing is."""
    visible = Ticket.objects.visible_to(user)
    return said(user, filters.text) if filters.text else Said(visible, visible)


def _of_view(user: Any, view: str, now: datetime) -> Q:
    soon = Q(sla_due_at__lte=now + CLOSE)
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=now) | soon
    views = {
        "mine": Q(owner=user.pk) & awake,
        "unassigned": Q(owner=None) & awake,
        "close": soon & Q(sla_state__in=["running", "breached"]),
        "waiting": Q(status__in=sorted(lifecycle.WAITING)),
    }
    return views.get(view, Q())


def _narrowing(user: Any, filters: Filters, ids: Ids, now: datetime) -> Iterator[Q]:
    for name, column in _BY_KEY.items():
        if keys := getattr(filters, name):
            yield Q(**{f"{column}__in": [ids[name][key] for key in keys if key in ids[name]]})
    for name, column in _BY_VALUE.items():
        if values := getattr(filters, name):
            yield Q(**{f"{column}__in": values})
    if filters.owner:
        yield _owned(user, filters.owner)
    if filters.tag:
        yield Q(tags__overlap=list(filters.tag))
    if filters.created:
        yield Q(created_at__gte=now - timedelta(days=int(filters.created[0])))


_BY_KEY = {"queue": "queue", "type": "request_type", "surface": "surface", "account": "account"}
_BY_VALUE = {"priority": "priority", "channel": "channel", "sla": "sla_state"}


def named(user: Any, asked: Iterable[Filters]) -> Ids:
    """The ids of what filters name, each kind read once: joins would hide from the planner how
    many tickets there are. What the reader may not see has none."""
    rows: Mapping[str, QuerySet[Any]] = {
        "queue": Queue.objects.visible_to(user),
        "type": RequestType.objects.all(),
        "surface": Surface.objects.visible_to(user),
        "account": Account.objects.visible_to(user),
    }
    every = list(asked)
    found: dict[str, Mapping[str, int]] = {}
    for name, of in rows.items():
        keys = {key for one in every for key in getattr(one, name)}
        pairs = of.filter(key__in=keys).order_by().values_list("key", "pk") if keys else ()
        found[name] = dict(pairs)
    return found


def _owned(user: Any, owners: Sequence[str]) -> Q:
    people = {int(value) for value in owners if value.isdigit()}
    wanted = Q(owner__in=people | ({user.pk} if "me" in owners else set()))
    return wanted | Q(owner=None) if "none" in owners else wanted


# -- how many


@dataclass(frozen=True)
class Count:
    """A number that stops at COUNTED."""

    value: int

    def __str__(self) -> str:
        return f"{COUNTED}+" if self.value > COUNTED else str(self.value)

    def __bool__(self) -> bool:
        return self.value > 0


def counts(
    asked: Mapping[str, TicketQuerySet], parts: Mapping[str, TicketQuerySet] | None = None
) -> dict[str, Count]:
    """How many tickets each holds, in one statement that looks at COUNTED + 1 of each at most.

    `parts` are parts of the same tickets that are cheaper to count: one that passes the limit by
    itself is enough, and only then the whole is not looked at.
    """
    written: list[str] = []
    params: list[Any] = []
    for number, (name, found) in enumerate(asked.items()):
        whole, own = _counting(found, f"c{number}")
        if parts and name in parts:
            part, fewer = _counting(parts[name], f"p{number}")
            enough = COUNTED + 1
            whole = f"CASE WHEN {part} >= {enough} THEN {enough} ELSE {whole} END"
            own = [*fewer, *own]
        written.append(whole)
        params += own
    if not written:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(written)}", params)
        row = cursor.fetchone() or ()
    return {name: Count(value) for name, value in zip(asked, row, strict=True)}


def _counting(found: TicketQuerySet, alias: str) -> tuple[str, Sequence[Any]]:
    """SQL of a count that stops at COUNTED + 1."""
    try:
        sql, params = found.order_by().values("pk")[: COUNTED + 1].query.sql_with_params()
    except EmptyResultSet:
        return "0", ()
    return f"(SELECT count(*) FROM ({sql}) AS {alias})", params  # noqa: S608 - the ORM's own


def tab_counts(
    user: Any,
    filters: Filters,
    views: Sequence[SavedView],
    *,
    now: datetime,
    words: Said | None = None,
) -> dict[str, Count]:
    """The counts of the tabs, of the first saved views (`v7`), of this page (`here`) and of those
    in it whose promise is missed and runs on (`overdue`). `words` are those of the page, where
    they were looked for already."""
    wanted = {tab: Filters(view=tab) for tab in TABS}
    wanted |= {f"v{view.pk}": of_view(view) for view in views[:VIEWS_COUNTED]}
    same = next((name for name, one in wanted.items() if one == filters), "here")
    wanted.setdefault(same, filters)
    ids = named(user, wanted.values())
    visible = Ticket.objects.visible_to(user)
    asked, parts = {}, {}
    for name, one in wanted.items():
        found = Said(visible, visible)
        if one.text:
            found = words if words and one == filters else wording(user, one)
        asked[name] = matching(user, one, now=now, ids=ids, among=found.all)
        if found.some is not found.all:
            parts[name] = matching(user, one, now=now, ids=ids, among=found.some)
    if filters.by_due and not filters.text:
        asked["overdue"] = asked[same].filter(sla_state="breached", sla_due_at__lte=now)
    counted = counts(asked, parts)
    return {**counted, "here": counted[same]}


# -- saved views


def views_of(person: Person) -> list[SavedView]:
    """Everybody's saved views, then the person's own, each in its order."""
    rows = SavedView.objects.filter(Q(person=None) | Q(person=person))
    return list(rows.order_by(F("person").asc(nulls_first=True), "position", "pk"))


def of_view(view: SavedView) -> Filters:
    """The filters that a saved view stands for."""
    return parse(parse_qs(view.query, max_num_fields=100))


# -- beside the rows


def present(
    tickets: Sequence[Ticket], *, beside: Person, now: datetime
) -> dict[int, list[Presence]]:
    """Who else has each ticket open just now."""
    rows = (
        Presence.objects.filter(ticket__in=tickets, seen_at__gte=now - SEEN)
        .exclude(person=beside)
        .select_related("person")
        .order_by("person__name")
    )
    return _by_ticket(rows)


def blocking(tickets: Sequence[Ticket]) -> dict[int, list[TicketLink]]:
    """What each ticket waits for and that is not done yet."""
    rows = TicketLink.objects.filter(
        ticket__in=tickets, relation=TicketLink.Relation.BLOCKS, done_at=None
    )
    return _by_ticket(rows.order_by("pk"))


def _by_ticket(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.ticket_id, []).append(row)
    return found


def exported(user: Any, filters: Filters, *, now: datetime) -> Iterator[Ticket]:
    """The tickets of an export, in the queue's order, read in steps: at most EXPORTED."""
    found, cursor, left = matching(user, filters, now=now), "", EXPORTED
    while left > 0:
        part = page(found, by_due=filters.by_due, cursor=cursor, size=min(_STEP, left))
        yield from part.rows
        left -= len(part.rows)
        cursor = part.after
        if not cursor:
            return
