from __future__ import annotations

import django_filters

from apps.paging.models import Page, Urgency


class PageFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    status = django_filters.ChoiceFilter(choices=Page.Status.choices)
    urgency = django_filters.ChoiceFilter(choices=Urgency.choices)
    surface = django_filters.CharFilter(field_name="surface__key", help_text="A surface's key.")

    class Meta:
        model = Page
        fields = ["status", "urgency", "surface"]
