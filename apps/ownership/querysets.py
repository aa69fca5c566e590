from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.ownership.models import OwnershipAssignment, PositionHolding, Surface


class SurfaceQuerySet(models.QuerySet["Surface"]):
    def visible_to(self, user: Any) -> SurfaceQuerySet:
        """Members see every surface; a key of a team sees that team's."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        return self.filter(team_id=team) if team else self

    def current(self) -> SurfaceQuerySet:
        return self.filter(archived_at=None)


class HoldingQuerySet(models.QuerySet["PositionHolding"]):
    def at(self, instant: datetime) -> HoldingQuerySet:
        return self.filter(active_from__lte=instant).filter(
            Q(active_to=None) | Q(active_to__gt=instant)
        )


class AssignmentQuerySet(models.QuerySet["OwnershipAssignment"]):
    def at(self, instant: datetime) -> AssignmentQuerySet:
        """Those in force at an instant; periods are half-open."""
        return self.filter(active_from__lte=instant).filter(
            Q(active_to=None) | Q(active_to__gt=instant)
        )
