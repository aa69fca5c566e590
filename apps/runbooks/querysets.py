from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.runbooks.models import Execution, Runbook


def _of_team(runbook: type[Runbook], team_id: int) -> Any:
    theirs = Q(surfaces__team_id=team_id) | Q(surfaces=None)
    return runbook._default_manager.filter(theirs).values("pk")


class RunbookQuerySet(models.QuerySet["Runbook"]):
    def visible_to(self, user: Any) -> RunbookQuerySet:
        """All of them for members: whoever is woken must find them. A key of a team sees its
        surfaces' and those of no surface."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        team = getattr(user, "team_id", None)
        return self.filter(pk__in=_of_team(self.model, team)) if team else self

    def current(self) -> RunbookQuerySet:
        return self.filter(archived_at=None)


class ExecutionQuerySet(models.QuerySet["Execution"]):
    def visible_to(self, user: Any) -> ExecutionQuerySet:
        """All that is not restricted, and what one started or watches oneself; for a key of a team
        only runs of the runbooks that it sees."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        found = self
        if team := getattr(user, "team_id", None):
            books: Any = self.model._meta.apps.get_model("runbooks", "Runbook")
            found = found.filter(version__runbook__in=_of_team(books, team))
        if user.may(Grant.SEE_RESTRICTED):
            return found
        mine = Q(is_restricted=False)
        if isinstance(user.pk, int):
            mine |= Q(started_by_id=user.pk) | Q(watchers=user.pk)
            return found.filter(pk__in=self.model._default_manager.filter(mine).values("pk"))
        return found.filter(mine)

    def real(self) -> ExecutionQuerySet:
        return self.filter(kind="real")

    def standing(self) -> ExecutionQuerySet:
        """Running or paused."""
        return self.filter(status__in=("running", "paused"))
