"""What the API takes: a closed list of fields each, bounded; everything else is ignored."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.api.fields import PersonField, TeamField
from apps.core.api.fields import InstantField
from apps.core.models import Kind
from apps.customers.api.fields import AccountField
from apps.incidents import severity_matrix as matrix
from apps.incidents.api.fields import (
    AudienceField,
    CommsTemplateField,
    IncidentField,
    IncidentTypeField,
    ScheduleField,
)
from apps.incidents.models import Audience, Incident, IncidentLink, IncidentTask, Severity
from apps.incidents.models.comms import Stage
from apps.incidents.models.framework import Role
from apps.incidents.review_sections import SECTIONS
from apps.ownership.api.fields import SurfaceField

# Merging names the other incident: it is a verb of its own, not a step.
STEPS = [choice for choice in Incident.Status.choices if choice[0] != Incident.Status.MERGED]
LONG = 10_000  # characters of a note
MOST_LINKS = 50


def _words(most: int = LONG, **options: Any) -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, max_length=most, **options)


class AnswersIn(serializers.Serializer[Any]):
    """The four answers; one that is missing is "not sure"."""

    who = serializers.ChoiceField(["one", "several", "many", "most"], required=False)
    data_wrong = serializers.ChoiceField(["no", "maybe", "yes"], required=False)
    money_or_security = serializers.ChoiceField(["no", "yes"], required=False)
    workaround = serializers.ChoiceField(["yes", "no"], required=False)


class IncidentLinkIn(serializers.Serializer[Any]):
    """What belongs to the incident: a hint as it was offered, or anything by kind and ref."""

    kind = serializers.CharField(max_length=30)
    ref = serializers.CharField(max_length=60)
    url = _words(300)
    label = serializers.CharField(required=False, allow_blank=True, max_length=300)  # type: ignore[assignment] # DRF names its own property so
    relation = serializers.ChoiceField(IncidentLink.Relation.choices, required=False)


class IncidentIn(serializers.Serializer[Any]):
    """An incident to declare. The first surface decides who sees it; the rest are linked.

    Without `severity` the four `answers` decide; another one than they suggest takes a
    `severity_reason`. A commander who is not named is found.
    """

    title = serializers.CharField(max_length=200)
    severity = serializers.ChoiceField(Severity.choices, required=False)
    surfaces = serializers.ListField(
        child=SurfaceField(), required=False, max_length=50, help_text="Keys; the main one first."
    )
    summary = _words()
    kind = serializers.ChoiceField(Kind.choices, required=False)
    detection_source = serializers.ChoiceField(Incident.Detection.choices, required=False)
    type = IncidentTypeField(required=False, help_text="A type's key.")
    visibility = serializers.ChoiceField(Incident.Visibility.choices, required=False)
    commander = PersonField(required=False, help_text="An e-mail address.")
    answers = AnswersIn(required=False)
    severity_reason = _words()
    links = serializers.ListField(child=IncidentLinkIn(), required=False, max_length=MOST_LINKS)
    impact_started_at = InstantField(required=False)
    detected_at = InstantField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "severity" not in attrs and "answers" not in attrs:
            text = "Name a severity, or give the answers that suggest one."
            raise serializers.ValidationError({"severity": [text]})
        return attrs


class IncidentPatch(serializers.Serializer[Any]):
    """What is known better by now; what is not named stays."""

    title = serializers.CharField(max_length=200, required=False)
    summary = _words()
    surface = SurfaceField(required=False, allow_null=True, help_text="A surface's key.")
    type = IncidentTypeField(required=False, allow_null=True, help_text="A type's key.")


class TransitionIn(serializers.Serializer[Any]):
    """A step, with what it asks for: see `blockers` of the incident. Reopening takes a `note`."""

    to = serializers.ChoiceField(STEPS)
    note = _words()
    impact_summary = _words()
    detection_source = serializers.ChoiceField(Incident.Detection.choices, required=False)
    mitigation_note = _words()
    public_silence = _words(1_000, help_text="Why the public is not told.")
    no_public_message = _words(1_000, help_text="The earlier name of `public_silence`.")
    surface = SurfaceField(required=False, help_text="When declaring: a surface's key.")
    commander = PersonField(required=False, help_text="When declaring: an e-mail address.")


class IncidentCommentIn(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=LONG, help_text="Markdown.")


class SeverityIn(serializers.Serializer[Any]):
    """Another severity; lowering takes a `reason`."""

    severity = serializers.ChoiceField(Severity.choices)
    reason = _words()


class MilestonesIn(serializers.Serializer[Any]):
    """When things really happened, with the reason. Null says "not known"."""

    reason = serializers.CharField(max_length=LONG)
    impact_started_at = InstantField(required=False, allow_null=True)
    detected_at = InstantField(required=False)
    declared_at = InstantField(required=False)
    acknowledged_at = InstantField(required=False, allow_null=True)
    mitigated_at = InstantField(required=False, allow_null=True)
    resolved_at = InstantField(required=False)
    closed_at = InstantField(required=False)


class IncidentMergeIn(serializers.Serializer[Any]):
    into = IncidentField(help_text="INC-41")
    reason = _words()


class ReasonIn(serializers.Serializer[Any]):
    reason = _words()


class PageIn(serializers.Serializer[Any]):
    """Whom to wake: one of `person`, `team` and `schedule`."""

    person = PersonField(required=False, help_text="An e-mail address.")
    team = TeamField(required=False, help_text="A team's key: everybody in it.")
    schedule = ScheduleField(required=False, help_text="A schedule's key: who is on call.")
    summary = _words(1_000, help_text="What it is about; empty: the incident's title.")
    urgency = serializers.ChoiceField(["high", "low"], required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = [name for name in ("person", "team", "schedule") if name in attrs]
        if len(named) != 1:
            text = "Name one: a person, a team or a schedule."
            raise serializers.ValidationError({"person": [text]})
        attrs["target"] = (named[0], attrs.pop(named[0]).pk)
        return attrs


class RoleIn(serializers.Serializer[Any]):
    """A role for somebody, or with null for nobody. Whoever had it hands over with the note."""

    role = serializers.ChoiceField(Role.choices)
    person = PersonField(allow_null=True, help_text="An e-mail address, or null.")
    handover_note = _words()


class TaskIn(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=300)
    role = serializers.ChoiceField(Role.choices, required=False)
    assignee = PersonField(required=False, help_text="An e-mail address.")
    due_at = InstantField(required=False)


class TaskPatch(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=300, required=False)
    role = serializers.ChoiceField(Role.choices, required=False, allow_blank=True)
    assignee = PersonField(required=False, allow_null=True, help_text="An e-mail address or null.")
    due_at = InstantField(required=False, allow_null=True)


class TaskStepIn(serializers.Serializer[Any]):
    to = serializers.ChoiceField(IncidentTask.Status.choices)
    note = _words(300)


class ImpactIn(serializers.Serializer[Any]):
    """A customer who is hurt: by `account`, or by a `label` where no list knows them."""

    account = AccountField(required=False, help_text="A customer's key.")
    label = _words(160)  # type: ignore[assignment] # DRF names its own property so
    from_at = InstantField(required=False)
    to_at = InstantField(required=False)
    note = _words()


class ImpactPatch(serializers.Serializer[Any]):
    from_at = InstantField(required=False, allow_null=True)
    to_at = InstantField(required=False, allow_null=True)
    note = _words()


class UpdateIn(serializers.Serializer[Any]):
    """A draft for one audience. Without subject and body the prepared words are taken."""

    audience = AudienceField(help_text="An audience's key.")
    stage = serializers.ChoiceField(Stage.choices)
    subject = _words(200)
    body = _words(20_000, trim_whitespace=False, help_text="Markdown.")
    states = serializers.DictField(
        child=serializers.CharField(max_length=40), required=False,
        help_text="Component key → state, for audiences of the status page.",
    )  # fmt: skip
    next_update_at = InstantField(required=False, help_text="What the message promises.")
    template = CommsTemplateField(required=False, help_text="Prepared words, by key.")


class UpdatePatch(serializers.Serializer[Any]):
    """A change to a draft; `version` is the one that was read: 409 `stale` for an older one."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    subject = _words(200)
    body = _words(20_000, trim_whitespace=False)
    stage = serializers.ChoiceField(Stage.choices, required=False)
    states = serializers.DictField(child=serializers.CharField(max_length=40), required=False)
    next_update_at = InstantField(required=False, allow_null=True)


