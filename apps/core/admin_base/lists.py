"""Parts that several lists and pages of the admin share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_cache_control
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# A shape for each meaning, so that none is told by its color alone.
SHAPES = {"danger": "▲", "warning": "◆", "success": "●", "info": "■", "": "○"}


def chip(text: object, tone: str = "") -> SafeString:
    """A word with a shape and a color: danger, warning, success, info, or none."""
    return format_html(
        '<span class="ops-chip ops-chip--{}"><span aria-hidden="true">{}</span> {}</span>',
        tone or "plain",
        SHAPES.get(tone, SHAPES[""]),
        text,
    )


def link(url: str, text: object) -> SafeString:
    return format_html('<a class="ops-link" href="{}">{}</a>', url, text)


def links(pairs: Sequence[tuple[str, object]]) -> SafeString:
    return format_html_join(", ", '<a class="ops-link" href="{}">{}</a>', pairs)


@admin.display(description="no.", ordering="pk")
def number(obj: Any) -> str:
    """A column for rows that have no name of their own."""
    return str(obj.pk)


def edit_url(obj: Model) -> str:
    """The admin's own page of an object."""
    meta = obj._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[obj.pk])


def edit_link(obj: Model | None, empty: str = "–") -> SafeString | str:
    return link(edit_url(obj), obj) if obj is not None else empty


class Filter(admin.SimpleListFilter):
    """A filter over a few fixed choices."""

    choices_offered: ClassVar[Sequence[tuple[str, str]]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.choices_offered)


class Archived(admin.SimpleListFilter):
    """Lists leave out what is archived until it is asked for."""

    title = "in use"
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Archived"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        for value, label in [(None, "In use"), *self.lookup_choices]:
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}, []),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "all":
                return queryset
            case "yes":
                return queryset.exclude(archived_at=None)
        return queryset.filter(archived_at=None)


def shown_once(
    model_admin: Any,
    request: HttpRequest,
    obj: Model,
    *,
    title: str,
    secrets: Sequence[tuple[str, str]],
    usage: str = "",
) -> HttpResponse:
    """The page that shows a new secret: the answer to the POST that made it, kept nowhere.

    Its script puts the object's own address into the bar, so that a reload makes no second one.
    """
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "subtitle": str(obj),
        "opts": model_admin.opts,
        "original": obj,
        "secrets": secrets,
        "usage": usage,
        "back": model_admin.change_url(obj),
    }
    response = TemplateResponse(request, "admin/ops/shown_once.html", context)
    add_never_cache_headers(response)
    patch_cache_control(response, no_store=True)
    return response
