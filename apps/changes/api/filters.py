from __future__ import annotations

import django_filters

from apps.changes.models import Change
from apps.core.api.lists import InstantFilter


class ChangeFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    kind = django_filters.ChoiceFilter(choices=Change.Kind.choices)
    surface = django_filters.CharFilter(field_name="surface__key", help_text="A surface's key.")
    since = InstantFilter(
        field_name="occurred_at", lookup_expr="gte", help_text="Happened then or later."
    )
    until = InstantFilter(
        field_name="occurred_at", lookup_expr="lt", help_text="Happened before then."
    )

    class Meta:
        model = Change
        fields = ["kind", "surface", "since", "until"]
