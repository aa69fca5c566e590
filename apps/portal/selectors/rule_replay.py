"""What a rule would have said of the days before, and how much earlier than whoever noticed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from apps.accounts.models import Person
from apps.alerts.models import AlertRule
from apps.alerts.rules.seen import INSUFFICIENT, NO_DATA
from apps.alerts.services import replaying
from apps.core.models import Kind
from apps.incidents.models import Incident
from apps.portal import formats, rule_plots
from apps.support.models import Ticket, TicketLink
from apps.telemetry.selectors import series

DAYS = (7, 28, 90)
URGENT = ("P1", "P2")
MOST = 50  # moments that are compared
SHOWN = 20
RELATED = 24 * 60  # minutes: a firing that stood for longer was hardly about that moment
_BY = Incident.Detection
_WHO: dict[str, str] = {
    _BY.ALERT: "an alert", _BY.TICKET: "a ticket", _BY.CUSTOMER: "the customer",
    _BY.INTERNAL: "somebody here",
}  # fmt: skip
_SHARES = ("rate", "accuracy", "inventory")


@dataclass(frozen=True)
class Moment:
    """When something was first noticed, by whom."""

    at: datetime
    ref: str
    title: str
    url: str
    who: str  # "the customer", "an alert", "somebody here"


@dataclass(frozen=True)
class Compared:
    """A moment and the rule's firing nearest to it; `minutes` above 0: the rule came first."""

    moment: Moment
    fired_at: datetime | None
    minutes: float | None

    @property
    def words(self) -> str:
        if self.minutes is None:
            return "Not noticed by the rule"
        length = formats.duration(timedelta(minutes=abs(self.minutes)))
        if abs(self.minutes) < 1:
            return f"In the same minute as {self.moment.who}"
        if self.minutes > RELATED:
            return f"Had been firing for {length}"
        if self.minutes > 0:
            return f"{length} earlier than {self.moment.who}"
        return f"{length} later than {self.moment.who}"

    @property
    def tone(self) -> str:
        if self.minutes is None or self.minutes > RELATED:
            return ""
        return "success" if self.minutes > 0 else "warning"

    @property
    def is_ahead(self) -> bool:
        """The rule came first, by a time in which it can have been about the same thing."""
        return self.minutes is not None and 1 <= self.minutes <= RELATED


@dataclass(frozen=True)
class Shown:
    """A replay with all that its page shows."""

    days: int
    replay: replaying.Replay
    headline: str
    compared: Sequence[Compared]
    plot: rule_plots.Plot | None

    @property
    def firings(self) -> Sequence[Any]:
        return list(self.replay.firings[:SHOWN])

    @property
    def more(self) -> int:
        return max(0, len(self.replay.firings) - SHOWN)

    @property
    def length(self) -> str:
        """How long it fired, of all groups together."""
        minutes = timedelta(minutes=self.replay.minutes)
        return formats.duration(minutes) if minutes else "not at all"

    @property
    def blind(self) -> str:
        """How many of its looks had nothing to judge by."""
        none, total = _blind(self.replay)
        return f"{100 * none / total:.0f} %" if total else "no look"


def shown(rule: AlertRule, days: int, viewer: Person, now: datetime, zone: tzinfo) -> Shown:
    """The rule over the last `days`. Raises Invalid for a kind that keeps no history."""
    since = now - timedelta(days=days)
    replay = replaying.replay(draft=replaying.draft_of(rule), since=since, until=now)
    moments = _moments(rule, viewer, since, now)
    compared = [
        Compared(moment, ahead.fired_at, ahead.minutes)
        for moment, ahead in zip(
            moments, replay.ahead_of([moment.at for moment in moments]), strict=True
        )
    ]
    bands = [
        (one.fired_at, one.resolved_at or now, f"Fired: {one.label or one.group or rule.name}")
        for one in replay.firings
    ]
    values = [rule_plots.Value(one.at, one.value, one.limit) for one in replay.points]
    drawing = rule_plots.plot(
        values, bands, since, now, zone, is_share=is_share(rule.kind, rule.params)
    )
    # Without a surface nothing says that a firing and an incident belong together.
    said = headline(replay, days, compared if rule.surface else ())
    return Shown(days, replay, said, compared, drawing)


