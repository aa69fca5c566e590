from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from apps.customers.models import Account, Connection, Contact, Org


class CustomerFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    tier = django_filters.ChoiceFilter(choices=Account.Tier.choices)
    q = django_filters.CharFilter(
        method="having", help_text="Part of the name, the key or the mail domain."
    )

    class Meta:
        model = Account
        fields = ["tier", "q"]

    def having(self, rows: QuerySet[Any], name: str, text: str) -> QuerySet[Any]:
        part = text.strip()
        here = Q(name__icontains=part) | Q(key__icontains=part) | Q(domain__icontains=part)
        return rows.filter(here)


class ContactFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    email = django_filters.CharFilter(
        method="at", help_text="The whole address; its case does not matter."
    )
    q = django_filters.CharFilter(method="having", help_text="Part of the address or the name.")
    account = django_filters.CharFilter(field_name="account__key", help_text="A customer's key.")
    org = django_filters.CharFilter(field_name="org__key", help_text="An org's key.")

    class Meta:
        model = Contact
        fields = ["email", "q", "account", "org"]

    def at(self, rows: QuerySet[Any], name: str, text: str) -> QuerySet[Any]:
        return rows.filter(email=text.strip().lower())

    def having(self, rows: QuerySet[Any], name: str, text: str) -> QuerySet[Any]:
        return rows.filter(Q(email__icontains=text.strip()) | Q(name__icontains=text.strip()))


class OrgFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    account = django_filters.CharFilter(field_name="account__key", help_text="A customer's key.")
    external_id = django_filters.CharFilter(help_text="What an importer calls it.")

    class Meta:
        model = Org
        fields = ["account", "external_id"]


class ConnectionFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    account = django_filters.CharFilter(
        field_name="source__project__org__account__key", help_text="A customer's key."
    )
    org = django_filters.CharFilter(
        field_name="source__project__org__key", help_text="An org's key."
    )
    warehouse_type = django_filters.CharFilter(
        field_name="source__warehouse_type", lookup_expr="iexact"
    )
    paused = django_filters.BooleanFilter(
        field_name="paused_at", lookup_expr="isnull", exclude=True, help_text="Paused, or not."
    )

    class Meta:
        model = Connection
        fields = ["account", "org", "warehouse_type", "paused"]
