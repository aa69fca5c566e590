"""Deliveries: what came in and what it became."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.core.api.fields import IdField, InstantField, TextOrNull
from apps.intake.models import Delivery, Event


class EventSerializer(serializers.ModelSerializer[Event]):
    """A canonical event; null where the source gave nothing."""

    dedup_key = TextOrNull()
    group_key = TextOrNull()
    severity = TextOrNull()
    summary = TextOrNull()
    source = TextOrNull()  # type: ignore[assignment] # DRF names its own property so
    component = TextOrNull()
    surface = TextOrNull(source="surface_key", help_text="As the sender wrote it.")
    occurred_at = InstantField(allow_null=True)

    class Meta:
        model = Event
        fields = ["kind", "action", "dedup_key", "group_key", "severity", "summary", "source"]
        fields += ["component", "surface", "occurred_at", "links", "details", "test"]

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "class": TextOrNull(source="class_name")}  # a keyword


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One request body that was taken. Its events are there once the engine has read it."""

    id = IdField()
    integration = serializers.CharField(source="integration_id", help_text="The integration's id.")
    integration_name = serializers.CharField(source="integration.name")
    received_at = InstantField()
    normalised_at = InstantField(allow_null=True)
    state = serializers.ChoiceField(Delivery.Status.choices, source="status")
    error = TextOrNull(help_text="Why it is quarantined.")
    events = EventSerializer(many=True)

    class Meta:
        model = Delivery
        fields = ["id", "integration", "integration_name", "adapter", "received_at"]
        fields += ["normalised_at", "state", "error", "events"]
