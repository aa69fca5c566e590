from __future__ import annotations

from rest_framework import serializers

from apps.changes.models import Change
from apps.core.api.fields import IdField, InstantField, SurfaceKeyField


class ChangeSerializer(serializers.ModelSerializer[Change]):
    """What changed where; `ref` is the source's own name for it."""

    id = IdField()
    surface = SurfaceKeyField()
    occurred_at = InstantField()
    recorded_at = InstantField()

    class Meta:
        model = Change
        fields = ["id", "kind", "ref", "url", "summary", "surface", "source"]
        fields += ["occurred_at", "recorded_at", "details"]
