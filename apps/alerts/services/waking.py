"""From alerts to pages: a page for each group that needs one, unless it is muted, and then later.

A group is muted while an alert of it should wake somebody and a silence, or work in progress, says
that nobody is paged for it. Its events go on; when the mute is over, by its time or because
somebody ended it, whoever should have been woken is woken then, once.
`AlertGroup.severity` is the highest that anybody was woken for.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import structlog
from django.db import connection, transaction

from apps.alerts.events import AlertFired
from apps.alerts.models import RANK, Alert, AlertGroup, Severity
from apps.alerts.muting import Mute
from apps.alerts.services import announcing, mutes
from apps.alerts.services.notes import note
from apps.core import audit, events
from apps.core.audit import Actor
from apps.core.transitions import move
from apps.paging import services as paging
from apps.paging.models import Page, Urgency

log = structlog.get_logger("opsportal.alerts")
URGENCY = {
    Severity.CRITICAL: Urgency.HIGH,
    Severity.ERROR: Urgency.HIGH,
    Severity.WARNING: Urgency.LOW,
}
CLOCK = audit.system("End of mute")
_LOCK = 0x4F50_0002


def lock_source(integration_id: int) -> None:
    """One event of an integration at a time, so that a burst cannot open two alerts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, integration_id & 0x7FFF_FFFF]
        )


def lock_group(pk: int) -> AlertGroup:
    return AlertGroup.objects.select_for_update(of=("self",)).select_related("page").get(pk=pk)


def tell_group(
    alert: Alert, group: AlertGroup, actor: Actor, now: datetime, *, raised: bool
) -> None:
    """Page for the group, or let the alert join the page that it has, or say why nobody is paged.

    The caller holds the group and, where it has one, its page.
    """
    higher = _rank(alert) > RANK[Severity(group.severity)]
    wakes = _should_wake(alert, group)
    mute = mutes.holding(now).of(alert) if wakes else None
    if mute is not None:
        _mute(alert, group, mute, actor, now)
    elif wakes:
        _wake(alert, group, actor, now)
    joins = mute is not None or not wakes
    if group.page is not None and joins and not raised:
        text = f"{Severity(alert.severity).label}: {alert.summary}"
        paging.join(page=group.page, text=text, actor=actor, now=now)
    announcing.fired(alert=alert, raised=raised or higher, now=now)
    events.publish(AlertFired(alert=alert, group=group, raised=raised or higher, at=now))


def _rank(alert: Alert) -> int:
    return RANK[Severity(alert.severity)]


def _should_wake(alert: Alert, group: AlertGroup) -> bool:
    """It is urgent, and nobody was woken for the group, or only for less."""
    if Severity(alert.severity) not in URGENCY:
        return False
    page = group.page
    unheard = page is None or page.status == Page.Status.RESOLVED
    return unheard or _rank(alert) > RANK[Severity(group.severity)]


def _wake(alert: Alert, group: AlertGroup, actor: Actor, now: datetime) -> None:
    """Open the group's page, or raise the one that stands for less."""
    severity, page = Severity(alert.severity), group.page
    if page is None or page.status == Page.Status.RESOLVED:
        group.page = _open_page(alert, group, actor, now)
    else:
        paging.raise_page(
            page=page,
            urgency=URGENCY[severity],
            summary=alert.summary,
            actor=actor,
            now=now,
            reason=f"{severity.label}: {alert.summary}",
        )
    group.severity = max(severity, Severity(group.severity), key=RANK.__getitem__)
    group.save(update_fields=["page", "severity"])
    if group.muted_at is not None:
        _settle(group)


def _open_page(alert: Alert, group: AlertGroup, actor: Actor, now: datetime) -> Page:
    return paging.open_page(
        summary=alert.summary,
        urgency=URGENCY[Severity(alert.severity)],
        surface=alert.surface,
        links=alert.links,
        opener_kind="alert_group",
        opener_ref=str(group.pk),
        opener_url=f"/alerts/{alert.pk}/",
        thread_key=f"alert-group-{group.pk}",
        kind=alert.kind,
        actor=actor,
        now=now,
    )


