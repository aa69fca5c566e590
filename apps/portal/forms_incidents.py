"""Forms of incidents. They check shapes; the services say what may be done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from apps.accounts.models import Person
from apps.incidents import severity_matrix as matrix
from apps.incidents.models import Incident, IncidentLink, IncidentType, Severity
from apps.incidents.models.comms import Audience
from apps.incidents.models.framework import Role
from apps.ownership.models import Surface
from apps.portal.forms import SurfaceKey, _surface, _text

SEVERITY_HELP = {
    Severity.SEV1: "SEV1: customers cannot work, or data is at risk",
    Severity.SEV2: "SEV2: an important part is broken for many",
    Severity.SEV3: "SEV3: something is broken for some, or slow for many",
    Severity.SEV4: "SEV4: cosmetic or internal",
}
DETECTED_BY = [
    ("", "Choose"),
    ("alert", "An alert"),
    ("ticket", "A ticket"),
    ("customer", "A customer, otherwise"),
    ("internal", "Somebody here"),
]
RELATIONS = [
    (one.value, one.label)
    for one in IncidentLink.Relation
    if one != IncidentLink.Relation.DUPLICATE  # that is what merging is for
]
SNOOZES = [("15", "15 minutes"), ("30", "30 minutes"), ("60", "1 hour"), ("120", "2 hours")]


# -- what several forms share


class PersonField(forms.TypedChoiceField):
    """Somebody active, from the list that the page offers; `nobody` is offered as a choice."""

    def __init__(
        self, *, people: Iterable[Person], empty: str, nobody: str = "", **kwargs: Any
    ) -> None:
        self.found = {str(person.pk): person for person in people}
        choices = [("", empty), *((pk, person.name) for pk, person in self.found.items())]
        if nobody:
            choices.append(("nobody", nobody))
        super().__init__(choices=choices, coerce=self.found.get, empty_value=None, **kwargs)


class AnswersForm(forms.Form):
    """The four questions that suggest a severity; what is left open counts as the worse answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in matrix.QUESTIONS:
            self.fields[question.key] = forms.ChoiceField(
                label=question.text,
                required=False,
                choices=[
                    *((choice.key, choice.text) for choice in question.choices),
                    (matrix.UNSURE, "Not sure yet"),
                ],
                widget=forms.RadioSelect,
            )

    def answers(self) -> dict[str, str]:
        """The answers that were given; only of a valid form."""
        values = ((one.key, self.cleaned_data.get(one.key, "")) for one in matrix.QUESTIONS)
        return {key: value for key, value in values if value}


# -- declaring


