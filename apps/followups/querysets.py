from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core.providers import ask
from apps.followups.ports import SourceAccess

if TYPE_CHECKING:
    from apps.followups.models import Evidence, Factor, FollowUp

ACTIVE = ("open", "in_progress")
ENDED = ("verified", "wont_do")
HELD_FOR = timedelta(days=90)  # what comes back within this time after it was verified did not hold


class FactorQuerySet(models.QuerySet["Factor"]):
    def current(self) -> FactorQuerySet:
        return self.filter(archived_at=None)


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    def visible_to(self, user: Any) -> FollowUpQuerySet:
        """All that is not restricted, one's own, and those of restricted sources that one is on; a
        key of a team sees its surfaces' and what has no surface."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        found = self
        if not user.may(Grant.SEE_RESTRICTED):
            mine = Q(is_restricted=False)
            if isinstance(user, Person):
                mine |= Q(owner_id=user.pk) | _on_source(user)
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

    def to_verify(self) -> FollowUpQuerySet:
        """Done, and nobody has looked at the evidence yet."""
        return self.filter(status="done")

    def overdue(self, today: date) -> FollowUpQuerySet:
        """Still to be done though its day is over."""
        return self.active().filter(due_on__lt=today)

    def verified_lately(self, now: datetime) -> FollowUpQuerySet:
        """Verified within the last 90 days: what comes back now did not hold."""
        return self.filter(status="verified", verified_at__gte=now - HELD_FOR)


def _on_source(person: Person) -> Q:
    found = Q()
    for source in ask(SourceAccess):  # type: ignore[type-abstract] # a port is its protocol
        found |= Q(source_kind=source.kind, source_ref__in=source.refs(person=person))
    return found


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    def standing(self) -> EvidenceQuerySet:
        """Not withdrawn."""
        return self.filter(withdrawn_at=None)
