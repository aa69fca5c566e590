"""Forms of a review: a section, a factor, a comment, a step, a follow-up."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from apps.accounts.models import Person
from apps.followups.models import Factor, FollowUp
from apps.incidents.models import Incident
from apps.incidents.review_sections import BY_KEY, MOST_TEXT, SECTIONS
from apps.incidents.services import reviews

MOST_NOTE = 10_000


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class SectionForm(forms.Form):
    """One section, as it was begun at a version. How long it may be is the service's to say."""

    text = forms.CharField(required=False, strip=False, widget=_area(8))
    version = forms.IntegerField(min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, section: str, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"{section}-%s", **kwargs})
        field = self.fields["text"]
        field.label = BY_KEY[section].title
        field.help_text = f"{BY_KEY[section].asks} Markdown; at most {MOST_TEXT:,} characters."


class FactorForm(forms.Form):
    factor = forms.ModelChoiceField(
        label="Factor",
        queryset=Factor.objects.none(),
        empty_label="Choose what contributed",
    )
    note = forms.CharField(
        label="In this incident",
        required=False,
        max_length=MOST_NOTE,
        widget=_area(2),
        help_text="What it was here: “the time limit of small warehouses is 600 s”.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "factor-%s", **kwargs})
        self.fields["factor"].queryset = Factor.objects.current()  # type: ignore[attr-defined] # a model choice has one


class TakeOffForm(forms.Form):
    """The factor to take off again."""

    factor = forms.ModelChoiceField(queryset=Factor.objects.all(), widget=forms.HiddenInput)


class ReviewCommentForm(forms.Form):
    section = forms.ChoiceField(
        label="About",
        required=False,
        choices=[("", "The whole review"), *((one.key, one.title) for one in SECTIONS)],
    )
    text = forms.CharField(label="Comment", max_length=MOST_NOTE, widget=_area(2))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "comment-%s", **kwargs})


class NoteForm(forms.Form):
    """A step, with what is to be said about it."""

    note = forms.CharField(label="Note", required=False, max_length=MOST_NOTE, widget=_area(3))


class AuthorForm(forms.Form):
    author = forms.ModelChoiceField(label="Written by", queryset=Person.objects.none())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "author-%s", **kwargs})
        self.fields["author"].queryset = Person.objects.active().order_by("name")  # type: ignore[attr-defined] # a model choice has one


class PromiseForm(forms.Form):
    """A follow-up of this incident; its source and surface are known."""

    title = forms.CharField(
        label="What will be done",
        max_length=200,
        help_text="As it will be when it is done: “Wide text is profiled within a budget”.",
    )
    acceptance = forms.CharField(
        label="How somebody else can see that it works",
        max_length=MOST_NOTE,
        widget=_area(2),
        help_text="“p95 on the smallest warehouse stays below 300 s.”",
    )
    aim = forms.ChoiceField(label="What for", choices=FollowUp.Aim)
    priority = forms.ChoiceField(
        label="Priority", choices=FollowUp.Priority, initial=FollowUp.Priority.P1
    )
    owner = forms.ModelChoiceField(label="Owner", queryset=Person.objects.none())
    due_on = forms.DateField(
        label="Due", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    factor = forms.ModelChoiceField(
        label="Against which factor",
        queryset=Factor.objects.none(),
        required=False,
        empty_label="None of them",
        help_text="When it contributes again within 90 days of being verified, this is reopened.",
    )

    def __init__(self, *args: Any, incident: Incident, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "promise-%s", **kwargs})
        self.fields["owner"].queryset = Person.objects.active().order_by("name")  # type: ignore[attr-defined] # a model choice has one
        chosen = Factor.objects.current().filter(review_factors__review__incident=incident)
        self.fields["factor"].queryset = chosen  # type: ignore[attr-defined] # a model choice has one
        days = (
            f"{one} {reviews.follow_up_due(incident, one, on=today):%-d %b}"
            for one in FollowUp.Priority.values
        )
        self.fields["due_on"].help_text = f"Left empty, what {incident.severity} gives it: " + (
            ", ".join(days) + "."
        )
