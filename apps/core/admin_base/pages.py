"""Buttons on an object's page in the admin: each asks once, says what will happen, then does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from apps.core.admin_base.forms import add_refusal, dress
from apps.core.errors import DomainError, NotAllowed

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    class _Base(ModelAdmin[Any]):
        pass
else:

    class _Base:
        pass


REFUSALS = (DomainError, ValidationError)


@dataclass(frozen=True)
class ObjectAction:
    """A button: its words, the form it asks for, and for which objects it is offered."""

    name: str
    label: str
    about: str
    form: type[forms.Form]
    danger: bool
    offered: Callable[[Any], bool]


def act(
    label: str,
    *,
    about: str = "",
    form: type[forms.Form] = forms.Form,
    danger: bool = False,
    offered: Callable[[Any], bool] = lambda obj: True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a method `(self, request, obj, values)` of a ModelAdmin as such a button.

    It makes one service call and answers a sentence for the next page, or a whole response.
    """

    def mark(method: Callable[..., Any]) -> Callable[..., Any]:
        found = ObjectAction(method.__name__, label, about, form, danger, offered)
        method.object_action = found  # type: ignore[attr-defined] # read by ObjectActions
        return method

    return mark


class ObjectActions(_Base):
    """The part of the house's ModelAdmin that shows such buttons and their pages."""

    def object_actions(self) -> dict[str, ObjectAction]:
        """By name; what is dangerous stands last."""
        kind = type(self)
        marked = [getattr(getattr(kind, name, None), "object_action", None) for name in dir(kind)]
        found = [one for one in marked if isinstance(one, ObjectAction)]
        return {one.name: one for one in sorted(found, key=lambda one: (one.danger, one.label))}

    def offered_actions(self, request: HttpRequest, object_id: str | None) -> list[dict[str, Any]]:
        actions = self.object_actions()
        obj = self.get_object(request, unquote(object_id)) if object_id and actions else None
        if obj is None or not self.has_view_permission(request, obj):
            return []
        return [
            {"label": one.label, "danger": one.danger, "url": self.action_url(obj, one.name)}
            for one in actions.values()
            if one.offered(obj)
        ]

    def action_url(self, obj: Any, name: str) -> str:
        return reverse(f"admin:{self.url_name('act')}", args=[quote(obj.pk), name])

    def change_url(self, obj: Any) -> str:
        return reverse(f"admin:{self.url_name('change')}", args=[quote(obj.pk)])

    def url_name(self, what: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{what}"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act_view)
        own = path("<path:object_id>/do/<slug:name>/", view, name=self.url_name("act"))
        return [own, *super().get_urls()]

    def act_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """The page of one button: GET asks, POST makes the one call."""
        obj = self.get_object(request, unquote(object_id))
        found = self.object_actions().get(name)
        if obj is None or found is None or not found.offered(obj):
            raise Http404
        if not self.has_view_permission(request, obj):
            raise NotAllowed("The admin is for managers.")
        form = found.form(request.POST if request.method == "POST" else None)
        dress(form.fields)
        if request.method == "POST" and form.is_valid():
            answer = self._do(request, obj, found, form)
            if answer is not None:
                return answer
        context = self._act_context(request, obj, found, form)
        return TemplateResponse(request, "admin/ops/act.html", context)

    def _do(
        self, request: HttpRequest, obj: Any, found: ObjectAction, form: forms.Form
    ) -> HttpResponse | None:
        try:
            with transaction.atomic():
                said = getattr(self, found.name)(request, obj, form.cleaned_data)
        except REFUSALS as error:
            add_refusal(form, error)
            return None
        if isinstance(said, HttpResponse):
            return said
        messages.success(request, str(said))
        return HttpResponseRedirect(self.change_url(obj))

    def _act_context(
        self, request: HttpRequest, obj: Any, found: ObjectAction, form: forms.Form
    ) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": found.label,
            "subtitle": str(obj),
            "opts": self.opts,
            "original": obj,
            "act": found,
            "form": form,
            "back": self.change_url(obj),
        }
