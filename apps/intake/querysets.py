from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.intake.models import Delivery


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def visible_to(self, user: Any) -> DeliveryQuerySet:
        """A key of a team sees deliveries to its surfaces' integrations and to unrouted ones."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        if not team:
            return self
        theirs = Q(integration__surface__team_id=team) | Q(integration__team_id=team)
        own = Q(integration__surface=None, integration__team=None)
        return self.filter(theirs | own)
