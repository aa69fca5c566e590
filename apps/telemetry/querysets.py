from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import models
from django.db.models import ExpressionWrapper, F, Q, Value
from django.db.models.functions import Least

from apps.accounts.roles import Grant

Row = TypeVar("Row", bound=models.Model)


class OfSurfaceQuerySet(models.QuerySet[Row]):
    """Rows that speak of a surface: a key of a team sees its surfaces' and what has none."""

    def visible_to(self, user: Any) -> OfSurfaceQuerySet[Row]:
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        return self.filter(Q(surface__team_id=team) | Q(surface=None)) if team else self


class CountQuerySet(OfSurfaceQuerySet[Row]):
    def counting_between(self, since: datetime, until: datetime) -> Any:
        """Counts of which the moment that they count at, `at`, lies in [since, until): the end of
        their window, as runs count when they ended, or their arrival where that was earlier.

        An hour's count comes when the hour is over; by its beginning no look at the last minutes
        would ever see it. One of more than a day counts a day after it began, so that the index of
        beginnings bounds what is read.
        """
        day = timedelta(days=1)
        rows = self.filter(starts_at__gte=since - day, starts_at__lt=until)
        lasted = Least(F("seconds"), 86_400) * Value(timedelta(seconds=1))
        ended = ExpressionWrapper(F("starts_at") + lasted, output_field=models.DateTimeField())
        return rows.annotate(at=Least(ended, F("received_at"))).filter(at__gte=since, at__lt=until)


class OfSourceQuerySet(models.QuerySet[Row]):
    """Rows of a profiled source: visible as the source is."""

    def visible_to(self, user: Any) -> OfSourceQuerySet[Row]:
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        theirs = Q(source__surface__team_id=team) | Q(source__surface=None)
        return self.filter(theirs) if team else self
