"""Accounts: whom we promised something to."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from apps.core import audit, clock
from apps.core.admin_base import act, display, register
from apps.core.admin_base.lists import Archived, link
from apps.customers import services
from apps.customers.admin.base import CustomerAdmin, Shown
from apps.customers.models import Account, Org

HERE = Q(contacts__archived_at=None)


class OrgInline(Shown):
    model = Org
    verbose_name_plural = "orgs"
    fields = ["opened", "key", "external_id"]
    readonly_fields = fields


@register(Account)
class AccountAdmin(CustomerAdmin):
    noun, save = "account", services.save_account
    intro = "A company with a contract, or on its way to one. Its tier decides what was promised."
    empty_text = "No customer yet. Import them from a table, or add the first."
    list_display = ["name", "key", "tier", "owner", "domain", "people"]
    list_filter = ["tier", Archived]
    list_select_related = ["owner"]
    search_fields = ["name", "key", "domain"]
    ordering = ["name", "pk"]
    fields = ["name", "key", "tier", "owner", "domain", "note", "people"]
    readonly_fields = ["people"]
    inlines = [OrgInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        rows: QuerySet[Account] = super().get_queryset(request)
        return rows.annotate(contacts_now=Count("contacts", filter=HERE, distinct=True))

    def portal_path(self, obj: Account) -> str:
        return f"/customers/{obj.key}/"

    @display(description="contacts", ordering="contacts_now")
    def people(self, obj: Any) -> object:
        """How many, and the way to them: there may be thousands."""
        if obj.pk is None:
            return "–"
        where = reverse("admin:customers_contact_changelist")
        number = getattr(obj, "contacts_now", 0)
        return link(f"{where}?{urlencode({'q': chr(34) + obj.name + chr(34)})}", number)

    @act(
        "Archive",
        about="Takes the customer out of the lists, with its orgs and contacts. "
        "Their tickets stay readable.",
        danger=True,
        offered=lambda account: account.archived_at is None,
    )
    def archive(self, request: Any, obj: Account, values: dict[str, Any]) -> str:
        services.archive_account(account=obj, actor=audit.person(request.user), now=clock.now())
        return f"{obj.name} is archived, with its orgs and contacts."

    @act(
        "Bring back",
        about="Also brings back the orgs and contacts that were archived with it.",
        offered=lambda account: account.archived_at is not None,
    )
    def restore(self, request: Any, obj: Account, values: dict[str, Any]) -> str:
        services.bring_back_account(account=obj, actor=audit.person(request.user), now=clock.now())
        return f"{obj.name} is back."
