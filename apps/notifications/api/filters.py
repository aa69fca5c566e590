from __future__ import annotations

import django_filters

from apps.core.api.lists import InstantFilter
from apps.notifications.models import WebhookDelivery


class WebhookDeliveryFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    status = django_filters.ChoiceFilter(choices=WebhookDelivery.Status.choices)
    event = django_filters.CharFilter(help_text="The event's name.")
    since = InstantFilter(
        field_name="created_at", lookup_expr="gte", help_text="Written then or later."
    )

    class Meta:
        model = WebhookDelivery
        fields = ["status", "event", "since"]
