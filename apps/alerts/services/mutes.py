"""What mutes at an instant: the silences that hold, and the work that is going on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.alerts.models import Alert, MaintenanceWindow, Silence
from apps.alerts.muting import Criteria, Facts, Mute, fits, mute_of, with_above
from apps.intake.models import Integration
from apps.ownership.models import Surface


@dataclass(frozen=True)
class Mutes:
    """All that mutes at one instant; asked for any number of alerts without more queries.

    An alert that is asked for has its integration at hand.
    """

    rows: tuple[Mute, ...]
    parents: Mapping[int, int | None]

    def of(self, alert: Alert) -> Mute | None:
        """Why nobody is paged for `alert`, the longest of several; None when somebody is."""
        return mute_of(self.rows, facts_of(alert, self.parents)) if self.rows else None


def holding(now: datetime) -> Mutes:
    """What mutes at `now`: three queries at most, whatever there is."""
    silences = Silence.objects.holding(now).select_related("rule", "created_by")
    rows = [*map(mute_by_silence, silences), *_work(now)]
    needs_parents = any(row.criteria.surface_id for row in rows)
    return Mutes(tuple(rows), parents() if needs_parents else {})


def mute_by_silence(row: Silence) -> Mute:
    by = f" by {row.created_by.name}" if row.created_by else ""
    return Mute("silence", row.pk, f"silenced{by}: {row.reason}", row.ends_at, criteria_of(row))


def _work(now: datetime) -> Iterable[Mute]:
    rows = MaintenanceWindow.objects.holding(now).exclude(surfaces=None)
    for pk, title, until, surface in rows.values_list("pk", "title", "ends_at", "surfaces"):
        yield Mute("maintenance", pk, f"maintenance: {title}", until, Criteria(surface))


def criteria_of(row: Silence) -> Criteria:
    rule = row.rule.key if row.rule else ""
    return Criteria(row.surface_id, row.integration_id, rule, row.dedup_key, row.class_name)


def facts_of(alert: Alert, parents: Mapping[int, int | None]) -> Facts:
    return Facts(
        alert.integration_id,
        alert.integration.kind == Integration.Kind.INTERNAL,
        alert.dedup_key,
        alert.class_name,
        with_above(alert.surface_id, parents),
    )


def parents() -> dict[int, int | None]:
    """Surface → the one that it is a facet of."""
    return dict(Surface.objects.values_list("pk", "parent_id"))


def fitting(row: Silence, alerts: Iterable[Alert], above: Mapping[int, int | None]) -> list[Alert]:
    """Those of `alerts` that a silence fits, whether it holds now or not."""
    wanted = criteria_of(row)
    return [alert for alert in alerts if fits(wanted, facts_of(alert, above))]
