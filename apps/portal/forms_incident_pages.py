"""Forms of an incident that have a page of their own: updates, times, corrections, paging."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

from django import forms

from apps.portal.forms import _text
from apps.portal.forms_ticket import local_time


class ZonedForm(forms.Form):
    """A form whose times are written where its viewer is."""

    times: tuple[str, ...] = ()

    def __init__(self, *args: Any, zone: tzinfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        for name in self.times:
            at = values.get(name)
            values[name] = at.replace(tzinfo=self.zone) if isinstance(at, datetime) else None
        return values


class TimesForm(ZonedForm):
    """When what happened; every change takes a reason."""

    times: tuple[str, ...] = (
        *("impact_started_at", "detected_at", "acknowledged_at", "declared_at"),
        *("mitigated_at", "resolved_at"),
    )
    impact_started_at = local_time("Customers began to suffer", required=False)
    detected_at = local_time("We noticed", required=True)
    acknowledged_at = local_time("Somebody took it", required=False)
    declared_at = local_time("It was declared", required=False)
    mitigated_at = local_time("Customers were fine again", required=False)
    resolved_at = local_time("It was over", required=False)
    reason = forms.CharField(
        label="Why the times change", max_length=300, help_text="It stands in the timeline."
    )


class CorrectForm(forms.Form):
    text = _text("What is right", required=True, rows=3)


class CallForm(forms.Form):
    """Paging somebody by hand."""

    target = forms.ChoiceField(label="Whom")
    summary = _text(
        "What they need to know",
        required=True,
        help="They read it on a phone, perhaps just woken. Say what is wrong and what you need.",
    )

    def __init__(self, *args: Any, targets: Iterable[Any] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["target"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Choose"), *targets]

    def clean_target(self) -> tuple[str, int]:
        kind, _, pk = self.cleaned_data["target"].partition(":")
        return kind, int(pk)


class UpdateForm(ZonedForm):
    """One message to one audience."""

    times = ("next_update_at",)
    stage = forms.ChoiceField(label="Stage", required=False)
    subject = forms.CharField(label="Subject", max_length=200)
    body = forms.CharField(
        label="Message",
        max_length=20_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Markdown works. Say what is wrong, for whom, what they can do, and what we do.",
    )
    next_update_at = local_time(
        "Promise the next one by",
        required=False,
        help="Reminders count to it. A message with {{ next_update }} in it needs one.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
