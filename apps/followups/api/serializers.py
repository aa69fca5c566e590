"""Follow-ups as the API shows and takes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.api.fields import PersonField
from apps.core import transitions
from apps.core.api.fields import IdField, InstantField, SurfaceKeyField, TextOrNull
from apps.core.models import Kind
from apps.followups.api.fields import FactorField
from apps.followups.evidence import FITTING
from apps.followups.models import Evidence, FollowUp, FollowUpNote
from apps.followups.services.checking import MAX_TEXT, MAX_TITLE, MAX_URL
from apps.ownership.api.fields import SurfaceField

# -- out


class EvidenceSerializer(serializers.ModelSerializer[Evidence]):
    """What shows that it holds; withdrawn pieces count no more."""

    id = IdField()
    ref = TextOrNull()
    url = TextOrNull()
    label = TextOrNull()  # type: ignore[assignment] # DRF names its own property so
    note = TextOrNull()
    by = serializers.CharField(source="actor_label")
    at = InstantField()
    withdrawn_at = InstantField()

    class Meta:
        model = Evidence
        fields = ["id", "type", "ref", "url", "label", "note", "by", "at", "withdrawn_at"]


class FollowUpNoteSerializer(serializers.ModelSerializer[FollowUpNote]):
    """What happened, in its order; comments among it."""

    id = IdField()
    at = InstantField()
    by = serializers.CharField(source="actor_label")

    class Meta:
        model = FollowUpNote
        fields = ["id", "at", "what", "text", "by"]


class SourceSerializer(serializers.Serializer[Any]):
    """What it comes from."""

    kind = serializers.CharField(source="source_kind")
    ref = TextOrNull(source="source_ref")
    url = TextOrNull(source="source_url")
    label = TextOrNull(source="source_label")  # type: ignore[assignment] # DRF names its own property so


class FollowUpRowSerializer(serializers.ModelSerializer[FollowUp]):
    """A follow-up in a list."""

    id = serializers.CharField(source="ref", read_only=True)
    ref = serializers.CharField(read_only=True)
    owner = PersonField(read_only=True)
    surface = SurfaceKeyField()
    factor = serializers.CharField(
        source="factor.key", read_only=True, allow_null=True, default=None
    )
    from_ = SourceSerializer(source="*")
    restricted = serializers.BooleanField(source="is_restricted")
    created_at = InstantField()
    started_at = InstantField()
    done_at = InstantField()
    verified_at = InstantField()

    class Meta:
        model = FollowUp
        fields = ["id", "ref", "title", "aim", "priority", "status", "kind", "owner", "due_on"]
        fields += ["surface", "factor", "from_", "restricted", "reopened_count", "did_not_hold"]
        fields += ["created_at", "started_at", "done_at", "verified_at", "version"]

    def get_fields(self) -> Any:
        """`source` is a name of the framework's own."""
        found = super().get_fields()
        return {("source" if name == "from_" else name): one for name, one in found.items()}


class FollowUpSerializer(FollowUpRowSerializer):
    """A follow-up with its evidence, and what may come next."""

    done_by = PersonField(read_only=True)
    verified_by = PersonField(read_only=True)
    ended_reason = TextOrNull(help_text="Why it won't be done.")
    evidence = EvidenceSerializer(many=True)
    fitting = serializers.SerializerMethodField(help_text="Types of evidence that fit its aim.")
    next_states = serializers.SerializerMethodField()

    class Meta(FollowUpRowSerializer.Meta):
        fields = [*FollowUpRowSerializer.Meta.fields, "details", "acceptance", "done_by"]
        fields += ["verified_by", "ended_reason", "evidence", "fitting", "next_states"]

    def get_fitting(self, row: FollowUp) -> list[str]:
        return [*FITTING[row.aim], "url"]

    def get_next_states(self, row: FollowUp) -> list[str]:
        return sorted(transitions.allowed(row))


# -- in


class TextField(serializers.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_TEXT, **options)


class SourceIn(serializers.Serializer[Any]):
    """What it comes from; a kind and a reference find it again."""

    kind = serializers.CharField(max_length=30, help_text="incident, runbook, drill, …")
    ref = serializers.CharField(max_length=60, required=False, allow_blank=True)
    url = serializers.CharField(max_length=MAX_URL, required=False, allow_blank=True)
    label = serializers.CharField(  # type: ignore[assignment] # DRF names its own property so
        max_length=MAX_TITLE, required=False, allow_blank=True
    )


class FollowUpIn(serializers.Serializer[Any]):
    """Something that somebody will do by a day, and how somebody else can see that it works."""

    title = serializers.CharField(max_length=MAX_TITLE)
    acceptance = TextField(help_text="How somebody else can see that it works.")
    aim = serializers.ChoiceField(FollowUp.Aim.choices)
    priority = serializers.ChoiceField(FollowUp.Priority.choices)
    owner = PersonField(help_text="An e-mail address.")
    due_on = serializers.DateField(help_text="YYYY-MM-DD.")
    details = TextField(required=False, allow_blank=True, help_text="Markdown.")
    surface = SurfaceField(required=False, allow_null=True, help_text="A key.")
    factor = FactorField(required=False, allow_null=True, help_text="A key.")
    kind = serializers.ChoiceField(Kind.choices, required=False)
    source_ = SourceIn(required=False)

    def get_fields(self) -> Any:
        """`source` is a name of the framework's own."""
        found = super().get_fields()
        return {("source" if name == "source_" else name): one for name, one in found.items()}


class FollowUpPatch(serializers.Serializer[Any]):
    """What to change; what is left out stays."""

    title = serializers.CharField(max_length=MAX_TITLE, required=False)
    acceptance = TextField(required=False)
    details = TextField(required=False, allow_blank=True)
    aim = serializers.ChoiceField(FollowUp.Aim.choices, required=False)
    priority = serializers.ChoiceField(FollowUp.Priority.choices, required=False)
    owner = PersonField(required=False, help_text="An e-mail address.")
    due_on = serializers.DateField(required=False, help_text="YYYY-MM-DD.")
    surface = SurfaceField(required=False, allow_null=True)
    factor = FactorField(required=False, allow_null=True)
    reason = TextField(
        required=False, allow_blank=True, help_text="A later day or a lower priority takes one."
    )
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="The one that was read: 409 `stale` for another."
    )


class EvidenceIn(serializers.Serializer[Any]):
    """What we know is named by its reference; all else is an address with a note of at least ten
    characters that says what it shows."""

    type = serializers.ChoiceField(Evidence.Type.choices)
    ref = serializers.CharField(max_length=120, required=False, allow_blank=True)
    url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    note = TextField(required=False, allow_blank=True)


class WithdrawIn(serializers.Serializer[Any]):
    why = TextField(help_text="Why it does not count.")


class NoteIn(serializers.Serializer[Any]):
    text = TextField(help_text="Markdown.")


class StepIn(serializers.Serializer[Any]):
    """A step. `wont_do` and `open` take a note: the reason; `wont_do` takes a manager."""

    to = serializers.ChoiceField(FollowUp.Status.choices)
    note = TextField(required=False, allow_blank=True)
    did_not_hold = serializers.BooleanField(
        required=False,
        default=False,
        help_text="With `open`: what was done or verified does not work; its evidence goes.",
    )
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="The one that was read: 409 `stale` for another."
    )
