"""Customers, their contacts, orgs and connections over the API."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import actor_of
from apps.accounts.roles import Scope
from apps.core import clock
from apps.core.api.views import ListView, View, find, idempotent
from apps.customers import selectors, services
from apps.customers.api.filters import (
    ConnectionFilter,
    ContactFilter,
    CustomerFilter,
    OrgFilter,
)
from apps.customers.api.serializers import (
    ConnectionIn,
    ConnectionPatch,
    ConnectionSerializer,
    ContactIn,
    ContactPatch,
    ContactSerializer,
    CustomerIn,
    CustomerPatch,
    CustomerSerializer,
    OrgIn,
    OrgPatch,
    OrgSerializer,
)
from apps.customers.models import Account, Connection, Contact, Org

SCOPES = {"read": Scope.TICKETS_READ, "write": Scope.TICKETS_WRITE}


def _by(request: Request) -> dict[str, Any]:
    return {"actor": actor_of(request.user), "now": clock.now()}


def _accounts(request: Request) -> QuerySet[Account]:
    return Account.objects.visible_to(request.user).select_related("owner")


def _contacts(request: Request) -> QuerySet[Contact]:
    return Contact.objects.visible_to(request.user).select_related("account", "org")


def _orgs(request: Request) -> QuerySet[Org]:
    rows: QuerySet[Org] = Org.objects.visible_to(request.user).select_related("account")
    return selectors.with_tree(rows)


def _connections(request: Request) -> QuerySet[Connection]:
    rows = Connection.objects.visible_to(request.user)
    return rows.select_related("source__project__org")


# -- customers


class CustomerList(ListView):
    """The customers in use, by key."""

    scopes = SCOPES
    ordering = ("key",)
    serializer_class = CustomerSerializer
    filterset_class = CustomerFilter

    def get_queryset(self) -> QuerySet[Account]:
        return _accounts(self.request).filter(archived_at=None)

    @extend_schema(request=CustomerIn, responses={201: CustomerSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Add a customer."""
        row = services.save_account(account=None, fields=self.body(CustomerIn), **_by(request))
        return Response(CustomerSerializer(row).data, status=201)


class CustomerDetail(View):
    scopes = SCOPES

    @extend_schema(responses=CustomerSerializer)
    def get(self, request: Request, key: str) -> Response:
        """One customer, also an archived one."""
        return Response(CustomerSerializer(find(_accounts(request), key, by="key")).data)

    @extend_schema(request=CustomerPatch, responses=CustomerSerializer)
    def patch(self, request: Request, key: str) -> Response:
        """Change what is named."""
        row = find(_accounts(request), key, by="key")
        saved = services.save_account(account=row, fields=self.body(CustomerPatch), **_by(request))
        return Response(CustomerSerializer(saved).data)


class CustomerContacts(ListView):
    """A customer's contacts in use, by address."""

    scopes = SCOPES
    ordering = ("email",)
    serializer_class = ContactSerializer

    def get_queryset(self) -> QuerySet[Contact]:
        if "key" not in self.kwargs:  # while the document is written
            return Contact.objects.none()
        account = find(_accounts(self.request), self.kwargs["key"], by="key")
        return _contacts(self.request).filter(account=account, archived_at=None)


class CustomerOrgs(ListView):
    """A customer's orgs in use, by key, with what they have."""

    scopes = SCOPES
    ordering = ("key",)
    serializer_class = OrgSerializer

    def get_queryset(self) -> QuerySet[Org]:
        if "key" not in self.kwargs:  # while the document is written
            return Org.objects.none()
        account = find(_accounts(self.request), self.kwargs["key"], by="key")
        return _orgs(self.request).filter(account=account, archived_at=None)


# -- contacts


