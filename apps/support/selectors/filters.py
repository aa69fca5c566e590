"""What an address asks of the queue: filters, read and written one way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from urllib.parse import urlencode

from apps.support import lifecycle
from apps.support.models import Priority, Ticket

_VALUES, _LONGEST = 20, 80  # of one name, and characters of one value

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
