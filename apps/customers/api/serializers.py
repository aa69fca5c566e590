"""Customers as the API shows and takes them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers

from apps.accounts.api.fields import PersonField
from apps.accounts.models import check_zone
from apps.core.api.fields import IdField, InstantField, TextOrNull
from apps.customers.api.fields import AccountField, OrgField
from apps.customers.cadence import LEAST, MOST
from apps.customers.models import Account, Connection, Contact, Org, Project, Source


class AccountKeyField(serializers.CharField):
    """The key of the customer on its way out, null for none."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("source", "account.key")
        super().__init__(read_only=True, allow_null=True, default=None, **options)


# -- customers


class CustomerSerializer(serializers.ModelSerializer[Account]):
    """A company with a contract; `owner` is who of us looks after it, by address."""

    id = IdField()
    owner = serializers.CharField(
        source="owner.email", read_only=True, allow_null=True, default=None
    )
    domain = TextOrNull(help_text="Who writes from it belongs here.")
    created_at = InstantField()
    archived_at = InstantField(allow_null=True)

    class Meta:
        model = Account
        fields = ["id", "key", "name", "tier", "owner", "domain", "note"]
        fields += ["created_at", "archived_at"]


class CustomerIn(serializers.Serializer[Any]):
    """A customer to create; without a `key` it gets one from its name."""

    key = serializers.SlugField(max_length=60, required=False)
    name = serializers.CharField(max_length=120)
    tier = serializers.ChoiceField(Account.Tier.choices, required=False)
    owner = PersonField(required=False, allow_null=True, help_text="An e-mail address.")
    domain = serializers.CharField(max_length=120, required=False, allow_blank=True)
    note = serializers.CharField(max_length=20_000, required=False, allow_blank=True)


class CustomerPatch(CustomerIn):
    """What of a customer to change; fields that are left out stay. The key stays as it is."""

    key = None  # type: ignore[assignment] # DRF's way to leave a parent's field out
    name = serializers.CharField(max_length=120, required=False)


# -- contacts


class ContactSerializer(serializers.ModelSerializer[Contact]):
    """Somebody outside who writes to us; mail of a blocked one opens nothing."""

    id = IdField()
    account = AccountKeyField()
    org = serializers.CharField(source="org.key", read_only=True, allow_null=True, default=None)
    blocked = serializers.SerializerMethodField()
    created_at = InstantField()
    archived_at = InstantField(allow_null=True)

    class Meta:
        model = Contact
        fields = ["id", "email", "name", "account", "org", "phone", "time_zone", "note"]
        fields += ["blocked", "created_at", "archived_at"]

    def get_blocked(self, contact: Contact) -> bool:
        return contact.blocked_at is not None


class ContactIn(serializers.Serializer[Any]):
    """A contact to create. Without account and org, the mail domain decides whose it is."""

    email = serializers.CharField(max_length=320)
    name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    account = AccountField(required=False, allow_null=True)
    org = OrgField(required=False, allow_null=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)
    time_zone = serializers.CharField(max_length=64, required=False)
    note = serializers.CharField(max_length=20_000, required=False, allow_blank=True)

    def validate_time_zone(self, value: str) -> str:
        try:
            check_zone(value)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from error
        return value


class ContactPatch(ContactIn):
    """What of a contact to change; fields that are left out stay."""

    email = serializers.CharField(max_length=320, required=False)
    blocked = serializers.BooleanField(required=False)


# -- orgs and what they have


class ConnectionTreeSerializer(serializers.ModelSerializer[Connection]):
    id = IdField()
    paused = serializers.SerializerMethodField()

    class Meta:
        model = Connection
        fields = ["id", "key", "name", "connector", "cadence_seconds", "paused"]

    def get_paused(self, connection: Connection) -> bool:
        return connection.paused_at is not None


class SourceTreeSerializer(serializers.ModelSerializer[Source]):
    id = IdField()
    connections = ConnectionTreeSerializer(many=True)

    class Meta:
        model = Source
        fields = ["id", "key", "name", "warehouse_type", "size", "connections"]


class ProjectTreeSerializer(serializers.ModelSerializer[Project]):
    id = IdField()
    sources = SourceTreeSerializer(many=True)

    class Meta:
        model = Project
        fields = ["id", "key", "name", "repository_url", "sources"]


class OrgSerializer(serializers.ModelSerializer[Org]):
    """A tenant of the product, with its projects, their sources and those's connections."""

    id = IdField()
    account = AccountKeyField()
    external_id = TextOrNull()
    projects = ProjectTreeSerializer(many=True)
    created_at = InstantField()
    archived_at = InstantField(allow_null=True)

    class Meta:
        model = Org
        fields = ["id", "key", "name", "account", "external_id", "projects"]
        fields += ["created_at", "archived_at"]


class OrgIn(serializers.Serializer[Any]):
    """An org, which an importer may call a workspace. With an `external_id` that is known, the
    org that has it takes what is named here."""

    external_id = serializers.CharField(max_length=120, required=False)
    key = serializers.SlugField(max_length=60, required=False)
    name = serializers.CharField(max_length=120)
    account = AccountField(required=False, allow_null=True)


class OrgPatch(OrgIn):
    """What of an org to change; fields that are left out stay. The key stays as it is."""

    key = None  # type: ignore[assignment] # DRF's way to leave a parent's field out
    external_id = serializers.CharField(max_length=120, required=False, allow_blank=True)
    name = serializers.CharField(max_length=120, required=False)


class ConnectionSerializer(serializers.ModelSerializer[Connection]):
    """How data gets into or out of a source. `cadence_seconds` is null where nothing runs by
    itself; nothing is expected of one that is paused."""

    id = IdField()
    org = serializers.CharField(source="source.project.org.key", read_only=True)
    project = serializers.CharField(source="source.project.key", read_only=True)
    source = serializers.CharField(source="source.key", read_only=True)  # type: ignore[assignment] # DRF names its own property so
    warehouse_type = serializers.CharField(source="source.warehouse_type", read_only=True)
    connector = TextOrNull()
    paused_at = InstantField(allow_null=True)
    paused = serializers.SerializerMethodField()
    created_at = InstantField()
    archived_at = InstantField(allow_null=True)

    class Meta:
        model = Connection
        fields = ["id", "key", "name", "org", "project", "source", "warehouse_type", "connector"]
        fields += ["cadence_seconds", "paused", "paused_at", "created_at", "archived_at"]

    def get_paused(self, connection: Connection) -> bool:
        return connection.paused_at is not None


class ConnectionPatch(serializers.Serializer[Any]):
    """What of a connection to change; fields that are left out stay. A `warehouse_type` is that
    of its source, and so of the source's other connections."""

    name = serializers.CharField(max_length=120, required=False)
    warehouse_type = serializers.CharField(max_length=40, required=False)
    connector = serializers.CharField(max_length=60, required=False, allow_blank=True)
    cadence_seconds = serializers.IntegerField(
        min_value=LEAST, max_value=MOST, required=False, allow_null=True
    )
    paused = serializers.BooleanField(required=False)


class ConnectionIn(ConnectionPatch):
    """A connection to create. `project` and `source` are keys or names inside the org; those that
    are not there yet are made, and a new source needs a `warehouse_type`."""

    org = OrgField()
    project = serializers.CharField(max_length=80)
    source = serializers.CharField(max_length=80)  # type: ignore[assignment] # as above
    key = serializers.SlugField(max_length=80, required=False)
    name = serializers.CharField(max_length=120)
