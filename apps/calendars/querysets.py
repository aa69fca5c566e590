from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.calendars.models import BusinessCalendar


class CalendarQuerySet(models.QuerySet["BusinessCalendar"]):
    def visible_to(self, user: Any) -> CalendarQuerySet:
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        return self

    def current(self) -> CalendarQuerySet:
        return self.filter(archived_at=None)
