"""Vendors that we lean on, and the list of everything that leans on something."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest

from apps.core import clock
from apps.core.admin_base import ModelAdmin, act, display, register
from apps.core.admin_base.lists import Archived
from apps.ownership import services
from apps.ownership.models import ExternalParty, SurfaceDependency


@register(ExternalParty)
class ExternalPartyAdmin(ModelAdmin[ExternalParty]):
    intro = "A vendor that surfaces lean on: whom to call, on which plan, where its status stands."
    empty_text = "No vendor yet. Add those whose outage would wake you: the warehouse, payments."
    list_display = ["name", "plan", "support_contact", "status_url", "leaning"]
    list_filter = [Archived]
    search_fields = ["name", "key", "plan", "support_contact", "account_ref"]
    fields = [
        "name", "key", "plan", "support_contact", "support_url", "status_url", "account_ref",
    ]  # fmt: skip

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else {"key": ["name"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExternalParty]:
        rows: QuerySet[ExternalParty] = super().get_queryset(request)
        return rows.annotate(leaning_now=Count("dependents"))

    @display(description="surfaces that lean on it", ordering="leaning_now")
    def leaning(self, obj: Any) -> int:
        return int(obj.leaning_now)

    @act(
        "Archive",
        about="Takes the vendor out of the lists; what leaned on it stays readable.",
        danger=True,
        offered=lambda party: party.archived_at is None,
    )
    def archive(self, request: HttpRequest, obj: ExternalParty, values: dict[str, Any]) -> str:
        services.archive_party(party=obj, now=clock.now())
        return f"{obj.name} is archived."

    @act("Bring back", offered=lambda party: party.archived_at is not None)
    def restore(self, request: HttpRequest, obj: ExternalParty, values: dict[str, Any]) -> str:
        services.restore(row=obj)
        return f"{obj.name} is back."


@register(SurfaceDependency)
class SurfaceDependencyAdmin(ModelAdmin[SurfaceDependency]):
    intro = "What breaks with what. “Hard” means: fails with it; “soft”: gets worse."
    empty_text = "Nothing leans on anything yet. Dependencies show how far a failure spreads."
    deletable = True
    list_display = ["surface", "on", "strength", "note"]
    list_filter = ["strength", "on_party"]
    list_select_related = ["surface", "on_surface", "on_party"]
    search_fields = ["surface__key", "on_surface__key", "on_party__name", "note"]
    fields = ["surface", "on_surface", "on_party", "strength", "note"]

    @display(description="leans on")
    def on(self, obj: SurfaceDependency) -> str:
        return str(obj.on_surface or obj.on_party)
