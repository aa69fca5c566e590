"""Outgoing webhooks as the API shows and takes them."""

from __future__ import annotations

import json
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.api.fields import IdField, InstantField, TextOrNull
from apps.notifications.models import WebhookDelivery, WebhookEndpoint
from apps.notifications.services import shown_url


class WebhookSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """An endpoint. `active` false: paused; `disabled_at`: switched off because it failed."""

    id = IdField()
    url = serializers.SerializerMethodField()
    events = serializers.ListField(source="patterns", child=serializers.CharField())
    active = serializers.BooleanField(source="is_active")
    disabled_at = InstantField(allow_null=True)
    disabled_reason = TextOrNull()
    failing_since = InstantField(allow_null=True)
    previous_secret_valid_until = InstantField(
        source="previous_valid_until",
        allow_null=True,
        help_text="Until then deliveries are signed with the secret before as well.",
    )
    created_at = InstantField()
    archived_at = InstantField(allow_null=True)

    class Meta:
        model = WebhookEndpoint
        fields = ["id", "description", "url", "events", "active", "disabled_at"]
        fields += ["disabled_reason", "failing_since", "previous_secret_valid_until"]
        fields += ["created_at", "archived_at"]

    def get_url(self, row: WebhookEndpoint) -> str:
        return shown_url(row)


class NewWebhookSerializer(WebhookSerializer):
    """An endpoint with its signing secret, which is answered this once."""

    secret = serializers.SerializerMethodField(help_text="`whsec_` and base64; keep it.")

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]

    def get_secret(self, row: WebhookEndpoint) -> str:
        return str(self.context.get("secret", ""))


class WebhookDeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """One event for one endpoint, and what came of the last attempt."""

    id = IdField()
    subject = serializers.SerializerMethodField(help_text="What it is about: `ticket 7`.")
    next_at = InstantField(help_text="The next attempt, while the status is pending.")
    last_error = TextOrNull()
    created_at = InstantField()
    delivered_at = InstantField(allow_null=True)

    class Meta:
        model = WebhookDelivery
        fields = ["id", "event", "webhook_id", "subject", "status", "attempts", "next_at"]
        fields += ["last_status", "last_error", "duration_ms", "created_at", "delivered_at"]

    def get_subject(self, row: WebhookDelivery) -> str:
        return f"{row.subject_kind} {row.subject_ref}"


class WebhookDeliveryDetailSerializer(WebhookDeliverySerializer):
    """The same with the body that was signed and sent."""

    payload = serializers.SerializerMethodField()

    class Meta(WebhookDeliverySerializer.Meta):
        fields = [*WebhookDeliverySerializer.Meta.fields, "payload"]

    @extend_schema_field({"type": "object"})
    def get_payload(self, row: WebhookDelivery) -> Any:
        return json.loads(row.payload)


class WebhookIn(serializers.Serializer[Any]):
    """An endpoint to add."""

    url = serializers.CharField(max_length=2048, help_text="Public and https.")
    description = serializers.CharField(max_length=120)
    events = serializers.ListField(
        child=serializers.CharField(max_length=60),
        max_length=50,
        help_text="Names, `ticket.*`, or `*`.",
    )


class WebhookPatch(WebhookIn):
    """What of an endpoint to change. `active` true also resumes one that was switched off."""

    url = serializers.CharField(max_length=2048, required=False)
    description = serializers.CharField(max_length=120, required=False)
    events = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=50, required=False
    )
    active = serializers.BooleanField(required=False)


class RotateIn(serializers.Serializer[Any]):
    """How long both secrets sign."""

    overlap_seconds = serializers.IntegerField(
        min_value=0, max_value=2_592_000, default=86_400, help_text="0: the old one stops at once."
    )