# -- muted


def _mute(alert: Alert, group: AlertGroup, mute: Mute, actor: Actor, now: datetime) -> None:
    """Write down that somebody should be paged and is not, why, and until when."""
    group.muted_at = group.muted_at or now
    group.muted_by = mute.words[:200]
    group.save(update_fields=["muted_at", "muted_by"])
    text = f"Nobody is paged until {_day_and_time(mute.until)}: {mute.words}"
    note(alert=alert, what="muted", text=text, actor=actor, now=now)
    if alert.status == Alert.Status.ACKNOWLEDGED:  # whoever took a warning has not taken an outage
        move(
            alert, to=Alert.Status.FIRING, actor=actor, now=now, note="raised", acknowledged_at=None
        )


def _day_and_time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def unmute_due(*, now: datetime, limit: int = 50) -> int:
    """Page for every muted group whose mute is over; answers how many groups that were.

    A group for which nobody needs to be woken any more is muted no longer, either. Each in its
    own transaction, so that one that fails does not hold up the others.
    """
    muted = AlertGroup.objects.filter(closed_at=None, muted_at__isnull=False)
    groups = {group.pk: group for group in muted.select_related("page").order_by("muted_at", "pk")}
    if not groups:
        return 0
    standing = mutes.holding(now)
    waiting: dict[int, list[Alert]] = {pk: [] for pk in groups}
    for alert in _firing(groups):
        waiting[alert.group_id or 0].append(alert)
    due = [
        group
        for pk, group in groups.items()
        if not _all_muted([one for one in waiting[pk] if _should_wake(one, group)], standing)
    ]
    return sum(_try(group, now) for group in due[:limit])


def _firing(groups: Iterable[int]) -> Iterable[Alert]:
    """The alerts of groups that nobody has taken yet."""
    rows = Alert.objects.real().filter(group__in=list(groups), status=Alert.Status.FIRING)
    return rows.select_related("integration", "surface").defer("details")


def _all_muted(waiting: list[Alert], standing: mutes.Mutes) -> bool:
    return bool(waiting) and all(standing.of(alert) for alert in waiting)


def _try(group: AlertGroup, now: datetime) -> bool:
    try:
        with transaction.atomic():
            lock_source(group.integration_id)
            paging.lock([group.page_id] if group.page_id else [])
            locked = lock_group(group.pk)
            return reconsider(locked, CLOCK, now)
    except Exception:
        log.exception("mute not ended", group=group.pk)
        return False


def reconsider(group: AlertGroup, actor: Actor, now: datetime) -> bool:
    """Wake for a muted group if one of its alerts is not muted any more; whether anything changed.

    The caller holds the group and its page.
    """
    if group.muted_at is None or group.closed_at is not None:
        return False
    standing = mutes.holding(now)
    waiting = [one for one in _firing([group.pk]) if _should_wake(one, group)]
    free = [one for one in waiting if standing.of(one) is None]
    if free:
        alert = max(free, key=lambda one: (_rank(one), -one.pk))
        text = "Nobody was paged until now. The mute is over, and it still stands."
        note(alert=alert, what="unmuted", text=text, actor=actor, now=now)
        _wake(alert, group, actor, now)
        events.publish(AlertFired(alert=alert, group=group, raised=True, at=now))
    elif not waiting:
        _settle(group)
    return bool(free) or not waiting


def _settle(group: AlertGroup) -> None:
    """The group is muted no longer, unless somebody should be woken for worse than is known."""
    if any(_should_wake(alert, group) for alert in _firing([group.pk])):
        return
    group.muted_at, group.muted_by = None, ""
    group.save(update_fields=["muted_at", "muted_by"])
