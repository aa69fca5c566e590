from __future__ import annotations

from django.db.models import QuerySet

from apps.accounts.roles import Scope
from apps.changes.api.filters import ChangeFilter
from apps.changes.api.serializers import ChangeSerializer
from apps.changes.models import Change
from apps.core.api.views import ListView


class ChangeList(ListView):
    """The ledger of what changed where: the latest change first."""

    scopes = {"read": Scope.EVENTS_READ}
    ordering = ("-occurred_at", "-id")
    serializer_class = ChangeSerializer
    filterset_class = ChangeFilter

    def get_queryset(self) -> QuerySet[Change]:
        return Change.objects.visible_to(self.request.user).select_related("surface")
