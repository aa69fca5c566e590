from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.runbooks.models import Execution, Runbook


class RunbookQuerySet(models.QuerySet["Runbook"]):
    def visible_to(self, user: Any) -> RunbookQuerySet:
        """Runbooks are for everybody who may see anything: whoever is woken must find them."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        return self

    def current(self) -> RunbookQuerySet:
        return self.filter(archived_at=None)


class ExecutionQuerySet(models.QuerySet["Execution"]):
    def visible_to(self, user: Any) -> ExecutionQuerySet:
        """All that is not restricted, and what one started oneself."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        if user.may(Grant.SEE_RESTRICTED):
            return self
        mine = Q(is_restricted=False)
        if isinstance(user.pk, int):
            mine |= Q(started_by_id=user.pk) | Q(watchers=user.pk)
            return self.filter(pk__in=self.model._default_manager.filter(mine).values("pk"))
        return self.filter(mine)

    def real(self) -> ExecutionQuerySet:
        return self.filter(kind="real")

    def standing(self) -> ExecutionQuerySet:
        """Running or paused."""
        return self.filter(status__in=("running", "paused"))
