"""What the public status page may show, and whether any of it has changed.

Only published updates for audiences that stand on the page, of real and open incidents; only
public maintenance. An incident that was merged shows under the one it went into.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Max, Min

from apps.alerts.models import MaintenanceWindow
from apps.core.models import Kind
from apps.incidents import statuspage
from apps.incidents.models import (
    Component,
    ComponentImpact,
    Incident,
    StatusUpdate,
)
from apps.incidents.models.comms import State
from apps.incidents.statuspage import Page, Span
from apps.notifications import services as notifications

MOST_INCIDENTS = 500  # the newest that the page knows
MOST_WORKS = 200
Window = MaintenanceWindow.Status

# What moves when anything on the page moves. Every part is the end of an index or a table of a few
# rows, so that asking costs the same however long the history is. Of each table it takes the last
# few ids, not the last one: who began first may commit last.
_ENDS = (
    ("id", "incidents_statusupdate WHERE status = 'published'", "published_at"),
    ("pgh_id", "incidents_incidentevent", "pgh_id"),
    ("pgh_id", "incidents_audienceevent", "pgh_id"),
    ("pgh_id", "incidents_componentevent", "pgh_id"),
    ("id", "incidents_componentimpact", "id"),
    ("pgh_id", "alerts_maintenancewindowevent", "pgh_id"),
)
_PART = (
    "(SELECT string_agg(i::text, ',') FROM"
    " (SELECT {} AS i FROM {} ORDER BY {} DESC LIMIT 20) AS newest)"
)
_VERSION = f"""
SELECT md5(concat_ws('|', {", ".join(_PART.format(*end) for end in _ENDS)},
  (SELECT string_agg(id::text, ',' ORDER BY id) FROM incidents_componentimpact
     WHERE to_at IS NULL),
  (SELECT concat_ws(',', count(*), max(id)) FROM incidents_component_surfaces),
  (SELECT concat_ws(',', count(*), max(id)) FROM alerts_maintenancewindow_surfaces),
  (SELECT concat_ws(',', name, address, time_zone) FROM notifications_site WHERE id = 1)))
"""  # noqa: S608 - nothing in it comes from outside


def version() -> str:
    """A text that differs once anything the page shows does, by one query."""
    with connection.cursor() as cursor:
        cursor.execute(_VERSION)
        (text,) = cursor.fetchone() or ("",)
    return str(text)


def page(now: datetime) -> Page:
    """Everything that the public may see, as of `now`."""
    site = notifications.site()
    zone = ZoneInfo(site.time_zone)
    rows = list(Component.objects.filter(archived_at=None).order_by("position", "name", "pk"))
    works = _works()
    said = _said(works)
    surfaces = _surfaces(rows)
    names = {one.pk: one.key for one in rows}
    incidents, merged = _incidents(names)
    spans = _spans(rows, works, surfaces, now)
    return Page(
        name=site.name,
        url=notifications.absolute(""),
        zone=zone,
        built_at=now,
        components=tuple(_component(one, spans[one.pk], now, zone) for one in rows),
        incidents=incidents,
        works=tuple(_work(one, rows, surfaces, *said.get(one.pk, (now, now))) for one in works),
        merged=merged,
    )


# -- components


def _component(
    row: Component, spans: Sequence[Span], now: datetime, zone: ZoneInfo
) -> statuspage.Component:
    shown = statuspage.days(spans, started_on=row.started_on, now=now, zone=zone)
    current = statuspage.worst(one.state for one in spans if one.to_at is None)
    return statuspage.Component(
        key=row.key,
        name=row.name,
        group=row.group,
        description=row.description,
        state=current,
        days=shown,
        uptime=statuspage.uptime(shown, now=now, zone=zone),
        started_on=row.started_on,
        position=row.position,
    )


def _surfaces(rows: Sequence[Component]) -> dict[int, set[int]]:
    """Component → its surfaces."""
    found: dict[int, set[int]] = defaultdict(set)
    pairs = Component.surfaces.through.objects.filter(component__in=rows)
    for component_id, surface_id in pairs.values_list("component_id", "surface_id"):
        found[component_id].add(surface_id)
    return found


def _spans(
    rows: Sequence[Component],
    works: Sequence[MaintenanceWindow],
    surfaces: Mapping[int, set[int]],
    now: datetime,
) -> dict[int, list[Span]]:
    """What was true of each component within the days shown, of incidents and of maintenance."""
    since = now - timedelta(days=statuspage.DAYS + 1)
    found: dict[int, list[Span]] = {one.pk: [] for one in rows}
    hurt = ComponentImpact.objects.filter(
        component__in=rows,
        incident__kind=Kind.REAL,
        incident__visibility=Incident.Visibility.OPEN,
    ).exclude(to_at__lt=since)
    for component_id, state, from_at, to_at in hurt.values_list(
        "component_id", "state", "from_at", "to_at"
    ):
        found[component_id].append(Span(state, from_at, to_at))
    for work in works:
        if work.started_at is None:
            continue
        touched = {one.pk for one in work.surfaces.all()}
        for row in rows:
            if surfaces[row.pk] & touched:
                span = Span(State.MAINTENANCE.value, work.started_at, work.ended_at)
                found[row.pk].append(span)
    return found


# -- incidents


def _incidents(
    names: Mapping[int, str],
) -> tuple[tuple[statuspage.Incident, ...], dict[str, str]]:
    """Public incidents, the newest first, and which reference leads to which other."""
    said = _updates()
    rows = Incident.objects.in_bulk({one.incident_id for one in said})
    roots, merged = _roots(rows)
    told: dict[int, list[StatusUpdate]] = defaultdict(list)
    for update in said:
        if (root := roots.get(update.incident_id)) is not None:
            told[root.pk].append(update)
    standing = {root.pk: root for root in roots.values()}
    hurt = _hurt(roots, names)
    found = [_incident(standing[pk], updates, hurt[pk]) for pk, updates in told.items()]
    found.sort(key=lambda one: (one.started_at, one.ref), reverse=True)
    return tuple(found), merged


def _updates() -> list[StatusUpdate]:
    """The published updates of the newest incidents, newest first."""
    public = StatusUpdate.objects.filter(
        status=StatusUpdate.Status.PUBLISHED,
        audience__on_status_page=True,
        incident__kind=Kind.REAL,
        incident__visibility=Incident.Visibility.OPEN,
    )
    newest = public.order_by("-incident_id").values_list("incident_id", flat=True).distinct()
    wanted = public.filter(incident_id__in=list(newest[:MOST_INCIDENTS]))
    return list(wanted.order_by("-published_at", "-pk"))


def _roots(rows: Mapping[int, Incident]) -> tuple[dict[int, Incident], dict[str, str]]:
    """Where each incident's updates show: itself, or what it was merged into.

    What went into an incident that the public does not see is not seen any more either.
    """
    known = dict(rows)
    while missing := {
        one.merged_into_id
        for one in known.values()
        if one.merged_into_id is not None and one.merged_into_id not in known
    }:
        known |= Incident.objects.in_bulk(missing)
    found: dict[int, Incident] = {}
    merged: dict[str, str] = {}
    for row in rows.values():
        root = row
        for _ in range(len(known)):
            if root.merged_into_id is None:
                break
            root = known[root.merged_into_id]
        if root.kind == Kind.REAL and root.visibility == Incident.Visibility.OPEN:
            found[row.pk] = root
            if root.pk != row.pk:
                merged[row.ref] = root.ref
    return found, merged


def _hurt(
    roots: Mapping[int, Incident], names: Mapping[int, str]
) -> dict[int, list[tuple[str, str]]]:
    """Incident → (component key, state) of all that it ever did."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    wanted = set(roots) | {root.pk for root in roots.values()}
    rows = ComponentImpact.objects.filter(incident__in=wanted).order_by("pk")
    for incident_id, component_id, state in rows.values_list(
        "incident_id", "component_id", "state"
    ):
        root = roots.get(incident_id)
        if component_id in names:
            found[root.pk if root else incident_id].append((names[component_id], state))
    return found


