"""Incidents and their timeline, as the API shows and takes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.api.fields import PersonField
from apps.core.api.fields import IdField, InstantField, SurfaceKeyField, TextOrNull
from apps.core.models import Kind
from apps.core.transitions import allowed
from apps.incidents.models import Incident, Severity, TimelineEntry
from apps.ownership.api.fields import SurfaceField

# Merging names the other incident: it is a verb of its own, not a step.
STEPS = [choice for choice in Incident.Status.choices if choice[0] != Incident.Status.MERGED]


class IncidentRowSerializer(serializers.ModelSerializer[Incident]):
    id = serializers.CharField(source="ref", read_only=True)
    ref = serializers.CharField(read_only=True, help_text="INC-42")
    surface = SurfaceKeyField()
    commander = PersonField(allow_null=True)
    detection_source = TextOrNull()
    detected_at = InstantField()
    declared_at = InstantField(allow_null=True)
    acknowledged_at = InstantField(allow_null=True)
    mitigated_at = InstantField(allow_null=True)
    resolved_at = InstantField(allow_null=True)
    closed_at = InstantField(allow_null=True)

    class Meta:
        model = Incident
        fields = ["id", "ref", "title", "status", "severity", "kind", "visibility", "surface"]
        fields += ["commander", "detection_source", "detected_at", "declared_at"]
        fields += ["acknowledged_at", "mitigated_at", "resolved_at", "closed_at"]


class BlockerSerializer(serializers.Serializer[Any]):
    """What stands in the way of a step."""

    to = serializers.CharField()
    reason = serializers.CharField()


class LinkSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    ref = serializers.CharField()
    url = serializers.CharField(allow_blank=True)
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment] # DRF names its own property so
    relation = serializers.CharField()


class IncidentSerializer(IncidentRowSerializer):
    """An incident; the answer to declaring one has the same shape."""

    surfaces = serializers.SerializerMethodField(help_text="The main surface, then the others.")
    participants = serializers.SerializerMethodField(help_text="E-mail addresses.")
    alerts = serializers.SerializerMethodField(help_text="Ids.")
    pages = serializers.SerializerMethodField(help_text="Ids.")
    links = LinkSerializer(many=True)
    next_states = serializers.SerializerMethodField(help_text="Where /transition can lead.")
    blockers = serializers.SerializerMethodField(help_text="What holds a step up; none so far.")

    class Meta(IncidentRowSerializer.Meta):
        fields = [*IncidentRowSerializer.Meta.fields, "summary", "impact_summary", "surfaces"]
        fields += ["participants", "alerts", "pages", "links", "next_states", "blockers"]

    def get_surfaces(self, incident: Incident) -> list[str]:
        main = [incident.surface.key] if incident.surface else []
        return main + self._refs(incident, "surface")

    def get_participants(self, incident: Incident) -> list[str]:
        return sorted(person.email for person in incident.participants.all())

    def get_alerts(self, incident: Incident) -> list[str]:
        return self._refs(incident, "alert")

    def get_pages(self, incident: Incident) -> list[str]:
        return self._refs(incident, "page")

    def _refs(self, incident: Incident, kind: str) -> list[str]:
        return [link.ref for link in incident.links.all() if link.kind == kind]

    def get_next_states(self, incident: Incident) -> list[str]:
        return sorted(allowed(incident) - {Incident.Status.MERGED})

    def get_blockers(self, incident: Incident) -> list[dict[str, str]]:
        return list(BlockerSerializer([], many=True).data)


class TimelineSerializer(serializers.ModelSerializer[TimelineEntry]):
    """`at` is when it happened, `recorded_at` when it was written down."""

    id = IdField()
    at = InstantField()
    recorded_at = InstantField()
    by = serializers.CharField(source="actor_label")
    subject = serializers.SerializerMethodField(help_text="What it is about: kind and ref.")

    class Meta:
        model = TimelineEntry
        fields = ["id", "at", "recorded_at", "what", "text", "is_markdown", "by", "subject"]

    def get_subject(self, entry: TimelineEntry) -> dict[str, str] | None:
        if not entry.subject_kind:
            return None
        return {"kind": entry.subject_kind, "ref": entry.subject_ref, "url": entry.subject_url}


class IncidentIn(serializers.Serializer[Any]):
    """An incident to declare. The first surface decides who sees it; the rest are linked."""

    title = serializers.CharField(max_length=200)
    severity = serializers.ChoiceField(Severity.choices)
    surfaces = serializers.ListField(
        child=SurfaceField(), required=False, max_length=50, help_text="Keys; the main one first."
    )
    summary = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    kind = serializers.ChoiceField(Kind.choices, required=False)
    detection_source = serializers.ChoiceField(Incident.Detection.choices, required=False)


class TransitionIn(serializers.Serializer[Any]):
    """A step. Reopening takes a `note` with the reason."""

    to = serializers.ChoiceField(STEPS)
    note = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    impact_summary = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    detection_source = serializers.ChoiceField(Incident.Detection.choices, required=False)
    no_public_message = serializers.CharField(
        required=False, allow_blank=True, max_length=1_000, help_text="Why the public is not told."
    )


class IncidentCommentIn(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=10_000, help_text="Markdown.")


class AcknowledgedSerializer(serializers.Serializer[Any]):
    ref = serializers.CharField()
    acknowledged = serializers.IntegerField(help_text="How many pages waited.")
