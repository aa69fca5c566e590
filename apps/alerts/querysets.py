from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.alerts.models import Alert, AlertRule, Heartbeat, MaintenanceWindow, Silence


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
        """What stands and belongs to nobody; a test is for nobody, and asks for no route."""
        return self.standing().exclude(kind="test").filter(surface=None)


class MaintenanceQuerySet(models.QuerySet["MaintenanceWindow"]):
    def visible_to(self, user: Any) -> MaintenanceQuerySet:
        """What is going to be worked on is for everybody who may see anything."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        return self

    def holding(self, now: datetime) -> MaintenanceQuerySet:
        """Work that is going on at this instant by its times, however late the worker is."""
        going = ["scheduled", "in_progress"]
        return self.filter(status__in=going, starts_at__lte=now, ends_at__gt=now)

    def public(self) -> MaintenanceQuerySet:
        return self.filter(is_public=True)


class RuleQuerySet(models.QuerySet["AlertRule"]):
    def visible_to(self, user: Any) -> RuleQuerySet:
        """Members see every rule; a key of a team those of its surfaces and of none."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        return self.filter(Q(surface__team_id=team) | Q(surface=None)) if team else self

    def current(self) -> RuleQuerySet:
        return self.filter(archived_at=None)


class SilenceQuerySet(models.QuerySet["Silence"]):
    def visible_to(self, user: Any) -> SilenceQuerySet:
        """Members see every silence; a key of a team those that name nothing of another team."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        if not team:
            return self
        return self.filter(
            Q(surface__team_id=team) | Q(surface=None),
            Q(rule__surface__team_id=team) | Q(rule__surface=None),
            Q(integration__team_id=team) | Q(integration__team=None),
            Q(integration__surface__team_id=team) | Q(integration__surface=None),
        )

    def holding(self, now: datetime) -> SilenceQuerySet:
        """Those that mute at this instant."""
        return self.filter(starts_at__lte=now, ends_at__gt=now, ended_at=None)


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def visible_to(self, user: Any) -> HeartbeatQuerySet:
        """Members see every heartbeat; a key of a team those of its surfaces and of none."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        return self.filter(Q(surface__team_id=team) | Q(surface=None)) if team else self

    def current(self) -> HeartbeatQuerySet:
        return self.filter(archived_at=None)
