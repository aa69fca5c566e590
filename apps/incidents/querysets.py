from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.incidents.models import Incident

ENDED = ("resolved", "in_review", "closed", "declined", "merged")


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, user: Any) -> IncidentQuerySet:
        """Open ones by team rule; restricted ones for managers, commander and participants."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        found = self
        if not user.may(Grant.SEE_RESTRICTED):
            mine = Q(visibility="open")
            if isinstance(user.pk, int):
                mine |= Q(commander_id=user.pk) | Q(participants=user.pk)
            found = found.filter(pk__in=self.model._default_manager.filter(mine).values("pk"))
        team = getattr(user, "team_id", None)
        if team:
            found = found.filter(Q(surface__team_id=team) | Q(surface=None))
        return found

    def real(self) -> IncidentQuerySet:
        return self.filter(kind="real")

    def standing(self) -> IncidentQuerySet:
        """Not yet resolved, declined or merged."""
        return self.exclude(status__in=ENDED)
