"""Tickets and what hangs on them, as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from rest_framework import serializers

from apps.accounts.api.fields import PersonField
from apps.core.api.fields import IdField, InstantField, SurfaceKeyField, TextOrNull
from apps.support import clockwork
from apps.support import lifecycle as states
from apps.support.api.fields import RefField
from apps.support.models import (
    Attachment,
    Csat,
    Macro,
    Queue,
    RequestField,
    RequestType,
    Ticket,
    TicketClock,
    TicketEvent,
    TicketLink,
    TicketMessage,
    TicketWatcher,
)
from apps.support.selectors.promising import calendar_of
from apps.support.services.clockrows import state_of


class KeyField(serializers.CharField):
    """The key of what is referred to on its way out, null for none."""

    def __init__(self, source: str, **options: Any) -> None:
        super().__init__(
            source=f"{source}.key", read_only=True, allow_null=True, default=None, **options
        )


# -- setup


class RequestFieldSerializer(serializers.ModelSerializer[RequestField]):
    public = serializers.BooleanField(source="is_public", help_text="Asked of customers.")
    required = serializers.BooleanField(  # type: ignore[assignment] # DRF names its own property so
        source="is_required", help_text="Of customers."
    )
    choices = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = RequestField
        fields = ["key", "label", "kind", "choices", "help_text", "public", "required"]


class RequestTypeSerializer(serializers.ModelSerializer[RequestType]):
    """A kind of report: where it goes, its first impact and urgency, and the facts it asks for."""

    id = IdField()
    queue = serializers.SerializerMethodField(help_text="A key; null where you may not see it.")
    surface = serializers.SerializerMethodField(
        help_text="Where a ticket goes that names none; null where you may not see it."
    )
    owner = PersonField(read_only=True, allow_null=True, help_text="Null: the surface's owner.")
    public = serializers.BooleanField(source="is_public", help_text="Offered to customers.")
    fields_ = RequestFieldSerializer(many=True)
    archived_at = InstantField(allow_null=True)

    class Meta:
        model = RequestType
        fields = ["id", "key", "name", "public_name", "help_text", "icon", "position", "queue"]
        fields += ["surface", "owner", "impact", "urgency", "public", "fields_", "archived_at"]

    def get_fields(self) -> Any:
        """`fields` is a name of the framework's own, so the wire's is given here."""
        found = super().get_fields()
        return {("fields" if name == "fields_" else name): one for name, one in found.items()}

    def get_queue(self, row: RequestType) -> str | None:
        seen: set[int] = self.context["queues"]
        return row.queue.key if row.queue_id in seen else None

    def get_surface(self, row: RequestType) -> str | None:
        seen: set[int] = self.context["surfaces"]
        return row.surface.key if row.surface and row.surface_id in seen else None


class QueueSerializer(serializers.ModelSerializer[Queue]):
    """A pile of tickets that a team works through."""

    id = IdField()
    team = KeyField("team")
    private = serializers.BooleanField(source="is_private")
    default = serializers.BooleanField(source="is_default")

    class Meta:
        model = Queue
        fields = ["id", "key", "name", "team", "private", "default"]


class MacroSerializer(serializers.ModelSerializer[Macro]):
    """A prepared reply or note. The names in braces are for whoever uses it to fill in."""

    id = IdField()
    public = serializers.BooleanField(source="is_public")
    then = TextOrNull(help_text="wait, resolve, or null.")
    resolution_code = TextOrNull()
    types = serializers.SerializerMethodField(help_text="Keys; none: for every type.")
    tags = serializers.ListField(source="add_tags", child=serializers.CharField())

    class Meta:
        model = Macro
        fields = ["id", "name", "body", "public", "then", "resolution_code", "tags", "types"]

    def get_types(self, macro: Macro) -> list[str]:
        return [row.key for row in macro.request_types.all()]


# -- tickets


class SlaSerializer(serializers.Serializer[Ticket]):
    """The promise that counts most: the next to be kept, or how it went."""

    state = serializers.CharField(source="sla_state")
    metric = TextOrNull(source="sla_metric")
    due_at = InstantField(source="sla_due_at", allow_null=True)
    remaining_seconds = serializers.IntegerField(
        source="sla_remaining_seconds", allow_null=True, help_text="Of a paused one."
    )


class TicketRowSerializer(serializers.ModelSerializer[Ticket]):
    id = serializers.CharField(source="ref", read_only=True)
    ref = serializers.CharField(read_only=True, help_text="TCK-7")
    type = serializers.CharField(source="request_type.key", read_only=True)
    queue = KeyField("queue")
    surface = SurfaceKeyField()
    owner = PersonField(read_only=True, allow_null=True, help_text="An e-mail address.")
    requester = serializers.CharField(source="requester.email", read_only=True)
    account = KeyField("account", help_text="The customer's key.")
    org = KeyField("org")
    priority_reason = TextOrNull(help_text="Why it is not what impact and urgency say.")
    resolution_code = TextOrNull()
    tags = serializers.ListField(child=serializers.CharField())
    sla = SlaSerializer(source="*")
    merged_into = RefField(source="merged_into_id")
    created_at = InstantField()
    updated_at = InstantField()
    last_message_at = InstantField(allow_null=True)
    triaged_at = InstantField(allow_null=True)
    first_replied_at = InstantField(allow_null=True)
    resolved_at = InstantField(allow_null=True)
    closed_at = InstantField(allow_null=True)

    class Meta:
        model = Ticket
        fields = ["id", "ref", "subject", "status", "priority", "priority_reason", "impact"]
        fields += ["urgency", "type", "queue", "surface", "owner", "requester", "account", "org"]
        fields += ["kind", "channel", "tags", "sla", "awaits_us", "resolution_code"]
        fields += ["reopened_count", "me_too_count", "merged_into", "created_at", "updated_at"]
        fields += ["last_message_at", "triaged_at", "first_replied_at", "resolved_at", "closed_at"]


class ClockSerializer(serializers.ModelSerializer[TicketClock]):
    """One promise. Seconds are working seconds of the promise's calendar."""

    started_at = InstantField()
    due_at = InstantField(allow_null=True, help_text="Null while it is paused.")
    remaining_seconds = serializers.SerializerMethodField(
        help_text="Left now; below 0 what it is late by; null once it is over."
    )
    worked_seconds = serializers.IntegerField(
        source="worked_seconds_final", allow_null=True, help_text="Used up when it was over."
    )
    paused = serializers.BooleanField(source="is_paused")
    stopped_at = InstantField(allow_null=True)
    breached_at = InstantField(allow_null=True)
    waived_at = InstantField(allow_null=True)
    waived_reason = TextOrNull()

    class Meta:
        model = TicketClock
        fields = ["metric", "cycle", "state", "target_seconds", "started_at", "due_at"]
        fields += ["remaining_seconds", "worked_seconds", "paused", "stopped_at", "breached_at"]
        fields += ["without_reply", "waived_at", "waived_reason"]

    def get_remaining_seconds(self, clock: TicketClock) -> int | None:
        if not clock.is_open:
            return None
        now: datetime = self.context["now"]
        calendar = calendar_of(clock.calendar_version_id)
        return clock.target_seconds - clockwork.used(state_of(clock), now, calendar)


