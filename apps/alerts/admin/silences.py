"""Silences: for which alerts nobody is paged, why and until when."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.alerts import services
from apps.alerts.models import Silence
from apps.core import audit, clock
from apps.core.admin_base import ModelAdmin, act, become, display, register, when
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import Filter, chip
from apps.core.text import clip

NAMED = ("surface", "rule", "integration", "dedup_key", "class_name")
LOOKS = {"holding": ("Mutes now", "info"), "planned": ("Planned", ""), "over": ("Over", "")}


class SilenceForm(Form):
    class Meta:
        model = Silence
        fields = ["reason", *NAMED, "starts_at", "ends_at"]
        help_texts = {
            "reason": "Whoever wonders why nobody was paged reads this.",
            "starts_at": "Empty: now.",
            "ends_at": "At most 30 days after its start.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "starts_at" in self.fields:
            self.fields["starts_at"].required = False


class StateFilter(Filter):
    title = "state"
    parameter_name = "state"
    choices_offered = [("holding", "Mutes now"), ("over", "Over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now, wanted = clock.now(), self.value()
        if wanted == "holding":
            return queryset.filter(starts_at__lte=now, ends_at__gt=now, ended_at=None)
        return queryset.exclude(ends_at__gt=now, ended_at=None) if wanted else queryset


def state_of(row: Silence) -> str:
    now = clock.now()
    if row.ended_at is not None or row.ends_at <= now:
        return "over"
    return "planned" if row.starts_at > now else "holding"


@register(Silence)
class SilenceAdmin(ModelAdmin[Silence]):
    form = SilenceForm
    intro = (
        "For which alerts nobody is paged. The alerts are kept, and severity stays what it is; "
        "what still stands at the end pages then. Every silence has a reason and an end."
    )
    empty_text = "No silence yet. An alert's page makes one of that alert alone."
    list_display = [
        "reason", "state", "named", when("starts_at", "from"), when("ends_at", "until"),
        "created_by",
    ]  # fmt: skip
    list_filter = [StateFilter]
    list_select_related = ["surface", "rule", "integration", "created_by"]
    search_fields = ["reason", "surface__key", "rule__key", "dedup_key", "class_name"]
    ordering = ["-starts_at", "-pk"]
    fieldsets = [
        (None, {"fields": ["reason", "starts_at", "ends_at"]}),
        ("Mutes alerts that fit all of these (name at least one)", {"fields": [*NAMED]}),
    ]

    def portal_path(self, obj: Silence) -> str:
        return f"/silences/{obj.pk}/"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Silence]:
        return Silence.objects.visible_to(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        over = obj is not None and state_of(obj) == "over"
        return not over and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What it mutes stays: to mute more, make another."""
        return [*NAMED, "starts_at"] if obj else []

    @display(description="state")
    def state(self, obj: Silence) -> object:
        return chip(*LOOKS[state_of(obj)])

    @display(description="mutes")
    def named(self, obj: Silence) -> str:
        given = [
            obj.surface and obj.surface.key, obj.rule and f"rule {obj.rule.key}",
            obj.integration and obj.integration.name, obj.dedup_key, obj.class_name,
        ]  # fmt: skip
        return clip(", ".join(str(one) for one in given if one), 80)

    def save_model(self, request: Any, obj: Silence, form: Any, change: bool) -> None:
        values, who, now = form.cleaned_data, audit.person(request.user), clock.now()
        if change:
            changed = {name: values[name] for name in form.changed_data}
            saved = services.change_silence(silence=obj, fields=changed, actor=who, now=now)
        else:
            saved = services.create_silence(**values, actor=who, now=now)
        become(obj, saved)

    @act(
        "End now", about="What it mutes and still stands pages within a minute.",
        offered=lambda obj: state_of(obj) != "over",
    )  # fmt: skip
    def end(self, request: HttpRequest, obj: Silence, values: Any) -> str:
        who = audit.person(request.user)
        services.end_silence(silence=obj, actor=who, now=clock.now())
        return "Ended."
