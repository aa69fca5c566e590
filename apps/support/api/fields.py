"""Support's objects on the wire: tickets by reference, types and queues by key, files as base64."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.api.fields import as_id
from apps.customers.models import Connection
from apps.support.models import Queue, RequestType, Ticket

_REF = re.compile(r"TCK-([0-9]{1,18})", re.IGNORECASE)


def ticket_number(ref: str) -> str:
    """The id behind TCK-7 as text; empty for what is no reference."""
    match = _REF.fullmatch(ref.strip())
    return match[1] if match else ""


def queues_for(user: Any) -> QuerySet[Queue]:
    """The queues that the asker may see; a key of a team no private one of another team, not even
    with the scope of a manager."""
    rows: QuerySet[Queue] = Queue.objects.visible_to(user)
    team = getattr(user, "team_id", None)
    return rows.exclude(Q(is_private=True) & ~Q(team_id=team)) if team else rows


def tickets_for(user: Any) -> QuerySet[Ticket]:
    """The tickets that the asker may see, by the same rule."""
    rows: QuerySet[Ticket] = Ticket.objects.visible_to(user)
    team = getattr(user, "team_id", None)
    return rows.exclude(Q(queue__is_private=True) & ~Q(queue__team_id=team)) if team else rows


class TicketField(serializers.CharField):
    """A ticket that the asker may see, by its reference TCK-7."""

    def to_internal_value(self, data: Any) -> Any:
        number = as_id(ticket_number(super().to_internal_value(data)))
        rows = tickets_for(self.context["request"].user)
        ticket = rows.filter(pk=number).first() if number is not None else None
        if ticket is None:
            raise serializers.ValidationError("No such ticket, or none that you may see.")
        return ticket


class RefField(serializers.CharField):
    """A ticket's reference on its way out, null for none; from its id, so that nothing is read."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, allow_null=True, default=None, **options)

    def to_representation(self, value: Any) -> str:
        return f"TCK-{value}"


class RequestTypeField(serializers.CharField):
    """A request type in use, by key."""

    def to_internal_value(self, data: Any) -> Any:
        key = super().to_internal_value(data).strip().lower()
        found = RequestType.objects.filter(archived_at=None, key=key).select_related(
            "queue", "surface", "owner"
        )
        if (row := found.first()) is None:
            raise serializers.ValidationError("There is no such request type.")
        return row


class QueueField(serializers.CharField):
    """A queue in use that the asker may see, by key."""

    def to_internal_value(self, data: Any) -> Any:
        key = super().to_internal_value(data).strip().lower()
        rows = queues_for(self.context["request"].user).filter(archived_at=None)
        if (row := rows.filter(key=key).first()) is None:
            raise serializers.ValidationError("No such queue, or none that you may see.")
        return row


class ConnectionField(serializers.CharField):
    """A connection in use, by id."""

    def to_internal_value(self, data: Any) -> Any:
        number = as_id(super().to_internal_value(data))
        rows = Connection.objects.visible_to(self.context["request"].user).current()
        row = rows.filter(pk=number).first() if number is not None else None
        if row is None:
            raise serializers.ValidationError("There is no such connection.")
        return row


@extend_schema_field(
    {"oneOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}], "nullable": True}
)
class FactField(serializers.Field[Any, Any, Any, Any]):
    """One fact of a request: text, a number, yes or no; kept as text."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, bool):
            return "yes" if data else "no"
        if data is None:
            return ""
        if isinstance(data, str | int | float):
            return str(data)
        raise serializers.ValidationError("A fact is text, a number, or yes or no.")

    def to_representation(self, value: Any) -> str:
        return str(value)


class FileIn(serializers.Serializer[Any]):
    """A file to attach. It is only ever served as a download."""

    name = serializers.CharField(max_length=200)
    content = serializers.CharField(help_text="Base64.", trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> Any:
        try:
            content = b64decode("".join(attrs["content"].split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise serializers.ValidationError({"content": ["This is not base64."]}) from error
        attrs["bytes"] = content
        return attrs


def accepted(rows: list[dict[str, Any]] | None) -> list[tuple[str, bytes]]:
    """Posted files as the services take them."""
    return [(row["name"], row["bytes"]) for row in rows or []]
