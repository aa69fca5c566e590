from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.alerts.models import Alert, AlertNote
from apps.core.api.fields import IdField, InstantField, SurfaceKeyField, TextOrNull


class AlertRowSerializer(serializers.ModelSerializer[Alert]):
    """One thing that is wrong. `dedup_key` is unique inside its integration."""

    id = IdField()
    surface = SurfaceKeyField()
    integration = serializers.CharField(source="integration_id", help_text="The integration's id.")
    incident = TextOrNull(source="group.incident_ref", default=None, help_text="INC-42")
    page = TextOrNull(source="group.page_id", default=None, help_text="The page's id.")
    first_seen_at = InstantField()
    last_seen_at = InstantField()

    class Meta:
        model = Alert
        fields = ["id", "status", "severity", "kind", "summary", "dedup_key", "integration"]
        fields += ["surface", "count", "first_seen_at", "last_seen_at", "incident", "page"]


class AlertNoteSerializer(serializers.ModelSerializer[AlertNote]):
    id = IdField()
    at = InstantField()
    by = serializers.CharField(source="actor_label")

    class Meta:
        model = AlertNote
        fields = ["id", "at", "what", "text", "by"]


class AlertSerializer(AlertRowSerializer):
    source = TextOrNull()  # type: ignore[assignment] # DRF names its own property so
    component = TextOrNull()
    wanted_surface = TextOrNull(help_text="The unknown name that the event asked for.")
    routed_by = TextOrNull(help_text="What gave it its surface.")
    occurred_at = InstantField(allow_null=True)
    acknowledged_at = InstantField(allow_null=True)
    resolved_at = InstantField(allow_null=True)
    timeline = AlertNoteSerializer(source="notes", many=True)

    class Meta(AlertRowSerializer.Meta):
        fields = [*AlertRowSerializer.Meta.fields, "source", "component", "wanted_surface"]
        fields += ["routed_by", "occurred_at", "acknowledged_at", "resolved_at"]
        fields += ["links", "details", "timeline"]

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "class": TextOrNull(source="class_name")}  # a keyword


class AlertCommentIn(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=10_000, help_text="1 to 10,000 characters.")


class ResolveIn(serializers.Serializer[Any]):
    note = serializers.CharField(required=False, allow_blank=True, max_length=1_000)
