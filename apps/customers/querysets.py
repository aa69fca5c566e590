from __future__ import annotations

from typing import Any

from django.db import models

from apps.accounts.roles import Grant


class CustomerQuerySet(models.QuerySet[Any]):
    """What the tables of customers share: everybody here may read them, none is deleted."""

    def visible_to(self, user: Any) -> CustomerQuerySet:
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        return self

    def current(self) -> CustomerQuerySet:
        return self.filter(archived_at=None)
