from __future__ import annotations

import django_filters

from apps.core.api.lists import InstantFilter
from apps.core.models import Kind
from apps.incidents.models import Incident, Severity
from apps.incidents.querysets import ENDED, IncidentQuerySet


class IncidentFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    status = django_filters.ChoiceFilter(choices=Incident.Status.choices)
    severity = django_filters.ChoiceFilter(choices=Severity.choices)
    kind = django_filters.ChoiceFilter(choices=Kind.choices)
    surface = django_filters.CharFilter(field_name="surface__key", help_text="A surface's key.")
    type = django_filters.CharFilter(field_name="type__key", help_text="A type's key.")
    standing = django_filters.BooleanFilter(
        method="still", help_text="Not yet resolved, declined or merged; or over."
    )
    since = InstantFilter(
        field_name="detected_at", lookup_expr="gte", help_text="Detected then or later."
    )

    class Meta:
        model = Incident
        fields = ["status", "severity", "kind", "surface", "type", "standing", "since"]

    def still(self, rows: IncidentQuerySet, name: str, wanted: bool) -> IncidentQuerySet:
        return rows.standing() if wanted else rows.filter(status__in=ENDED)
