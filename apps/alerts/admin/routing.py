"""Routing rules: which surface an alert belongs to when it does not say so itself."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.alerts.models import RoutingRule
from apps.core.admin_base import ModelAdmin, action, display, register
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import chip

PATTERNS = ("source", "component", "class_name", "summary", "label")


class RuleForm(Form):
    class Meta:
        model = RoutingRule
        fields = ["name", "surface", "position", "active", "integration", *PATTERNS]
        help_texts = {"position": "The first rule that matches wins; lower stands first."}

    def clean_label(self) -> str:
        text = str(self.cleaned_data["label"]).strip()
        if text and not text.partition("=")[0].strip():
            raise forms.ValidationError("Write name=pattern, such as team=data-*.")
        return text


@register(RoutingRule)
class RoutingRuleAdmin(ModelAdmin[RoutingRule]):
    form = RuleForm
    intro = (
        "Which surface an alert belongs to, when it does not say so itself. Rules are tried in "
        "their order; the first whose patterns all match wins. * stands for anything, ? for one "
        "character."
    )
    empty_text = (
        "No rule yet. Alerts go to the surface that they name, or to their integration's. "
        "“Remember this” on an unrouted alert makes a rule."
    )
    deletable = True
    list_display = ["position", "name", "patterns", "surface", "integration", "active"]
    list_display_links = ["name"]
    list_filter = ["active", "integration", "surface"]
    list_select_related = ["surface", "integration"]
    search_fields = ["name", "surface__key", *PATTERNS]
    actions = ["switch_off", "switch_on"]
    fieldsets = [
        (None, {"fields": ["name", "surface", "position", "active"]}),
        (
            "Matches when all of these do (an empty one always does)",
            {"fields": ["integration", *PATTERNS]},
        ),
    ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        last = RoutingRule.objects.order_by("-position").first()
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"position": last.position + 10 if last else 10, **given}

    @display(description="when")
    def patterns(self, obj: RoutingRule) -> object:
        words = {"class_name": "class"}
        found = [
            f"{words.get(name, name)} {getattr(obj, name)}"
            for name in PATTERNS
            if getattr(obj, name)
        ]
        return ", ".join(found) or chip("always", "warning")

    def save_model(self, request: Any, obj: RoutingRule, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    @action(description="Switch off")
    def switch_off(self, request: HttpRequest, queryset: QuerySet[RoutingRule]) -> None:
        self.message_user(request, f"{queryset.update(active=False)} switched off.")

    @action(description="Switch on")
    def switch_on(self, request: HttpRequest, queryset: QuerySet[RoutingRule]) -> None:
        self.message_user(request, f"{queryset.update(active=True)} switched on.")
