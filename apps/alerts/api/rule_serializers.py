"""Rules, their groups and their replays, as the API shows and takes them."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.api.fields import PersonField
from apps.alerts.models import AlertRule, RuleGroup, Severity
from apps.core.api.fields import InstantField, SurfaceKeyField, TextOrNull
from apps.ownership.api.fields import SurfaceField
from apps.runbooks.models import Runbook
from apps.telemetry.models import Slo


class RuleFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    status = django_filters.ChoiceFilter(choices=AlertRule.Status.choices)
    kind = django_filters.ChoiceFilter(choices=AlertRule.Kind.choices)
    surface = django_filters.CharFilter(field_name="surface__key", help_text="A surface's key.")
    firing = django_filters.BooleanFilter(method="fires", help_text="Those that fire now; or not.")

    class Meta:
        model = AlertRule
        fields = ["status", "kind", "surface", "firing"]

    def fires(self, rows: Any, name: str, wanted: bool) -> Any:
        firing = RuleGroup.objects.filter(state=RuleGroup.State.FIRING).values("rule")
        return rows.filter(pk__in=firing) if wanted else rows.exclude(pk__in=firing)


class RunbookField(serializers.CharField):
    """A runbook that the asker may see, by key."""

    def to_internal_value(self, data: Any) -> Any:
        key = super().to_internal_value(data).strip().lower()
        rows = Runbook.objects.visible_to(self.context["request"].user).filter(archived_at=None)
        if (found := rows.filter(key=key).first()) is None:
            raise serializers.ValidationError("No such runbook, or none that you may see.")
        return found


class SloField(serializers.CharField):
    """An objective that the asker may see, by key."""

    def to_internal_value(self, data: Any) -> Any:
        key = super().to_internal_value(data).strip().lower()
        rows = Slo.objects.visible_to(self.context["request"].user).filter(archived_at=None)
        if (found := rows.filter(key=key).first()) is None:
            raise serializers.ValidationError("No such SLO, or none that you may see.")
        return found


class RuleRowSerializer(serializers.ModelSerializer[AlertRule]):
    """One condition with its owner and its runbook."""

    surface = SurfaceKeyField()
    owner = TextOrNull(source="owner.email", default=None)
    runbook = TextOrNull(source="runbook.key", default=None)
    slo = TextOrNull(source="slo.key", default=None)
    error = TextOrNull(help_text="Why its last look failed.")
    evaluated_at = InstantField(allow_null=True)
    last_fired_at = InstantField(allow_null=True)
    archived_at = InstantField(allow_null=True)

    class Meta:
        model = AlertRule
        fields = ["key", "name", "kind", "status", "severity", "surface", "owner", "runbook"]
        fields += ["slo", "error", "evaluated_at", "last_fired_at", "archived_at"]


class RuleGroupSerializer(serializers.ModelSerializer[RuleGroup]):
    """Where a rule stands for one group. No data is not OK."""

    since = InstantField(help_text="Of the state.")
    looked_at = InstantField()

    class Meta:
        model = RuleGroup
        fields = ["group", "state", "look", "since", "is_inhibited", "value", "limit", "n", "text"]
        fields += ["looked_at"]


class RuleSerializer(RuleRowSerializer):
    params = serializers.DictField(child=serializers.JSONField())
    groups = RuleGroupSerializer(many=True)

    class Meta(RuleRowSerializer.Meta):
        fields = [*RuleRowSerializer.Meta.fields, "description", "params", "tier"]
        fields += ["every_seconds", "for_seconds", "keep_firing_seconds", "groups"]


class RulePatch(serializers.Serializer[Any]):
    """What is to be other than it is. `params` are those of the kind, whole."""

    name = serializers.CharField(required=False, max_length=120)
    description = serializers.CharField(required=False, allow_blank=True, max_length=500)
    params = serializers.DictField(child=serializers.JSONField(allow_null=True), required=False)
    severity = serializers.ChoiceField(Severity.choices, required=False)
    surface = SurfaceField(required=False, allow_null=True)
    owner = PersonField(required=False, allow_null=True)
    runbook = RunbookField(required=False, allow_null=True)
    slo = SloField(required=False, allow_null=True)
    tier = serializers.IntegerField(required=False, min_value=0, max_value=99)
    every_seconds = serializers.IntegerField(required=False, min_value=60, max_value=86_400)
    for_seconds = serializers.IntegerField(required=False, min_value=0, max_value=604_800)
    keep_firing_seconds = serializers.IntegerField(required=False, min_value=0, max_value=604_800)


class RuleIn(RulePatch):
    """A rule to draft."""

    key = serializers.CharField(max_length=60, help_text="snowflake-failures")
    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(AlertRule.Kind.choices)
    params = serializers.DictField(child=serializers.JSONField(allow_null=True), default=dict)


class SwitchIn(serializers.Serializer[Any]):
    on = serializers.BooleanField()
    reason = serializers.CharField(
        default="", allow_blank=True, max_length=300, help_text="Needed to switch it off."
    )


class ReplayIn(serializers.Serializer[Any]):
    since = InstantField(help_text="At most 90 days before `until`.")
    until = InstantField()
    moments = serializers.ListField(
        child=InstantField(), default=list, max_length=100, help_text="When somebody else noticed."
    )


class ReplayedSerializer(serializers.Serializer[Any]):
    group = serializers.CharField()
    fired_at = InstantField()
    resolved_at = InstantField(allow_null=True, help_text="Null: it would fire still.")
    severity = serializers.ChoiceField(Severity.choices)
    text = serializers.CharField()


class AheadSerializer(serializers.Serializer[Any]):
    moment = InstantField()
    fired_at = InstantField(allow_null=True)
    minutes = serializers.FloatField(
        allow_null=True, help_text="Earlier than the moment; negative: later; null: not at all."
    )


class ReplaySerializer(serializers.Serializer[Any]):
    """What the rule would have done."""

    since = InstantField()
    until = InstantField()
    step_seconds = serializers.IntegerField(help_text="Between two looks.")
    firings = ReplayedSerializer(many=True)
    firing_minutes = serializers.FloatField(source="minutes", help_text="Summed over groups.")
    pages = serializers.IntegerField(help_text="Groups of one rule join a page that stands.")
    looks = serializers.DictField(child=serializers.IntegerField(), help_text="What looks said.")
    ahead = serializers.SerializerMethodField()

    @extend_schema_field(AheadSerializer(many=True))
    def get_ahead(self, done: Any) -> Any:
        return AheadSerializer(self.context["ahead"], many=True).data
