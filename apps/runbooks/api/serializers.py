"""Runbooks and their runs, as the API shows and takes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.api.fields import PersonField
from apps.core.api.fields import IdField, InstantField, TextOrNull
from apps.core.models import Kind
from apps.core.transitions import allowed
from apps.ownership.api.fields import SurfaceField
from apps.runbooks.exchange import FORMATS, MOST_BYTES
from apps.runbooks.freshness import Band
from apps.runbooks.models import (
    Execution,
    Runbook,
    RunbookReview,
    RunbookStep,
    RunbookVersion,
    StepResult,
    Trigger,
)
from apps.runbooks.services.reviewing import BY_HAND

TEXT = 10_000


class RunbookFreshnessSerializer(serializers.Serializer[Any]):
    """How far it can be trusted, by its last good review or run."""

    band = serializers.ChoiceField([band.value for band in Band])
    at = InstantField(allow_null=True, help_text="The review or run that counts.")
    by = TextOrNull(help_text="`review` or `run`.")
    stale_at = InstantField(allow_null=True)
    is_suspect = serializers.BooleanField(help_text="Somebody said that a step is wrong.")


class RunbookRowSerializer(serializers.ModelSerializer[Runbook]):
    owner = PersonField(allow_null=True)
    backup = PersonField(allow_null=True)
    surfaces = serializers.SerializerMethodField(help_text="Keys.")
    version = serializers.SerializerMethodField(help_text="The approved one; null without one.")
    freshness = RunbookFreshnessSerializer(source="fresh")
    archived_at = InstantField(allow_null=True, help_text="Since when it is retired.")

    class Meta:
        model = Runbook
        fields = ["key", "title", "summary", "owner", "backup", "cadence_days", "surfaces"]
        fields += ["version", "freshness", "archived_at"]

    def get_surfaces(self, runbook: Runbook) -> list[str]:
        return sorted(surface.key for surface in runbook.surfaces.all())

    def get_version(self, runbook: Any) -> int | None:
        return runbook.current.number if runbook.current else None


class RunbookTriggerSerializer(serializers.Serializer[Any]):
    by = serializers.ChoiceField(Trigger.By.choices)
    value = serializers.CharField(max_length=120)


class RunbookStepSerializer(serializers.ModelSerializer[RunbookStep]):
    class Meta:
        model = RunbookStep
        fields = ["position", "kind", "title", "instruction", "expected", "on_fail"]
        fields += ["on_fail_step", "on_fail_text", "minutes", "role", "is_irreversible"]


class RunbookVersionSerializer(serializers.ModelSerializer[RunbookVersion]):
    author = PersonField(allow_null=True)
    approved_by = PersonField(allow_null=True)
    created_at = InstantField()
    approved_at = InstantField(allow_null=True)
    suspect_at = InstantField(allow_null=True)

    class Meta:
        model = RunbookVersion
        fields = ["number", "status", "change_note", "author", "approved_by", "digest"]
        fields += ["created_at", "approved_at", "suspect_at", "suspect_note"]


class RunbookVersionDetailSerializer(RunbookVersionSerializer):
    """A version with its steps."""

    steps = RunbookStepSerializer(many=True)

    class Meta(RunbookVersionSerializer.Meta):
        fields = [*RunbookVersionSerializer.Meta.fields, "steps"]


class RunbookSerializer(RunbookRowSerializer):
    """A runbook with what brings it up, its versions, and the steps of the approved one."""

    triggers = RunbookTriggerSerializer(many=True)
    versions = serializers.SerializerMethodField()
    steps = serializers.SerializerMethodField(help_text="Of the approved version.")

    class Meta(RunbookRowSerializer.Meta):
        fields = [*RunbookRowSerializer.Meta.fields, "triggers", "versions", "steps"]

    def get_versions(self, runbook: Runbook) -> list[dict[str, Any]]:
        rows = runbook.versions.select_related("author", "approved_by").order_by("-number")
        return list(RunbookVersionSerializer(rows, many=True).data)

    def get_steps(self, runbook: Any) -> list[dict[str, Any]]:
        rows = runbook.current.steps.order_by("position") if runbook.current else []
        return list(RunbookStepSerializer(rows, many=True).data)


class RunbookReviewSerializer(serializers.ModelSerializer[RunbookReview]):
    id = IdField()
    version = serializers.IntegerField(source="version.number")
    at = InstantField()
    by = serializers.CharField(source="actor_label")

    class Meta:
        model = RunbookReview
        fields = ["id", "version", "outcome", "note", "at", "by"]


# -- what comes in


class RunbookFileIn(serializers.Serializer[Any]):
    """A runbook as a file's text. A key that is known gets a new draft."""

    text = serializers.CharField(max_length=MOST_BYTES, trim_whitespace=False)
    format = serializers.ChoiceField(FORMATS, required=False, help_text="Guessed when missing.")


class RunbookPatch(serializers.Serializer[Any]):
    """What stands around the steps; what is not named stays."""

    title = serializers.CharField(max_length=120, required=False)
    summary = serializers.CharField(max_length=2_000, required=False, allow_blank=True)
    owner = PersonField(required=False, allow_null=True)
    backup = PersonField(required=False, allow_null=True)
    cadence_days = serializers.IntegerField(min_value=7, max_value=730, required=False)
    surfaces = serializers.ListField(child=SurfaceField(), required=False, max_length=100)
    triggers = RunbookTriggerSerializer(many=True, required=False)


class RunbookReturnIn(serializers.Serializer[Any]):
    comment = serializers.CharField(max_length=TEXT, help_text="What is missing.")


