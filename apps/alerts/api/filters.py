from __future__ import annotations

import django_filters

from apps.alerts.models import Alert, Severity
from apps.core.api.lists import IdFilter, InstantFilter


class AlertFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    dedup_key = django_filters.CharFilter(
        field_name="dedup_key", strip=False, help_text="As it was sent."
    )
    status = django_filters.ChoiceFilter(choices=Alert.Status.choices)
    severity = django_filters.ChoiceFilter(choices=Severity.choices)
    surface = django_filters.CharFilter(field_name="surface__key", help_text="A surface's key.")
    integration = IdFilter(field_name="integration_id", help_text="The integration's id.")
    since = InstantFilter(
        field_name="last_seen_at", lookup_expr="gte", help_text="Seen then or later."
    )

    class Meta:
        model = Alert
        fields = ["dedup_key", "status", "severity", "surface", "integration", "since"]
