"""What a changed grid would have meant: the tickets of the last months judged by it.

Both sides, as it is and as it would be, are replayed in the same way from messages and states, so
that they differ by the grid alone. `CANNOT_KNOW` says what such a replay leaves out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apps.calendars.selectors import current_versions, rules
from apps.support import lifecycle, matching, pastclocks
from apps.support.matching import Facts, Match
from apps.support.models import Priority, SlaPolicy, SlaTarget, Ticket, TicketMessage
from apps.support.pastclocks import Owed
from apps.support.selectors.history import steps_of

DAYS = 90
MOST = 5000  # tickets that are read, the newest
LISTED = 200  # tickets of which the change is listed
CANNOT_KNOW = (
    "Priority, type, queue, customer and tags count as they are now, also where they were others.",
    "Opening hours count as they are now, and policies in their present order.",
    "What people would have done under other targets: they had the old ones before them.",
    "Waivers, merges and corrections before triage are left out; so are imported tickets.",
)
Grid = dict[tuple[int, str, str], "Target"]
Cell = tuple[str, str]  # metric, priority


@dataclass(frozen=True)
class Target:
    """One cell as a replay needs it; without seconds nothing is promised."""

    seconds: int | None
    calendar_id: int
    third_party: bool = False


@dataclass(frozen=True)
class Draft:
    """A changed grid of a policy. Cells that are not given stay; seconds None promises nothing.

    `calendars` names another calendar for single cells, `calendar_id` for the whole policy.
    """

    policy_id: int
    seconds: Mapping[Cell, int | None]
    calendars: Mapping[Cell, int | None] | None = None
    third_party: Mapping[Cell, bool] | None = None
    calendar_id: int | None = None


@dataclass(frozen=True)
class Tally:
    """How many promises were kept, missed, and are still open."""

    met: int = 0
    breached: int = 0
    open: int = 0

    @property
    def ratio(self) -> float | None:
        """Kept of those judged; None where none was."""
        judged = self.met + self.breached
        return self.met / judged if judged else None


@dataclass(frozen=True)
class Row:
    """A metric at a priority, as it is and as it would be."""

    metric: str
    priority: str
    before: Tally
    after: Tally


@dataclass(frozen=True)
class Changed:
    """A promise of a ticket that would have come out otherwise."""

    ticket_id: int
    subject: str
    metric: str
    priority: str
    was: str
    becomes: str

    @property
    def ref(self) -> str:
        return f"TCK-{self.ticket_id}"


@dataclass(frozen=True)
class WhatIf:
    """The answer. `read` tickets were judged; `more` says whether there are older ones."""

    since: datetime
    read: int
    more: bool
    rows: tuple[Row, ...]
    changed: tuple[Changed, ...]
    changes: int
    cannot_know: tuple[str, ...] = CANNOT_KNOW


def replay(*, draft: Draft, user: Any, now: datetime, days: int = DAYS, most: int = MOST) -> WhatIf:
    """Judge the tickets of the last `days` that `user` sees by the grid as it is and by the draft.

    At most `most` tickets, the newest; five statements whatever their number.
    """
    since = now - timedelta(days=days)
    found = (
        Ticket.objects.visible_to(user)
        .real()
        .filter(created_at__gte=since, created_at__lt=now)
        .exclude(status__in=[lifecycle.MERGED, lifecycle.SPAM])
        .exclude(channel=Ticket.Channel.IMPORT)
        .select_related("account")
        .only(
            "subject", "status", "priority", "queue_id", "request_type_id", "account__tier",
            "tags", "created_at", "triaged_at", "first_replied_at",
        )
        .order_by("-created_at")
    )  # fmt: skip
    tickets = list(found[: most + 1])
    judge = _Judge(draft, now)
    judge.all(tickets[:most])
    return WhatIf(
        since=since,
        read=min(len(tickets), most),
        more=len(tickets) > most,
        rows=judge.rows(),
        changed=tuple(judge.changed[:LISTED]),
        changes=len(judge.changed),
    )


class _Judge:
    """Both grids over the same stretches."""

    def __init__(self, draft: Draft, now: datetime) -> None:
        self.now = now
        policies = list(SlaPolicy.objects.filter(is_active=True))
        self.policies = matching.in_order(_match(row) for row in policies)
        self.before = _grid(policies)
        self.after = _changed_grid(self.before, policies, draft)
        every = {
            target.calendar_id for grid in (self.before, self.after) for target in grid.values()
        }
        self.calendars = {pk: rules(row) for pk, row in current_versions(every).items()}
        self.counts: dict[tuple[Cell, bool], Counter[str]] = defaultdict(Counter)
        self.changed: list[Changed] = []

    def all(self, tickets: Sequence[Ticket]) -> None:
        steps, said = steps_of(tickets), _said(tickets)
        for ticket in tickets:
            policy = matching.first(self.policies, _facts(ticket))
            if policy is None:
                continue
            stretches = pastclocks.owed(
                created_at=ticket.created_at,
                triaged_at=ticket.triaged_at,
                said=said.get(ticket.pk, ()),
                steps=steps[ticket.pk],
                first_replied_at=ticket.first_replied_at,
            )
            for one in stretches:
                self._one(ticket, policy.ref, one)

    def _one(self, ticket: Ticket, policy: int, one: Owed) -> None:
        key = (policy, one.metric, ticket.priority)
        known: dict[tuple[int, bool], int] = {}
        was = self._outcome(one, self.before.get(key), known)
        becomes = self._outcome(one, self.after.get(key), known)
        cell = (one.metric, ticket.priority)
        self.counts[cell, False][was] += 1
        self.counts[cell, True][becomes] += 1
        if was != becomes:
            self.changed.append(
                Changed(ticket.pk, ticket.subject, one.metric, ticket.priority, was, becomes)
            )

    def _outcome(self, one: Owed, target: Target | None, known: dict[tuple[int, bool], int]) -> str:
        """met, breached, open, or none where nothing is promised."""
        if target is None or target.seconds is None or target.calendar_id not in self.calendars:
            return "none"
        key = (target.calendar_id, target.third_party)
        if key not in known:
            calendar = self.calendars[target.calendar_id]
            known[key] = pastclocks.used(one, calendar, self.now, third_party=target.third_party)
        if known[key] > target.seconds:
            return "breached"
        return "open" if one.stop is None else "met"

    def rows(self) -> tuple[Row, ...]:
        found = []
        for metric in matching.METRICS:
            for priority in Priority.values:
                before, after = (self.counts[(metric, priority), side] for side in (False, True))
                tallies = _tally(before), _tally(after)
                if tallies != (Tally(), Tally()):
                    found.append(Row(metric, priority, *tallies))
        return tuple(found)


def _tally(counts: Counter[str]) -> Tally:
    return Tally(counts["met"], counts["breached"], counts["open"])


def _facts(ticket: Ticket) -> Facts:
    return Facts(
        queue=ticket.queue_id,
        request_type=ticket.request_type_id,
        tier=ticket.account.tier if ticket.account else "",
        account=ticket.account_id,
        tags=frozenset(ticket.tags),
    )


def _match(row: SlaPolicy) -> Match:
    return Match(
        ref=row.pk,
        position=row.position,
        is_default=row.is_default,
        queue=row.match_queue_id,
        request_type=row.match_type_id,
        tier=row.match_tier,
        account=row.match_account_id,
        tag=row.match_tag,
    )


def _grid(policies: Iterable[SlaPolicy]) -> Grid:
    by_id = {row.pk: row for row in policies}
    return {
        (row.policy_id, row.metric, row.priority): Target(
            row.seconds,
            row.calendar_id or by_id[row.policy_id].calendar_id,
            row.pause_third_party,
        )
        for row in SlaTarget.objects.filter(policy__in=list(by_id))
    }


def _changed_grid(before: Grid, policies: Iterable[SlaPolicy], draft: Draft) -> Grid:
    """The grid with the draft's cells in the place of its policy's."""
    own = {row.pk: row.calendar_id for row in policies}
    if draft.policy_id not in own:
        return dict(before)
    was_calendar = own[draft.policy_id]
    base = draft.calendar_id or was_calendar
    after = dict(before)
    for metric in matching.METRICS:
        for priority in Priority.values:
            key, cell = (draft.policy_id, metric, priority), (metric, priority)
            old = before.get(key, Target(None, was_calendar))
            calendar = base if old.calendar_id == was_calendar else old.calendar_id
            if draft.calendars is not None and cell in draft.calendars:
                calendar = draft.calendars[cell] or base
            after[key] = Target(
                draft.seconds.get(cell, old.seconds),
                calendar,
                (draft.third_party or {}).get(cell, old.third_party),
            )
    return after


def _said(tickets: Sequence[Ticket]) -> dict[int, list[tuple[datetime, bool]]]:
    """The public words on each ticket in order, true for an agent's."""
    found: dict[int, list[tuple[datetime, bool]]] = defaultdict(list)
    ours = (TicketMessage.Author.AGENT, TicketMessage.Author.UPDATE)
    rows = (
        TicketMessage.objects.filter(
            ticket__in=[ticket.pk for ticket in tickets],
            author__in=[*ours, TicketMessage.Author.REQUESTER],
            status=TicketMessage.Status.POSTED,
        )
        .order_by("at", "pk")
        .values_list("ticket_id", "at", "author")
    )
    for ticket_id, at, author in rows:
        found[ticket_id].append((at, author in ours))
    return found
