"""From events to alerts, from alerts to pages: one page an alert group, nothing dropped.

Severity decides: critical and error wake somebody, a warning is a low-urgency page, info is
recorded. Later alerts join the group's page; a higher one raises it and starts the escalation
again, also after an acknowledgement. `waking` does that, and says when nobody is paged.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import Person
from apps.alerts import routing
from apps.alerts.events import AlertResolved, AlertRouted
from apps.alerts.models import (
    RANK,
    Alert,
    AlertGroup,
    AlertNote,
    RoutingRule,
    Severity,
    SourceClock,
)
from apps.alerts.services import announcing, waking
from apps.alerts.services.notes import note
from apps.core import audit, events
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.models import Kind
from apps.core.transitions import move
from apps.intake.canonical import meaningful_group
from apps.intake.models import Event, Integration
from apps.ownership.models import Surface
from apps.paging import services as paging
from apps.paging.models import Page


@transaction.atomic
def take(*, event: Event, integration: Integration, now: datetime) -> Alert | None:
    """Apply one canonical event; answers the alert it touched, None when there was none."""
    _lock_pages(event, integration)
    alert = (
        Alert.objects.select_for_update(of=("self",))
        .select_related("group", "group__page", "surface")
        .filter(integration=integration, dedup_key=event.dedup_key, kind=_kind(event))
        .standing()
        .first()
    )
    actor = audit.system(integration.name)
    match event.action:
        case "trigger":
            return _trigger(event, integration, alert, actor, now)
        case "resolve":
            _remember_source_time(event, integration)
            if alert:
                resolve(alert=alert, actor=actor, now=now, note=event.summary or "Source says so.")
        case "acknowledge" if alert:
            acknowledge(alert=alert, actor=actor, now=now)
        case "note" if alert:
            note(alert=alert, what="note", text=event.summary, actor=actor, now=now)
    return alert


def _kind(event: Event) -> str:
    """A test event lives beside the real ones: it never touches a real alert of the same key."""
    return Kind.TEST if event.test else Kind.REAL


def _lock_pages(event: Event, integration: Integration) -> None:
    """Take the integration, then the pages that this event may move, then groups without one.

    Everybody locks in one order: pages, then groups, alerts, incidents, messages.
    """
    waking.lock_source(integration.pk)
    mine = Q(alerts__dedup_key=event.dedup_key) | Q(key=group_key(event))
    groups = AlertGroup.objects.filter(mine, integration=integration, closed_at=None)
    found = dict(groups.values_list("pk", "page_id"))
    paging.lock(page for page in found.values() if page)
    if bare := [pk for pk, page in found.items() if not page]:
        list(AlertGroup.objects.filter(pk__in=bare).order_by("pk").select_for_update())


def _trigger(
    event: Event, integration: Integration, alert: Alert | None, actor: Actor, now: datetime
) -> Alert | None:
    if _is_late(event, integration):
        return None
    if alert is None:
        return _open(event, integration, actor, now)
    severity = event.severity or alert.severity
    rises = RANK[Severity(severity)] > RANK[Severity(alert.severity)]
    alert.count += 1
    alert.last_seen_at = now
    alert.severity = severity
    alert.summary = event.summary or alert.summary
    alert.details = event.details or alert.details
    alert.links = event.links or alert.links
    alert.source_ts = event.source_ts or alert.source_ts
    alert.save(
        update_fields=[
            "count",
            "last_seen_at",
            "severity",
            "summary",
            "details",
            "links",
            "source_ts",
        ]
    )
    if rises:
        note(alert=alert, what="raised", text=f"Raised to {severity}.", actor=actor, now=now)
        waking.tell_group(alert, _group_of(alert), actor, now, raised=True)
    return alert


def _is_late(event: Event, integration: Integration) -> bool:
    """Older, by the source's own clock, than the last resolve of its key."""
    if event.source_ts is None:
        return False
    known = SourceClock.objects.filter(integration=integration, dedup_key=_clock(event)).first()
    return known is not None and event.source_ts <= known.resolved_ts


def _clock(event: Event) -> str:
    """The key's clock; a test event has one of its own."""
    return f"test:{event.dedup_key}"[:300] if event.test else event.dedup_key


