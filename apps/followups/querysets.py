from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.followups.models import Factor, FollowUp

ACTIVE = ("open", "in_progress")
ENDED = ("verified", "wont_do")


class FactorQuerySet(models.QuerySet["Factor"]):
    def current(self) -> FactorQuerySet:
        return self.filter(archived_at=None)


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    def visible_to(self, user: Any) -> FollowUpQuerySet:
        """All that is not restricted, and one's own; a key of a team sees its surfaces' and what
        has no surface."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        found = self
        if not user.may(Grant.SEE_RESTRICTED):
            mine = Q(is_restricted=False)
            if isinstance(user.pk, int):
                mine |= Q(owner_id=user.pk)
            found = found.filter(mine)
        team = getattr(user, "team_id", None)
        return found.filter(Q(surface__team_id=team) | Q(surface=None)) if team else found

    def real(self) -> FollowUpQuerySet:
        return self.filter(kind="real")

    def active(self) -> FollowUpQuerySet:
        """Still to be done."""
        return self.filter(status__in=ACTIVE)

    def unverified(self) -> FollowUpQuerySet:
        """Not ended: still to be done, or done and still to be verified."""
        return self.exclude(status__in=ENDED)
