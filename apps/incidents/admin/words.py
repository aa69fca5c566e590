"""Who is told, and the words that are prepared for them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from apps.core import clock
from apps.core.admin_base import display, register
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import Archived, chip
from apps.incidents import templating
from apps.incidents.admin.base import SetupAdmin
from apps.incidents.models import Audience, CommsTemplate
from apps.incidents.services import framework, templates

WAYS = {
    "on_status_page": "status page",
    "to_subscribers": "its subscribers",
    "to_tickets": "linked tickets",
    "to_participants": "people on the incident",
}


class AudienceForm(Form):
    class Meta:
        model = Audience
        fields = ["name", "key", "description", "side", *WAYS, "people", "teams", "position"]
        labels = {
            "on_status_page": "Shown on the status page",
            "to_subscribers": "Sent to subscribers of the status page",
            "to_tickets": "Answers every linked ticket",
            "to_participants": "Sent to everybody on the incident",
        }


@register(Audience)
class AudienceAdmin(SetupAdmin):
    form = AudienceForm
    noun, save = "audience", framework.save_audience
    has_key = True
    intro = (
        "Who is told of an incident, and by which ways. What people outside read holds no internal "
        "name, and may need a yes."
    )
    empty_text = "No audience yet: some are made when the site starts."
    list_display = ["name", "key", "outside", "ways", "named", "position"]
    list_filter = [Archived, "side"]
    search_fields = ["name", "key"]
    ordering = ["position", "key"]
    filter_horizontal = ["people", "teams"]
    fieldsets = [
        (None, {"fields": ["name", "key", "description", "side"]}),
        ("Ways", {"fields": [*WAYS, "people", "teams"]}),
        ("Advanced", {"fields": ["position"], "classes": ["collapse"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("people", "teams")

    @display(description="side", ordering="side")
    def outside(self, obj: Audience) -> object:
        return chip("outside", "warning") if obj.side == Audience.Side.PUBLIC else "people here"

    @display(description="ways")
    def ways(self, obj: Audience) -> str:
        return ", ".join(word for name, word in WAYS.items() if getattr(obj, name)) or "–"

    @display(description="by name")
    def named(self, obj: Audience) -> str:
        names = [team.name for team in obj.teams.all()] + [one.name for one in obj.people.all()]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return ", ".join(names[:3]) + more or "–"


class CommsTemplateForm(Form):
    class Meta:
        model = CommsTemplate
        fields = ["name", "key", "audience", "stage", "type", "subject", "body"]
        widgets = {"body": forms.Textarea}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["body"].widget.attrs["rows"] = 10
        self.fields["body"].help_text = "Markdown."


@register(CommsTemplate)
class CommsTemplateAdmin(SetupAdmin):
    form = CommsTemplateForm
    noun, save = "template", templates.save_template
    has_key = True
    intro = (
        "Prepared words for each audience and stage. A name between double braces is filled in; a "
        "message whose name has no value is not sent."
    )
    empty_text = "No prepared words yet: some are made when the site starts."
    list_display = ["name", "audience", "stage", "for_type", "subject"]
    list_display_links = ["name"]
    list_filter = [Archived, "audience", "stage", "type"]
    list_select_related = ["audience", "type"]
    search_fields = ["name", "key", "subject", "body"]
    ordering = ["audience__position", "stage", "key"]
    fields = ["name", "key", "audience", "stage", "type", "subject", "body", "names"]
    readonly_fields = ["names"]

    def who(self, request: HttpRequest) -> dict[str, Any]:
        return {"now": clock.now()}

    @display(description="for type", ordering="type__position")
    def for_type(self, obj: CommsTemplate) -> str:
        return str(obj.type) if obj.type else "all"

    @display(description="names that can be filled in")
    def names(self, obj: CommsTemplate) -> object:
        """Those that people outside may read are marked."""
        rows = (
            (f"{{{{ {one.name} }}}}", one.about, "" if one.outside else " Only for people here.")
            for one in templating.PLACEHOLDERS.values()
        )
        return format_html(
            "<dl>{}</dl>", format_html_join("", "<dt><code>{}</code></dt><dd>{}{}</dd>", rows)
        )