def _remember_source_time(event: Event, integration: Integration) -> None:
    if event.source_ts is None:
        return
    row, fresh = SourceClock.objects.get_or_create(
        integration=integration,
        dedup_key=_clock(event),
        defaults={"resolved_ts": event.source_ts},
    )
    if not fresh and row.resolved_ts < event.source_ts:
        row.resolved_ts = event.source_ts
        row.save(update_fields=["resolved_ts"])


def _open(event: Event, integration: Integration, actor: Actor, now: datetime) -> Alert:
    surface, how = route(event, integration)
    kind = _kind(event)
    group = _open_group(event, integration, now)
    alert = Alert.objects.create(
        integration=integration,
        group=group,
        dedup_key=event.dedup_key,
        kind=kind,
        severity=event.severity or Severity.ERROR,
        summary=event.summary or event.dedup_key,
        source=event.source,
        component=event.component,
        class_name=event.class_name,
        surface=surface,
        wanted_surface=event.surface_key[:120] if surface is None else "",
        routed_by=how,
        first_seen_at=now,
        last_seen_at=now,
        occurred_at=event.occurred_at,
        source_ts=event.source_ts,
        links=event.links,
        details=event.details,
    )
    note(alert=alert, what="triggered", text=alert.summary, actor=actor, now=now)
    note(alert=alert, what="routed", text=_routed_text(alert), actor=actor, now=now)
    if kind == Kind.REAL:
        waking.tell_group(alert, group, actor, now, raised=False)
    return alert


def _routed_text(alert: Alert) -> str:
    if alert.surface:
        return f"Routed to {alert.surface.key} ({alert.routed_by})."
    if alert.wanted_surface:
        return f"No surface is called {alert.wanted_surface}: managers see it as unrouted."
    return "No rule and no default gave it a surface: managers see it as unrouted."


def route(event: Event, integration: Integration) -> tuple[Surface | None, str]:
    """The event's surface and what decided it: the event itself, a rule, or the default."""
    if event.surface_key:
        named = Surface.objects.current().filter(key=event.surface_key.lower()).first()
        if named and integration.speaks_for(named):
            return named, "named by the event"
    rows = RoutingRule.objects.filter(active=True, surface__archived_at=None)
    rules = [
        routing.Rule(
            r.name,
            r.surface_id,
            r.integration_id,
            r.source,
            r.component,
            r.class_name,
            r.summary,
            r.label,
        )
        for r in rows.order_by("position", "pk")
    ]
    facts = routing.Facts(
        integration.pk,
        event.source,
        event.component,
        event.class_name,
        event.summary,
        event.details,
    )
    found = routing.first_match(rules, facts)
    if found:
        return Surface.objects.get(pk=found.surface_id), f"rule “{found.name}”"
    if integration.surface_id and not event.surface_key:
        return integration.surface, "the integration's surface"
    return None, ""


# -- groups and pages


def group_key(event: Event) -> str:
    """The group's key: the source's group, unless it says nothing, else the alert alone."""
    grouped = event.group_key and meaningful_group(event.group_key)
    text = f"group:{event.group_key}" if grouped else f"alert:{event.dedup_key}"
    return hashlib.sha256(f"{'test:' if event.test else ''}{text}".encode()).hexdigest()


def _open_group(event: Event, integration: Integration, now: datetime) -> AlertGroup:
    """The standing group, locked and read afresh; a new one when somebody just closed it."""
    key = group_key(event)
    found = (
        AlertGroup.objects.select_for_update(of=("self",))
        .select_related("page")
        .filter(integration=integration, key=key, closed_at=None)
        .first()
    )
    return found or AlertGroup.objects.create(
        integration=integration, key=key, opened_at=now, severity=Severity.INFO
    )


def _group_of(alert: Alert) -> AlertGroup:
    assert alert.group_id is not None
    return waking.lock_group(alert.group_id)


def _lock_page_of(alert: Alert) -> None:
    """The page comes before everything else that is locked."""
    paging.lock(
        AlertGroup.objects.filter(pk=alert.group_id or 0, page__isnull=False).values_list(
            "page_id", flat=True
        )
    )


def link_incident(*, group: AlertGroup, ref: str, url: str) -> None:
    """Incidents writes down which incident the group belongs to."""
    group.incident_ref, group.incident_url = ref, url
    group.save(update_fields=["incident_ref", "incident_url"])


# -- what people and sources do to an alert


