"""Incidents and their timeline, as the API shows and takes them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.api.fields import PersonField
from apps.core.api.fields import IdField, InstantField, SurfaceKeyField, TextOrNull
from apps.core.transitions import allowed
from apps.incidents import services
from apps.incidents.models import Incident, IncidentLink, TimelineEntry
from apps.incidents.selectors import blockers


class IncidentRowSerializer(serializers.ModelSerializer[Incident]):
    id = serializers.CharField(source="ref", read_only=True)
    ref = serializers.CharField(read_only=True, help_text="INC-42")
    surface = SurfaceKeyField()
    type = serializers.CharField(
        source="type.key", read_only=True, allow_null=True, default=None, help_text="A type's key."
    )
    commander = PersonField(allow_null=True)
    impact_started_at = InstantField(allow_null=True)
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
        fields += ["type", "commander", "detection_source", "impact_started_at", "detected_at"]
        fields += ["declared_at", "acknowledged_at", "mitigated_at", "resolved_at", "closed_at"]


class BlockerSerializer(serializers.Serializer[Any]):
    """What stands in the way of a step; `field` of /transition answers it, or something must be
    done first."""

    to = serializers.CharField()
    reason = serializers.CharField()
    key = serializers.CharField(help_text="A stable word for it.")
    field = serializers.CharField(allow_blank=True)


class LinkSerializer(serializers.ModelSerializer[IncidentLink]):
    """What belongs to an incident, by kind and reference."""

    id = IdField()
    kind = serializers.CharField()
    ref = serializers.CharField()
    url = serializers.CharField(allow_blank=True)
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment] # DRF names its own property so
    relation = serializers.CharField()
    by = serializers.CharField(source="added_by_label")
    created_at = InstantField()

    class Meta:
        model = IncidentLink
        fields = ["id", "kind", "ref", "url", "label", "relation", "by", "created_at"]


class HeldRoleSerializer(serializers.Serializer[Any]):
    """Who has a role now, and since when."""

    role = serializers.CharField()
    person = PersonField()
    since = InstantField(source="from_at")
    why = serializers.CharField()


class IncidentSerializer(IncidentRowSerializer):
    """An incident; the answer to declaring one has the same shape."""

    surfaces = serializers.SerializerMethodField(help_text="The main surface, then the others.")
    participants = serializers.SerializerMethodField(help_text="E-mail addresses.")
    alerts = serializers.SerializerMethodField(help_text="Ids.")
    pages = serializers.SerializerMethodField(help_text="Ids.")
    links = LinkSerializer(many=True)
    next_states = serializers.SerializerMethodField(help_text="Where /transition can lead.")
    blockers = serializers.SerializerMethodField(help_text="What holds a step up, by step.")
    severity_alias = serializers.SerializerMethodField(help_text="The team's own word: p1.")
    suggested_severity = TextOrNull()
    commander_named = TextOrNull(help_text="How the first commander came about.")
    merged_into = serializers.CharField(
        source="merged_into.ref", read_only=True, allow_null=True, default=None
    )
    roles = serializers.SerializerMethodField(help_text="Who does what now.")

    class Meta(IncidentRowSerializer.Meta):
        fields = [*IncidentRowSerializer.Meta.fields, "summary", "impact_summary", "surfaces"]
        fields += ["participants", "alerts", "pages", "links", "next_states", "blockers"]
        fields += ["severity_alias", "suggested_severity", "severity_answers", "severity_reason"]
        fields += ["commander_named", "mitigation_note", "public_silence", "merged_into", "roles"]

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
        if incident.status == Incident.Status.MERGED:
            return []  # /unmerge leads out
        # What was declared once is opened again as under investigation.
        never = {Incident.Status.MERGED} | (
            {Incident.Status.TRIAGE} if incident.declared_at else set()
        )
        return sorted(allowed(incident) - never)

    @extend_schema_field(BlockerSerializer(many=True))
    def get_blockers(self, incident: Incident) -> list[Any]:
        return list(BlockerSerializer(blockers.of(incident), many=True).data)

    def get_severity_alias(self, incident: Incident) -> str:
        return str(self.context["aliases"].get(incident.severity, ""))

    @extend_schema_field(HeldRoleSerializer(many=True))
    def get_roles(self, incident: Incident) -> list[Any]:
        return list(HeldRoleSerializer(services.roles_of(incident), many=True).data)


class TimelineSerializer(serializers.ModelSerializer[TimelineEntry]):
    """`at` is when it happened, `recorded_at` when it was written down."""

    id = IdField()
    at = InstantField()
    recorded_at = InstantField()
    by = serializers.CharField(source="actor_label")
    subject = serializers.SerializerMethodField(help_text="What it is about: kind and ref.")
    corrects = serializers.CharField(
        source="corrects_id", read_only=True, allow_null=True, help_text="The id of another entry."
    )

    class Meta:
        model = TimelineEntry
        fields = ["id", "at", "recorded_at", "what", "text", "is_markdown", "by", "subject"]
        fields += ["corrects"]

    def get_subject(self, entry: TimelineEntry) -> dict[str, str] | None:
        if not entry.subject_kind:
            return None
        return {"kind": entry.subject_kind, "ref": entry.subject_ref, "url": entry.subject_url}


class AcknowledgedSerializer(serializers.Serializer[Any]):
    ref = serializers.CharField()
    acknowledged = serializers.IntegerField(help_text="How many pages waited.")
