from __future__ import annotations

import django_filters

from apps.core.models import Kind
from apps.runbooks.models import Execution, Runbook


class RunbookFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    surface = django_filters.CharFilter(field_name="surfaces__key", help_text="A surface's key.")
    owner = django_filters.CharFilter(field_name="owner__email", help_text="An e-mail address.")
    retired = django_filters.BooleanFilter(
        field_name="archived_at", lookup_expr="isnull", exclude=True
    )

    class Meta:
        model = Runbook
        fields = ["surface", "owner", "retired"]


class ExecutionFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    runbook = django_filters.CharFilter(field_name="version__runbook__key")
    status = django_filters.ChoiceFilter(choices=Execution.Status.choices)
    kind = django_filters.ChoiceFilter(choices=Kind.choices)
    context_kind = django_filters.CharFilter(field_name="context_kind", help_text="incident")
    context_ref = django_filters.CharFilter(field_name="context_ref", help_text="INC-7")

    class Meta:
        model = Execution
        fields = ["runbook", "status", "kind", "context_kind", "context_ref"]