@transaction.atomic
def acknowledge(
    *, alert: Alert, actor: Actor, now: datetime, person: Person | None = None
) -> Alert:
    """Take the alert; its page is acknowledged with it."""
    _lock_page_of(alert)
    alert.refresh_from_db(fields=["status"])
    if alert.status != Alert.Status.FIRING:
        return alert
    group = _group_of(alert)
    if group.page and group.page.is_waiting:
        paging.acknowledge(page=group.page, actor=actor, person=person, now=now)
        alert.refresh_from_db()
    else:
        _mark_acknowledged(alert, actor, now)
    return alert


def _mark_acknowledged(alert: Alert, actor: Actor, now: datetime) -> None:
    move(alert, to=Alert.Status.ACKNOWLEDGED, actor=actor, now=now, acknowledged_at=now)
    note(
        alert=alert,
        what="acknowledged",
        text=f"Acknowledged by {actor.label}.",
        actor=actor,
        now=now,
    )


def page_was_acknowledged(*, page_id: int, actor: Actor, now: datetime) -> None:
    """Acknowledging a page acknowledges its alerts."""
    firing = Alert.objects.select_for_update(of=("self",)).filter(
        group__page_id=page_id, status=Alert.Status.FIRING
    )
    for alert in firing:
        _mark_acknowledged(alert, actor, now)


@transaction.atomic
def resolve(*, alert: Alert, actor: Actor, now: datetime, note: str = "") -> Alert:
    """End the alert; with the last of its group the page ends too."""
    _lock_page_of(alert)
    group = _group_of(alert)
    move(alert, to=Alert.Status.RESOLVED, actor=actor, now=now, resolved_at=now, last_seen_at=now)
    AlertNote.objects.create(
        alert=alert,
        at=now,
        what="resolved",
        text=f"Resolved by {actor.label}. {note}".strip(),
        **actor.columns(),
    )
    standing = Alert.objects.filter(group=group).standing().exists()
    if not standing:
        group.closed_at = now
        group.save(update_fields=["closed_at"])
        if group.page and group.page.status != Page.Status.RESOLVED:
            paging.resolve(page=group.page, actor=actor, now=now)
    if alert.kind == Kind.REAL:
        announcing.resolved(alert=alert, by=actor, now=now)
    events.publish(AlertResolved(alert=alert, group=group, group_closed=not standing, at=now))
    return alert


@transaction.atomic
def give_surface(
    *, alert: Alert, surface: Surface, actor: Actor, now: datetime, remember: bool = False
) -> Alert:
    """Route an alert by hand; its page, if it waits, starts over with the surface's people."""
    _lock_page_of(alert)
    if alert.status == Alert.Status.RESOLVED:
        raise Conflict("This alert is resolved; there is nothing to route.")
    alert.surface, alert.routed_by, alert.wanted_surface = surface, actor.label, ""
    alert.save(update_fields=["surface", "routed_by", "wanted_surface"])
    note(
        alert=alert,
        what="routed",
        text=f"Routed to {surface.key} by {actor.label}.",
        actor=actor,
        now=now,
    )
    group = _group_of(alert)
    if group.page and group.page.status != Page.Status.RESOLVED:
        paging.reroute(page=group.page, surface=surface, actor=actor, now=now)
    waking.reconsider(group, actor, now)  # its new surface may not be muted
    if remember:
        _remember_rule(alert, surface)
    events.publish(AlertRouted(alert=alert, group=group, surface=surface, at=now))
    return alert


def _remember_rule(alert: Alert, surface: Surface) -> None:
    last = RoutingRule.objects.order_by("-position").first()
    patterns: dict[str, Any] = {
        "class_name": _literal(alert.class_name),
        "component": _literal(alert.component),
    }
    if not any(patterns.values()):
        patterns = {"source": _literal(alert.source)}
    if not any(patterns.values()):
        raise Invalid("This alert has no class, component or source to make a rule of.")
    RoutingRule.objects.create(
        name=f"{alert.class_name or alert.component or alert.source} → {surface.key}"[:80],
        position=(last.position + 10) if last else 10,
        integration=alert.integration,
        surface=surface,
        **patterns,
    )


def _literal(text: str) -> str:
    """`text` as a pattern that matches just it, in a rule's 120 characters."""
    return routing.literal(text)[:120]