class TicketLinkSerializer(serializers.ModelSerializer[TicketLink]):
    """What a ticket has to do with; one that blocks it keeps it from being resolved."""

    id = IdField()
    url = TextOrNull()
    label = TextOrNull()  # type: ignore[assignment] # DRF names its own property so
    created_at = InstantField()
    done_at = InstantField(allow_null=True)

    class Meta:
        model = TicketLink
        fields = ["id", "kind", "ref", "relation", "url", "label", "created_at", "done_at"]


class TicketSerializer(TicketRowSerializer):
    """A ticket; the answer to opening one has the same shape."""

    fields_ = serializers.DictField(
        child=serializers.CharField(), help_text="Facts by the type's keys."
    )
    clocks = ClockSerializer(many=True)
    links = TicketLinkSerializer(many=True)
    connection = serializers.SerializerMethodField(help_text="An id.")
    copied = serializers.SerializerMethodField(help_text="Who else gets replies: addresses.")
    watchers = serializers.SerializerMethodField(help_text="E-mail addresses.")
    follows = RefField(source="follows_id")
    split_from = RefField(source="split_from_id")
    page = serializers.SerializerMethodField(help_text="The id of the escalation's page.")
    remind_at = InstantField(allow_null=True)
    expected_by = InstantField(allow_null=True)
    snoozed_until = InstantField(allow_null=True)
    routed = TextOrNull(source="route_note", help_text="How it came to surface and owner.")
    next_states = serializers.SerializerMethodField(help_text="Where /transition can lead.")
    blockers = serializers.SerializerMethodField(help_text="What keeps it from being resolved.")

    class Meta(TicketRowSerializer.Meta):
        fields = [*TicketRowSerializer.Meta.fields, "fields_", "clocks", "links", "connection"]
        fields += ["copied", "watchers", "blocks_work", "follows", "split_from", "page"]
        fields += ["remind_at", "expected_by", "snoozed_until", "routed", "source", "source_ref"]
        fields += ["source_url", "version", "next_states", "blockers"]

    def get_fields(self) -> Any:
        """`fields` and `source` are names of the framework's own."""
        found = super().get_fields()
        return {("fields" if name == "fields_" else name): one for name, one in found.items()}

    def get_connection(self, ticket: Ticket) -> str | None:
        return str(ticket.connection_id) if ticket.connection_id else None

    def get_copied(self, ticket: Ticket) -> list[str]:
        return sorted(row.contact.email for row in ticket.contacts.all())

    def get_watchers(self, ticket: Ticket) -> list[str]:
        return sorted(row.person.email for row in ticket.watchers.all())

    def get_page(self, ticket: Ticket) -> str | None:
        return str(ticket.page_id) if ticket.page_id else None

    def get_next_states(self, ticket: Ticket) -> list[str]:
        verbs = states.verbs_from(ticket.status)
        return sorted({verb.to for verb in verbs} - {states.MERGED})

    def get_blockers(self, ticket: Ticket) -> list[dict[str, str]]:
        rows = ticket.links.all()
        open_ones = [row for row in rows if row.relation == "blocks" and row.done_at is None]
        return [
            {"to": states.RESOLVED, "reason": f"{row.get_kind_display()} {row.ref} is not done."}
            for row in open_ones
        ]


