"""Silences as their pages show them: what each names, and which standing alerts it fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse

from apps.accounts.models import Person
from apps.alerts.models import Alert, MaintenanceWindow, Severity, Silence
from apps.alerts.muting import Mute
from apps.alerts.services import mutes

VIEWS = {"holding": "Now", "planned": "Planned", "over": "Over"}
STATES = {
    "holding": ("Mutes now", "info", "pause"),
    "planned": ("Planned", "", "clock"),
    "over": ("Over", "", "check"),
}
LOOKED_AT = 2000  # standing alerts at most; the newest
SHOWN = 50


@dataclass(frozen=True)
class Named:
    """One thing that a silence names: "Surface", "inspect.profiler and all below it"."""

    label: str
    words: str
    url: str = ""


@dataclass(frozen=True)
class Row:
    """A silence with the standing alerts that it fits; only one that holds mutes them."""

    silence: Silence
    state: str
    named: Sequence[Named]
    alerts: Sequence[Alert]

    @property
    def look(self) -> tuple[str, str, str]:
        return STATES[self.state]

    @property
    def critical(self) -> int:
        return sum(alert.severity == Severity.CRITICAL for alert in self.alerts)

    @property
    def shown(self) -> Sequence[Alert]:
        return self.alerts[:SHOWN]

    @property
    def more(self) -> int:
        return max(0, len(self.alerts) - SHOWN)


def listed(viewer: Person, view: str, now: datetime) -> QuerySet[Silence]:
    """The silences of a view: holding, planned or over."""
    rows = Silence.objects.visible_to(viewer)
    if view == "holding":
        found = rows.holding(now)
    elif view == "planned":
        found = rows.filter(starts_at__gt=now, ended_at=None)
    else:
        found = rows.exclude(ends_at__gt=now, ended_at=None)
    return found.select_related("surface", "integration", "rule", "created_by")


def counts(viewer: Person, now: datetime) -> dict[str, int]:
    return {view: listed(viewer, view, now).count() for view in ("holding", "planned")}


def rows(found: Iterable[Silence], viewer: Person, now: datetime) -> list[Row]:
    """Silences as rows, in queries that do not grow with them."""
    silences = list(found)
    is_over = all(state_of(one, now) == "over" for one in silences)
    alerts = [] if is_over else standing(viewer)
    above = mutes.parents() if alerts else {}
    return [
        Row(one, state_of(one, now), named(one), _fitting(one, alerts, above, now))
        for one in silences
    ]


def _fitting(
    one: Silence, alerts: Sequence[Alert], above: dict[int, int | None], now: datetime
) -> list[Alert]:
    return [] if state_of(one, now) == "over" else mutes.fitting(one, alerts, above)


def standing(viewer: Person) -> list[Alert]:
    """Alerts that a silence may fit: real ones that stand."""
    found = Alert.objects.visible_to(viewer).real().standing()
    found = found.select_related("integration", "surface").defer("details", "links")
    return list(found.order_by("-last_seen_at", "-pk")[:LOOKED_AT])


def would_fit(draft: Silence, viewer: Person) -> list[Alert]:
    """The standing alerts that a silence would fit which is not kept yet."""
    alerts = standing(viewer)
    return mutes.fitting(draft, alerts, mutes.parents() if alerts else {})


def state_of(row: Silence, now: datetime) -> str:
    if row.ended_at is not None or row.ends_at <= now:
        return "over"
    return "planned" if row.starts_at > now else "holding"


def named(row: Silence) -> list[Named]:
    """What a silence names, in words; all of it must fit."""
    found = []
    if row.surface:
        url = reverse("surface", kwargs={"key": row.surface.key})
        found.append(Named("Surface", f"{row.surface.key} and all below it", url))
    if row.rule:
        found.append(Named("Rule", row.rule.name, reverse("alert_rule", args=[row.rule.key])))
    if row.integration:
        found.append(Named("Integration", row.integration.name))
    if row.dedup_key:
        found.append(Named("Dedup key", row.dedup_key))
    if row.class_name:
        found.append(Named("Class", row.class_name))
    return found


@dataclass(frozen=True)
class Muted:
    """Why nobody is paged for an alert now, and where that can be changed."""

    mute: Mute
    url: str
    waits: bool  # somebody will be paged when it is over

    @property
    def ends(self) -> str:
        return "The silence" if self.mute.kind == "silence" else "The work"


def muted(alert: Alert, now: datetime) -> Muted | None:
    """Why nobody is paged for a standing alert; None when nothing mutes it."""
    if alert.status == Alert.Status.RESOLVED or alert.kind != "real":
        return None
    mute = mutes.holding(now).of(alert)
    if mute is None:
        return None
    url = reverse("silence", args=[mute.pk]) if mute.kind == "silence" else ""
    group = alert.group
    return Muted(mute, url, waits=group is not None and group.muted_at is not None)


def unpaged(viewer: Person) -> int:
    """Groups of alerts for which somebody should be paged now and is not."""
    found = Alert.objects.visible_to(viewer).real().standing()
    return found.filter(group__muted_at__isnull=False).values("group").distinct().count()


def work(viewer: Person, now: datetime) -> list[MaintenanceWindow]:
    """Announced work that mutes now."""
    found = MaintenanceWindow.objects.visible_to(viewer).holding(now)
    return list(found.prefetch_related("surfaces").order_by("ends_at", "pk"))
