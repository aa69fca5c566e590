from __future__ import annotations

import django_filters
from django.db.models import QuerySet

from apps.core.api.lists import InstantFilter
from apps.core.models import Kind
from apps.support.models import Priority, RequestType, Ticket
from apps.support.querysets import TicketQuerySet
from apps.support.selectors.textual import said


class OneOfMany(django_filters.BaseInFilter, django_filters.ChoiceFilter):  # type: ignore[misc] # django-filter has no types
    """One or several of a closed list, separated by commas."""


class TicketFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    status = OneOfMany(
        choices=Ticket.Status.choices, help_text="One or several, separated by commas."
    )
    priority = OneOfMany(choices=Priority.choices, help_text="One or several: P1,P2.")
    queue = django_filters.CharFilter(field_name="queue__key", help_text="A queue's key.")
    type = django_filters.CharFilter(field_name="request_type__key", help_text="A type's key.")
    surface = django_filters.CharFilter(field_name="surface__key", help_text="A surface's key.")
    owner = django_filters.CharFilter(
        method="owned", help_text="An e-mail address, or “none” for what nobody owns."
    )
    requester = django_filters.CharFilter(method="asked", help_text="An e-mail address.")
    account = django_filters.CharFilter(field_name="account__key", help_text="A customer's key.")
    tag = django_filters.CharFilter(method="tagged", help_text="One tag.")
    kind = django_filters.ChoiceFilter(choices=Kind.choices)
    sla = django_filters.ChoiceFilter(
        field_name="sla_state",
        choices=Ticket.SlaState.choices,
        help_text="How its most urgent promise stands.",
    )
    q = django_filters.CharFilter(
        method="having", help_text="Words of subject, messages, facts, requester; or TCK-7."
    )
    created_since = InstantFilter(
        field_name="created_at", lookup_expr="gte", help_text="Created then or later."
    )
    created_until = InstantFilter(
        field_name="created_at", lookup_expr="lt", help_text="Created before."
    )
    updated_since = InstantFilter(
        field_name="updated_at", lookup_expr="gte", help_text="Changed then or later."
    )

    class Meta:
        model = Ticket
        fields = ["status", "priority", "queue", "type", "surface", "owner", "requester"]
        fields += ["account", "tag", "kind", "sla", "q"]
        fields += ["created_since", "created_until", "updated_since"]

    def owned(self, rows: TicketQuerySet, name: str, text: str) -> QuerySet[Ticket]:
        if text.strip().lower() == "none":
            return rows.filter(owner=None)
        return rows.filter(owner__email=text.strip().lower())

    def asked(self, rows: TicketQuerySet, name: str, text: str) -> QuerySet[Ticket]:
        return rows.filter(requester__email=text.strip().lower())

    def tagged(self, rows: TicketQuerySet, name: str, text: str) -> QuerySet[Ticket]:
        return rows.filter(tags__contains=[text.strip().lower()[:40]])

    def having(self, rows: TicketQuerySet, name: str, text: str) -> QuerySet[Ticket]:
        found = said(self.request.user, text).all
        return rows.filter(pk__in=found.values("pk"))


class RequestTypeFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    public = django_filters.BooleanFilter(
        field_name="is_public", help_text="Offered to customers, or not."
    )

    class Meta:
        model = RequestType
        fields = ["public"]
