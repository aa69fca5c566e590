from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.paging.models import Page


class PageQuerySet(models.QuerySet["Page"]):
    def visible_to(self, user: Any) -> PageQuerySet:
        """Members see every page; a key of a team sees its surfaces' and what is unrouted."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        return self.filter(Q(surface__team_id=team) | Q(surface=None)) if team else self

    def real(self) -> PageQuerySet:
        return self.filter(kind="real")

    def waiting(self) -> PageQuerySet:
        """Nobody has acknowledged these."""
        return self.filter(status__in=["open", "exhausted"])

    def standing(self) -> PageQuerySet:
        return self.exclude(status="resolved")

    def due(self, now: datetime) -> PageQuerySet:
        return self.filter(status="open", next_at__lte=now)
