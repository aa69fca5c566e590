"""The report on detection: what noticed incidents first, and how much the rules are worth."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from apps.accounts.models import Person
from apps.alerts.models import Alert, AlertRule, Firing
from apps.incidents.models import Incident, IncidentLink
from apps.portal import detection
from apps.portal.detection import Flap, Noticed, Race
from apps.support.models import Ticket
from apps.telemetry.proportions import Interval, wilson

SPANS = (30, 90, 180)  # days
STANDARD = 90
MOST = 500  # incidents in one look; more says so
SHOWN = 50
NOT_COUNTED = (Incident.Status.DECLINED, Incident.Status.MERGED)
REPORTS = (IncidentLink.Relation.REPORTED_BY, IncidentLink.Relation.SYMPTOM)
_TICKET = re.compile(r"TCK-(\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class Source:
    """How many of the incidents this noticed first, with the interval of its share."""

    label: str
    k: int
    n: int
    interval: Interval


@dataclass(frozen=True)
class Case:
    """One incident that customers wrote of."""

    incident: Incident
    noticed: Noticed


@dataclass(frozen=True)
class Flapping:
    rule: AlertRule
    group: str
    flap: Flap
    fired: int  # in the whole time


@dataclass(frozen=True)
class Report:
    """`n` incidents, of which `is_cut` says that there were more."""

    since: datetime
    n: int
    is_cut: bool
    sources: Sequence[Source]
    race: Race
    share: Interval
    cases: Sequence[Case]
    rules_on: int
    never_fired: Sequence[AlertRule]
    flapping: Sequence[Flapping]


def chosen_days(value: str) -> int:
    return int(value) if value in {str(one) for one in SPANS} else STANDARD


def report(person: Person, *, days: int, now: datetime) -> Report:
    """All figures of the last `days`, in a fixed number of statements."""
    since = now - timedelta(days=days)
    rows = Incident.objects.visible_to(person).real().exclude(status__in=NOT_COUNTED)
    newest = rows.filter(detected_at__gte=since).order_by("-detected_at", "-pk")
    found = list(newest[: MOST + 1])
    cases = _cases(person, found[:MOST])
    raced = detection.race(case.noticed for case in cases)
    rules = AlertRule.objects.visible_to(person).current().filter(status=AlertRule.Status.ON)
    on = list(rules.select_related("owner").order_by("created_at", "key"))
    return Report(
        since=since,
        n=len(found[:MOST]),
        is_cut=len(found) > MOST,
        sources=_sources(found[:MOST]),
        race=raced,
        share=wilson(raced.customer_first, raced.n),
        cases=[case for case in cases if case.noticed.customer_first is not None][:SHOWN],
        rules_on=len(on),
        never_fired=[rule for rule in on if rule.last_fired_at is None],
        flapping=_flapping(person, since),
    )


def _sources(rows: Sequence[Incident]) -> list[Source]:
    counts = Counter(row.detection_source for row in rows)
    labels = [*Incident.Detection.choices, ("", "Nobody knows")]
    return [
        Source(str(label), counts[value], len(rows), wilson(counts[value], len(rows)))
        for value, label in labels
        if counts[value]
    ]


def _cases(person: Person, rows: Sequence[Incident]) -> list[Case]:
    """Each incident with its first ticket and its first alert, the most ahead first."""
    links = list(
        IncidentLink.objects.filter(incident__in=rows)
        .filter(Q(kind="alert") | Q(kind="ticket", relation__in=REPORTS))
        .values_list("incident_id", "kind", "ref")
    )
    tickets = _ticket_times(person, [ref for _, kind, ref in links if kind == "ticket"])
    alerts = _alert_times(person, [ref for _, kind, ref in links if kind == "alert"])
    first: dict[tuple[int, str], datetime] = {}
    for pk, kind, ref in links:
        at = (tickets if kind == "ticket" else alerts).get(ref)
        if at is not None:
            first[pk, kind] = min(at, first.get((pk, kind), at))
    cases = [
        Case(row, Noticed(first.get((row.pk, "ticket")), first.get((row.pk, "alert"))))
        for row in rows
    ]
    return sorted(cases, key=_ahead)


def _ahead(case: Case) -> tuple[int, float]:
    """Those without any alert first, then by how far the customer was ahead."""
    length = case.noticed.ahead
    if case.noticed.customer_first and length is None:
        return (0, 0.0)
    return (1, -length.total_seconds() if length is not None else 0.0)


def _ticket_times(person: Person, refs: Iterable[str]) -> dict[str, datetime]:
    numbers = [int(match[1]) for ref in refs if (match := _TICKET.fullmatch(ref))]
    rows = Ticket.objects.visible_to(person).filter(pk__in=numbers)
    return {f"TCK-{pk}": at for pk, at in rows.values_list("pk", "created_at")}


def _alert_times(person: Person, refs: Iterable[str]) -> dict[str, datetime]:
    numbers = [int(ref) for ref in refs if ref.isascii() and ref.isdigit() and len(ref) < 19]
    rows = Alert.objects.visible_to(person).filter(pk__in=numbers)
    return {str(pk): at for pk, at in rows.values_list("pk", "first_seen_at")}


def _flapping(person: Person, since: datetime) -> list[Flapping]:
    """Groups that fired and resolved three times within a day, the worst first."""
    rules = {rule.pk: rule for rule in AlertRule.objects.visible_to(person).current()}
    rows = Firing.objects.filter(rule__in=rules, fired_at__gte=since, was_inhibited=False)
    groups: dict[tuple[int, str], list[tuple[datetime, datetime | None]]] = {}
    for pk, group, fired, ended in rows.order_by("fired_at").values_list(
        "rule_id", "group", "fired_at", "resolved_at"
    ):
        groups.setdefault((pk, group), []).append((fired, ended))
    found = [
        Flapping(rules[pk], group, flap, len(firings))
        for (pk, group), firings in groups.items()
        if (flap := detection.flapping(firings)) is not None
    ]
    return sorted(found, key=lambda one: (-one.flap.times, one.rule.key, one.group))