# -- what was said and what happened


class FileSerializer(serializers.ModelSerializer[Attachment]):
    id = IdField()
    url = serializers.SerializerMethodField(help_text="Where it is downloaded.")

    class Meta:
        model = Attachment
        fields = ["id", "name", "content_type", "size", "url"]

    def get_url(self, row: Attachment) -> str:
        path = reverse("api-ticket-file", args=[f"TCK-{row.message.ticket_id}", row.pk])
        return str(self.context["request"].build_absolute_uri(path))


class MessageSerializer(serializers.ModelSerializer[TicketMessage]):
    """One thing that was said. Those of merged tickets say by `ticket` where it was."""

    id = IdField()
    ticket = RefField(source="ticket_id")
    public = serializers.BooleanField(source="is_public")
    by = serializers.CharField(source="actor_label", help_text="Who wrote it down.")
    contact = serializers.CharField(
        source="contact.email", read_only=True, allow_null=True, default=None
    )
    at = InstantField(help_text="When it was said.")
    recorded_at = InstantField(help_text="When it reached us.")
    quoted = TextOrNull(help_text="A mail's history below its new words.")
    delivery_error = TextOrNull(help_text="Why it did not arrive.")
    files = FileSerializer(many=True, source="attachments")

    class Meta:
        model = TicketMessage
        fields = ["id", "ticket", "author", "public", "status", "channel", "by", "contact"]
        fields += ["body", "quoted", "at", "recorded_at", "delivery_error", "files"]


class TicketEventSerializer(serializers.ModelSerializer[TicketEvent]):
    """What happened beside the words."""

    id = IdField()
    at = InstantField()
    by = serializers.CharField(source="actor_label")
    subject = serializers.SerializerMethodField(help_text="What it is about: kind and ref.")

    class Meta:
        model = TicketEvent
        fields = ["id", "at", "what", "text", "by", "subject"]

    def get_subject(self, event: TicketEvent) -> dict[str, str] | None:
        if not event.subject_kind:
            return None
        return {"kind": event.subject_kind, "ref": event.subject_ref, "url": event.subject_url}


class WatcherSerializer(serializers.ModelSerializer[TicketWatcher]):
    """Who of us hears of news beside the owner."""

    person = PersonField(read_only=True)
    created_at = InstantField()

    class Meta:
        model = TicketWatcher
        fields = ["person", "created_at"]


class CsatSerializer(serializers.ModelSerializer[Csat]):
    """What the requester thought of a resolution; `cycle` counts how often it was reopened."""

    at = InstantField()
    comment = TextOrNull()

    class Meta:
        model = Csat
        fields = ["cycle", "score", "comment", "at"]


class EscalatedSerializer(serializers.Serializer[Any]):
    ref = serializers.CharField()
    page = serializers.CharField(help_text="The page's id.")
    status = serializers.CharField(help_text="The page's status.")
