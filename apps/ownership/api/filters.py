from __future__ import annotations

import django_filters

from apps.ownership.models import Surface


class SurfaceFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    team = django_filters.CharFilter(field_name="team__key", help_text="A team's key.")
    kind = django_filters.ChoiceFilter(choices=Surface.Kind.choices)
    tier = django_filters.ChoiceFilter(choices=Surface.Tier.choices)
    lifecycle = django_filters.ChoiceFilter(choices=Surface.Lifecycle.choices)

    class Meta:
        model = Surface
        fields = ["team", "kind", "tier", "lifecycle"]
