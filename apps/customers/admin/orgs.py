"""What a customer has of the product: orgs, their projects, sources and connections."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.core import audit, clock
from apps.core.admin_base import act, display, register, when
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import Archived, chip
from apps.customers import cadence, services
from apps.customers.admin.base import CustomerAdmin, Shown
from apps.customers.models import Connection, Org, Project, Source


class ProjectInline(Shown):
    model = Project
    verbose_name_plural = "projects"


class SourceInline(Shown):
    model = Source
    verbose_name_plural = "sources"
    fields = ["opened", "key", "size"]
    readonly_fields = fields


class ConnectionInline(Shown):
    model = Connection
    verbose_name_plural = "connections"
    fields = ["opened", "key", "connector"]
    readonly_fields = fields


@register(Org)
class OrgAdmin(CustomerAdmin):
    noun, save = "org", services.save_org
    intro = "A tenant of the product, which other tools may call a workspace."
    empty_text = "No org yet. Add one, or let an importer bring them."
    list_display = ["name", "key", "account", "external_id"]
    list_filter = [Archived]
    list_select_related = ["account"]
    search_fields = ["name", "key", "external_id", "account__name"]
    ordering = ["name", "pk"]
    autocomplete_fields = ["account"]
    fields = ["name", "key", "account", "external_id"]
    inlines = [ProjectInline]


@register(Project)
class ProjectAdmin(CustomerAdmin):
    noun, save = "project", services.save_project
    intro = "A repository of models and boards inside an org."
    empty_text = "No project yet. An org's sources hang below its projects."
    list_display = ["name", "key", "org", "repository_url"]
    list_filter = [Archived]
    list_select_related = ["org"]
    search_fields = ["name", "key", "org__name"]
    ordering = ["org__name", "name", "pk"]
    autocomplete_fields = ["org"]
    fields = ["org", "name", "key", "repository_url"]
    inlines = [SourceInline]


@register(Source)
class SourceAdmin(CustomerAdmin):
    noun, save = "source", services.save_source
    intro = "A warehouse that a project reads. Its type is open text, such as snowflake."
    empty_text = "No source yet. Add the warehouses that your customers' projects read."
    list_display = ["name", "key", "warehouse_type", "size", "project"]
    list_filter = [Archived]
    list_select_related = ["project__org"]
    search_fields = ["name", "key", "warehouse_type", "project__name", "project__org__name"]
    ordering = ["project__name", "name", "pk"]
    autocomplete_fields = ["project"]
    fields = ["project", "name", "key", "warehouse_type", "size"]
    inlines = [ConnectionInline]


class CadenceField(forms.CharField):
    """Seconds, typed and shown as “6 h”."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = (
            "How often it is meant to be fresh, such as 6 h or daily. Empty: never by itself."
        )
        super().__init__(**{"required": False, "help_text": help_text, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return cadence.words(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        try:
            return cadence.parse(super().to_python(value) or "")
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != cadence.parse(str(data or "")))
        except ValueError:
            return True


class ConnectionForm(Form):
    cadence_seconds = CadenceField(label="Cadence")

    class Meta:
        model = Connection
        fields = ["source", "name", "key", "connector", "cadence_seconds"]


@register(Connection)
class ConnectionAdmin(CustomerAdmin):
    form = ConnectionForm
    noun, save = "connection", services.save_connection
    intro = "How data gets into or out of a source, and how often it is meant to be fresh."
    empty_text = "No connection yet. Silence means nothing until a cadence says what is late."
    list_display = ["name", "key", "source", "connector", "rhythm", "state"]
    list_filter = [Archived]
    list_select_related = ["source"]
    search_fields = ["name", "key", "connector", "source__name", "source__warehouse_type"]
    ordering = ["name", "pk"]
    autocomplete_fields = ["source"]
    fields = ["source", "name", "key", "connector", "cadence_seconds",
              when("paused_at", "paused", "no")]  # fmt: skip
    readonly_fields = [when("paused_at", "paused", "no")]

    @display(description="cadence", ordering="cadence_seconds")
    def rhythm(self, obj: Connection) -> str:
        return cadence.words(obj.cadence_seconds) or "–"

    @display(description="state")
    def state(self, obj: Connection) -> object:
        return chip("Paused", "warning") if obj.paused_at else chip("Running", "success")

    @act(
        "Pause",
        about="Nothing is expected of it until it is resumed.",
        offered=lambda connection: connection.paused_at is None,
    )
    def pause(self, request: Any, obj: Connection, values: dict[str, Any]) -> str:
        self._set(request, obj, True)
        return f"{obj.name} is paused."

    @act("Resume", offered=lambda connection: connection.paused_at is not None)
    def resume(self, request: Any, obj: Connection, values: dict[str, Any]) -> str:
        self._set(request, obj, False)
        return f"{obj.name} runs again."

    def _set(self, request: Any, obj: Connection, paused: bool) -> None:
        services.save_connection(
            connection=obj, fields={}, paused=paused,
            actor=audit.person(request.user), now=clock.now(),
        )  # fmt: skip
