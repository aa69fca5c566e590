"""Teams and who is in them."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from apps.accounts import services
from apps.accounts.models import Membership, Team
from apps.core import clock
from apps.core.admin_base import ModelAdmin, TabularInline, act, display, register
from apps.core.admin_base.lists import Archived


class MemberInline(TabularInline[Membership, Team]):
    model = Membership
    extra = 2
    verbose_name = "member"
    verbose_name_plural = "members"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("person").order_by("person__name")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


@register(Team)
class TeamAdmin(ModelAdmin[Team]):
    intro = (
        "A team owns surfaces together. Its lead is told when a page of one of them reaches nobody."
    )
    empty_text = "No team yet. A team gives surfaces an owner and pages a last resort."
    list_display = ["name", "key", "lead", "people"]
    list_filter = [Archived]
    list_select_related = ["lead"]
    search_fields = ["name", "key", "lead__name"]
    fields = ["name", "key", "lead"]
    prepopulated_fields = {"key": ["name"]}
    inlines = [MemberInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        here = Q(memberships__person__archived_at=None)
        rows: QuerySet[Team] = super().get_queryset(request)
        return rows.annotate(members_now=Count("memberships", filter=here))

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else {"key": ["name"]}

    @display(description="people", ordering="members_now")
    def people(self, obj: Any) -> int:
        return int(obj.members_now)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if form.instance.lead:
            services.set_lead(team=form.instance, lead=form.instance.lead)

    @act(
        "Archive",
        about="Takes the team out of the lists. What it owns and did stays readable.",
        danger=True,
        offered=lambda team: team.archived_at is None,
    )
    def archive(self, request: HttpRequest, obj: Team, values: dict[str, Any]) -> str:
        services.archive_team(team=obj, now=clock.now())
        return f"{obj.name} is archived."

    @act("Bring back", offered=lambda team: team.archived_at is not None)
    def restore(self, request: HttpRequest, obj: Team, values: dict[str, Any]) -> str:
        services.restore_team(team=obj)
        return f"{obj.name} is back."
