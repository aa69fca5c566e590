"""What hangs on an incident, as the API shows it: roles, tasks, customers, updates, hints."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.api.fields import PersonField
from apps.core.api.fields import IdField, InstantField
from apps.incidents.models import Impact, IncidentTask, RoleAssignment, StatusUpdate


class RoleSerializer(serializers.ModelSerializer[RoleAssignment]):
    """Who had a role from when to when; `to_at` is null for who has it now."""

    id = IdField()
    person = PersonField()
    from_at = InstantField()
    to_at = InstantField(allow_null=True)

    class Meta:
        model = RoleAssignment
        fields = ["id", "role", "person", "from_at", "to_at", "handover_note", "why"]


class TaskSerializer(serializers.ModelSerializer[IncidentTask]):
    """Something to do; `from_template` says that it came from the book."""

    id = IdField()
    assignee = PersonField(allow_null=True)
    due_at = InstantField(allow_null=True)
    created_at = InstantField()
    ended_at = InstantField(allow_null=True)
    ended_by = serializers.CharField(source="ended_by_label")
    from_template = serializers.SerializerMethodField()

    class Meta:
        model = IncidentTask
        fields = ["id", "text", "status", "role", "assignee", "due_at", "from_template"]
        fields += ["created_at", "ended_at", "ended_by"]

    def get_from_template(self, task: IncidentTask) -> bool:
        return task.template_id is not None


class ImpactSerializer(serializers.ModelSerializer[Impact]):
    """A customer who is hurt; `to_at` is null while they are."""

    id = IdField()
    account = serializers.CharField(
        source="account.key", allow_null=True, default=None, help_text="A customer's key."
    )
    name = serializers.CharField(source="__str__", help_text="As people read it.")
    from_at = InstantField(allow_null=True)
    to_at = InstantField(allow_null=True)
    created_at = InstantField()

    class Meta:
        model = Impact
        fields = ["id", "account", "label", "name", "from_at", "to_at", "note", "created_at"]


class UpdateSerializer(serializers.ModelSerializer[StatusUpdate]):
    """A message to one audience; what is published is not edited any more."""

    id = IdField()
    audience = serializers.CharField(source="audience.key")
    side = serializers.CharField(source="audience.side", help_text="internal or public")
    author = PersonField(allow_null=True)
    approver = PersonField(allow_null=True)
    next_update_at = InstantField(allow_null=True)
    created_at = InstantField()
    changed_at = InstantField()
    published_at = InstantField(allow_null=True)

    class Meta:
        model = StatusUpdate
        fields = ["id", "audience", "side", "stage", "status", "subject", "body", "states"]
        fields += ["next_update_at", "author", "author_label", "approver", "version"]
        fields += ["incident_status", "created_at", "changed_at", "published_at"]


class HintSerializer(serializers.Serializer[Any]):
    """What may belong to an incident. Send it back in `links` to link it."""

    kind = serializers.CharField(help_text="incident, change, runbook, ticket, …")
    ref = serializers.CharField()
    url = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # DRF names its own property so
    why = serializers.CharField()
    relation = serializers.CharField()
    score = serializers.FloatField(help_text="0 to 1, within its kind.")


class OpenedPageSerializer(serializers.Serializer[Any]):
    """The page that was opened; acknowledge and resolve it under /pages/."""

    page = IdField()
    status = serializers.CharField()
    summary = serializers.CharField()
    next_at = InstantField(allow_null=True, help_text="When the next step is taken.")


class PromiseSerializer(serializers.Serializer[Any]):
    """How the promise of the next update stands for one side."""

    side = serializers.CharField()
    state = serializers.CharField(help_text="none, ok, soon, due or overdue")
    due_at = InstantField(allow_null=True)
    owed = serializers.IntegerField(help_text="Updates owed so far.")
    kept = serializers.IntegerField(help_text="Of them, in time.")
