"""The agent's queue: which tickets, in which order, a page at a time, and how many of each.

Everything starts from what the reader may see. Active tickets come by due time, priority and
number, which is the order of the partial indexes, so that a page costs its rows and not the
table; once ended ones are asked for, the newest come first. Counts stop at COUNTED.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, Q, QuerySet

from apps.accounts.models import Person
from apps.customers.models import Account
from apps.ownership.models import Surface
from apps.support import lifecycle
from apps.support.models import (
    Presence,
    Priority,
    Queue,
    RequestType,
    SavedView,
    Ticket,
    TicketLink,
)
from apps.support.querysets import TicketQuerySet
from apps.support.selectors.textual import Said, said

COUNTED = 999  # counts stop here and say "999+"
SIZES = (25, 50)
CLOSE = timedelta(hours=1)  # so near, a promise is close to its breach
SEEN = timedelta(seconds=60)  # who was there so lately is there
VIEWS_COUNTED = 12  # saved views whose tickets are counted on the page
EXPORTED = 10_000  # rows of an export
_STEP = 500  # of them read at once
_VALUES, _LONGEST = 20, 80
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TABS: Mapping[str, str] = {
    "team": "Team",
    "mine": "My open",
    "unassigned": "Unassigned",
    "close": "Close to breach",
    "waiting": "Waiting",
}
CREATED: Mapping[str, str] = {
    "1": "in the last 24 hours",
    "7": "in the last 7 days",
    "30": "in the last 30 days",
    "90": "in the last 90 days",
}
ANY = "any"  # of the status: ended tickets, too


@dataclass(frozen=True)
class Filters:
    """What is asked for, as it stands in the address. Values of one name are alternatives.

    `owner` holds `me`, `none` and ids of people; `queue`, `type`, `surface` and `account` hold
    keys; `created` is a number of days.
    """

    status: tuple[str, ...] = ()
    queue: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    priority: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    surface: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    sla: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    q: tuple[str, ...] = ()
    view: str = "team"

    @property
    def text(self) -> str:
        return self.q[0] if self.q else ""

    @property
    def statuses(self) -> frozenset[str]:
        """The states asked for; those somebody works on unless others are named or searched."""
        if ANY in self.status or (self.text and not self.status and self.view == "team"):
            return frozenset(Ticket.Status.values)
        return frozenset(self.status) or lifecycle.ACTIVE

    @property
    def by_due(self) -> bool:
        """Whether the order is that of due times; ended tickets have none."""
        return self.statuses <= lifecycle.ACTIVE

    @property
    def given(self) -> dict[str, tuple[str, ...]]:
        """What narrows the view, by name."""
        named = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "view"}
        return {name: values for name, values in named.items() if values}

    def query(self) -> str:
        """The filters as in an address, for a saved view; always written the same way."""
        parts = [(name, value) for name, values in self.given.items() for value in values]
        return urlencode(([("view", self.view)] if self.view != "team" else []) + parts)


_ALLOWED: Mapping[str, frozenset[str]] = {
    "status": frozenset(Ticket.Status.values) | {ANY},
    "priority": frozenset(Priority.values),
    "channel": frozenset(Ticket.Channel.values),
    "sla": frozenset(Ticket.SlaState.values),
    "created": frozenset(CREATED),
}
_OWNER = re.compile(r"me|none|[0-9]{1,18}", re.ASCII)


def parse(params: Mapping[str, Sequence[str]]) -> Filters:
    """The filters of an address (each name with its values); what makes no sense is left out."""
    found = {}
    for one in fields(Filters):
        if one.name != "view":
            given = [_clean(one.name, raw) for raw in params.get(one.name, ())[:_VALUES]]
            found[one.name] = tuple(dict.fromkeys(value for value in given if value))
    single = {name: found[name][:1] for name in ("created", "q")}
    view = next(iter(params.get("view", ())), "")
    return Filters(**{**found, **single}, view=view if view in TABS else "team")


def _clean(name: str, raw: str) -> str:
    value = " ".join(raw.replace("\x00", "").split())[: 200 if name == "q" else _LONGEST]
    if name in _ALLOWED:
        return value if value in _ALLOWED[name] else ""
    if name == "owner":
        return value if _OWNER.fullmatch(value) else ""
    return value if name == "q" else value.lower()


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


# -- a page of them

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
