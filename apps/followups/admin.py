"""Factors are kept here, and the ledger is shown; follow-ups are worked on in the portal."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core import clock
from apps.core.admin_base import ModelAdmin, ReadOnly, act, become, display, register, when
from apps.core.admin_base.lists import Archived, edit_link
from apps.followups import services
from apps.followups.models import Factor, FollowUp


@register(FollowUp)
class FollowUpAdmin(ReadOnly[FollowUp]):
    intro = "Everything that was promised, as the record has it. It is worked on in the portal."
    empty_text = "Nothing was promised yet."
    list_display = [
        "ref", "title", "priority", "aim", "status", "owner", "due_on", "surface", "did_not_hold",
    ]  # fmt: skip
    list_display_links = ["ref", "title"]
    list_filter = ["status", "priority", "aim", "kind", "did_not_hold", "factor"]
    list_select_related = ["surface", "owner"]
    search_fields = ["title", "surface__key", "owner__name", "source_ref"]
    ordering = ["-pk"]
    fields = [
        "title", "acceptance", "details", "aim", "priority", "status", "kind", "owner", "due_on",
        "source_kind", "source_ref", "source_label", "on_surface", "factor", "is_restricted",
        "reopened_count", "did_not_hold", "ended_reason", when("created_at", "created"),
        when("started_at", "started"), when("done_at", "done"), "done_by",
        when("verified_at", "verified"), "verified_by",
    ]  # fmt: skip

    def portal_path(self, obj: Any) -> str:
        return f"/followups/{obj.ref}/"

    def get_queryset(self, request: HttpRequest) -> QuerySet[FollowUp]:
        return FollowUp.objects.visible_to(request.user)

    @display(description="reference", ordering="pk")
    def ref(self, obj: FollowUp) -> str:
        return obj.ref

    @display(description="surface")
    def on_surface(self, obj: FollowUp) -> object:
        return edit_link(obj.surface, "none")


@register(Factor)
class FactorAdmin(ModelAdmin[Factor]):
    intro = (
        "What contributes to incidents, by class. Reviews and follow-ups speak of the same ones."
    )
    empty_text = "No factor yet. An upgrade brings those that ship."
    list_display = ["name", "key", "description", "position"]
    list_display_links = ["name"]
    list_filter = [Archived]
    search_fields = ["key", "name"]
    ordering = ["position", "name"]
    fields = ["name", "key", "description", "position"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["key"] if obj is not None else []

    def save_model(self, request: HttpRequest, obj: Factor, form: Any, change: bool) -> None:
        before = Factor.objects.get(pk=obj.pk) if change else None
        become(obj, services.save_factor(factor=before, fields=form.cleaned_data))

    @act(
        "Archive",
        about="Takes it out of the choices; what refers to it stays readable.",
        danger=True,
        offered=lambda row: row.archived_at is None,
    )
    def archive(self, request: HttpRequest, obj: Factor, values: dict[str, Any]) -> str:
        services.archive_factor(factor=obj, now=clock.now())
        return f"{obj} is archived."

    @act("Bring back", offered=lambda row: row.archived_at is not None)
    def restore(self, request: HttpRequest, obj: Factor, values: dict[str, Any]) -> str:
        services.bring_back_factor(factor=obj)
        return f"{obj} is back."
