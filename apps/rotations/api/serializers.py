"""Schedules, shifts and who is on call, as the API shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.api.fields import PersonField
from apps.core.api.fields import IdField, InstantField
from apps.rotations.models import Layer, LayerVersion, Override, Role, Schedule


class OnCallQuery(serializers.Serializer[Any]):
    surface = serializers.CharField(required=False, help_text="A surface's key.")
    team = serializers.CharField(required=False, help_text="A team's key.")
    schedule = serializers.CharField(required=False, help_text="A schedule's key or id.")
    at = InstantField(required=False, help_text="Default: now. At most 390 days ahead.")


class WindowQuery(serializers.Serializer[Any]):
    start = InstantField(required=False, help_text="Default: now.")
    end = InstantField(required=False, help_text="Default: 14 days after the start.")


class NextSerializer(serializers.Serializer[Any]):
    user = serializers.EmailField()
    user_id = serializers.CharField()
    user_name = serializers.CharField()
    start = InstantField()


class OnCallRowSerializer(serializers.Serializer[Any]):
    """One person on call. `user` is their sign-in address; their contact methods stay private."""

    schedule = serializers.CharField(help_text="The schedule's key.")
    schedule_id = serializers.CharField()
    schedule_name = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    user = serializers.EmailField()
    user_id = serializers.CharField()
    user_name = serializers.CharField()
    since = InstantField()
    until = InstantField()
    cause = serializers.CharField(help_text="rotation, override, swap, skip or temporary")
    reachable = serializers.BooleanField(help_text="Whether they have proved a contact method.")
    route = serializers.ChoiceField(
        [("wakes", "Something that rings"), ("email", "E-mail alone"), ("in_app", "Demo mailbox")]
    )
    next = NextSerializer(allow_null=True, help_text="Who comes on next in this role.")


class OnCallGapSerializer(serializers.Serializer[Any]):
    """A schedule without anybody on call at the instant, or a surface without a schedule."""

    schedule = serializers.CharField(allow_null=True)
    schedule_id = serializers.CharField(allow_null=True)
    surface = serializers.CharField(allow_null=True)
    until = InstantField(allow_null=True, help_text="When somebody comes on; null: unknown.")
    cause = serializers.CharField(
        help_text="no_schedule, no_layer, override, outside_windows, empty_turn or deactivated"
    )


class OnCallSerializer(serializers.Serializer[Any]):
    at = InstantField()
    results = OnCallRowSerializer(many=True)
    gaps = OnCallGapSerializer(many=True)


class TeamKeyField(serializers.CharField):
    """The team's key on its way out, null without one."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("source", "team.key")
        super().__init__(read_only=True, allow_null=True, default=None, **options)


class ScheduleRowSerializer(serializers.ModelSerializer[Schedule]):
    id = IdField()
    team = TeamKeyField()

    class Meta:
        model = Schedule
        fields = ["id", "key", "name", "team", "time_zone", "layer_mode", "min_people"]


class RotationOutSerializer(serializers.Serializer[Any]):
    unit = serializers.CharField()
    every = serializers.IntegerField()
    anchor_local = serializers.CharField()
    participants = serializers.ListField(child=serializers.EmailField(allow_null=True))
    advance = serializers.CharField()


class WindowOutSerializer(serializers.Serializer[Any]):
    days = serializers.ListField(child=serializers.CharField())
    start = serializers.CharField()
    end = serializers.CharField()


class LayerOutSerializer(serializers.Serializer[Any]):
    """A dated version of a layer, in the form that `schedules/preview` takes."""

    name = serializers.CharField()
    priority = serializers.IntegerField()
    role = serializers.ChoiceField(Role.choices)
    time_zone = serializers.CharField()
    effective_from = InstantField()
    effective_to = InstantField(allow_null=True)
    windows = WindowOutSerializer(many=True)
    rotation = RotationOutSerializer()


def layer_out(layer: Layer, version: LayerVersion) -> dict[str, Any]:
    """One version as `LayerOutSerializer` describes it; members must be prefetched."""
    anchor = f"{version.anchor_date.isoformat()}T{version.anchor_time.isoformat('minutes')}"
    members = sorted(version.members.all(), key=lambda member: member.position)
    return {
        "name": layer.name,
        "priority": layer.priority,
        "role": layer.role,
        "time_zone": version.time_zone,
        "effective_from": version.effective_from,
        "effective_to": version.effective_to,
        "windows": version.windows,
        "rotation": {
            "unit": version.unit,
            "every": version.every,
            "anchor_local": anchor,
            "participants": [m.person.email if m.person else None for m in members],
            "advance": version.advance,
        },
    }


