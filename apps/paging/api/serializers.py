"""Pages, and a surface with everything that decides who is woken for it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from apps.accounts.api.fields import PersonField
from apps.core.api.fields import IdField, InstantField, SurfaceKeyField
from apps.ownership import selectors as ownership
from apps.ownership.api.serializers import DependencySerializer, SurfaceRowSerializer
from apps.ownership.models import Surface
from apps.paging.models import EscalationPolicy, Page, PageNote, PageStep, SurfacePolicy
from apps.rotations import selectors as rotations

BUILT_IN = "Standard"  # what a site without a policy of its own uses


class OpenerSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(source="opener_kind")
    ref = serializers.CharField(source="opener_ref")
    url = serializers.CharField(source="opener_url", allow_blank=True)


class PageRowSerializer(serializers.ModelSerializer[Page]):
    id = IdField()
    surface = SurfaceKeyField()
    opener = OpenerSerializer(source="*")
    opened_at = InstantField()
    next_at = InstantField(allow_null=True, help_text="When the next step is taken.")
    acknowledged_at = InstantField(allow_null=True)
    acknowledged_by = serializers.CharField(source="acknowledged_label", allow_blank=True)
    acknowledged_user = PersonField(source="acknowledged_by", allow_null=True)
    resolved_at = InstantField(allow_null=True)

    class Meta:
        model = Page
        fields = ["id", "status", "kind", "urgency", "label", "summary", "surface", "opener"]
        fields += ["opened_at", "next_at", "acknowledged_at", "acknowledged_by"]
        fields += ["acknowledged_user", "resolved_at"]


class PageStepSerializer(serializers.ModelSerializer[PageStep]):
    """A step that was taken and whom it told; `step` counts from 0."""

    people = serializers.SerializerMethodField()
    due_at = InstantField()
    taken_at = InstantField()

    class Meta:
        model = PageStep
        fields = ["round", "loop", "step", "due_at", "taken_at", "people", "note"]

    def get_people(self, step: PageStep) -> list[str]:
        return [person.email for person in step.people.all()]


class NoteSerializer(serializers.ModelSerializer[PageNote]):
    at = InstantField()
    by = serializers.CharField(source="actor_label")

    class Meta:
        model = PageNote
        fields = ["at", "what", "text", "by"]


class PageSerializer(PageRowSerializer):
    policy = serializers.SerializerMethodField(help_text="The name of the policy it froze.")
    steps = PageStepSerializer(source="steps_taken", many=True)
    timeline = NoteSerializer(source="notes", many=True)

    class Meta(PageRowSerializer.Meta):
        fields = [*PageRowSerializer.Meta.fields, "policy", "steps", "timeline"]

    def get_policy(self, page: Page) -> str:
        return str(page.policy_snapshot.get("name", ""))


class SurfaceSerializer(SurfaceRowSerializer):
    """One surface. The context needs `owners`, `now` and `visible`, the surfaces one may see."""

    dependencies = serializers.SerializerMethodField(help_text="What it leans on.")
    blast_radius = serializers.SerializerMethodField(
        help_text="Keys of the surfaces that fail with it, nearest first."
    )
    schedule = serializers.SerializerMethodField(help_text="The schedule that covers it.")
    on_call = serializers.SerializerMethodField(help_text="Who is on call for it now.")
    policy = serializers.SerializerMethodField(help_text="The escalation policy it uses.")

    class Meta(SurfaceRowSerializer.Meta):
        fields = [*SurfaceRowSerializer.Meta.fields, "description", "dashboard_url", "logs_url"]
        fields += ["repository_url", "dependencies", "blast_radius"]
        fields += ["schedule", "on_call", "policy"]

    def _visible(self) -> QuerySet[Surface]:
        rows: QuerySet[Surface] = self.context["visible"]
        return rows

    def get_dependencies(self, surface: Surface) -> list[dict[str, Any]]:
        seen = set(self._visible().values_list("pk", flat=True))
        rows = surface.dependencies.select_related("on_surface", "on_party").order_by("pk")
        shown = [row for row in rows if row.on_surface_id is None or row.on_surface_id in seen]
        return list(DependencySerializer(shown, many=True).data)

    def get_blast_radius(self, surface: Surface) -> list[str]:
        seen = set(self._visible().values_list("pk", flat=True))
        return [hit.key for hit in ownership.blast_radius(surface) if hit.pk in seen]

    def get_schedule(self, surface: Surface) -> str | None:
        schedule = rotations.schedule_of(surface)
        return schedule.key if schedule else None

    def get_on_call(self, surface: Surface) -> list[str]:
        schedule = rotations.schedule_of(surface)
        people = rotations.on_call(schedule, at=self.context["now"]) if schedule else []
        return [person.email for person in people]

    def get_policy(self, surface: Surface) -> str:
        keys = [key for key in (surface.pk, surface.parent_id) if key]
        rows = SurfacePolicy.objects.filter(surface_id__in=keys, policy__archived_at=None)
        named = {row.surface_id: row.policy.name for row in rows.select_related("policy")}
        default = EscalationPolicy.objects.filter(is_default=True).values_list("name", flat=True)
        own = named.get(surface.pk) or named.get(surface.parent_id or 0)
        return own or default.first() or BUILT_IN
