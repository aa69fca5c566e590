"""What the API takes: a closed list of fields each, bounded; everything else is ignored."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.api.fields import PersonField
from apps.core.api.fields import InstantField
from apps.core.models import Kind
from apps.ownership.api.fields import SurfaceField
from apps.support.api.fields import (
    ConnectionField,
    FactField,
    FileIn,
    QueueField,
    RequestTypeField,
    TicketField,
)
from apps.support.models import Level, Priority, Ticket, TicketLink
from apps.support.services.files import MAX_FILES
from apps.support.services.tickets import MAX_BODY, MAX_FIELDS, MAX_TAG, MAX_TAGS

# Merging names the other ticket: it is a verb of its own, not a step.
STEPS = [choice for choice in Ticket.Status.choices if choice[0] != Ticket.Status.MERGED]
CHANNELS = [
    choice
    for choice in Ticket.Channel.choices
    if choice[0] not in {Ticket.Channel.IMPORT, Ticket.Channel.TOOL}
]


class BodyField(serializers.CharField):
    """Words in Markdown, kept as they are."""

    def __init__(self, **options: Any) -> None:
        told = f"At most {MAX_BODY:,} characters fit; send more as a file."
        super().__init__(
            max_length=MAX_BODY,
            trim_whitespace=False,
            error_messages={"max_length": told},
            **options,
        )


class TagsField(serializers.ListField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            child=serializers.CharField(max_length=MAX_TAG), max_length=MAX_TAGS, **options
        )


class FactsField(serializers.DictField):
    """Facts by key; the keys of the request type's fields, or any others."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=FactField(allow_null=True), **options)

    def to_internal_value(self, data: Any) -> dict[Any, Any]:
        if isinstance(data, dict) and len(data) > MAX_FIELDS:
            raise serializers.ValidationError(f"At most {MAX_FIELDS} facts.")
        return dict(super().to_internal_value(data))


class FactsOf(serializers.Serializer[Any]):
    """What opening and changing a ticket share."""

    impact = serializers.ChoiceField(Level.choices, required=False)
    urgency = serializers.ChoiceField(Level.choices, required=False)
    priority = serializers.ChoiceField(
        Priority.choices,
        required=False,
        help_text="Only where impact and urgency do not say it; then `priority_reason` says why.",
    )
    priority_reason = serializers.CharField(max_length=300, required=False, allow_blank=True)
    surface = SurfaceField(required=False, help_text="A key.")
    queue = QueueField(required=False, help_text="A key.")
    fields_ = FactsField(required=False)
    tags = TagsField(required=False)
    connection = ConnectionField(required=False, help_text="An id.")

    def get_fields(self) -> Any:
        """`fields` is a name of the framework's own."""
        found = super().get_fields()
        return {("fields" if name == "fields_" else name): one for name, one in found.items()}


class TicketIn(FactsOf):
    """A ticket to open. Type, surface and on-call decide where it goes unless it is said."""

    subject = serializers.CharField(max_length=200)
    type = RequestTypeField(help_text="A request type's key.")
    requester = serializers.CharField(
        max_length=500, help_text="An e-mail address, known or new; also `Ana <ana@x.example>`."
    )
    body = BodyField(required=False, allow_blank=True, help_text="Markdown.")
    owner = PersonField(required=False, help_text="An e-mail address.")
    kind = serializers.ChoiceField(Kind.choices, required=False)
    channel = serializers.ChoiceField(
        CHANNELS,
        required=False,
        help_text="How it reached you: api (as by default), mail and form send the requester a "
        "receipt, the others do not.",
    )
    blocks_work = serializers.BooleanField(
        required=False, allow_null=True, help_text="The requester's word."
    )
    answered = serializers.BooleanField(
        required=False, help_text="Answered on the spot: the first reply is met."
    )
    files = serializers.ListField(child=FileIn(), required=False, max_length=MAX_FILES)


class TicketPatch(FactsOf):
    """What of a ticket to change; what is left out stays. `tags` are all that it is to have."""

    subject = serializers.CharField(max_length=200, required=False)
    type = RequestTypeField(required=False, help_text="A request type's key.")
    owner = PersonField(required=False, allow_null=True, help_text="An address; null for nobody.")
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="The one that was read: 409 `stale` for another."
    )


class LinkIn(serializers.Serializer[Any]):
    """What a ticket has to do with."""

    kind = serializers.ChoiceField(TicketLink.Kind.choices)
    ref = serializers.CharField(max_length=300, help_text="INC-42, v1.8.0, CASE-1 …")
    url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    label = serializers.CharField(max_length=300, required=False, allow_blank=True)  # type: ignore[assignment] # DRF names its own property so


class TicketLinkIn(LinkIn):
    relation = serializers.ChoiceField(
        TicketLink.Relation.choices, required=False, default=TicketLink.Relation.RELATED
    )


class MessageIn(serializers.Serializer[Any]):
    """A public message is an agent's reply and goes out by mail; another is a note among us."""

    body = BodyField(help_text="Markdown.")
    public = serializers.BooleanField()
    then = serializers.ChoiceField(
        ["wait", "resolve"], required=False, help_text="What happens with a public one."
    )
    resolution_code = serializers.ChoiceField(Ticket.Resolution.choices, required=False)
    remind_at = InstantField(required=False, help_text="When a waiting ticket comes back.")
    override_blocking = serializers.BooleanField(required=False)
    seen_message = serializers.CharField(
        required=False, help_text="The newest id that was read: 409 `stale` if others wrote since."
    )
    files = serializers.ListField(child=FileIn(), required=False, max_length=MAX_FILES)

    def validate(self, attrs: dict[str, Any]) -> Any:
        if not attrs["public"] and attrs.get("then"):
            raise serializers.ValidationError({"then": ["Only a public message does more."]})
        return attrs


class TicketTransitionIn(serializers.Serializer[Any]):
    """A step. What each needs: resolved a `resolution_code`, and a reply or `no_reply_needed`;
    waiting_third_party a `link` and `expected_by`; open, from new, an owner."""

    to = serializers.ChoiceField(STEPS)
    resolution_code = serializers.ChoiceField(Ticket.Resolution.choices, required=False)
    no_reply_needed = serializers.BooleanField(required=False)
    link = LinkIn(required=False)
    expected_by = InstantField(required=False)
    remind_at = InstantField(required=False)
    override_blocking = serializers.BooleanField(required=False)
    owner = PersonField(required=False, help_text="Who answers for a new ticket: an address.")
    note = serializers.CharField(required=False, allow_blank=True, max_length=1_000)


class MergeIn(serializers.Serializer[Any]):
    into = TicketField(help_text="TCK-9")
    both_customers = serializers.BooleanField(
        default=False,
        help_text="Needed when the two are of different accounts: every answer goes to both.",
    )


class SplitIn(serializers.Serializer[Any]):
    """A message of the requester that opens a ticket of its own."""

    message = serializers.CharField(max_length=20, help_text="Its id.")
    subject = serializers.CharField(max_length=200)
    type = RequestTypeField(help_text="A request type's key.")


class EscalateIn(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300, help_text="Whoever is woken reads it.")


class WatcherIn(serializers.Serializer[Any]):
    person = PersonField(help_text="An e-mail address.")