class IncidentForm(AnswersForm):
    """An incident that no alert opened, or that somebody makes of an alert, a ticket, a change."""

    title = forms.CharField(
        label="What is wrong",
        max_length=200,
        help_text="As customers notice it: “Snowflake profiling times out”.",
    )
    surface = SurfaceKey(
        label="Surface",
        required=False,
        help_text="Who is on call for it takes command. Leave it empty when nobody knows yet.",
    )
    severity = forms.ChoiceField(
        label="Severity",
        required=False,
        choices=[("", "As the answers suggest"), *SEVERITY_HELP.items()],
    )
    reason = forms.CharField(
        label="Why another severity than suggested",
        required=False,
        max_length=500,
    )
    type = forms.ChoiceField(label="Type", required=False)
    summary = _text("What you know so far", required=False, rows=3)
    detection_source = forms.ChoiceField(
        label="Who noticed", required=False, choices=[("", "Somebody here"), *DETECTED_BY[1:4]]
    )
    command = forms.BooleanField(label="I take command myself", required=False)
    restricted = forms.BooleanField(
        label="Restricted",
        required=False,
        help_text="Only managers and the people on it can see it.",
    )
    drafts = forms.MultipleChoiceField(
        label="First messages",
        required=False,
        choices=Audience.Side.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    hints = forms.CharField(required=False, widget=forms.HiddenInput)  # sent many times over
    alert = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
    ticket = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
    change = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)

    def __init__(self, *args: Any, viewer: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        self.types = list(IncidentType.objects.filter(archived_at=None))
        field = self.fields["type"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Not known yet"), *((one.key, one.name) for one in self.types)]

    def clean_surface(self) -> Surface | None:
        return _surface(self.viewer, self.cleaned_data["surface"])

    def clean_type(self) -> IncidentType | None:
        key = self.cleaned_data["type"]
        return next((one for one in self.types if one.key == key), None)

    def chosen_hints(self) -> set[tuple[str, str]]:
        """(kind, ref) of the hints that were ticked."""
        given = self.data.getlist("hints") if hasattr(self.data, "getlist") else []
        pairs = (value[:100].partition(" ") for value in given[:60])
        return {(kind, ref) for kind, _, ref in pairs if kind and ref}


# -- one incident


class MoveForm(forms.Form):
    """Moving an incident on, with what its guards ask for; which of it is needed, they say."""

    to = forms.ChoiceField(choices=Incident.Status, widget=forms.HiddenInput)
    mitigation_note = _text("What was done so that customers are fine", required=False)
    impact_summary = _text(
        "Who was hurt, and how",
        required=False,
        help="One or two sentences: how many, how long, and whether data was lost.",
    )
    detection_source = forms.ChoiceField(
        label="What noticed it first", required=False, choices=DETECTED_BY
    )
    public_silence = forms.CharField(
        label="Why customers need no message",
        required=False,
        max_length=500,
        help_text="Only when nothing is to be said to them.",
    )
    surface = SurfaceKey(label="Surface it hurts", required=False)
    note = _text("Note for the timeline", required=False)

    def __init__(self, *args: Any, viewer: Person | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer

    def clean_surface(self) -> Surface | None:
        key = self.cleaned_data["surface"]
        return _surface(self.viewer, key) if self.viewer and key else None


class SeverityForm(forms.Form):
    severity = forms.ChoiceField(label="Severity", choices=list(SEVERITY_HELP.items()))
    reason = _text("Why", required=False, help="Lowering the severity takes a reason.")


class PlainForm(forms.Form):
    """A button with at most a value: which row it stands in."""

    pk = forms.IntegerField(required=False, min_value=1, max_value=2**62)


class PeopleForm(forms.Form):
    """A form that offers people."""

    def __init__(self, *args: Any, people: Iterable[Person] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shape(list(people))

    def shape(self, people: list[Person]) -> None:
        """Add what depends on who is there."""


class RoleForm(PeopleForm):
    role = forms.ChoiceField(label="Role", choices=Role)
    handover_note = _text(
        "Handover note",
        required=False,
        help="What whoever takes over must know: where it stands, what was tried, who waits.",
    )

    def shape(self, people: list[Person]) -> None:
        self.fields["person"] = PersonField(
            label="Person", people=people, empty="Choose", nobody="Nobody"
        )
        self.order_fields(["role", "person", "handover_note"])


class TaskForm(PeopleForm):
    text = forms.CharField(label="Task", max_length=300)

    def shape(self, people: list[Person]) -> None:
        self.fields["assignee"] = PersonField(
            label="Who", required=False, people=people, empty="Nobody yet"
        )


class LinkForm(forms.Form):
    ref = forms.CharField(
        label="What",
        max_length=300,
        help_text="TCK-12, INC-7, or an address.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    relation = forms.ChoiceField(label="How it belongs", choices=RELATIONS, initial="related")


class ImpactForm(forms.Form):
    who = forms.CharField(
        label="Customer",
        max_length=160,
        widget=forms.TextInput(attrs={"list": "accounts", "autocomplete": "off"}),
    )
    note = forms.CharField(label="How it hurts them", required=False, max_length=500)


class ReasonForm(PlainForm):
    reason = forms.CharField(label="Why", max_length=300)


class MergeForm(forms.Form):
    into = forms.CharField(
        label="Into",
        max_length=24,
        help_text="The one that goes on: INC-7.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reason = forms.CharField(label="Why they are the same", required=False, max_length=300)


class SnoozeForm(forms.Form):
    side = forms.ChoiceField(choices=Audience.Side, widget=forms.HiddenInput)
    minutes = forms.ChoiceField(label="Remind again in", choices=SNOOZES)
    reason = forms.CharField(label="Why", max_length=300)


class EditForm(forms.Form):
    """What an incident is called and what it hurts."""

    title = forms.CharField(label="What is wrong", max_length=200)
    surface = SurfaceKey(label="Surface", required=False)
    type = forms.ChoiceField(label="Type", required=False)
    summary = _text("What is known", required=False, rows=3)

    def __init__(self, *args: Any, viewer: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        self.types = list(IncidentType.objects.filter(archived_at=None))
        field = self.fields["type"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Not known yet"), *((one.key, one.name) for one in self.types)]

    def clean_surface(self) -> Surface | None:
        return _surface(self.viewer, self.cleaned_data["surface"])

    def clean_type(self) -> IncidentType | None:
        key = self.cleaned_data["type"]
        return next((one for one in self.types if one.key == key), None)
