from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from apps.core.api.lists import IdFilter, InstantFilter
from apps.telemetry.models import (
    Outcome,
    ProfiledSource,
    ProfileRun,
    ReportRun,
    TypeChange,
    Verdict,
)

ENDED = [choice for choice in Outcome.choices if choice[0] != Outcome.RUNNING]
COUNTED = [choice for choice in Verdict.choices if choice[0] != Verdict.OPEN]


class RunFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    outcome = django_filters.ChoiceFilter(choices=ENDED)
    verdict = django_filters.ChoiceFilter(choices=COUNTED)
    surface = django_filters.CharFilter(field_name="surface__key", help_text="A surface's key.")
    since = InstantFilter(
        field_name="finished_at", lookup_expr="gte", help_text="Ended then or later."
    )
    until = InstantFilter(field_name="finished_at", lookup_expr="lt", help_text="Ended before.")


class ProfileRunFilter(RunFilter):
    source = IdFilter(field_name="source_id", help_text="A source's id.")
    warehouse_type = django_filters.CharFilter(help_text="snowflake, bigquery, …")

    class Meta:
        model = ProfileRun
        fields = ["source", "warehouse_type", "outcome", "verdict", "surface", "since", "until"]


class ReportRunFilter(RunFilter):
    template = django_filters.CharFilter(help_text="A template's name.")

    class Meta:
        model = ReportRun
        fields = ["template", "outcome", "verdict", "surface", "since", "until"]


class SourceFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    warehouse_type = django_filters.CharFilter(help_text="snowflake, bigquery, …")
    surface = django_filters.CharFilter(field_name="surface__key", help_text="A surface's key.")
    paused = django_filters.BooleanFilter(
        method="keep_paused", help_text="Whether somebody has paused it."
    )

    class Meta:
        model = ProfiledSource
        fields = ["warehouse_type", "surface", "paused"]

    def keep_paused(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        return rows.filter(paused_at__isnull=not value)


class TypeChangeFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    source = IdFilter(field_name="source_id", help_text="A source's id.")
    was = django_filters.CharFilter(help_text="The type before.")
    became = django_filters.CharFilter(help_text="The type since.")
    since = InstantFilter(field_name="at", lookup_expr="gte", help_text="Changed then or later.")
    until = InstantFilter(field_name="at", lookup_expr="lt", help_text="Changed before.")

    class Meta:
        model = TypeChange
        fields = ["source", "was", "became", "since", "until"]