def _incident(
    row: Incident, updates: Sequence[StatusUpdate], hurt: Sequence[tuple[str, str]]
) -> statuspage.Incident:
    first = updates[-1]
    status = statuspage.public_status(row.status)
    ended = row.resolved_at if status == statuspage.RESOLVED else None
    began = [one for one in (row.impact_started_at, first.published_at) if one is not None]
    worst = statuspage.worst(state for _, state in hurt)
    return statuspage.Incident(
        ref=row.ref,
        title=first.subject,
        status=status,
        impact=statuspage.IMPACTS[worst] if hurt else "minor",
        started_at=min(began),
        resolved_at=ended or (updates[0].published_at if status == statuspage.RESOLVED else None),
        updates=tuple(_update(one) for one in updates),
        components=tuple(dict.fromkeys(key for key, _ in hurt)),
    )


def _update(row: StatusUpdate) -> statuspage.Update:
    assert row.published_at is not None  # a database constraint
    return statuspage.Update(
        id=row.pk,
        status=statuspage.update_status(row.stage, row.incident_status),
        title=row.subject,
        body=row.body,
        at=row.published_at,
        states={str(key): str(state) for key, state in row.states.items()},
        next_at=row.next_update_at,
    )


# -- maintenance


def _works() -> list[MaintenanceWindow]:
    rows = MaintenanceWindow.objects.public().exclude(status=Window.CANCELED)
    newest = rows.prefetch_related("surfaces").order_by("-starts_at", "-pk")
    return list(newest[:MOST_WORKS])


def _said(works: Sequence[MaintenanceWindow]) -> dict[int, tuple[datetime, datetime]]:
    """Window → when it was announced and when it last changed, as its history has it."""
    rows = MaintenanceWindow.objects.filter(pk__in=[one.pk for one in works]).order_by()
    spans = rows.values_list("pk").annotate(
        Min("events__pgh_created_at"), Max("events__pgh_created_at")
    )
    return {pk: (first, last) for pk, first, last in spans if first}


def _work(
    row: MaintenanceWindow,
    components: Iterable[Component],
    surfaces: Mapping[int, set[int]],
    said_at: datetime,
    changed_at: datetime,
) -> statuspage.Work:
    touched = {one.pk for one in row.surfaces.all()}
    return statuspage.Work(
        ref=f"MW-{row.pk}",
        title=row.title,
        body=row.description,
        status=row.status,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        said_at=said_at,
        changed_at=changed_at,
        components=tuple(one.key for one in components if surfaces[one.pk] & touched),
    )
