"""The four severity levels side by side, and one level with what it means and asks for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.admin_base import display, register
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import chip
from apps.incidents import spans
from apps.incidents.admin.base import SetupAdmin, SpanField
from apps.incidents.models import SeverityLevel
from apps.incidents.services import framework

TONES = {"SEV1": "danger", "SEV2": "warning", "SEV3": "info", "SEV4": ""}
NOTHING = "–"
SPANS = (
    ("acknowledge_seconds", "Acknowledged after", "Until somebody has taken it."),
    ("commander_seconds", "Commander after", "Until somebody commands it."),
    ("internal_update_seconds", "First update for people here", ""),
    ("public_update_seconds", "First update for customers", ""),
    ("cadence_first_seconds", "Updates at first, every", ""),
    ("cadence_after_seconds", "Updates later, every", ""),
    ("cadence_switch_seconds", "“At first” lasts", ""),
    ("mitigate_seconds", "Mitigated after", "Until customers suffer no more."),
)
HOURS = "15 min, 4 h or 1 d; a day is 24 hours. Empty: nothing is asked for."


class LevelForm(Form):
    class Meta:
        model = SeverityLevel
        fields = [
            "name", "alias", "definition", "examples", "clock", *(name for name, _, _ in SPANS),
            "review", "review_draft_days", "review_publish_days", "review_by_another",
            "approve_updates", "follow_up_days_p0", "follow_up_days_p1", "follow_up_days_p2",
            "freezes", "audiences",
        ]  # fmt: skip
        widgets = {"audiences": forms.CheckboxSelectMultiple}
        field_classes = dict.fromkeys((name for name, _, _ in SPANS), SpanField)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label, about in SPANS:
            field = self.fields[name]
            field.label, field.help_text = label, f"{about} {HOURS}".strip()
        for priority in ("p0", "p1", "p2"):
            self.fields[f"follow_up_days_{priority}"].label = priority.upper()
        self.fields["cadence_switch_seconds"].help_text = "2 h, say."


@register(SeverityLevel)
class SeverityLevelAdmin(SetupAdmin):
    form = LevelForm
    noun, save = "level", framework.save_level
    intro = (
        "What each severity means and asks for. The four keys stand fast; everything else is the "
        "team's to say, also its own word beside the key."
    )
    empty_text = "No level yet: the four are made when the site starts."
    list_display = [
        "level", "alias", "name", "taken", "first_words", "cadence", "mitigated", "reviewed",
        "hours",
    ]  # fmt: skip
    list_display_links = ["level", "name"]
    search_fields = ["key", "name", "alias", "definition"]
    ordering = ["key"]
    fieldsets = [
        (None, {"fields": ["key", "name", "alias", "definition", "examples"]}),
        (
            "Targets, from the declaration on",
            {"fields": ["clock", *(name for name, _, _ in SPANS)]},
        ),
        (
            "Review",
            {"fields": [
                "review", "review_draft_days", "review_publish_days", "review_by_another",
            ]},
        ),
        ("Follow-ups are due after days", {"fields": [
            "follow_up_days_p0", "follow_up_days_p1", "follow_up_days_p2",
        ]}),
        ("What it sets going", {"fields": ["approve_updates", "freezes", "audiences"]}),
    ]  # fmt: skip
    readonly_fields = ["key"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the four stand fast

    def portal_path(self, obj: Any) -> str:
        return "/incidents/severity/"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SeverityLevel]:
        rows: QuerySet[SeverityLevel] = super().get_queryset(request)
        return rows.order_by("key")

    @display(description="level", ordering="key")
    def level(self, obj: SeverityLevel) -> object:
        return chip(obj.key, TONES[obj.key])

    @display(description="taken, commanded")
    def taken(self, obj: SeverityLevel) -> str:
        return _pair(obj, obj.acknowledge_seconds, obj.commander_seconds)

    @display(description="first update: in, out")
    def first_words(self, obj: SeverityLevel) -> str:
        return _pair(obj, obj.internal_update_seconds, obj.public_update_seconds)

    @display(description="then every")
    def cadence(self, obj: SeverityLevel) -> str:
        first, after = obj.cadence_first_seconds, obj.cadence_after_seconds
        return f"{spans.show(first) or NOTHING}, {spans.show(after) or NOTHING}"

    @display(description="mitigated")
    def mitigated(self, obj: SeverityLevel) -> str:
        return _span(obj, obj.mitigate_seconds)

    @display(description="review", ordering="review")
    def reviewed(self, obj: SeverityLevel) -> str:
        if obj.review == SeverityLevel.Review.NONE:
            return "none"
        days = f"{obj.review_draft_days or NOTHING}, {obj.review_publish_days or NOTHING} days"
        return days if obj.review == SeverityLevel.Review.REQUIRED else f"2nd in 30 days: {days}"

    @display(description="hours", ordering="clock")
    def hours(self, obj: SeverityLevel) -> str:
        return "all" if obj.clock == SeverityLevel.Clock.ALWAYS else "business"


def _span(level: SeverityLevel, seconds: int | None) -> str:
    return spans.show(seconds, days=level.clock == SeverityLevel.Clock.ALWAYS) or NOTHING


def _pair(level: SeverityLevel, first: int | None, second: int | None) -> str:
    return f"{_span(level, first)}, {_span(level, second)}"
