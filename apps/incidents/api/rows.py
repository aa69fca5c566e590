"""What the asker may see of incidents, ready to be shown."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.accounts.authentication import actor_of
from apps.accounts.roles import Scope
from apps.core import clock
from apps.core.api.views import find
from apps.incidents.api.fields import number_of
from apps.incidents.api.serializers import IncidentSerializer
from apps.incidents.models import Incident
from apps.incidents.selectors import framework

SCOPES = {"read": Scope.INCIDENTS_READ, "write": Scope.INCIDENTS_WRITE}
SHOWN_WITH = ("surface", "commander", "type", "merged_into")


def by(request: Request) -> dict[str, Any]:
    """Who acts, and when."""
    return {"actor": actor_of(request.user), "now": clock.now()}


def incidents(user: Any) -> QuerySet[Incident]:
    """The incidents that the asker may see, ready to be shown in a list."""
    return Incident.objects.visible_to(user).select_related(*SHOWN_WITH)


def incident_by(user: Any, ref: str) -> Incident:
    """An incident that the asker may see, by its reference INC-42; 404."""
    return find(incidents(user), number_of(ref))


def shown(pk: int) -> dict[str, Any]:
    """An incident with everything that hangs on it."""
    rows = Incident.objects.select_related(*SHOWN_WITH)
    row = rows.prefetch_related("participants", "links").get(pk=pk)
    context = {"aliases": framework.aliases()}
    return dict(IncidentSerializer(row, context=context).data)
