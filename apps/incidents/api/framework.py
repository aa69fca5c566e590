"""The severity framework: levels, the question of which one, types of incidents."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import View
from apps.incidents import severity_matrix as matrix
from apps.incidents.api.inputs import AnswersIn
from apps.incidents.api.rows import SCOPES
from apps.incidents.models import Audience, IncidentType, SeverityLevel
from apps.incidents.selectors import framework


class LevelSerializer(serializers.ModelSerializer[SeverityLevel]):
    """What a level means and asks for; spans in seconds from the declaration, null for nothing.

    `clock` says which hours count for them, but for the cadence, which is always by the wall.
    """

    examples = serializers.SerializerMethodField()
    audiences = serializers.SerializerMethodField(help_text="Keys of whom to tell.")

    class Meta:
        model = SeverityLevel
        fields = ["key", "name", "alias", "definition", "examples", "clock"]
        fields += ["acknowledge_seconds", "commander_seconds", "internal_update_seconds"]
        fields += ["public_update_seconds", "cadence_first_seconds", "cadence_after_seconds"]
        fields += ["cadence_switch_seconds", "mitigate_seconds", "review", "review_draft_days"]
        fields += ["review_publish_days", "review_by_another", "approve_updates"]
        fields += ["follow_up_days_p0", "follow_up_days_p1", "follow_up_days_p2", "freezes"]
        fields += ["audiences"]

    def get_examples(self, level: SeverityLevel) -> list[str]:
        return [line.strip() for line in level.examples.splitlines() if line.strip()]

    def get_audiences(self, level: SeverityLevel) -> list[str]:
        return [audience.key for audience in level.audiences.all()]


class ChoiceSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    text = serializers.CharField()


class QuestionSerializer(serializers.Serializer[Any]):
    """One of the four questions with its answers, the mildest first."""

    key = serializers.CharField()
    text = serializers.CharField()
    choices = ChoiceSerializer(many=True)


class FrameworkSerializer(serializers.Serializer[Any]):
    """The levels, the worst first, and the questions that suggest one."""

    levels = LevelSerializer(many=True)
    questions = QuestionSerializer(many=True)


class Severities(View):
    scopes = SCOPES

    @extend_schema(responses=FrameworkSerializer)
    def get(self, request: Request) -> Response:
        """The severity levels, and the questions that suggest one."""
        data = {"levels": framework.levels(), "questions": matrix.QUESTIONS}
        return Response(FrameworkSerializer(data).data)


class SuggestionSerializer(serializers.Serializer[Any]):
    """The level that the answers suggest, and why."""

    severity = serializers.CharField(source="key")
    why = serializers.CharField()


class SeveritySuggestion(View):
    scopes = SCOPES
    query = AnswersIn

    @extend_schema(
        operation_id="severities_suggest", parameters=[AnswersIn], responses=SuggestionSerializer
    )
    def get(self, request: Request) -> Response:
        """Which severity the four answers suggest. One that is missing counts as the worse."""
        return Response(SuggestionSerializer(matrix.suggest(self.asked())).data)


class TypeSerializer(serializers.ModelSerializer[IncidentType]):
    """A type of incident; a restricted one is seen by managers and those on it at first."""

    class Meta:
        model = IncidentType
        fields = ["key", "name", "description", "starts_restricted"]


class IncidentTypes(View):
    scopes = SCOPES

    @extend_schema(responses=TypeSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The types of incidents in use, in their order."""
        return Response(TypeSerializer(framework.types(), many=True).data)


class AudienceSerializer(serializers.ModelSerializer[Audience]):
    """Who is told, and by which ways."""

    class Meta:
        model = Audience
        fields = ["key", "name", "description", "side", "on_status_page", "to_subscribers"]
        fields += ["to_tickets", "to_participants"]


class Audiences(View):
    scopes = SCOPES

    @extend_schema(responses=AudienceSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The audiences in use."""
        rows: QuerySet[Audience] = Audience.objects.filter(archived_at=None)
        return Response(AudienceSerializer(rows.order_by("position", "key"), many=True).data)
