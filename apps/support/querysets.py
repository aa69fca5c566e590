"""Adjectives of support's rows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant
from apps.support import lifecycle

if TYPE_CHECKING:
    from apps.support.models import Queue, Ticket, TicketClock, TicketMessage


def _sees_all_queues(user: Any) -> bool:
    """Managers, and keys that act as one; a team's key never sees another team's private queue."""
    return bool(user.may(Grant.SEE_RESTRICTED)) and not getattr(user, "team_id", None)


class QueueQuerySet(models.QuerySet["Queue"]):
    def visible_to(self, user: Any) -> QueueQuerySet:
        """Open queues for everybody here, private ones for their team and managers."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        if _sees_all_queues(user):
            return self
        mine = Q(is_private=False)
        if isinstance(user.pk, int):
            mine |= Q(team__memberships__person_id=user.pk) | Q(team__lead_id=user.pk)
        if team := getattr(user, "team_id", None):
            mine |= Q(team_id=team)
        return self.filter(pk__in=self.model._default_manager.filter(mine).values("pk"))

    def current(self) -> QueueQuerySet:
        return self.filter(archived_at=None)


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, user: Any) -> TicketQuerySet:
        """Tickets of open queues; of private ones for the queue's team, the owner and managers.

        A key of a team sees the tickets of that team's surfaces and those without a surface.
        """
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        found = self
        if not _sees_all_queues(user):
            queues = QueueQuerySet(self.model._meta.get_field("queue").related_model)
            mine = Q(queue__in=queues.visible_to(user).values("pk"))
            if isinstance(user.pk, int):
                mine |= Q(owner_id=user.pk)
            found = found.filter(mine)
        team = getattr(user, "team_id", None)
        if team:
            found = found.filter(Q(surface__team_id=team) | Q(surface=None))
        return found

    def real(self) -> TicketQuerySet:
        return self.filter(kind="real")

    def active(self) -> TicketQuerySet:
        """Somebody still works on it: neither resolved nor closed, merged or spam."""
        return self.filter(status__in=sorted(lifecycle.ACTIVE))


class TicketMessageQuerySet(models.QuerySet["TicketMessage"]):
    def public(self) -> TicketMessageQuerySet:
        """What the requester may read."""
        return self.filter(status="posted").exclude(author="note")

    def said(self) -> TicketMessageQuerySet:
        """What stands in the timeline: not what was taken back."""
        return self.exclude(status="withdrawn")

    def due(self, now: datetime) -> TicketMessageQuerySet:
        return self.filter(status="held", send_at__lte=now)


class ClockQuerySet(models.QuerySet["TicketClock"]):
    def unfinished(self) -> ClockQuerySet:
        """Promises that are still to be kept, missed ones included."""
        return self.filter(stopped_at=None).exclude(state="cancelled")
