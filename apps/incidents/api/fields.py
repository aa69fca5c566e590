"""What belongs to incidents on the wire: incidents by reference, the rest by key."""

from __future__ import annotations

import re
from typing import Any

from rest_framework import serializers

from apps.incidents.models import Audience, CommsTemplate, Incident, IncidentType
from apps.rotations.models import Schedule

_REF = re.compile(r"INC-([0-9]{1,18})", re.IGNORECASE)


def number_of(ref: str) -> str:
    """The id behind INC-42 as text; empty for what is no reference."""
    match = _REF.fullmatch(ref.strip())
    return match[1] if match else ""


class IncidentField(serializers.CharField):
    """Another incident that the asker may see, by its reference."""

    def to_internal_value(self, data: Any) -> Any:
        number = number_of(super().to_internal_value(data))
        rows = Incident.objects.visible_to(self.context["request"].user)
        incident = rows.filter(pk=number).first() if number else None
        if incident is None:
            raise serializers.ValidationError("There is no such incident.")
        return incident

    def to_representation(self, value: Any) -> str:
        return str(value.ref)


class _ByKey(serializers.CharField):
    """A row in use, by its key."""

    model: type[Any]
    missing = "There is none with this key."

    def to_internal_value(self, data: Any) -> Any:
        key = super().to_internal_value(data).strip().lower()
        row = self.model._default_manager.filter(key=key, archived_at=None).first()
        if row is None:
            raise serializers.ValidationError(self.missing)
        return row

    def to_representation(self, value: Any) -> str:
        return str(value.key)


class IncidentTypeField(_ByKey):
    model, missing = IncidentType, "There is no such type of incident."


class AudienceField(_ByKey):
    model, missing = Audience, "There is no such audience."


class CommsTemplateField(_ByKey):
    model, missing = CommsTemplate, "There are no such prepared words."


class ScheduleField(serializers.CharField):
    """A schedule in use that the asker may see, by key."""

    def to_internal_value(self, data: Any) -> Any:
        key = super().to_internal_value(data).strip().lower()
        rows = Schedule.objects.visible_to(self.context["request"].user).current()
        schedule = rows.filter(key=key).first()
        if schedule is None:
            raise serializers.ValidationError("No such schedule, or none that you may see.")
        return schedule

    def to_representation(self, value: Any) -> str:
        return str(value.key)