class ContactList(ListView):
    """The contacts in use, by address."""

    scopes = SCOPES
    ordering = ("email",)
    serializer_class = ContactSerializer
    filterset_class = ContactFilter

    def get_queryset(self) -> QuerySet[Contact]:
        return _contacts(self.request).filter(archived_at=None)

    @extend_schema(request=ContactIn, responses={201: ContactSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Add a contact. An address that is here already is refused with 409 `email_taken`."""
        row = services.save_contact(contact=None, fields=self.body(ContactIn), **_by(request))
        return Response(ContactSerializer(row).data, status=201)


class ContactDetail(View):
    scopes = SCOPES

    @extend_schema(responses=ContactSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """One contact, also an archived one."""
        return Response(ContactSerializer(find(_contacts(request), pk)).data)

    @extend_schema(request=ContactPatch, responses=ContactSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        """Change what is named; `blocked` keeps mail from opening anything."""
        row = find(_contacts(request), pk)
        given = self.body(ContactPatch)
        blocked = given.pop("blocked", None)
        saved = services.save_contact(contact=row, fields=given, blocked=blocked, **_by(request))
        return Response(ContactSerializer(saved).data)


# -- orgs


class OrgList(ListView):
    """The orgs in use, by key, with what they have."""

    scopes = SCOPES
    ordering = ("key",)
    serializer_class = OrgSerializer
    filterset_class = OrgFilter

    def get_queryset(self) -> QuerySet[Org]:
        return _orgs(self.request).filter(archived_at=None)

    @extend_schema(request=OrgIn, responses={200: OrgSerializer, 201: OrgSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Add an org, or change the one with this `external_id`. 201 says that it is new."""
        given, fresh = self.body(OrgIn), True
        if external := given.pop("external_id", ""):
            row, fresh = services.import_org(external_id=external, fields=given, **_by(request))
        else:
            row = services.save_org(org=None, fields=given, **_by(request))
        shown = OrgSerializer(_orgs(request).get(pk=row.pk))
        return Response(shown.data, status=201 if fresh else 200)


class OrgDetail(View):
    scopes = SCOPES

    @extend_schema(responses=OrgSerializer)
    def get(self, request: Request, key: str) -> Response:
        """One org with its projects, sources and connections."""
        return Response(OrgSerializer(find(_orgs(request), key, by="key")).data)

    @extend_schema(request=OrgPatch, responses=OrgSerializer)
    def patch(self, request: Request, key: str) -> Response:
        """Change what is named. Its contacts move along to another customer."""
        row = find(_orgs(request), key, by="key")
        services.save_org(org=row, fields=self.body(OrgPatch), **_by(request))
        return Response(OrgSerializer(_orgs(request).get(pk=row.pk)).data)


# -- connections


class ConnectionList(ListView):
    """The connections in use, by key."""

    scopes = SCOPES
    ordering = ("key",)
    serializer_class = ConnectionSerializer
    filterset_class = ConnectionFilter

    def get_queryset(self) -> QuerySet[Connection]:
        return _connections(self.request).filter(archived_at=None)

    @extend_schema(request=ConnectionIn, responses={201: ConnectionSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Add a connection, with its project and source where they are new."""
        given = self.body(ConnectionIn)
        where = {name: given.pop(name) for name in ("org", "project", "source")}
        row = services.connect(
            **where,
            warehouse_type=given.pop("warehouse_type", None),
            paused=given.pop("paused", None),
            fields=given,
            **_by(request),
        )
        return Response(ConnectionSerializer(row).data, status=201)


class ConnectionDetail(View):
    scopes = SCOPES

    @extend_schema(responses=ConnectionSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """One connection, also an archived one."""
        return Response(ConnectionSerializer(find(_connections(request), pk)).data)

    @extend_schema(request=ConnectionPatch, responses=ConnectionSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        """Change what is named; `paused` stops and resumes it."""
        row = find(_connections(request), pk)
        given = self.body(ConnectionPatch)
        saved = services.save_connection(
            connection=row,
            warehouse_type=given.pop("warehouse_type", None),
            paused=given.pop("paused", None),
            fields=given,
            **_by(request),
        )
        return Response(ConnectionSerializer(saved).data)
