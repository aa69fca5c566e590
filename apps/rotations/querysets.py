from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.rotations.models import LayerVersion, Override, Schedule, Shift


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def visible_to(self, user: Any) -> ScheduleQuerySet:
        """Members see every schedule; a key of a team sees that team's."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        return self.filter(team_id=team) if team else self

    def current(self) -> ScheduleQuerySet:
        return self.filter(archived_at=None)


class VersionQuerySet(models.QuerySet["LayerVersion"]):
    def overlapping(self, start: datetime, end: datetime) -> VersionQuerySet:
        return self.filter(effective_from__lt=end).filter(
            Q(effective_to=None) | Q(effective_to__gt=start)
        )


class OverrideQuerySet(models.QuerySet["Override"]):
    def standing(self) -> OverrideQuerySet:
        """Not cancelled."""
        return self.filter(cancelled_at=None)

    def overlapping(self, start: datetime, end: datetime) -> OverrideQuerySet:
        return self.filter(start_at__lt=end, end_at__gt=start)


class ShiftQuerySet(models.QuerySet["Shift"]):
    def at(self, instant: datetime) -> ShiftQuerySet:
        """Shifts that hold an instant; half-open, so one person hands over to the next."""
        return self.filter(start_at__lte=instant, end_at__gt=instant)

    def overlapping(self, start: datetime, end: datetime) -> ShiftQuerySet:
        return self.filter(start_at__lt=end, end_at__gt=start)
