"""Alerts as their pages show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db.models import QuerySet

from apps.accounts.models import Person
from apps.alerts.models import Alert, AlertNote
from apps.alerts.querysets import AlertQuerySet
from apps.incidents.models import Incident
from apps.paging.models import Page
from apps.portal.selectors import paged

NOTES = 100
SIBLINGS = 10
LINKS = 20
_REF = re.compile(r"INC-(\d{1,18})", re.ASCII)

LOOKS: dict[str, tuple[str, str]] = {
    "triggered": ("over", "danger"),
    "raised": ("tri", "danger"),
    "routed": ("up", "info"),
    "acknowledged": ("check", "success"),
    "resolved": ("check", "success"),
    "muted": ("pause", "info"),
    "unmuted": ("over", "danger"),
}


@dataclass(frozen=True)
class Line:
    note: AlertNote
    glyph: str
    tone: str

    @property
    def who(self) -> str:
        """Who did it, where the text does not say it already."""
        return "" if self.note.actor_label in self.note.text else self.note.actor_label


@dataclass(frozen=True)
class Story:
    """Everything beside the alert's own columns."""

    lines: Sequence[Line]
    paged: paged.Paged | None
    incident: Incident | None  # only when the viewer may see it
    siblings: Sequence[Alert]
    links: Sequence[tuple[str, str]]  # (address, words), http and https only


def listed(viewer: Person, *, state: str, severity: str, surface: str) -> QuerySet[Alert]:
    """The alerts of a list: state open, firing, acknowledged, resolved, unrouted or all."""
    found: AlertQuerySet = Alert.objects.visible_to(viewer)
    if state == "open":
        found = found.standing()
    elif state == "unrouted":
        found = found.unrouted()
    elif state != "all":
        found = found.filter(status=state)
    if severity:
        found = found.filter(severity=severity)
    if surface:
        found = found.filter(surface__key=surface)
    return found.select_related("surface", "integration", "group").defer("details", "links")


def story(alert: Alert, viewer: Person, *, now: datetime) -> Story:
    notes = AlertNote.objects.filter(alert=alert).order_by("-at", "-pk")[:NOTES]
    group = alert.group
    page = (
        Page.objects.visible_to(viewer).select_related("surface").filter(pk=group.page_id).first()
        if group and group.page_id
        else None
    )
    siblings = (
        Alert.objects.visible_to(viewer)
        .filter(group=group)
        .exclude(pk=alert.pk)
        .defer("details", "links")
        .order_by("-last_seen_at", "-pk")[:SIBLINGS]
        if group
        else Alert.objects.none()
    )
    return Story(
        lines=[Line(note, *LOOKS.get(note.what, ("dot", ""))) for note in notes],
        paged=paged.paged([page], now=now, messages=True)[0] if page else None,
        incident=_incident(group.incident_ref if group else "", viewer),
        siblings=list(siblings),
        links=[*filter(None, map(_link, alert.links[:LINKS]))],
    )


def _incident(ref: str, viewer: Person) -> Incident | None:
    match = _REF.fullmatch(ref)
    if match is None:
        return None
    return Incident.objects.visible_to(viewer).filter(pk=int(match.group(1))).first()


def _link(link: Any) -> tuple[str, str] | None:
    """A sender's link, if it leads to the web: nothing else may become clickable."""
    href = str(link.get("href", "")) if isinstance(link, dict) else ""
    try:
        parts = urlsplit(href)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return None
    return href, str(link.get("text") or parts.netloc)[:120]