class UpdateStepIn(serializers.Serializer[Any]):
    """`publish` approves where a yes is wanted and the asker may give it; else it waits."""

    to = serializers.ChoiceField(["pending", "published", "draft", "withdrawn"])
    version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    reason = _words(300, help_text="Sending it back to its author takes one.")


class SnoozeIn(serializers.Serializer[Any]):
    """The reminders of the next update put off, once and by one interval at most."""

    side = serializers.ChoiceField(Audience.Side.choices)
    until = InstantField()
    reason = serializers.CharField(max_length=300)


class ReviewPatch(serializers.Serializer[Any]):
    """Sections to write, as they were begun at `version`; 409 `stale` where another was faster."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    author = PersonField(required=False, help_text="Give the writing to somebody else.")

    def get_fields(self) -> dict[str, Any]:
        found = dict(super().get_fields())
        for section in SECTIONS:
            found[section.key] = _words(20_000, help_text=section.title, trim_whitespace=False)
        return found


class ReviewStepIn(serializers.Serializer[Any]):
    """`in_review` hands it in, `draft` sends it back with a `note`, then `approved` and
    `published`."""

    to = serializers.ChoiceField(["draft", "in_review", "approved", "published"])
    note = _words()


class ReviewFactorIn(serializers.Serializer[Any]):
    note = _words(2_000)


class ReviewCommentIn(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=LONG)
    section = serializers.ChoiceField([one.key for one in SECTIONS], required=False)


def answers_of(given: dict[str, Any]) -> dict[str, str]:
    """The answers as they are kept."""
    return matrix.checked(given.get("answers") or {})
