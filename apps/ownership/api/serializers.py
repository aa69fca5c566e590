"""Surfaces and who answers for them, as the API shows and takes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.api.fields import PersonField, TeamField, bound_team
from apps.core.api.fields import IdField
from apps.ownership.api.fields import SurfaceField
from apps.ownership.models import Surface, SurfaceDependency
from apps.ownership.selectors import Owners
from apps.ownership.services import EDITABLE, Role


class SurfaceRowSerializer(serializers.ModelSerializer[Surface]):
    """A surface with its owners now. The context's `owners` maps surface ids to them."""

    id = IdField()
    team = serializers.CharField(source="team.key", read_only=True, allow_null=True, default=None)
    parent = serializers.CharField(  # type: ignore[assignment] # DRF names its own property so
        source="parent.key", read_only=True, allow_null=True, default=None
    )
    primary = serializers.SerializerMethodField(help_text="Who answers for it; null: nobody.")
    backup = serializers.SerializerMethodField()

    class Meta:
        model = Surface
        fields = ["id", "key", "name", "kind", "tier", "lifecycle", "team", "parent"]
        fields += ["primary", "backup"]

    def get_primary(self, surface: Surface) -> str | None:
        person = self._owners(surface).primary
        return person.email if person else None

    def get_backup(self, surface: Surface) -> str | None:
        person = self._owners(surface).backup
        return person.email if person else None

    def _owners(self, surface: Surface) -> Owners:
        found: Owners = self.context["owners"].get(surface.pk, Owners())
        return found


class DependencySerializer(serializers.ModelSerializer[SurfaceDependency]):
    """What a surface leans on: either another surface or an external party."""

    surface = serializers.CharField(source="on_surface.key", allow_null=True, default=None)
    party = serializers.CharField(source="on_party.key", allow_null=True, default=None)

    class Meta:
        model = SurfaceDependency
        fields = ["surface", "party", "strength", "note"]


class SurfaceIn(serializers.Serializer[Any]):
    """A surface to create. A key that is bound to a team creates in that team alone."""

    key = serializers.CharField(max_length=80)
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    kind = serializers.ChoiceField(Surface.Kind.choices, required=False)
    tier = serializers.ChoiceField(Surface.Tier.choices, required=False)
    lifecycle = serializers.ChoiceField(Surface.Lifecycle.choices, required=False)
    team = TeamField(required=False, allow_null=True)
    parent = SurfaceField(required=False, allow_null=True)  # type: ignore[assignment] # as above
    dashboard_url = serializers.URLField(required=False, allow_blank=True, max_length=200)
    logs_url = serializers.URLField(required=False, allow_blank=True, max_length=200)
    repository_url = serializers.URLField(required=False, allow_blank=True, max_length=200)
    primary = PersonField(required=False, allow_null=True, help_text="An e-mail address.")
    backup = PersonField(required=False, allow_null=True, help_text="An e-mail address.")

    def validate_team(self, team: Any) -> Any:
        if team is None and bound_team(self.context["request"].user) is not None:
            raise serializers.ValidationError("A key of a team cannot give its surfaces away.")
        return team


class SurfacePatch(SurfaceIn):
    """What of a surface to change; fields that are left out stay. The key stays as it is."""

    key = None  # type: ignore[assignment] # DRF's way to leave a parent's field out
    name = serializers.CharField(max_length=120, required=False)


def split(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A checked body as the surface's columns and its owners."""
    columns = {name: value for name, value in given.items() if name in EDITABLE}
    owners = {str(role): given[role] for role in Role.values if role in given}
    return columns, owners
