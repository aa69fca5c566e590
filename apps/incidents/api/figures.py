"""How incidents went, in figures; never a bare mean, and kinds never mixed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.fields import InstantField
from apps.core.api.views import View
from apps.core.models import Kind
from apps.incidents.api.rows import SCOPES
from apps.incidents.metrics import Summary
from apps.incidents.models import Severity
from apps.incidents.selectors.figures import Figures, figures

USUAL = timedelta(days=90)


class FiguresQuery(serializers.Serializer[Any]):
    since = InstantField(required=False, help_text="Detected then or later; 90 days ago if empty.")
    until = InstantField(required=False, help_text="Detected before.")
    kind = serializers.ChoiceField(Kind.choices, required=False, help_text="real if empty.")
    severity = serializers.ChoiceField(Severity.choices, required=False)
    surface = serializers.CharField(required=False, max_length=80, help_text="A surface's key.")


class ValueSerializer(serializers.Serializer[Any]):
    ref = serializers.CharField()
    seconds = serializers.FloatField()


class MetricSerializer(serializers.Serializer[Any]):
    """One figure in seconds: median and p90 with `n` and every value, the longest first. `missing`
    are incidents without one of its two milestones."""

    key = serializers.CharField()
    name = serializers.CharField()
    explanation = serializers.CharField()
    n = serializers.IntegerField()
    median = serializers.FloatField(allow_null=True)
    p90 = serializers.FloatField(allow_null=True)
    mean = serializers.FloatField(allow_null=True)
    values = ValueSerializer(many=True)
    missing = serializers.ListField(child=serializers.CharField())


class ShareSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(allow_blank=True)
    label = serializers.CharField()  # type: ignore[assignment] # DRF names its own property so
    n = serializers.IntegerField()
    share = serializers.FloatField(help_text="0 to 1")


class FiguresSerializer(serializers.Serializer[Any]):
    """Figures over the incidents of one kind, declined and merged ones left out."""

    kind = serializers.CharField()
    since = InstantField()
    until = InstantField(allow_null=True)
    n = serializers.IntegerField()
    metrics = MetricSerializer(many=True)
    detection = ShareSerializer(many=True, help_text="What noticed them first.")
    severities = ShareSerializer(many=True)
    is_cut = serializers.BooleanField(help_text="There were more than one look takes in.")


class IncidentMetrics(View):
    scopes = SCOPES
    query = FiguresQuery

    @extend_schema(
        operation_id="incident_metrics", parameters=[FiguresQuery], responses=FiguresSerializer
    )
    def get(self, request: Request) -> Response:
        """Times to detect, acknowledge, mitigate and resolve over the incidents one may see."""
        given = self.asked()
        since = given.pop("since", None) or clock.now() - USUAL
        found = figures(user=request.user, since=since, **given)
        return Response(FiguresSerializer(_plain(found)).data)


def _plain(found: Figures) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "since": found.since,
        "until": found.until,
        "n": found.n,
        "metrics": [_metric(summary) for summary in found.summaries.values()],
        "detection": found.detection,
        "severities": found.severities,
        "is_cut": found.is_cut,
    }


def _metric(summary: Summary) -> dict[str, Any]:
    return {
        "key": summary.metric.key,
        "name": summary.metric.name,
        "explanation": summary.metric.explanation,
        "n": summary.n,
        "median": summary.median,
        "p90": summary.p90,
        "mean": summary.mean,
        "values": [{"ref": ref, "seconds": seconds} for ref, seconds in summary.values],
        "missing": list(summary.missing),
    }
