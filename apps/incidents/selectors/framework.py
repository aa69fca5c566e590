"""The severity framework as it stands: levels, their names, types, time in each severity."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import QuerySet

from apps.incidents.models import Incident, IncidentType, Severity, SeverityLevel, SeveritySpan


def levels() -> list[SeverityLevel]:
    """The levels that are set up, the worst first, with whom each tells."""
    return list(SeverityLevel.objects.prefetch_related("audiences").order_by("key"))


def level_of(severity: str) -> SeverityLevel | None:
    """The level behind a key; None on a site that has set none up."""
    return SeverityLevel.objects.filter(key=severity).first()


def aliases() -> dict[str, str]:
    """What the team calls each level beside its key, "" where it has no other name."""
    found = dict.fromkeys(Severity.values, "")
    found.update(SeverityLevel.objects.values_list("key", "alias"))
    return found


def types() -> QuerySet[IncidentType]:
    """The types that can be chosen, in their order."""
    return IncidentType.objects.filter(archived_at=None).order_by("position", "name")


def time_in_severity(incident: Incident, *, now: datetime) -> dict[str, timedelta]:
    """How long it has had each severity so far, those it had only, the worst first."""
    return added_up(SeveritySpan.objects.filter(incident=incident), now=now)


def added_up(spans: Iterable[SeveritySpan], *, now: datetime) -> dict[str, timedelta]:
    """The spans' lengths by severity; one that is not over counts until `now`."""
    found: dict[str, timedelta] = {}
    for span in spans:
        length = max(timedelta(0), (span.to_at or now) - span.from_at)
        found[span.severity] = found.get(span.severity, timedelta(0)) + length
    return dict(sorted(found.items()))
