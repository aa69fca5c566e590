"""Surfaces on the wire: by key."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.ownership.models import Surface


class SurfaceField(serializers.CharField):
    """A current surface that the asker may see, by key; any other name is refused."""

    def to_internal_value(self, data: Any) -> Any:
        key = super().to_internal_value(data).strip().lower()
        rows = Surface.objects.visible_to(self.context["request"].user).current()
        surface = rows.filter(key=key).first()
        if surface is None:
            raise serializers.ValidationError("No such surface, or none that you may see.")
        return surface

    def to_representation(self, value: Any) -> str:
        return str(value.key)
