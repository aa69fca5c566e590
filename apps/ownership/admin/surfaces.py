"""Surfaces: what can break and who answers for it. Registered by paging, which adds to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from apps.core import audit, clock
from apps.core.admin_base import ModelAdmin, TabularInline, act, display
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import Archived, Filter, chip
from apps.ownership import selectors, services
from apps.ownership.admin.holders import HolderField, from_field, in_words, split, token
from apps.ownership.models import OwnershipAssignment, Surface, SurfaceDependency

Role = OwnershipAssignment.Role
ROLES = (Role.PRIMARY, Role.BACKUP)


class SurfaceForm(Form):
    primary = HolderField(label="Primary")
    primary_from = from_field("Primary from")
    backup = HolderField(label="Backup")
    backup_from = from_field("Backup from")

    class Meta:
        model = Surface
        fields = [
            "key", "name", "description", "kind", "tier", "lifecycle", "team", "parent",
            "dashboard_url", "logs_url", "repository_url",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "parent" in self.fields and self.instance.pk:
            others = self.fields["parent"].queryset  # type: ignore[attr-defined] # a model choice
            self.fields["parent"].queryset = others.exclude(pk=self.instance.pk)  # type: ignore[attr-defined]
        self.before: dict[str, OwnershipAssignment | None] = dict.fromkeys(ROLES)
        if self.instance.pk:
            self._show_owners(clock.now())

    def _show_owners(self, now: datetime) -> None:
        rows = OwnershipAssignment.objects.filter(surface=self.instance)
        known = list(rows.select_related("person", "position").order_by("active_from"))
        for role in ROLES:
            mine = [row for row in known if row.role == role]
            current, planned = split(mine, now)
            self.before[role] = current
            self.initial[role] = token(current)
            words = [f"Now: {in_words(current, 'nobody', _holder)}."]
            words += [f"Planned: {in_words(row, '', _holder)}." for row in planned]
            if role in self.fields:
                self.fields[role].help_text = " ".join(words)

    def owners_to_assign(self, now: datetime) -> list[tuple[str, Any, datetime]]:
        """(role, holder, from) for what was changed; both at once are first taken apart."""
        wanted: list[tuple[str, Any, datetime]] = [
            (role, self.cleaned_data[role], self.cleaned_data[f"{role}_from"] or now)
            for role in ROLES
            if role in self.changed_data or f"{role}_from" in self.changed_data
        ]
        if len(wanted) == 2 and wanted[0][2] == wanted[1][2] and self.before[Role.BACKUP]:
            return [(Role.BACKUP, None, wanted[1][2]), *wanted]
        return wanted


def _holder(row: OwnershipAssignment) -> object:
    return row.person or row.position


class OwnersFilter(Filter):
    title = "owners"
    parameter_name = "owners"
    choices_offered = [("no_primary", "No primary"), ("no_backup", "No backup")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {"no_primary", "no_backup"}:
            return queryset
        role = Role.PRIMARY if self.value() == "no_primary" else Role.BACKUP
        held = OwnershipAssignment.objects.at(clock.now()).filter(surface=OuterRef("pk"), role=role)
        return queryset.filter(~Exists(held))


class DependencyForm(Form):
    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("on_surface") and found["on_surface"] == found.get("surface"):
            self.add_error("on_surface", "A surface cannot depend on itself.")
        return found


class DependencyInline(TabularInline[SurfaceDependency, Surface]):
    model = SurfaceDependency
    form = DependencyForm
    fk_name = "surface"
    extra = 1
    verbose_name = "dependency"
    verbose_name_plural = "leans on (name a surface or an external party in each row)"
    fields = ["on_surface", "on_party", "strength", "note"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def get_queryset(self, request: HttpRequest) -> QuerySet[SurfaceDependency]:
        rows: QuerySet[SurfaceDependency] = super().get_queryset(request)
        return rows.select_related("on_surface", "on_party")


class SurfaceAdmin(ModelAdmin[Surface]):
    form = SurfaceForm
    intro = "A surface is a part of the product that can break. Somebody answers for it, always."
    empty_text = "No surface yet. Alerts are routed to surfaces, and surfaces know whom to wake."
    list_display = ["key", "name", "tier", "lifecycle", "team", "primary", "backup"]
    list_filter = [OwnersFilter, "tier", "lifecycle", "kind", "team", Archived]
    list_select_related = ["team"]
    search_fields = ["key", "name", "description"]
    inlines = [DependencyInline]
    fieldsets: ClassVar[Any] = [
        (None, {"fields": ["key", "name", "description", "kind", "tier", "lifecycle"]}),
        ("Owners", {"fields": [("primary", "primary_from"), ("backup", "backup_from"), "team"]}),
        ("Links", {"fields": ["dashboard_url", "logs_url", "repository_url", "parent"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["key"] if obj else []  # tools name a surface by its key

    def portal_path(self, obj: Surface) -> str:
        return f"/ownership/{obj.key}/"

    def enrich(self, rows: list[Surface], now: datetime) -> None:
        owners = selectors.owners_of(rows, at=now)
        for row in rows:
            row.owners_now = owners[row.pk]  # type: ignore[attr-defined] # read by the columns

    @display(description="primary")
    def primary(self, obj: Any) -> object:
        return obj.owners_now.primary or chip("No primary", "danger")

    @display(description="backup")
    def backup(self, obj: Any) -> object:
        return obj.owners_now.backup or chip("No backup", "warning")

    def save_model(self, request: Any, obj: Surface, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        now = clock.now()
        self.assign(obj, form.owners_to_assign(now), audit.person(request.user))

    def assign(
        self, obj: Surface, wanted: Iterable[tuple[str, Any, datetime]], actor: audit.Actor
    ) -> None:
        for role, holder, active_from in wanted:
            services.assign(
                surface=obj, role=role, holder=holder, active_from=active_from, actor=actor
            )

    @act(
        "Archive",
        about="Takes the surface out of use: it is no longer offered, and keeps its history. "
        "Alerts that name it are shown as unrouted.",
        danger=True,
        offered=lambda surface: surface.archived_at is None,
    )
    def archive(self, request: Any, obj: Surface, values: dict[str, Any]) -> str:
        services.archive_surface(surface=obj, actor=audit.person(request.user), now=clock.now())
        return f"{obj.key} is archived."

    @act("Bring back", offered=lambda surface: surface.archived_at is not None)
    def restore(self, request: HttpRequest, obj: Surface, values: dict[str, Any]) -> str:
        services.restore(row=obj)
        return f"{obj.key} is back."
