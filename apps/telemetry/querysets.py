from __future__ import annotations

from typing import Any, TypeVar

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

Row = TypeVar("Row", bound=models.Model)


class OfSurfaceQuerySet(models.QuerySet[Row]):
    """Rows that speak of a surface: a key of a team sees its surfaces' and what has none."""

    def visible_to(self, user: Any) -> OfSurfaceQuerySet[Row]:
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        return self.filter(Q(surface__team_id=team) | Q(surface=None)) if team else self


class OfSourceQuerySet(models.QuerySet[Row]):
    """Rows of a profiled source: visible as the source is."""

    def visible_to(self, user: Any) -> OfSourceQuerySet[Row]:
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        theirs = Q(source__surface__team_id=team) | Q(source__surface=None)
        return self.filter(theirs) if team else self
