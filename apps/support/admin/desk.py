"""What agents work with: queues, request types, macros, everybody's views, and a few numbers."""

from __future__ import annotations

import json
import re
from typing import Any

from django import forms
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from apps.core import clock
from apps.core.admin_base import ModelAdmin, act, become, display, register
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import Archived, chip, shown_once
from apps.support.admin.base import SetupAdmin, actor_of
from apps.support.admin.facts import FactsField, rows_of
from apps.support.models import (
    Macro,
    Queue,
    RequestType,
    SavedView,
    SupportSettings,
    Ticket,
)
from apps.support.selectors.queue import of_view
from apps.support.services import desk, report_form, setup
from apps.support.services.conversation import MAX_HOLD

# -- queues


class QueueForm(Form):
    class Meta:
        model = Queue
        fields = ["name", "key", "team", "is_private", "is_default"]

    def _get_validation_exclusions(self) -> set[str]:
        # The service moves the default from one queue to the other.
        found: set[str] = super()._get_validation_exclusions()  # type: ignore[misc] # not in the stubs
        return found | {"is_default"}


@register(Queue)
class QueueAdmin(SetupAdmin):
    form = QueueForm
    noun, save = "queue", setup.save_queue
    has_key = True
    intro = "A pile of tickets that one team works through. Most sites need one."
    empty_text = "No queue yet: “Support” is made when the site starts."
    list_display = ["name", "key", "team", "seen_by", "types", "default"]
    list_filter = [Archived, "team"]
    list_select_related = ["team"]
    search_fields = ["name", "key"]
    fields = ["name", "key", "team", "is_private", "is_default"]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {"key": ["name"]} if obj is None else {}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        rows: QuerySet[Queue] = super().get_queryset(request)
        return rows.annotate(types_here=Count("request_types", distinct=True))

    @display(description="seen by")
    def seen_by(self, obj: Queue) -> object:
        return chip("Its team only", "warning") if obj.is_private else "everybody"

    @display(description="request types", ordering="types_here")
    def types(self, obj: Any) -> str:
        return str(obj.types_here or "none")

    @display(description="default")
    def default(self, obj: Queue) -> object:
        return chip("Default", "success") if obj.is_default else ""

    def put_away(self, request: HttpRequest, obj: Queue) -> None:
        setup.archive_queue(queue=obj, actor=actor_of(request), now=clock.now())


# -- request types


