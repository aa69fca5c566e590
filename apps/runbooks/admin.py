"""Runbooks for managers: who holds them and what brings them up. Steps are written in the portal;
versions and runs stand here as the record has them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core import audit, clock
from apps.core.admin_base import ModelAdmin, ReadOnly, act, become, display, register, when
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import chip, edit_link
from apps.runbooks import selectors, services, triggers
from apps.runbooks.freshness import Band
from apps.runbooks.models import Execution, Runbook, RunbookVersion

TONES = {Band.FRESH: "success", Band.AGING: "warning", Band.STALE: "danger", Band.NEVER: ""}
RUN_TONES = {"running": "warning", "completed": "success"}
VERSION_TONES = {"approved": "success", "in_review": "warning"}


class RunbookForm(Form):
    brings_up = forms.CharField(
        label="What brings it up",
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=triggers.HELP,
    )

    class Meta:
        model = Runbook
        fields = ["key", "title", "summary", "owner", "backup", "cadence_days", "surfaces"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            rows = self.instance.triggers.order_by("by", "value").values_list("by", "value")
            self.fields["brings_up"].initial = triggers.write_lines(rows)

    def clean_brings_up(self) -> list[tuple[str, str]]:
        try:
            return triggers.read_lines(str(self.cleaned_data["brings_up"]))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class RetireForm(forms.Form):
    reason = forms.CharField(label="Why it goes", max_length=1000)


@register(Runbook)
class RunbookAdmin(ModelAdmin[Runbook]):
    form = RunbookForm
    intro = (
        "Who holds a runbook, where it belongs and what brings it up. Its steps are written, "
        "approved and run in the portal."
    )
    empty_text = "No runbook yet. Write one here and give it steps in the portal, or import a file."
    list_display = ["key", "title", "band", "owner", "backup", "cadence_days", "is_retired"]
    list_display_links = ["key", "title"]
    list_filter = ["owner", "surfaces"]
    list_select_related = ["owner", "backup"]
    search_fields = ["key", "title", "summary"]
    fieldsets = [
        (None, {"fields": ["key", "title", "summary", "owner", "backup", "cadence_days"]}),
        ("When it fits", {"fields": ["surfaces", "brings_up"]}),
    ]

    def portal_path(self, obj: Runbook) -> str:
        return f"/runbooks/{obj.key}/"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Runbook]:
        return Runbook.objects.visible_to(request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: Runbook | None = None) -> Any:
        return ["key", *self.readonly_fields] if obj is not None else self.readonly_fields

    def enrich(self, rows: list[Any], now: Any) -> None:
        fresh = selectors.freshness_of(rows, now=now)
        for row in rows:
            row.fresh = fresh[row.pk]

    @display(description="freshness")
    def band(self, obj: Any) -> object:
        found = obj.fresh
        text = "suspect" if found.is_suspect else found.band.value
        return chip(text, TONES[found.band])

    @display(description="retired", boolean=True)
    def is_retired(self, obj: Runbook) -> bool:
        return obj.archived_at is not None

    def save_model(self, request: HttpRequest, obj: Runbook, form: Any, change: bool) -> None:
        names = ("title", "summary", "owner", "backup", "cadence_days", "surfaces")
        given = {name: form.cleaned_data[name] for name in names}
        common = {
            "triggers": form.cleaned_data["brings_up"],
            "actor": audit.person(request.user),
            "now": clock.now(),
        }
        if change:
            before = Runbook.objects.get(pk=obj.pk)
            become(obj, services.edit(runbook=before, **given, **common))
        else:
            become(obj, services.create(key=form.cleaned_data["key"], **given, **common))

    @act(
        "Retire",
        about="Takes it out of use for good. Runs that are under way may end.",
        danger=True,
        offered=lambda row: row.archived_at is None,
        form=RetireForm,
    )
    def retire(self, request: HttpRequest, obj: Runbook, values: dict[str, Any]) -> str:
        services.retire(
            runbook=obj,
            reason=values["reason"],
            person=None,
            actor=audit.person(request.user),
            now=clock.now(),
        )
        return f"{obj.key} is retired."


@register(RunbookVersion)
class VersionAdmin(ReadOnly[RunbookVersion]):
    intro = "Every version, as the record has it. An approved one never changes."
    empty_text = "No version yet. Steps are written in the portal."
    list_display = [
        "name", "state", "author", "approved_by", when("created_at", "written"),
        when("approved_at", "approved"), when("suspect_at", "said to be wrong"),
    ]  # fmt: skip
    list_filter = ["status", "runbook"]
    list_select_related = ["runbook", "author", "approved_by"]
    search_fields = ["runbook__key", "change_note"]
    ordering = ["-pk"]
    fields = [
        "name", "state", "change_note", "author", "approved_by", "digest",
        when("created_at", "written"), when("approved_at", "approved"),
        when("suspect_at", "said to be wrong"), "suspect_note",
    ]  # fmt: skip

    def portal_path(self, obj: RunbookVersion) -> str:
        return f"/runbooks/{obj.runbook.key}/?version={obj.number}"

    @display(description="version", ordering="runbook__key")
    def name(self, obj: RunbookVersion) -> str:
        return str(obj)

    @display(description="state", ordering="status")
    def state(self, obj: RunbookVersion) -> object:
        return chip(obj.get_status_display(), VERSION_TONES.get(obj.status, ""))


@register(Execution)
class ExecutionAdmin(ReadOnly[Execution]):
    intro = "Every run of a runbook, as the record has it. Runs are worked on in the portal."
    empty_text = "No run yet."
    list_display = [
        "ref", "runbook", "state", "kind", "context", "started_by",
        when("started_at", "started"), when("ended_at", "ended"),
    ]  # fmt: skip
    list_filter = ["status", "kind", "version__runbook"]
    list_select_related = ["version__runbook", "started_by"]
    search_fields = ["version__runbook__key", "context_ref"]
    ordering = ["-pk"]
    fields = [
        "ref", "runbook", "state", "kind", "context", "started_by",
        when("started_at", "started"), when("ended_at", "ended"), "ended_reason", "is_restricted",
    ]  # fmt: skip

    def portal_path(self, obj: Execution) -> str:
        return f"/runbooks/runs/{obj.ref}/"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        return Execution.objects.visible_to(request.user)

    @display(description="run", ordering="pk")
    def ref(self, obj: Execution) -> str:
        return obj.ref

    @display(description="runbook")
    def runbook(self, obj: Execution) -> object:
        return edit_link(obj.version, "none")

    @display(description="state", ordering="status")
    def state(self, obj: Execution) -> object:
        return chip(obj.get_status_display(), RUN_TONES.get(obj.status, ""))

    @display(description="for")
    def context(self, obj: Execution) -> str:
        return f"{obj.context_kind} {obj.context_ref}".strip() or "–"
