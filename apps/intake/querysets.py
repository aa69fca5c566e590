from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower

from apps.accounts.roles import Grant
from apps.ownership.models import Surface

if TYPE_CHECKING:
    from apps.intake.models import Delivery


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def visible_to(self, user: Any) -> DeliveryQuerySet:
        """A key of a team sees deliveries to its own integrations, and those to integrations of
        nobody unless an event names a surface that is not the team's."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        if not team:
            return self
        theirs = Q(integration__surface__team_id=team) | Q(integration__team_id=team)
        foreign = Surface.objects.exclude(team_id=team).values("key")
        events = self.model._meta.get_field("events").related_model._default_manager
        named = events.annotate(wanted=Lower("surface_key")).filter(
            delivery=OuterRef("pk"), wanted__in=foreign
        )
        shared = Q(integration__surface=None, integration__team=None) & ~Exists(named)
        return self.filter(theirs | shared)
