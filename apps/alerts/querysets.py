from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.alerts.models import Alert, MaintenanceWindow


class AlertQuerySet(models.QuerySet["Alert"]):
    def visible_to(self, user: Any) -> AlertQuerySet:
        """Members see every alert; a key of a team sees its surfaces' and what is unrouted."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        return self.filter(Q(surface__team_id=team) | Q(surface=None)) if team else self

    def real(self) -> AlertQuerySet:
        return self.filter(kind="real")

    def standing(self) -> AlertQuerySet:
        return self.exclude(status="resolved")

    def unrouted(self) -> AlertQuerySet:
        return self.standing().filter(surface=None)


class MaintenanceQuerySet(models.QuerySet["MaintenanceWindow"]):
    def visible_to(self, user: Any) -> MaintenanceQuerySet:
        """What is going to be worked on is for everybody who may see anything."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        return self

    def public(self) -> MaintenanceQuerySet:
        return self.filter(is_public=True)