def is_share(kind: str, params: Any) -> bool:
    """Whether the kind's value is a part of one."""
    return kind in _SHARES or (kind == "change" and params.get("metric") == "rate")


def headline(replay: replaying.Replay, days: int, compared: Iterable[Compared]) -> str:
    """ "would have fired 3 times, 41 minutes earlier than the customer" """
    count = len(replay.firings)
    none, total = _blind(replay)
    if not count and none == total:
        return f"In the last {days} days it never had enough to judge by, so it could not fire."
    if not count:
        return f"In the last {days} days it would not have fired."
    times = "once" if count == 1 else f"{count} times"
    length = formats.duration(timedelta(minutes=replay.minutes))
    pages = "paged nobody" if not replay.pages else f"paged {_times(replay.pages)}"
    said = f"In the last {days} days it would have fired {times}, for {length} in all, and {pages}"
    ahead = [one for one in compared if one.is_ahead]
    if not ahead:
        return f"{said}."
    best = max(ahead, key=lambda one: (one.moment.who == "the customer", one.minutes or 0))
    early = formats.duration(timedelta(minutes=best.minutes or 0))
    return f"{said}; {early} earlier than {best.moment.who} in {best.moment.ref}."


def _blind(replay: replaying.Replay) -> tuple[int, int]:
    """How many looks had nothing to judge by, and how many there were."""
    seen = replay.looks
    return sum(seen.get(look, 0) for look in (NO_DATA, INSUFFICIENT)), sum(seen.values())


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


# -- what really happened


def _moments(rule: AlertRule, viewer: Person, since: datetime, until: datetime) -> list[Moment]:
    """Real incidents of the rule's surface and below (of all without one), and urgent tickets that
    belong to none; the newest."""
    below = series.below(rule.surface)
    incidents = list(_incidents(viewer, below, since, until))
    first = _first_tickets(viewer, incidents)
    found = [_of_incident(one, first.get(one.ref)) for one in incidents]
    if below is not None:
        found += _of_tickets(viewer, below, since, until)
    return sorted(found, key=lambda one: one.at, reverse=True)[:MOST]


def _incidents(
    viewer: Person, below: Collection[int] | None, since: datetime, until: datetime
) -> Iterable[Incident]:
    rows = Incident.objects.visible_to(viewer).filter(
        kind=Kind.REAL, detected_at__gte=since, detected_at__lte=until
    )
    ended = {Incident.Status.DECLINED, Incident.Status.MERGED}
    rows = rows.exclude(status__in=ended)
    if below is not None:
        rows = rows.filter(surface__in=below)
    return rows.order_by("-detected_at")[:MOST]


def _first_tickets(viewer: Person, incidents: Sequence[Incident]) -> dict[str, datetime]:
    """Incident's reference → when the first ticket of it came in."""
    links = TicketLink.objects.filter(
        kind=TicketLink.Kind.INCIDENT,
        ref__in=[one.ref for one in incidents],
        ticket__in=Ticket.objects.visible_to(viewer).filter(kind=Kind.REAL),
    )
    found: dict[str, datetime] = {}
    for ref, at in links.values_list("ref", "ticket__created_at"):
        found[ref] = min(at, found.get(ref, at))
    return found


def _of_incident(one: Incident, ticket: datetime | None) -> Moment:
    """The customer's moment is the first ticket; without one it is when anybody noticed."""
    at, who = one.detected_at, _WHO.get(one.detection_source, "us")
    if ticket is not None:
        at, who = ticket, "the customer"
    return Moment(at, one.ref, one.title, f"/incidents/{one.ref}/", who)


def _of_tickets(
    viewer: Person, below: Collection[int], since: datetime, until: datetime
) -> list[Moment]:
    rows = Ticket.objects.visible_to(viewer).filter(
        kind=Kind.REAL,
        surface__in=below,
        priority__in=URGENT,
        created_at__gte=since,
        created_at__lte=until,
    )
    loose = rows.exclude(links__kind=TicketLink.Kind.INCIDENT).order_by("-created_at")[:MOST]
    return [
        Moment(one.created_at, one.ref, one.subject, f"/tickets/{one.ref}/", "the customer")
        for one in loose
    ]
