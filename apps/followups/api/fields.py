"""Follow-ups on the wire: by reference; factors by key."""

from __future__ import annotations

import re
from typing import Any

from rest_framework import serializers

from apps.followups.models import Factor

_REF = re.compile(r"FUP-([0-9]{1,18})", re.IGNORECASE)


def number_of(ref: str) -> str:
    """The id behind FUP-7 as text; empty for what is no reference."""
    match = _REF.fullmatch(ref.strip())
    return match[1] if match else ""


class FactorField(serializers.CharField):
    """A contributing factor in use, by key."""

    def to_internal_value(self, data: Any) -> Any:
        key = super().to_internal_value(data).strip().lower()
        if (row := Factor.objects.current().filter(key=key).first()) is None:
            raise serializers.ValidationError("There is no such factor.")
        return row

    def to_representation(self, value: Any) -> str:
        return str(value.key)
