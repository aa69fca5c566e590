"""The queue as its page shows it: rows, tabs, filters in words, and what may be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import F
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import GRANTS, Grant
from apps.customers.models import Account
from apps.ownership.models import Surface
from apps.support import lifecycle
from apps.support.models import Presence, Queue, RequestType, SavedView, Ticket
from apps.support.selectors import queue
from apps.support.selectors.queue import Count, Filters
from apps.support.selectors.standing import NONE, Standing, standings

ACCOUNTS = 200  # names offered in the filter; others are written by their key
WORDS: Mapping[str, str] = {
    "status": "Status is",
    "queue": "Queue is",
    "type": "Type is",
    "priority": "Priority is",
    "owner": "Owner is",
    "tag": "Tagged",
    "surface": "Surface is",
    "account": "Customer is",
    "channel": "Came by",
    "sla": "Promise is",
    "created": "Created",
    "q": "Says",
}


@dataclass(frozen=True)
class Row:
    """A ticket as one line of the queue."""

    ticket: Ticket
    standing: Standing
    present: Sequence[Presence]
    blockers: Sequence[str]
    snoozed: bool

    @property
    def url(self) -> str:
        return f"/tickets/{self.ticket.ref}/"

    @property
    def context(self) -> str:
        """One line: reference, customer, type, surface, what it waits for."""
        ticket = self.ticket
        whose = ticket.account or ticket.requester.name or ticket.requester.email
        parts: list[object] = [ticket.ref, whose, ticket.request_type]
        if ticket.kind != "real":
            parts.insert(0, ticket.get_kind_display())
        if ticket.surface is not None:
            parts.append(ticket.surface.key)
        if ticket.me_too_count:
            parts.append(f"{ticket.me_too_count + 1} people")
        return " · ".join(map(str, [*parts, *self.blockers]))

    @property
    def attending(self) -> str:
        """Who has it open, in a sentence; empty for nobody."""
        said = [
            f"{one.person.name} is {'writing' if one.is_writing else 'reading'}"
            for one in self.present
        ]
        return ", ".join(said)


def rows(tickets: Sequence[Ticket], viewer: Person, *, now: datetime) -> list[Row]:
    """The lines of a page: three statements beside the tickets' own."""
    if not tickets:
        return []
    stand = standings(tickets, now=now)
    there = queue.present(tickets, beside=viewer, now=now)
    waits = queue.blocking(tickets)
    return [
        Row(
            ticket=one,
            standing=stand.get(one.pk, NONE),
            present=there.get(one.pk, []),
            blockers=[link.ref for link in waits.get(one.pk, [])],
            snoozed=one.snoozed_until is not None and one.snoozed_until > now,
        )
        for one in tickets
    ]


LATEST = 8  # tickets of a customer on its page


def of_account(account: Account, viewer: Person, *, now: datetime) -> list[Row]:
    """A customer's tickets that are worked on, by due time, then the last that ended."""
    seen = (
        Ticket.objects.visible_to(viewer)
        .filter(account=account)
        .select_related("request_type", "surface", "account", "requester", "owner")
    )
    active = list(seen.active().order_by(F("sla_due_at").asc(nulls_last=True), "pk")[:LATEST])
    ended = seen.exclude(pk__in=[one.pk for one in active]).order_by("-pk")
    return rows([*active, *ended[: LATEST - len(active)]], viewer, now=now)


@dataclass(frozen=True)
class Choices:
    """What can be chosen in filters and bulk actions."""

    queues: Sequence[Queue]
    types: Sequence[RequestType]
    people: Sequence[Person]
    surfaces: Sequence[Surface]
    accounts: Sequence[Account]

    def label(self, name: str, value: str, viewer: Person) -> str:
        """A filter's value in words."""
        fixed: Mapping[str, Mapping[str, str]] = {
            "status": {queue.ANY: "any", **dict(Ticket.Status.choices)},
            "channel": dict(Ticket.Channel.choices),
            "sla": dict(Ticket.SlaState.choices),
            "created": queue.CREATED,
            "owner": {"me": "me", "none": "nobody", str(viewer.pk): "me"},
        }
        if value in fixed.get(name, {}):
            label = str(fixed[name][value])
            return label.lower() if name in {"status", "sla"} else label
        return next((str(row) for row in self._rows(name) if self._key(row) == value), value)

    def _rows(self, name: str) -> Sequence[Any]:
        kinds: Mapping[str, Sequence[Any]] = {
            "queue": self.queues,
            "type": self.types,
            "owner": self.people,
            "account": self.accounts,
        }
        return kinds.get(name, ())

    @staticmethod
    def _key(row: Any) -> str:
        return str(getattr(row, "key", row.pk))


def choices(viewer: Person) -> Choices:
    """Queues, types, agents, surfaces and customers: five statements whatever their number."""
    return Choices(
        queues=list(Queue.objects.visible_to(viewer).current()),
        types=list(RequestType.objects.filter(archived_at=None)),
        people=agents(),
        surfaces=surfaces(viewer),
        accounts=list(Account.objects.visible_to(viewer).current().only("key", "name")[:ACCOUNTS]),
    )


def surfaces(viewer: Person) -> list[Surface]:
    return list(Surface.objects.visible_to(viewer).current().only("key", "name").order_by("key"))


def agents() -> list[Person]:
    """Everybody who may own a ticket."""
    roles = [role.value for role, grants in GRANTS.items() if Grant.SUPPORT in grants]
    return list(Person.objects.active().filter(roles__overlap=roles).order_by("name"))


def tabs(
    filters: Filters,
    views: Sequence[SavedView],
    counts: Mapping[str, Count],
    *,
    current: int | None,
) -> list[dict[str, Any]]:
    """The views as tabs, the saved ones behind; `current` is the saved view that is shown."""
    base = reverse("tickets")
    found = [
        {
            "label": label,
            "url": base if key == "team" else f"{base}?view={key}",
            "count": counts.get(key, ""),
            "tone": "danger" if key == "close" and counts.get(key) else "",
            "current": current is None and filters.view == key,
        }
        for key, label in queue.TABS.items()
    ]
    return found + [
        {
            "label": view.name,
            "url": f"{base}?{view.query}{'&' if view.query else ''}saved={view.pk}",
            "count": counts.get(f"v{view.pk}", ""),
            "current": current == view.pk,
        }
        for view in views
    ]


def chips(filters: Filters, chosen: Choices, viewer: Person, extra: str) -> list[dict[str, str]]:
    """Filters in force, each with the address without it; the unspoken one about states, too."""
    base, found = reverse("tickets"), []
    if not filters.status and filters.statuses == lifecycle.ACTIVE:
        wider = replace(filters, status=(queue.ANY,))
        found.append(_chip("Status is", "not closed", f"{base}?{wider.query()}{extra}"))
    for name, values in filters.given.items():
        words = " or ".join(chosen.label(name, value, viewer) for value in values)
        without = replace(filters, **{name: ()})  # type: ignore[arg-type] # a tuple of each name
        found.append(_chip(WORDS[name], words, f"{base}?{without.query()}{extra}"))
    return found


def _chip(label: str, value: str, url: str) -> dict[str, str]:
    return {"label": label, "value": value, "url": url}
