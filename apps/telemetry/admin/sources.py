"""Profiled sources: how often each should run, and where it belongs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.core import audit, clock
from apps.core.admin_base import ModelAdmin, act, become, display, register, when
from apps.core.admin_base.lists import Archived
from apps.telemetry import services
from apps.telemetry.models import ProfiledSource


@register(ProfiledSource)
class ProfiledSourceAdmin(ModelAdmin[ProfiledSource]):
    intro = (
        "Warehouses that somebody profiles, each named as its sender names it. They appear by "
        "themselves with their first run."
    )
    empty_text = "Nothing has been profiled yet. Sources come with the first run that is sent."
    deletable = False
    list_display = [
        "title", "warehouse_type", "surface", when("last_success_at", "last success", "never"),
        "rhythm",
    ]  # fmt: skip
    list_display_links = ["title"]
    list_filter = ["last_outcome", Archived]
    list_select_related = ["surface", "connection"]
    search_fields = ["org", "project", "name", "warehouse_type"]
    ordering = ["org", "project", "name", "pk"]
    autocomplete_fields = ["connection", "surface"]
    readonly_fields = [
        "title", "integration", "warehouse_type", when("first_seen_at", "first seen"),
        when("last_success_at", "last success", "never"), when("paused_at", "paused since"),
    ]  # fmt: skip
    fields = [
        "title", "integration", "warehouse_type", "cadence_seconds", "max_age_seconds",
        "connection", "surface", when("paused_at", "paused since"),
        when("first_seen_at", "first seen"), when("last_success_at", "last success", "never"),
    ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @display(description="source", ordering="name")
    def title(self, obj: ProfiledSource) -> str:
        return str(obj)

    @display(description="expected")
    def rhythm(self, obj: ProfiledSource) -> str:
        cadence = obj.cadence
        return f"every {cadence}" if cadence else "–"

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        become(obj, self._change(request, obj, **form.cleaned_data))

    def _change(self, request: Any, obj: ProfiledSource, **given: Any) -> ProfiledSource:
        now_so = {
            "cadence_seconds": obj.cadence_seconds,
            "max_age_seconds": obj.max_age_seconds,
            "connection": obj.connection,
            "surface": obj.surface,
            "paused": obj.paused_at is not None,
        }
        return services.change_source(
            source=obj, actor=audit.person(request.user), now=clock.now(), **{**now_so, **given}
        )

    @act(
        "Pause",
        about="It is neither late nor missing until it goes on.",
        offered=lambda source: source.paused_at is None,
    )
    def pause(self, request: Any, obj: ProfiledSource, values: dict[str, Any]) -> str:
        self._change(request, obj, paused=True)
        return f"{obj} is paused."

    @act("Go on", offered=lambda source: source.paused_at is not None)
    def go_on(self, request: Any, obj: ProfiledSource, values: dict[str, Any]) -> str:
        self._change(request, obj, paused=False)
        return f"{obj} is expected again."

    @act(
        "Archive",
        about="Takes a source that is gone out of the lists. Its next run brings it back.",
        danger=True,
        offered=lambda source: source.archived_at is None,
    )
    def archive(self, request: Any, obj: ProfiledSource, values: dict[str, Any]) -> str:
        services.archive_source(source=obj, actor=audit.person(request.user), now=clock.now())
        return f"{obj} is archived."

    @act("Bring back", offered=lambda source: source.archived_at is not None)
    def restore(self, request: Any, obj: ProfiledSource, values: dict[str, Any]) -> str:
        services.restore_source(source=obj, actor=audit.person(request.user))
        return f"{obj} is back."