class RequestTypeForm(Form):
    facts = FactsField(
        label="Facts that it asks for",
        help_text="Agents may leave all of them empty. Choices are separated by commas.",
    )

    class Meta:
        model = RequestType
        fields = [
            "name", "key", "public_name", "help_text", "queue", "surface", "owner", "impact",
            "urgency", "is_public", "icon", "position",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "key" in self.fields:
            self.fields["key"].required = False
            self.fields["key"].help_text = "Empty: made from the name. It stays as it is."
        if self.instance.pk:
            self.initial["facts"] = rows_of(self.instance.fields.all())

    def clean_key(self) -> str:
        return str(self.cleaned_data["key"] or "")

    def _get_validation_exclusions(self) -> set[str]:
        found: set[str] = super()._get_validation_exclusions()  # type: ignore[misc] # not in the stubs
        return found if self.cleaned_data.get("key") else found | {"key"}


@register(RequestType)
class RequestTypeAdmin(SetupAdmin):
    form = RequestTypeForm
    noun, save = "request_type", setup.save_request_type
    has_key = True
    intro = (
        "A kind of report. It decides queue, surface, first impact and urgency, and the facts "
        "that are asked for."
    )
    empty_text = "No request type yet: eight are made when the site starts."
    list_display = ["name", "key", "queue", "surface_or_none", "owner", "first", "offered"]
    list_filter = [Archived, "queue", "is_public"]
    list_select_related = ["queue", "surface", "owner"]
    search_fields = ["name", "key", "public_name"]
    ordering = ["position", "name"]
    fieldsets = [
        (None, {"fields": ["name", "key", "queue", "surface", "owner"]}),
        ("How urgent it is at first", {"fields": ["impact", "urgency"]}),
        ("What customers see", {"fields": ["is_public", "public_name", "help_text"]}),
        ("Facts", {"fields": ["facts"]}),
        ("Advanced", {"fields": ["position", "icon"], "classes": ["collapse"]}),
    ]

    @display(description="surface", ordering="surface__key")
    def surface_or_none(self, obj: RequestType) -> object:
        return obj.surface.key if obj.surface else chip("None", "warning")

    @display(description="impact, urgency")
    def first(self, obj: RequestType) -> str:
        return f"{obj.get_impact_display()}, {obj.get_urgency_display().lower()}"

    @display(description="offered to customers", ordering="is_public")
    def offered(self, obj: RequestType) -> str:
        return "yes" if obj.is_public else "no"

    def more(self, form: Any) -> dict[str, Any]:
        return {"facts": form.cleaned_data.get("facts") or []}

    def put_away(self, request: HttpRequest, obj: RequestType) -> None:
        setup.archive_request_type(request_type=obj, actor=actor_of(request), now=clock.now())


# -- macros

SAMPLE = {
    "requester": "Ana Ruiz",
    "ref": "TCK-7",
    "subject": "The orders profile is from Tuesday",
    "agent": "Sam",
    "surface": "Profiler",
}


def filled(body: str) -> str:
    """A macro's words with sample facts; what is no known name stays as it is written."""
    return re.sub(r"\{(\w+)\}", lambda found: SAMPLE.get(found[1], found[0]), body)


class MacroForm(Form):
    resolution_code = forms.ChoiceField(
        choices=[("", "–"), *Ticket.Resolution.choices],
        required=False,
        label="Resolved as",
        help_text="Only for one that resolves.",
    )

    class Meta:
        model = Macro
        fields = [
            "name", "body", "is_public", "then", "resolution_code", "add_tags", "request_types",
            "position",
        ]  # fmt: skip
        widgets = {"request_types": forms.CheckboxSelectMultiple, "add_tags": forms.TextInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["body"].widget.attrs["rows"] = 8
        self.fields["add_tags"].help_text = "Separated by commas."
        self.fields["request_types"].help_text = "None ticked: offered for every type."


@register(Macro)
class MacroAdmin(SetupAdmin):
    form = MacroForm
    noun, save = "macro", setup.save_macro
    intro = "Prepared replies and notes. Names in braces are filled in for the ticket."
    empty_text = "No macro yet. Write down what is answered again and again."
    list_display = ["name", "kind", "then", "for_types", "position"]
    list_filter = [Archived, "is_public", "then"]
    search_fields = ["name", "body"]
    ordering = ["position", "name"]
    fields = [
        "name", "body", "preview", "is_public", "then", "resolution_code", "add_tags",
        "request_types", "position",
    ]  # fmt: skip
    readonly_fields = ["preview"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Macro]:
        rows: QuerySet[Macro] = super().get_queryset(request)
        return rows.prefetch_related("request_types")

    @display(description="kind", ordering="is_public")
    def kind(self, obj: Macro) -> str:
        return "public reply" if obj.is_public else "internal note"

    @display(description="offered for")
    def for_types(self, obj: Macro) -> str:
        return ", ".join(str(one) for one in obj.request_types.all()) or "every type"

    @display(description="as it reads")
    def preview(self, obj: Macro) -> object:
        """With sample facts; `static/js/admin.js` keeps it up to what is typed."""
        return format_html(
            '<pre class="ops-pre" data-fills="id_body" data-facts="{}" aria-live="polite">{}</pre>',
            json.dumps(SAMPLE),
            filled(obj.body or "") or "Hello Ana Ruiz, … appears here as it is typed.",
        )


# -- views


class SavedViewForm(Form):
    class Meta:
        model = SavedView
        fields = ["name", "query"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["query"].label = "Filters"
        self.fields["query"].help_text = "As in the address of the queue: status=open&tag=vip."
        self.fields["query"].required = True

    def clean_query(self) -> str:
        text = str(self.cleaned_data["query"])
        if not of_view(SavedView(query=text)).query():
            raise forms.ValidationError("None of this is a filter of the queue.")
        return text


@register(SavedView)
class SavedViewAdmin(ModelAdmin[SavedView]):
    form = SavedViewForm
    intro = "Filters of the queue that everybody has beside their own, in this order."
    empty_text = "Everybody has only the views of their own."
    deletable = True
    list_display = ["name", "query", "position"]
    search_fields = ["name", "query"]
    ordering = ["position", "pk"]
    fields = ["name", "query"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SavedView]:
        rows: QuerySet[SavedView] = super().get_queryset(request)
        return rows.filter(person=None)

    def portal_path(self, obj: SavedView) -> str:
        return f"/tickets/?{obj.query}" if obj.query else "/tickets/"

    def save_model(self, request: Any, obj: SavedView, form: Any, change: bool) -> None:
        stored = SavedView.objects.get(pk=obj.pk) if change else None
        saved = desk.save_view(
            view=stored,
            person=request.user,
            name=form.cleaned_data["name"],
            query=form.cleaned_data["query"],
            shared=True,
            now=clock.now(),
        )
        become(obj, saved)

    def delete_model(self, request: Any, obj: SavedView) -> None:
        desk.delete_view(view=obj, person=request.user)

    def delete_queryset(self, request: Any, queryset: QuerySet[SavedView]) -> None:
        for row in queryset:
            desk.delete_view(view=row, person=request.user)

    @act("Move up", offered=lambda view: view.person_id is None)
    def up(self, request: Any, obj: SavedView, values: dict[str, Any]) -> str:
        desk.move_view(view=obj, person=request.user, by=-1)
        return f"{obj.name} moved up."

    @act("Move down", offered=lambda view: view.person_id is None)
    def down(self, request: Any, obj: SavedView, values: dict[str, Any]) -> str:
        desk.move_view(view=obj, person=request.user, by=1)
        return f"{obj.name} moved down."


# -- a few numbers


class SettingsForm(Form):
    LIMITS = {
        "reopen_days": (0, 365),
        "close_after_days": (1, 90),
        "remind_after_days": (1, 90),
        "undo_seconds": (0, MAX_HOLD),
    }

    class Meta:
        model = SupportSettings
        fields = [
            "sender_name", "undo_seconds", "reopen_days", "close_after_days", "remind_after_days",
            "form_is_open",
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        for name, (least, most) in self.LIMITS.items():
            value = found.get(name)
            if value is not None and not least <= value <= most:
                self.add_error(name, f"From {least} to {most}.")
        return found


@register(SupportSettings)
class SupportSettingsAdmin(ModelAdmin[SupportSettings]):
    form = SettingsForm
    intro = "The numbers that are the same for every queue."
    empty_text = "The defaults hold until somebody saves others."
    list_display = ["what", "sender_name", "undo_seconds", "reopen_days", "close_after_days"]
    fieldsets = [
        ("Replies", {"fields": ["sender_name", "undo_seconds"]}),
        ("What happens by itself", {
            "fields": ["remind_after_days", "close_after_days", "reopen_days"],
        }),
        ("“Report a problem”", {"fields": ["form_is_open", "signing"]}),
    ]  # fmt: skip
    readonly_fields = ["signing"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not SupportSettings.objects.exists()

    @display(description="what")
    def what(self, obj: SupportSettings) -> str:
        return str(obj)

    @display(description="signed links")
    def signing(self, obj: SupportSettings) -> str:
        if obj.form_secret_sealed:
            return "There is a secret: your product may sign what it fills in."
        return "There is no secret yet, so nothing that is filled in counts as certain."

    def save_model(self, request: Any, obj: SupportSettings, form: Any, change: bool) -> None:
        names = set(SettingsForm.Meta.fields)
        given = {name: value for name, value in form.cleaned_data.items() if name in names}
        become(obj, setup.save_settings(fields=given, actor=actor_of(request)))

    @act(
        "Make a new signing secret",
        about="Your product signs with it what it fills into “Report a problem”. "
        "Links that were signed with the secret before no longer count.",
        danger=True,
    )
    def new_secret(
        self, request: HttpRequest, obj: SupportSettings, values: dict[str, Any]
    ) -> HttpResponse:
        text = report_form.new_secret(actor=actor_of(request), now=clock.now())
        return shown_once(
            self, request, obj, title="Signing secret", secrets=[("Secret", text)],
            usage="signature = HMAC-SHA256(secret, names and values in the order of the names)",
        )  # fmt: skip
