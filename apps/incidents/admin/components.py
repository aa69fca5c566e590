"""The parts of the product on the status page, and who follows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core import audit, clock
from apps.core.admin_base import ModelAdmin, ReadOnly, act, display, register, when
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import Archived, Filter, chip
from apps.incidents import statuspage
from apps.incidents.models import Component, ComponentImpact, Subscription
from apps.incidents.services import framework, subscriptions

TONES = {
    statuspage.MAINTENANCE: "info",
    statuspage.DEGRADED: "warning",
    statuspage.PARTIAL: "warning",
    statuspage.MAJOR: "danger",
}


class ComponentForm(Form):
    class Meta:
        model = Component
        fields = ["name", "key", "group", "description", "surfaces", "position", "started_on"]
        help_texts = {
            "name": "As customers know it. They read it.",
            "key": "Programs and addresses name it so; it stays.",
            "group": "Parts of the same group stand together. Empty: on its own.",
            "surfaces": "Announced maintenance of any of these shows on this part.",
            "started_on": "Its days before this one are left out of the history.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.pk and "started_on" in self.fields:
            self.fields["started_on"].initial = clock.now().date()


@register(Component)
class ComponentAdmin(ModelAdmin[Component]):
    form = ComponentForm
    intro = (
        "The parts of your product on the public status page, by the names that customers know. "
        "An update of an incident says how each is."
    )
    empty_text = (
        "No part yet. Name three to ten things that customers use, such as Sign-in, Reports or "
        "Billing; without them the page tells of incidents and nothing else."
    )
    list_display = ["name", "key", "group", "state", "on", "position"]
    list_filter = ["group", Archived]
    search_fields = ["name", "key", "group"]
    ordering = ["position", "name"]
    fieldsets = [
        (None, {"fields": ["name", "key", "group", "description", "surfaces"]}),
        ("Advanced", {"fields": ["position", "started_on"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Component]:
        rows: QuerySet[Component] = super().get_queryset(request)
        return rows.prefetch_related("surfaces")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["key"] if obj else []

    def portal_path(self, obj: Component) -> str:
        return "/status/"

    def enrich(self, rows: list[Component], now: datetime) -> None:
        hurt = ComponentImpact.objects.filter(component__in=rows, to_at=None)
        states: dict[int, list[str]] = {}
        for pk, state in hurt.values_list("component_id", "state"):
            states.setdefault(pk, []).append(state)
        for row in rows:
            row.state_now = statuspage.worst(states.get(row.pk, ()))  # type: ignore[attr-defined] # read by the column

    @display(description="now")
    def state(self, obj: Any) -> object:
        return chip(statuspage.LABELS[obj.state_now], TONES.get(obj.state_now, "success"))

    @display(description="surfaces")
    def on(self, obj: Component) -> str:
        return ", ".join(one.key for one in obj.surfaces.all()) or "none"

    @act(
        "Archive", about="It leaves the page. Its history stays and comes back with it.",
        danger=True, offered=lambda obj: obj.archived_at is None,
    )  # fmt: skip
    def archive(self, request: HttpRequest, obj: Component, values: Any) -> str:
        framework.archive(row=obj, actor=audit.person(request.user), now=clock.now())
        return "Archived."

    @act("Bring back", about="It shows again.", offered=lambda obj: obj.archived_at is not None)
    def restore(self, request: HttpRequest, obj: Component, values: Any) -> str:
        framework.bring_back(row=obj, actor=audit.person(request.user))
        return "It shows again."


class StateFilter(Filter):
    title = "state"
    parameter_name = "state"
    choices_offered = [("live", "Following"), ("asked", "Not confirmed"), ("ended", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known: dict[str, dict[str, Any]] = {
            "live": {"confirmed_at__isnull": False, "ended_at": None},
            "asked": {"confirmed_at": None},
            "ended": {"ended_at__isnull": False},
        }
        wanted = known.get(str(self.value()))
        return queryset.filter(**wanted) if wanted else queryset


@register(Subscription)
class SubscriptionAdmin(ReadOnly[Subscription]):
    intro = "Who follows the status page. They come and go by themselves, by links in their mails."
    empty_text = "Nobody follows the status page yet."
    list_display = ["hint", "channel", "state", when("confirmed_at", "since"), "failures"]
    list_filter = [StateFilter, "channel"]
    search_fields = ["hint"]
    ordering = ["-pk"]
    fields = [
        "hint", "channel", "about", "state", when("created_at", "asked first"),
        when("confirmed_at", "said yes"), when("ended_at", "ended"), "ended_why", "failures",
    ]  # fmt: skip

    @display(description="state")
    def state(self, obj: Subscription) -> object:
        if obj.ended_at:
            return chip(f"ended: {obj.ended_why}" if obj.ended_why else "ended", "")
        return chip("following", "success") if obj.confirmed_at else chip("not confirmed", "")

    @display(description="about")
    def about(self, obj: Subscription) -> str:
        return ", ".join(one.name for one in obj.components.all()) or "everything"

    @act(
        "End", about="This address hears no more from the status page.", form=forms.Form,
        danger=True, offered=lambda obj: obj.ended_at is None,
    )  # fmt: skip
    def end(self, request: HttpRequest, obj: Subscription, values: Any) -> str:
        subscriptions.end(subscription=obj, now=clock.now())
        return "Ended."
