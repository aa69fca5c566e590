from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.alerts.models import Alert, AlertGroup
    from apps.ownership.models import Surface


@dataclass(frozen=True)
class AlertFired:
    """An alert opened, or rose to a higher severity (`raised`)."""

    alert: Alert
    group: AlertGroup
    raised: bool
    at: datetime


@dataclass(frozen=True)
class AlertResolved:
    """An alert ended; `group_closed` when it was the last standing one of its group."""

    alert: Alert
    group: AlertGroup
    group_closed: bool
    at: datetime


@dataclass(frozen=True)
class AlertRouted:
    """Somebody gave an alert its surface by hand."""

    alert: Alert
    group: AlertGroup
    surface: Surface
    at: datetime


@dataclass(frozen=True)
class MaintenanceChanged:
    """Announced work was announced, moved, begun, finished or canceled: `what` says which."""

    window_id: int
    what: str  # announced, moved, begun, completed, canceled
    at: datetime
