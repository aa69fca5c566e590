"""Silences over the API: a deployment mutes what it is about to touch, and ends that again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import bound_team
from apps.accounts.authentication import actor_of
from apps.accounts.roles import Scope
from apps.alerts import services
from apps.alerts.models import AlertRule, Silence
from apps.alerts.querysets import SilenceQuerySet
from apps.core import clock
from apps.core.api.fields import IdField, InstantField, SurfaceKeyField, TextOrNull, as_id
from apps.core.api.views import ListView, View, find, idempotent
from apps.core.errors import Invalid, NotAllowed
from apps.intake.models import Integration
from apps.ownership.api.fields import SurfaceField

SCOPES = {"read": Scope.EVENTS_READ, "write": Scope.INCIDENTS_WRITE}
DEPLOYMENT = OpenApiExample(
    "Before a deployment",
    value={
        "reason": "Release 1.8.0 restarts the profiler",
        "surface": "inspect.profiler",
        "ends_at": "2026-10-01T09:30:00Z",
    },
    request_only=True,
)


class SilenceFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    holding = django_filters.BooleanFilter(method="hold", help_text="Those that mute now; or not.")
    surface = django_filters.CharFilter(field_name="surface__key", help_text="A surface's key.")
    rule = django_filters.CharFilter(field_name="rule__key", help_text="A rule's key.")

    class Meta:
        model = Silence
        fields = ["holding", "surface", "rule"]

    def hold(self, rows: SilenceQuerySet, name: str, wanted: bool) -> SilenceQuerySet:
        now = clock.now()
        return rows.holding(now) if wanted else rows.exclude(pk__in=rows.holding(now))


class RuleField(serializers.CharField):
    """A rule that the asker may see, by key; any other name is refused."""

    def to_internal_value(self, data: Any) -> Any:
        key = super().to_internal_value(data).strip().lower()
        rows = AlertRule.objects.visible_to(self.context["request"].user).current()
        if (rule := rows.filter(key=key).first()) is None:
            raise serializers.ValidationError("No such rule, or none that you may see.")
        return rule


class IntegrationField(serializers.CharField):
    """An integration by its id; any other is refused."""

    def to_internal_value(self, data: Any) -> Any:
        pk = as_id(super().to_internal_value(data))
        rows = Integration.objects.filter(archived_at=None)
        if pk is None or (found := rows.filter(pk=pk).first()) is None:
            raise serializers.ValidationError("There is no such integration.")
        return found


class SilenceSerializer(serializers.ModelSerializer[Silence]):
    """Which alerts page nobody, why and until when. What it names must all fit."""

    id = IdField()
    surface = SurfaceKeyField(help_text="With all below it.")
    integration = TextOrNull(source="integration_id", help_text="The integration's id.")
    rule = TextOrNull(source="rule.key", default=None)
    dedup_key = TextOrNull(help_text="A pattern of * and ?.")
    by = TextOrNull(source="created_by.name", default=None, help_text="Null for a key.")
    starts_at = InstantField()
    ends_at = InstantField()
    ended_at = InstantField(help_text="When somebody ended it before its end.")
    state = serializers.SerializerMethodField()

    class Meta:
        model = Silence
        fields = ["id", "reason", "state", "surface", "integration", "rule", "dedup_key"]
        fields += ["starts_at", "ends_at", "ended_at", "by"]

    def get_fields(self) -> dict[str, Any]:
        """`class` is a keyword."""
        pattern = TextOrNull(source="class_name", help_text="A pattern of * and ?.")
        return {**super().get_fields(), "class": pattern}

    @extend_schema_field(serializers.ChoiceField(["planned", "holding", "over"]))
    def get_state(self, row: Silence) -> str:
        now: datetime = clock.now()
        if row.ended_at is not None or row.ends_at <= now:
            return "over"
        return "planned" if row.starts_at > now else "holding"


class SilenceIn(serializers.Serializer[Any]):
    """At least one of surface, integration, rule, dedup_key and class is named."""

    reason = serializers.CharField(max_length=300, help_text="Why nobody is to be paged.")
    starts_at = InstantField(required=False, help_text="Now, when it is not given.")
    ends_at = InstantField(help_text="At most 30 days after its start.")
    surface = SurfaceField(required=False, help_text="A key. All below it are muted, too.")
    integration = IntegrationField(required=False, help_text="An id.")
    rule = RuleField(required=False, help_text="A key.")
    dedup_key = serializers.CharField(
        required=False, max_length=300, help_text="A pattern of * and ?: disk:*"
    )

    def get_fields(self) -> dict[str, Any]:
        pattern = serializers.CharField(
            required=False, max_length=120, source="class_name", help_text="A pattern of * and ?."
        )
        return {**super().get_fields(), "class": pattern}


class SilencePatch(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, max_length=300)
    ends_at = InstantField(required=False)


def silences(user: Any) -> QuerySet[Silence]:
    rows = Silence.objects.visible_to(user)
    return rows.select_related("surface", "rule", "created_by")


def mine(request: Request, pk: str) -> Silence:
    """A silence that the asker may change: a key of a team changes those of its surfaces."""
    row, team = find(silences(request.user), pk), bound_team(request.user)
    if team is not None and (row.surface is None or row.surface.team_id != team.pk):
        raise NotAllowed("This key changes the silences of its team's surfaces alone.")
    return row


class SilenceList(ListView):
    """Silences, the latest first."""

    scopes = SCOPES
    serializer_class = SilenceSerializer
    filterset_class = SilenceFilter

    def get_queryset(self) -> QuerySet[Silence]:
        return silences(self.request.user)

    @extend_schema(request=SilenceIn, responses={201: SilenceSerializer}, examples=[DEPLOYMENT])
    @idempotent
    def post(self, request: Request) -> Response:
        """Page nobody for alerts that fit. They are kept; when it ends, what still stands pages."""
        given = self.body(SilenceIn)
        if bound_team(request.user) is not None and "surface" not in given:
            said = "A key of a team names one of its surfaces."
            raise Invalid(said, fields={"surface": [said]})
        row = services.create_silence(**given, actor=actor_of(request.user), now=clock.now())
        return Response(SilenceSerializer(row).data, status=201)


class SilenceDetail(View):
    scopes = SCOPES

    @extend_schema(responses=SilenceSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """One silence."""
        return Response(SilenceSerializer(find(silences(request.user), pk)).data)

    @extend_schema(request=SilencePatch, responses=SilenceSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        """Change its reason or its end. 409 once it is over."""
        services.change_silence(
            silence=mine(request, pk),
            fields=self.body(SilencePatch),
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(SilenceSerializer(find(silences(request.user), pk)).data)


class SilenceEnd(View):
    """End it now: what it muted and still stands pages within a minute. 409 once it is over."""

    scopes = SCOPES

    @extend_schema(request=None, responses={200: SilenceSerializer})
    @idempotent
    def post(self, request: Request, pk: str) -> Response:
        services.end_silence(
            silence=mine(request, pk), actor=actor_of(request.user), now=clock.now()
        )
        return Response(SilenceSerializer(find(silences(request.user), pk)).data)
