"""Contacts: who writes to us, and from whom nothing is opened any more."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core import audit, clock
from apps.core.admin_base import act, display, register, when
from apps.core.admin_base.forms import Form, ZoneWidget
from apps.core.admin_base.lists import Archived, Filter, chip
from apps.customers import services
from apps.customers.admin.base import CustomerAdmin
from apps.customers.models import Contact


class ContactForm(Form):
    class Meta:
        model = Contact
        fields = ["email", "name", "account", "org", "phone", "time_zone", "note"]
        widgets = {"time_zone": ZoneWidget(attrs={"class": "ops-input"})}


class StateFilter(Filter):
    title = "mail"
    parameter_name = "mail"
    choices_offered = [("open", "Opens tickets"), ("blocked", "Blocked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "open":
                return queryset.filter(blocked_at=None)
            case "blocked":
                return queryset.exclude(blocked_at=None)
        return queryset


@register(Contact)
class ContactAdmin(CustomerAdmin):
    form = ContactForm
    noun, save = "contact", services.save_contact
    intro = "Somebody outside who writes to us. Each address is one contact."
    empty_text = "No contact yet. Who writes to us becomes one; a table of them can be imported."
    list_display = ["email", "name", "account", "org", "mail"]
    list_filter = [StateFilter, Archived]
    list_select_related = ["account", "org"]
    search_fields = ["email", "name", "account__name"]
    ordering = ["email"]
    autocomplete_fields = ["account", "org"]
    fields = ["email", "name", "account", "org", "phone", "time_zone", "note",
              when("blocked_at", "blocked", "no")]  # fmt: skip
    readonly_fields = [when("blocked_at", "blocked", "no")]

    @display(description="mail")
    def mail(self, obj: Contact) -> object:
        return chip("Blocked", "warning") if obj.blocked_at else "opens tickets"

    @act(
        "Block",
        about="Mail from this address is kept, but opens and answers nothing.",
        danger=True,
        offered=lambda contact: contact.blocked_at is None,
    )
    def block(self, request: Any, obj: Contact, values: dict[str, Any]) -> str:
        services.block_contact(contact=obj, actor=audit.person(request.user), now=clock.now())
        return f"{obj.email} is blocked."

    @act("Unblock", offered=lambda contact: contact.blocked_at is not None)
    def unblock(self, request: Any, obj: Contact, values: dict[str, Any]) -> str:
        services.unblock_contact(contact=obj, actor=audit.person(request.user), now=clock.now())
        return f"Mail from {obj.email} opens tickets again."
