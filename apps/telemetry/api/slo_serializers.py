"""Objectives and their budgets, as the API shows and takes them."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.api.fields import PersonField
from apps.core.api.fields import InstantField, SurfaceKeyField
from apps.ownership.api.fields import SurfaceField
from apps.telemetry.models import Slo
from apps.telemetry.selectors.budgets import Budget


class SloFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    surface = django_filters.CharFilter(field_name="surface__key", help_text="A surface's key.")
    sli = django_filters.ChoiceFilter(choices=Slo.Sli.choices)
    archived = django_filters.BooleanFilter(
        field_name="archived_at", lookup_expr="isnull", exclude=True
    )

    class Meta:
        model = Slo
        fields = ["surface", "sli", "archived"]


class SloRowSerializer(serializers.ModelSerializer[Slo]):
    surface = SurfaceKeyField()
    owner = serializers.EmailField(source="owner.email", allow_null=True, default=None)
    objective = serializers.FloatField(help_text="A share between 0 and 1.")
    created_at = InstantField()
    archived_at = InstantField(allow_null=True)

    class Meta:
        model = Slo
        fields = (
            *("key", "name", "description", "surface", "owner", "sli", "count_key", "facet"),
            *("objective", "window_days", "policy", "created_at", "archived_at"),
        )


class BurnSerializer(serializers.Serializer[Any]):
    hours = serializers.IntegerField()
    bad = serializers.IntegerField()
    total = serializers.IntegerField()
    burn_rate = serializers.FloatField(
        source="rate", allow_null=True, help_text="1 spends exactly the budget. Null: no events."
    )


class BudgetDaySerializer(serializers.Serializer[Any]):
    date = serializers.DateField(help_text="A day in UTC.")
    good = serializers.IntegerField(source="tally.good")
    bad = serializers.IntegerField(source="tally.bad")
    remaining = serializers.FloatField(
        allow_null=True, help_text="Part of the whole window's budget left at its end."
    )


class BudgetSerializer(serializers.Serializer[Any]):
    """What is left of the window's budget. Shares are null where nothing happened."""

    since = InstantField()
    until = InstantField(source="now")
    good = serializers.IntegerField(source="tally.good")
    bad = serializers.IntegerField(source="tally.bad")
    total = serializers.IntegerField(source="tally.n")
    excluded = serializers.IntegerField(
        source="tally.excluded", help_text="The customer's own fault: no part of the total."
    )
    canceled = serializers.IntegerField(source="tally.canceled")
    allowed = serializers.FloatField(source="state.allowed", help_text="Bad events it affords.")
    consumed = serializers.FloatField(source="state.consumed", allow_null=True)
    remaining = serializers.FloatField(source="state.remaining", allow_null=True)
    share_good = serializers.FloatField(source="state.sli", allow_null=True)
    met = serializers.BooleanField(source="state.met", allow_null=True)
    freeze = serializers.BooleanField(
        source="freezes", help_text="Spent, and its policy is to freeze releases."
    )
    burn_rates = BurnSerializer(source="burns", many=True)
    exhausts_at = InstantField(
        allow_null=True, help_text="At the pace of the last day or three; null: not in sight."
    )
    days = BudgetDaySerializer(many=True)


class SloSerializer(SloRowSerializer):
    budget = serializers.SerializerMethodField()

    class Meta(SloRowSerializer.Meta):
        fields = (*SloRowSerializer.Meta.fields, "budget")  # type: ignore[assignment] # one more

    @extend_schema_field(BudgetSerializer)
    def get_budget(self, row: Slo) -> dict[str, Any]:
        found: Budget = self.context["budget"]
        return dict(BudgetSerializer(found).data)


class SloPatch(serializers.Serializer[Any]):
    """What is to be other than it is; what is not named stays."""

    name = serializers.CharField(required=False, max_length=120)
    description = serializers.CharField(required=False, allow_blank=True, max_length=500)
    surface = SurfaceField(required=False, allow_null=True)
    owner = PersonField(required=False, allow_null=True)
    sli = serializers.ChoiceField(Slo.Sli.choices, required=False)
    count_key = serializers.CharField(required=False, allow_blank=True, max_length=80)
    facet = serializers.CharField(required=False, allow_blank=True, max_length=60)
    objective = serializers.DecimalField(max_digits=7, decimal_places=6, required=False)
    window_days = serializers.IntegerField(required=False, min_value=1, max_value=365)
    policy = serializers.ChoiceField(Slo.Policy.choices, required=False)
    archived = serializers.BooleanField(required=False, help_text="Lay it down, or take it up.")


class SloIn(SloPatch):
    """An objective to set. Without a window it has 28 days, and a spent one freezes releases."""

    key = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=120)
    sli = serializers.ChoiceField(Slo.Sli.choices)
    objective = serializers.DecimalField(max_digits=7, decimal_places=6)
    archived = None  # type: ignore[assignment] # a new one is not
