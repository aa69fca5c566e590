"""Django's ModelAdmin with the house's manners: lists that survive any address, refusals said at
their field, nothing deleted that something refers to, and a history of every object.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, models, transaction
from django.db.models.constants import LOOKUP_SEP
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import Resolver404, resolve
from django.utils.functional import cached_property

from apps.core import clock
from apps.core.admin_base import forms, history
from apps.core.admin_base.face import ChangeListFace, ModelFace, PaginatorFace
from apps.core.admin_base.pages import REFUSALS, ObjectActions
from apps.core.errors import Conflict

M = TypeVar("M", bound=models.Model)

# What a list may be asked for in its address; a regular expression from outside is never run.
LOOKUPS = frozenset({"exact", "in", "isnull", "gt", "gte", "lt", "lte", "contains"})
CLASHES = "This clashes with something that is there already. Look at it again."
MOST_QUICK = 8  # choices of a filter that stand in one line above a list
BAD_VALUES = (ValueError, ValidationError, DataError, OverflowError, TypeError)


class ChangeList(ChangeListFace):
    """A list whose address may hold anything: what cannot be read is left out, never a 500."""

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_queryset(request, *args, **kwargs)
        except BAD_VALUES as error:
            raise IncorrectLookupParameters(error) from error

    def get_results(self, request: HttpRequest) -> None:
        try:
            with transaction.atomic():
                super().get_results(request)
                rows = list(self.result_list)
        except BAD_VALUES as error:
            raise IncorrectLookupParameters(error) from error
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count
        self.model_admin.enrich(rows, clock.now())  # type: ignore[attr-defined] # ours, below
        self.result_list = rows


class CappedPaginator(PaginatorFace):
    """Counts no further than anybody pages, so that a long table is never counted whole."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.MOST].count())


class ModelAdmin(ObjectActions, ModelFace[M]):
    """Django's ModelAdmin with the house's manners; see the top of this module."""

    form = forms.Form
    deletable = False
    list_per_page = 50
    paginator = CappedPaginator
    show_full_result_count = False
    empty_text = "There is nothing here yet."
    intro = ""  # what the list is for, in a sentence
    shows_secret = False  # whether adding one leads to a page that is shown once
    formfield_overrides = {
        models.DateTimeField: {
            "form_class": forms.MomentField,
            "widget": forms.MomentWidget,
        },
        models.JSONField: {"form_class": forms.SafeJSONField},
    }
    change_form_template = "admin/ops/change_form.html"
    change_list_template = "admin/ops/change_list.html"

    # -- what may be done

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """History refers to nearly everything here: archived instead, where it can go at all."""
        return self.deletable and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        found = super().get_actions(request)
        if not self.deletable:
            found.pop("delete_selected", None)
        return found

    def portal_path(self, obj: Any) -> str:
        """Where the portal shows the same object; empty where it has no page."""
        return ""

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        wanted = self.portal_path(obj) if obj is not None else ""
        try:
            resolve(wanted)
        except Resolver404:
            return None
        return wanted

    # -- lists that take any address

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return ChangeList

    def enrich(self, rows: list[M], now: datetime) -> None:
        """Attach what the columns show, in a few queries for the whole page of the list."""

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Fields of the list's own filters, by plain comparisons."""
        own = [getattr(one, "parameter_name", None) for one in self.list_filter]
        if lookup in own:
            return True
        last = lookup.rsplit(LOOKUP_SEP, 1)[-1]
        known = {field.name for field in self.opts.get_fields()}
        if lookup.split(LOOKUP_SEP, 1)[0] not in known | {"pk"}:
            return False
        if LOOKUP_SEP in lookup and last not in LOOKUPS and not _is_column(self.model, lookup):
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type] # None is taken

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(_is_key(self.model, text) for text in chosen):
            messages.error(request, "One of the chosen rows does not exist. Choose again.")
            return HttpResponseRedirect(request.path)
        context = {"intro": self.intro, "empty_text": self.empty_text, **(extra_context or {})}
        response = super().changelist_view(request, context)
        found = getattr(response, "context_data", None) or {}
        if "cl" in found:
            found["quick"] = _quick_choices(found["cl"])
        return response

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What changed, from the triggers' rows: also what scripts and services did."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None or not self.has_view_permission(request, obj):
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": "History",
            "subtitle": str(obj),
            "opts": self.opts,
            "original": obj,
            "entries": history.of_object(obj),
            "tracked": history.event_model(self.model) is not None,
            "back": self.change_url(obj),
        }
        return TemplateResponse(request, "admin/ops/history.html", context)

    # -- forms whose save may be refused

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        refused = getattr(request, "refused", None)
        return type(form.__name__, (form,), {"refused": refused}) if refused else form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """As Django's, but a refusal while saving shows the form again, with what was typed."""
        context = {
            "object_actions": self.offered_actions(request, object_id),
            "show_save_and_add_another": False,
            "show_save_and_continue": object_id is not None or not self.shows_secret,
            **(extra_context or {}),
        }
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except (*REFUSALS, IntegrityError) as error:
            if request.method != "POST" or getattr(request, "refused", None):
                raise
            # A constraint that no form knows of, or somebody who was faster.
            said = Conflict(CLASHES) if isinstance(error, IntegrityError) else error
            request.refused = said  # type: ignore[attr-defined] # read by get_form
            return super().changeform_view(request, object_id, form_url, context)


class ReadOnly(ModelAdmin[M]):
    """Rows that are records: looked at, searched, never edited here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _quick_choices(changelist: Any) -> dict[str, Any] | None:
    """The list's first filter as links above it; None where it has none, or too many choices."""
    if not changelist.filter_specs:
        return None
    first = changelist.filter_specs[0]
    choices = list(first.choices(changelist))
    if not 1 < len(choices) <= MOST_QUICK or "query_string" not in choices[0]:
        return None
    return {"title": first.title, "all": choices}


def _is_column(model: type[models.Model], lookup: str) -> bool:
    """Whether a lookup ends in a column (`team__key`), not in a comparison."""
    *way, last = lookup.split(LOOKUP_SEP)
    current: Any = model
    for part in way:
        names = {field.name: field for field in current._meta.get_fields()}
        current = getattr(names.get(part), "related_model", None)
        if current is None:
            return False
    return last in {field.name for field in current._meta.get_fields()} | {"pk"}


def _is_key(model: type[models.Model], text: str) -> bool:
    """Whether a text could be the primary key of a row."""
    try:
        model._meta.pk.run_validators(model._meta.pk.to_python(text))
    except (ValidationError, ValueError, OverflowError):
        return False
    return "\x00" not in text
