"""Forms of the ledger of follow-ups. They check shapes; the services say what may be done."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.accounts.models import Person
from apps.followups.models import Evidence, Factor, FollowUp
from apps.followups.services.checking import MAX_TEXT, MAX_TITLE, MAX_URL
from apps.ownership.models import Surface
from apps.portal.forms import SurfaceKey, _surface

PRIORITY_HELP = "P0 and P1 are verified by somebody other than their owner."


def _words(label: str, *, required: bool = True, rows: int = 2, help: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=MAX_TEXT,
        help_text=help,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


class DayField(forms.DateField):
    """A day, as browsers send it."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(widget=widget, input_formats=["%Y-%m-%d"], **options)


class FollowUpForm(forms.Form):
    """What will be done, by whom, by which day, and how somebody else can see that it works."""

    title = forms.CharField(
        label="What will be done",
        max_length=MAX_TITLE,
        help_text="As a promise: “Sample wide text with a budget”.",
    )
    acceptance = _words(
        "How somebody else can see that it works",
        help="Something to look at: “p95 on the XS fixture stays below 300 s”.",
    )
    aim = forms.ChoiceField(label="Aim", choices=FollowUp.Aim.choices)
    priority = forms.ChoiceField(
        label="Priority", choices=FollowUp.Priority.choices, help_text=PRIORITY_HELP
    )
    owner = forms.ModelChoiceField(
        Person.objects.none(), label="Owner", empty_label=None, help_text="One person, by name."
    )
    due_on = DayField(
        label="Due", help_text="Reminders come three days before, on the day, and after it."
    )
    surface = SurfaceKey(label="Surface", required=False)
    factor = forms.ModelChoiceField(
        Factor.objects.none(),
        label="Contributing factor",
        required=False,
        empty_label="None",
        help_text="If it contributes to another incident within 90 days, this is opened again.",
    )
    details = _words("Details", required=False, rows=3, help="Markdown works.")

    def __init__(self, *args: Any, viewer: Person, row: FollowUp | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.viewer, self.row = viewer, row
        people = Person.objects.active().order_by("name", "pk")
        factors = Factor.objects.current()
        if row is not None and row.factor_id:
            factors = factors | Factor.objects.filter(pk=row.factor_id)
        self.fields["owner"].queryset = people  # type: ignore[attr-defined] # a model choice
        self.fields["factor"].queryset = factors  # type: ignore[attr-defined] # a model choice

    def clean_surface(self) -> Surface | None:
        return _surface(self.viewer, self.cleaned_data["surface"])


class NewForm(FollowUpForm):
    """With what it comes from, as the page that leads here says it."""

    source_kind = forms.CharField(required=False, max_length=30, widget=forms.HiddenInput)
    source_ref = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    source_url = forms.CharField(required=False, max_length=MAX_URL, widget=forms.HiddenInput)
    source_label = forms.CharField(required=False, max_length=MAX_TITLE, widget=forms.HiddenInput)


SOURCE = ("source_kind", "source_ref", "source_url", "source_label")


class EditForm(FollowUpForm):
    reason = _words("Why", required=False, help="A later day or a lower priority takes a reason.")
    version = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)


# -- on its page


class ActForm(forms.Form):
    """A form of the follow-up's page; `version` is the one that was read."""

    version = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)


class NoteForm(ActForm):
    note = _words("Note", required=False)


class ReasonForm(ActForm):
    reason = _words("Why")


class CommentForm(forms.Form):
    text = _words("Comment", rows=2)


class EvidenceForm(forms.Form):
    """What shows that it holds: known by its reference, or an address with a note."""

    type = forms.ChoiceField(label="What it is", choices=Evidence.Type.choices)
    ref = forms.CharField(
        label="Reference",
        required=False,
        max_length=120,
        help_text="RUN-7, v1.8.0, a test's name.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    url = forms.CharField(
        label="Address",
        required=False,
        max_length=500,
        help_text="Where somebody can look at it.",
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false"}),
    )
    note = _words("What it shows", required=False, help="At least ten characters with an address.")


class WithdrawForm(forms.Form):
    piece = forms.IntegerField(min_value=1, max_value=2**62, widget=forms.HiddenInput)
    why = _words("Why it does not count")
