"""The admin's one base. Everything that is django-unfold's is named here and nowhere else, so a
fall-back to Django's stock admin is a change of this file (and of the theme in settings).

What every page of the admin has from here: managers only, sign-in by the site's own page, times
in the viewer's zone, refusals said in words beside the field, lists that survive any address,
nothing deleted that something refers to, and a policy that is relaxed for unfold alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial, update_wrapper
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.auth import logout as end_session
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import DataError, models, transaction
from django.db.models.constants import LOOKUP_SEP
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.urls import Resolver404, URLPattern, URLResolver, resolve, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from apps.core import admin_forms, admin_history, clock
from apps.core.admin_pages import REFUSALS, ObjectAction, ObjectActions, act
from apps.core.errors import DomainError, NotAllowed

M = TypeVar("M", bound=models.Model)
P = TypeVar("P", bound=models.Model)

if TYPE_CHECKING:  # unfold ships no types; its classes are the stock ones with another face
    from django.contrib.admin import AdminSite as _Site
    from django.contrib.admin import StackedInline, TabularInline
    from django.contrib.admin.views.main import ChangeList as _ChangeList

    class _Model(admin.ModelAdmin[M]):
        pass

    class _Paginator(Paginator[Any]):
        pass

    display = admin.display
else:
    from unfold.admin import ModelAdmin as _UnfoldModelAdmin
    from unfold.admin import StackedInline as _UnfoldStacked
    from unfold.admin import TabularInline as _UnfoldTabular
    from unfold.decorators import display
    from unfold.sites import UnfoldAdminSite as _Site
    from unfold.views import ChangeList as _ChangeList

    _Paginator = Paginator

    class _Model(_UnfoldModelAdmin, Generic[M]):
        pass

    class StackedInline(_UnfoldStacked, Generic[M, P]):
        form = admin_forms.Form

    class TabularInline(_UnfoldTabular, Generic[M, P]):
        form = admin_forms.Form


__all__ = [
    "ModelAdmin",
    "ObjectAction",
    "ReadOnly",
    "StackedInline",
    "TabularInline",
    "act",
    "action",
    "become",
    "display",
    "local_time",
    "register",
    "say_domain_errors",
    "site",
    "when",
]

action = admin.action

# What unfold's scripts need (Alpine evaluates attributes), and only under the admin's own views.
RELAXED = {
    "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}
# What a list may be asked for in its address; a regular expression from outside is never run.
LOOKUPS = frozenset({"exact", "in", "isnull", "gt", "gte", "lt", "lte", "contains"})
BAD_VALUES = (ValueError, ValidationError, DataError, OverflowError, TypeError)


# -- the site


class Site(_Site):
    """The admin of managers: no sign-in form of its own, one policy, one zone a request."""

    index_template = "admin/ops/index.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.pages: list[URLPattern | URLResolver] = []  # pages beside those of the models

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [*self.pages, *super().get_urls()]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Every page of the admin goes through here: who may, in which zone, under which policy."""
        inner = super().admin_view(view, cacheable)

        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user: Any = request.user
            if user.is_authenticated and not self.has_permission(request):
                raise NotAllowed("The admin is for managers. A manager can change your roles.")
            with timezone.override(ZoneInfo(getattr(user, "time_zone", "UTC"))):
                response: HttpResponse = inner(request, *args, **kwargs)
                if isinstance(response, TemplateResponse):
                    response.render()  # here, while the viewer's zone is in force
            response._csp_replace = RELAXED  # type: ignore[attr-defined] # read by django-csp
            return response

        return update_wrapper(door, inner)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The site's own sign-in page: passwords, second factors and lock-outs in one place."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise NotAllowed("The admin is for managers. A manager can change your roles.")
        target = request.GET.get("next") or reverse("admin:index")
        if request.user.is_authenticated:
            return redirect("admin:index")
        return redirect(f"{resolve_url('account_login')}?{urlencode({'next': target})}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return _sign_out(request)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        return redirect("account_change_password")

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Managers think in tasks, not in apps: there is one index."""
        return redirect("admin:index")

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """unfold's search of the menu; its page number is taken as it comes, so it is mended."""
        asked = request.GET.copy()
        asked["page"] = "1"
        asked["s"] = asked.get("s", "")[:100]
        request.GET = asked  # type: ignore[assignment] # a request's own copy
        answer: HttpResponse = super().search(request, extra_context)  # type: ignore[misc] # unfold's
        return answer


@require_POST
def _sign_out(request: HttpRequest) -> HttpResponse:
    end_session(request)
    return redirect("account_login")


site = Site(name="admin")
register = partial(admin.register, site=site)


# -- words and times


def local_time(instant: datetime | None) -> str:
    """`Fri 20 Nov, 16:40` in the viewer's zone, with the year if it is another; empty for none."""
    if instant is None:
        return ""
    local = timezone.localtime(instant)
    year = "" if local.year == timezone.localtime(clock.now()).year else f" {local.year}"
    return f"{local:%a %-d %b}{year}, {local:%H:%M}"


@cache
def when(field: str, label: str, empty: str = "–") -> Any:
    """A list column or read-only row that shows a time field by `local_time`.

    The same words give the same column, so that it may be named where it is shown and where it is
    said to be read-only.
    """

    def shown(obj: Any) -> SafeString | str:
        words = local_time(getattr(obj, field))
        return format_html('<span class="ops-nowrap">{}</span>', words) if words else empty

    shown.__name__ = f"shown_{field}"
    return display(description=label, ordering=field)(shown)


def become(obj: models.Model, saved: models.Model) -> None:
    """Let the form's instance be the row that a service made, so that Django goes on with it."""
    obj.__dict__.update(saved.__dict__)


@contextmanager
def say_domain_errors(request: HttpRequest, about: object = "") -> Iterator[None]:
    """One call of a service in its own transaction; what it refuses becomes a message."""
    try:
        with transaction.atomic():
            yield
    except DomainError as error:
        prefix = f"{about}: " if about else ""
        messages.error(request, f"{prefix}{error.message}")


# -- lists


class ChangeList(_ChangeList):
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


class CappedPaginator(_Paginator):
    """Counts no further than anybody pages, so that a long table is never counted whole."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.MOST].count())


# -- objects


class ModelAdmin(ObjectActions, _Model[M]):
    """Django's ModelAdmin with the house's manners; see the top of this module."""

    form = admin_forms.Form
    deletable = False
    list_per_page = 50
    paginator = CappedPaginator
    show_full_result_count = False
    empty_text = "There is nothing here yet."
    intro = ""  # what the list is for, in a sentence
    formfield_overrides = {
        models.DateTimeField: {
            "form_class": admin_forms.MomentField,
            "widget": admin_forms.MomentWidget,
        },
        models.JSONField: {"form_class": admin_forms.SafeJSONField},
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
        return super().changelist_view(request, context)

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
            "entries": admin_history.of_object(obj),
            "tracked": admin_history.event_model(self.model) is not None,
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
            **(extra_context or {}),
        }
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except REFUSALS as error:
            if request.method != "POST" or getattr(request, "refused", None):
                raise
            request.refused = error  # type: ignore[attr-defined] # read by get_form
            return super().changeform_view(request, object_id, form_url, context)


class ReadOnly(ModelAdmin[M]):
    """Rows that are records: looked at, searched, never edited here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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
