from __future__ import annotations

import django_filters

from apps.rotations.models import Schedule


class ScheduleFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    team = django_filters.CharFilter(field_name="team__key", help_text="A team's key.")

    class Meta:
        model = Schedule
        fields = ["team"]