class RunbookRetireIn(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=TEXT)


class RunbookReviewIn(serializers.Serializer[Any]):
    """What somebody found who read it; the note says what they looked at."""

    outcome = serializers.ChoiceField(BY_HAND)
    note = serializers.CharField(min_length=10, max_length=TEXT)


class ExportQuery(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`as` is a word of the language, so the field cannot be written as a name."""
        help_text = "What the text is; YAML when missing."
        return {"as": serializers.ChoiceField(FORMATS, required=False, help_text=help_text)}


class RunbookFileSerializer(serializers.Serializer[Any]):
    filename = serializers.CharField()
    text = serializers.CharField()


# -- runs


class RunContextSerializer(serializers.Serializer[Any]):
    """What a run is for, such as incident INC-7."""

    kind = serializers.CharField(max_length=30)
    ref = serializers.CharField(max_length=60)
    url = serializers.CharField(max_length=300, required=False, allow_blank=True)


class StepResultSerializer(serializers.ModelSerializer[StepResult]):
    position = serializers.IntegerField(source="step.position")
    title = serializers.CharField(source="step.title")
    by = TextOrNull(source="by_label")
    at = InstantField(allow_null=True)
    confirmed_at = InstantField(allow_null=True, help_text="The second yes.")
    follow_up = TextOrNull(source="follow_up_ref", help_text="FUP-7, opened as it was wrong.")

    class Meta:
        model = StepResult
        fields = ["position", "title", "status", "by", "at", "output", "evidence_url"]
        fields += ["confirmed_at", "was_wrong", "follow_up"]


class ExecutionRowSerializer(serializers.ModelSerializer[Execution]):
    id = serializers.CharField(source="ref", read_only=True)
    ref = serializers.CharField(read_only=True, help_text="RUN-7")
    runbook = serializers.CharField(source="version.runbook.key")
    version = serializers.IntegerField(source="version.number")
    context = serializers.SerializerMethodField()  # type: ignore[assignment] # DRF has a property of this name
    started_by = PersonField(allow_null=True)
    started_at = InstantField()
    ended_at = InstantField(allow_null=True)

    class Meta:
        model = Execution
        fields = ["id", "ref", "runbook", "version", "status", "kind", "context", "is_restricted"]
        fields += ["started_by", "started_at", "ended_at", "ended_reason"]

    def get_context(self, execution: Execution) -> dict[str, str] | None:
        if not execution.context_kind:
            return None
        return {
            "kind": execution.context_kind,
            "ref": execution.context_ref,
            "url": execution.context_url,
        }


class ExecutionSerializer(ExecutionRowSerializer):
    """A run with every step."""

    steps = serializers.SerializerMethodField()
    next_states = serializers.SerializerMethodField(help_text="Where /transition can lead.")

    class Meta(ExecutionRowSerializer.Meta):
        fields = [*ExecutionRowSerializer.Meta.fields, "steps", "next_states"]

    def get_steps(self, execution: Execution) -> list[dict[str, Any]]:
        rows = execution.results.select_related("step").order_by("step__position")
        return list(StepResultSerializer(rows, many=True).data)

    def get_next_states(self, execution: Execution) -> list[str]:
        return sorted(allowed(execution))


class ExecutionIn(serializers.Serializer[Any]):
    """A run to begin: of the approved version, or of the one that is named."""

    runbook = serializers.CharField(max_length=60, help_text="A runbook's key.")
    version = serializers.IntegerField(required=False, min_value=1, max_value=100_000)
    kind = serializers.ChoiceField(Kind.choices, required=False)
    context = RunContextSerializer(required=False, allow_null=True)  # type: ignore[assignment] # as above
    restricted = serializers.BooleanField(required=False, default=False)


class StepResultIn(serializers.Serializer[Any]):
    """What came out of a step. `was` is the state that you saw; another one answers `stale`."""

    status = serializers.ChoiceField(
        [choice for choice in StepResult.Status.choices if choice[0] != "pending"]
    )
    output = serializers.CharField(
        required=False, allow_blank=True, max_length=20_000, help_text="Why, when it is skipped."
    )
    evidence_url = serializers.CharField(required=False, allow_blank=True, max_length=500)
    confirmed = serializers.BooleanField(
        required=False, default=False, help_text="The second yes to what cannot be undone."
    )
    was = serializers.ChoiceField(StepResult.Status.choices, required=False)


class StepAdviceSerializer(serializers.Serializer[Any]):
    """What the author of the runbook wants done when the step fails."""

    what = serializers.ChoiceField(RunbookStep.OnFail.choices)
    text = serializers.CharField()
    goto = serializers.IntegerField(allow_null=True)


class StepRecordedSerializer(serializers.Serializer[Any]):
    step = StepResultSerializer(source="result")
    advice = StepAdviceSerializer(allow_null=True)
    next = serializers.IntegerField(allow_null=True, help_text="The step to look at now.")


class StepWrongIn(serializers.Serializer[Any]):
    note = serializers.CharField(min_length=10, max_length=TEXT, help_text="What is wrong with it.")


class StepWrongSerializer(serializers.Serializer[Any]):
    follow_up = serializers.CharField(source="ref", help_text="FUP-7")


class ExecutionTransitionIn(serializers.Serializer[Any]):
    to = serializers.ChoiceField(Execution.Status.choices)
    reason = serializers.CharField(
        required=False, allow_blank=True, max_length=TEXT, help_text="A must to abandon it."
    )
