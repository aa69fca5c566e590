from __future__ import annotations

import django_filters

from apps.core.api.lists import IdFilter, InstantFilter
from apps.intake.models import Delivery


class DeliveryFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    status = django_filters.ChoiceFilter(choices=Delivery.Status.choices)
    state = django_filters.ChoiceFilter(
        field_name="status", choices=Delivery.Status.choices, help_text="The same as status."
    )
    integration = IdFilter(field_name="integration_id", help_text="The integration's id.")
    since = InstantFilter(
        field_name="received_at", lookup_expr="gte", help_text="Received then or later."
    )

    class Meta:
        model = Delivery
        fields = ["status", "state", "integration", "since"]
