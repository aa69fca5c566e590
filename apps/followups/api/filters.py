from __future__ import annotations

import django_filters
from django.db.models import QuerySet

from apps.core import clock
from apps.core.models import Kind
from apps.followups.models import FollowUp
from apps.followups.querysets import FollowUpQuerySet


class OneOfMany(django_filters.BaseInFilter, django_filters.ChoiceFilter):  # type: ignore[misc] # django-filter has no types
    """One or several of a closed list, separated by commas."""


class FollowUpFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    status = OneOfMany(
        choices=FollowUp.Status.choices, help_text="One or several, separated by commas."
    )
    priority = OneOfMany(choices=FollowUp.Priority.choices, help_text="One or several: P0,P1.")
    aim = OneOfMany(choices=FollowUp.Aim.choices, help_text="One or several.")
    owner = django_filters.CharFilter(method="owned", help_text="An e-mail address.")
    surface = django_filters.CharFilter(field_name="surface__key", help_text="A surface's key.")
    factor = django_filters.CharFilter(field_name="factor__key", help_text="A factor's key.")
    source_kind = django_filters.CharFilter(help_text="incident, runbook, drill, …")
    source_ref = django_filters.CharFilter(help_text="INC-42, …")
    kind = django_filters.ChoiceFilter(choices=Kind.choices)
    overdue = django_filters.BooleanFilter(
        method="late", help_text="Still to be done though its day is over (by UTC), or not so."
    )
    due_until = django_filters.DateFilter(
        field_name="due_on", lookup_expr="lte", help_text="Due on this day or before: YYYY-MM-DD."
    )
    did_not_hold = django_filters.BooleanFilter(help_text="It came back after it was verified.")

    class Meta:
        model = FollowUp
        fields = ["status", "priority", "aim", "owner", "surface", "factor", "source_kind"]
        fields += ["source_ref", "kind", "overdue", "due_until", "did_not_hold"]

    def owned(self, rows: FollowUpQuerySet, name: str, text: str) -> QuerySet[FollowUp]:
        return rows.filter(owner__email=text.strip().lower())

    def late(self, rows: FollowUpQuerySet, name: str, wanted: bool) -> QuerySet[FollowUp]:
        late = FollowUp.objects.overdue(clock.now().date()).values("pk")
        return rows.filter(pk__in=late) if wanted else rows.exclude(pk__in=late)
