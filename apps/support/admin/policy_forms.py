"""The forms of a policy's page: whom it is for, and one small form for each cell of the grid."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from apps.calendars.models import BusinessCalendar
from apps.calendars.services import ALWAYS
from apps.core.admin_base.forms import dress
from apps.customers.models import Account
from apps.support import matching
from apps.support.admin import words
from apps.support.models import EscalationStep, Queue, RequestType, SlaPolicy, SlaTarget
from apps.support.services.policies import Cell, Step, Takes

_IN_DAYS = re.compile(r"[0-9]\s*d", re.IGNORECASE)
CLOSED_DAYS = "Write hours here: around the clock there are no working days."


class Worded(forms.CharField):
    """A text that `read` understands; what it refuses with ValueError is said at the field."""

    def __init__(self, *, read: Callable[[str], Any], **options: Any) -> None:
        super().__init__(required=False, max_length=words.MAX_TEXT, **options)
        self.read = read

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return self.read(text)
        except ValueError as error:
            raise ValidationError(str(error), code="words") from error


class PolicyForm(forms.Form):
    name = forms.CharField(max_length=80)
    calendar = forms.ModelChoiceField(
        BusinessCalendar.objects.none(),
        help_text="In its hours the promises run, unless a cell says otherwise.",
    )
    is_active = forms.BooleanField(required=False, label="In use")
    is_default = forms.BooleanField(
        required=False,
        label="The default policy",
        help_text="Takes every ticket that no other policy takes.",
    )
    match_queue = forms.ModelChoiceField(
        Queue.objects.none(), required=False, label="Queue", empty_label="any"
    )
    match_type = forms.ModelChoiceField(
        RequestType.objects.none(), required=False, label="Request type", empty_label="any"
    )
    match_tier = forms.ChoiceField(
        choices=[("", "any"), *Account.Tier.choices], required=False, label="Customer's tier"
    )
    match_account = forms.ModelChoiceField(
        Account.objects.none(), required=False, label="Customer", empty_label="any"
    )
    match_tag = forms.CharField(max_length=40, required=False, label="Tag")
    seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, policy: SlaPolicy | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, model in (
            ("calendar", BusinessCalendar), ("match_queue", Queue), ("match_type", RequestType),
            ("match_account", Account),
        ):  # fmt: skip
            chosen = getattr(policy, f"{name}_id", None)
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            rows = model._default_manager.filter(Q(archived_at=None) | Q(pk=chosen))
            field.queryset = rows.order_by("name")
        if policy is not None and policy.is_default:
            for name in [one for one in self.fields if one.startswith("match_")]:
                del self.fields[name]
        if SlaPolicy.objects.filter(is_default=True).exists():
            del self.fields["is_default"]
        dress(self.fields)

    @property
    def matching(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("match_")]

    def takes(self) -> Takes:
        found = self.cleaned_data

        def pk(name: str) -> int | None:
            row = found.get(name)
            return row.pk if row else None

        return Takes(
            queue_id=pk("match_queue"),
            type_id=pk("match_type"),
            tier=found.get("match_tier", ""),
            account_id=pk("match_account"),
            tag=found.get("match_tag", ""),
        )


class CellForm(forms.Form):
    """A metric at a priority. `calendars` maps ids to rows, `label` names it for screen readers."""

    target = Worded(read=words.read)
    calendar = forms.ChoiceField(required=False, label="Runs in")
    warnings = Worded(read=words.read_percents, label="Warnings at % of it")
    steps = Worded(read=words.read_steps, widget=forms.Textarea, label="When it is missed, tell")
    pause_third_party = forms.BooleanField(required=False, label="Waits for third parties, too")
    steps_while_paused = forms.BooleanField(required=False, label="Tells also while it waits")

    def __init__(
        self,
        *args: Any,
        metric: str,
        priority: str,
        calendars: dict[str, BusinessCalendar],
        label: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.metric, self.priority, self.calendars = metric, priority, calendars
        field = self.fields["calendar"]
        assert isinstance(field, forms.ChoiceField)
        offered = [(pk, row.name) for pk, row in calendars.items()]
        field.choices = [("", "the policy's calendar"), *offered]
        if metric not in matching.MAY_PAUSE:
            del self.fields["pause_third_party"], self.fields["steps_while_paused"]
        dress(self.fields)
        for field in self.fields.values():
            named = label if field is self.fields["target"] else f"{label}: {field.label}"
            field.widget.attrs["aria-label"] = named
        self.fields["target"].widget.attrs |= {"autocomplete": "off", "placeholder": "none"}
        self.fields["steps"].widget.attrs |= {"rows": 4, "spellcheck": "false"}

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        chosen = self.calendars.get(found.get("calendar") or "")
        typed = str(self.data.get(self.add_prefix("target"), ""))
        in_days = chosen is not None and chosen.key == ALWAYS and _IN_DAYS.search(typed)
        if in_days and found.get("target"):
            self.add_error("target", CLOSED_DAYS)
        return found

    @property
    def own_calendar(self) -> str:
        """The name of a calendar that is not the policy's, for the grid itself."""
        row = self.calendars.get(str(self["calendar"].value() or ""))
        return row.name if row else ""

    def cell(self) -> Cell:
        found = self.cleaned_data
        return Cell(
            metric=self.metric,
            priority=self.priority,
            seconds=found["target"],
            calendar=self.calendars.get(found["calendar"]),
            warn_percents=found["warnings"],
            steps=found["steps"],
            pause_third_party=found.get("pause_third_party", False),
            steps_while_paused=found.get("steps_while_paused", False),
        )


def cell_initial(target: SlaTarget | None, steps: Sequence[EscalationStep]) -> dict[str, Any]:
    """A stored cell as it would be typed; of a new one, nothing is promised."""
    if target is None:
        return {"target": "", "warnings": "50, 80", "steps": "owner at once; lead after 1 h"}
    own = target.calendar
    around = own is not None and own.key == ALWAYS
    told = [Step(one.after_seconds, one.notify, one.raise_priority) for one in steps]
    return {
        "target": words.show(target.seconds, day=None if around else words.WORKING_DAY),
        "calendar": str(own.pk) if own else "",
        "warnings": words.show_percents(target.warn_percents),
        "steps": words.show_steps(told),
        "pause_third_party": target.pause_third_party,
        "steps_while_paused": target.steps_while_paused,
    }