class OverrideSerializer(serializers.ModelSerializer[Override]):
    id = IdField()
    schedule = serializers.CharField(source="schedule.key", read_only=True)
    user = PersonField(source="person", read_only=True)
    replaces = PersonField(read_only=True, allow_null=True)
    layer = serializers.CharField(
        source="layer.name", read_only=True, allow_null=True, default=None
    )
    start = InstantField(source="start_at")
    end = InstantField(source="end_at")

    class Meta:
        model = Override
        fields = ["id", "schedule", "kind", "user", "replaces", "layer", "start", "end", "reason"]


class OverrideIn(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(Override.Kind.choices)
    user = PersonField(
        help_text="Who is on call instead, as well or only; for `remove`: who is off."
    )
    replaces = PersonField(required=False, help_text="Whose turn it was; needed for `replace`.")
    start = InstantField()
    end = InstantField()
    layer = serializers.CharField(
        required=False, help_text="A layer's name; without one the whole schedule."
    )
    reason = serializers.CharField(required=False, allow_blank=True, max_length=200)


class ScheduleSerializer(ScheduleRowSerializer):
    surfaces = serializers.SerializerMethodField(help_text="Keys of the surfaces it covers.")
    layers = serializers.SerializerMethodField(help_text="Versions in force now or later.")
    overrides = serializers.SerializerMethodField(help_text="Standing ones that are not over.")

    class Meta(ScheduleRowSerializer.Meta):
        fields = [*ScheduleRowSerializer.Meta.fields, "surfaces", "layers", "overrides"]

    def get_surfaces(self, schedule: Schedule) -> list[str]:
        rows = schedule.covers.filter(surface__archived_at=None).order_by("surface__key")
        return list(rows.values_list("surface__key", flat=True))

    def get_layers(self, schedule: Schedule) -> list[dict[str, Any]]:
        now = self.context["now"]
        versions = (
            LayerVersion.objects.filter(layer__schedule=schedule)
            .exclude(effective_to__lte=now)
            .select_related("layer")
            .prefetch_related("members__person")
            .order_by("-layer__priority", "layer_id", "effective_from")
        )
        rows = [layer_out(version.layer, version) for version in versions]
        return list(LayerOutSerializer(rows, many=True).data)

    def get_overrides(self, schedule: Schedule) -> list[dict[str, Any]]:
        rows = (
            schedule.overrides.standing()
            .filter(end_at__gt=self.context["now"])
            .select_related("schedule", "person", "replaces", "layer")
            .order_by("start_at", "pk")
        )
        return list(OverrideSerializer(rows[:200], many=True).data)


class ShiftSerializer(serializers.Serializer[Any]):
    """One person's stretch, clipped to the window, half-open."""

    user = serializers.EmailField()
    user_id = serializers.CharField()
    user_name = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    layer = serializers.CharField(allow_null=True)
    start = InstantField()
    end = InstantField()
    cause = serializers.CharField()
    planned_user = serializers.EmailField(
        allow_null=True, help_text="Whom the layer had planned; null where a change added them."
    )


class GapSerializer(serializers.Serializer[Any]):
    """Nobody but shadows is on call."""

    start = InstantField()
    end = InstantField()
    cause = serializers.CharField(help_text="no_layer, override, outside_windows or empty_turn")


class ShiftsSerializer(serializers.Serializer[Any]):
    schedule = serializers.CharField()
    start = InstantField()
    end = InstantField()
    shifts = ShiftSerializer(many=True)
    gaps = GapSerializer(many=True)


class ThinSerializer(serializers.Serializer[Any]):
    start = InstantField()
    end = InstantField()
    people = serializers.IntegerField()


class CoverageSerializer(serializers.Serializer[Any]):
    """How well a window is covered."""

    schedule = serializers.CharField()
    start = InstantField()
    end = InstantField()
    min_people = serializers.IntegerField()
    total_seconds = serializers.IntegerField()
    covered_seconds = serializers.IntegerField()
    gaps = GapSerializer(many=True)
    thin = ThinSerializer(many=True, help_text="Somebody, but fewer than min_people.")
    email_only = serializers.ListField(
        child=serializers.EmailField(), help_text="People on call whom nothing can wake."
    )
