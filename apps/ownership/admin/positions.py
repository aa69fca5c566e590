"""Positions: seats that own things, and who holds them from when to when."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest

from apps.accounts.models import Person
from apps.core import audit, clock
from apps.core.admin_base import ModelAdmin, TabularInline, act, display, register, when
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import Archived, chip
from apps.ownership import services
from apps.ownership.admin.holders import from_field, in_words, split
from apps.ownership.models import Position, PositionHolding


class PositionForm(Form):
    holder = forms.ModelChoiceField(Person.objects.none(), required=False, empty_label="Nobody")
    holder_from = from_field("Holder from")

    class Meta:
        model = Position
        fields = ["name", "key", "team"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["holder"].queryset = Person.objects.active()  # type: ignore[attr-defined] # a model choice
        if self.instance.pk:
            rows = self.instance.holdings.select_related("person").order_by("active_from")
            current, planned = split(list(rows), clock.now())
            self.initial["holder"] = current.person_id if current else None
            words = [f"Now: {in_words(current, 'nobody', lambda row: row.person)}."]
            words += [f"Planned: {in_words(row, '', lambda one: one.person)}." for row in planned]
            self.fields["holder"].help_text = " ".join(words)


class HoldingInline(TabularInline[PositionHolding, Position]):
    model = PositionHolding
    extra = 0
    can_delete = False
    verbose_name_plural = "who held it"
    fields: ClassVar[Any] = ["person", when("active_from", "from"), when("active_to", "until")]
    readonly_fields: ClassVar[Any] = fields
    ordering = ["-active_from"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[PositionHolding]:
        rows: QuerySet[PositionHolding] = super().get_queryset(request)
        return rows.select_related("person", "position")


@register(Position)
class PositionAdmin(ModelAdmin[Position]):
    form = PositionForm
    intro = (
        "A position is a seat that owns surfaces, such as “Head of data”. When its holder changes, "
        "everything it owns moves along."
    )
    empty_text = "No position yet. Name people as owners, or positions that people hold in turn."
    list_display = ["name", "key", "team", "holder"]
    list_filter = [Archived, "team"]
    list_select_related = ["team"]
    search_fields = ["name", "key"]
    fieldsets = [
        (None, {"fields": ["name", "key", "team"]}),
        ("Holder", {"fields": [("holder", "holder_from")]}),
    ]
    inlines = [HoldingInline]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else {"key": ["name"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Position]:
        rows: QuerySet[Position] = super().get_queryset(request)
        held = PositionHolding.objects.at(clock.now()).select_related("person")
        return rows.prefetch_related(Prefetch("holdings", held, to_attr="held_now"))

    @display(description="holder")
    def holder(self, obj: Any) -> object:
        return obj.held_now[0].person if obj.held_now else chip("Nobody", "warning")

    def save_model(self, request: Any, obj: Position, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if {"holder", "holder_from"} & set(form.changed_data):
            begins: datetime = form.cleaned_data["holder_from"] or clock.now()
            services.hold_position(
                position=obj, person=form.cleaned_data["holder"], active_from=begins,
                actor=audit.person(request.user),
            )  # fmt: skip

    @act(
        "Archive",
        about="Takes the position out of use. Refused while it answers for a surface.",
        danger=True,
        offered=lambda position: position.archived_at is None,
    )
    def archive(self, request: HttpRequest, obj: Position, values: dict[str, Any]) -> str:
        services.archive_position(position=obj, now=clock.now())
        return f"{obj.name} is archived."

    @act("Bring back", offered=lambda position: position.archived_at is not None)
    def restore(self, request: HttpRequest, obj: Position, values: dict[str, Any]) -> str:
        services.restore(row=obj)
        return f"{obj.name} is back."
