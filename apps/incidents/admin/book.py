"""Types of incidents, and the tasks that an incident starts with."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest

from apps.core.admin_base import display, register
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import Archived, chip
from apps.incidents import spans
from apps.incidents.admin.base import SetupAdmin, SpanField
from apps.incidents.models import IncidentType, TaskTemplate
from apps.incidents.services import framework


class TypeForm(Form):
    class Meta:
        model = IncidentType
        fields = ["name", "key", "description", "starts_restricted", "position"]


@register(IncidentType)
class IncidentTypeAdmin(SetupAdmin):
    form = TypeForm
    noun, save = "incident_type", framework.save_type
    has_key = True
    intro = "What kind of thing went wrong. A type brings its tasks and finds its runbooks."
    empty_text = "No type yet: some are made when the site starts."
    list_display = ["name", "key", "seen_by", "used", "position"]
    list_filter = [Archived, "starts_restricted"]
    search_fields = ["name", "key", "description"]
    ordering = ["position", "name"]
    fields = ["name", "key", "description", "starts_restricted", "position"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[IncidentType]:
        rows: QuerySet[IncidentType] = super().get_queryset(request)
        return rows.annotate(used_by=Count("incidents"))

    @display(description="seen by at first")
    def seen_by(self, obj: IncidentType) -> object:
        restricted = obj.starts_restricted
        return chip("Managers and those on it", "warning") if restricted else "everybody"

    @display(description="incidents", ordering="used_by")
    def used(self, obj: Any) -> str:
        return str(obj.used_by or "none")


class TaskTemplateForm(Form):
    class Meta:
        model = TaskTemplate
        fields = ["text", "severity", "type", "role", "due_after_seconds", "position"]
        field_classes = {"due_after_seconds": SpanField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        due = self.fields["due_after_seconds"]
        due.label = "Due after"
        due.help_text = "15 min or 4 h after the declaration. Empty: at any time."


@register(TaskTemplate)
class TaskTemplateAdmin(SetupAdmin):
    form = TaskTemplateForm
    noun, save = "task_template", framework.save_task_template
    intro = (
        "The tasks that an incident starts with, by its severity and type. One for SEV2 counts for "
        "SEV1 too. Tasks that incidents have already stay as they are."
    )
    empty_text = "No task yet. Write down what is forgotten when it burns."
    list_display = ["text", "level", "kind", "role", "due", "position"]
    list_filter = [Archived, "severity", "type", "role"]
    list_select_related = ["type"]
    search_fields = ["text"]
    ordering = ["position", "pk"]
    fields = ["text", "severity", "type", "role", "due_after_seconds", "position"]

    @display(description="severity", ordering="severity")
    def level(self, obj: TaskTemplate) -> str:
        return (
            f"{obj.severity} and worse"
            if obj.severity not in {"", "SEV1"}
            else (obj.severity or "all")
        )

    @display(description="type", ordering="type__position")
    def kind(self, obj: TaskTemplate) -> str:
        return str(obj.type) if obj.type else "all"

    @display(description="due after", ordering="due_after_seconds")
    def due(self, obj: TaskTemplate) -> str:
        return spans.show(obj.due_after_seconds) or "–"
