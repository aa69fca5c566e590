"""The form of an objective. It checks shapes; the service says what may be kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from apps.accounts.models import Person
from apps.ownership.models import Surface
from apps.portal.forms import SurfaceKey, _surface
from apps.telemetry.models import Slo


class SloForm(forms.Form):
    """What share of what must be good, over how many days, and what follows when it is not."""

    name = forms.CharField(
        label="What is promised", max_length=120, help_text="As a sentence: “Profile runs succeed”."
    )
    sli = forms.ChoiceField(label="It measures", choices=Slo.Sli.choices)
    objective = forms.DecimalField(
        label="Good (%)",
        max_digits=7,
        decimal_places=4,
        help_text="99 allows one in a hundred to be bad. More than customers notice is no promise.",
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
    )
    window_days = forms.IntegerField(
        label="Over how many days",
        min_value=1,
        max_value=365,
        help_text="28 holds four of each weekday.",
    )
    count_key = forms.CharField(
        label="Which counts",
        required=False,
        max_length=80,
        help_text="For counts alone: their name as the tool sends it, such as webhook-freshness.",
        widget=forms.TextInput(attrs={"list": "count-keys", "autocomplete": "off"}),
    )
    facet = forms.CharField(
        label="Only this",
        required=False,
        max_length=60,
        help_text="One warehouse type, template or part of counts. Empty: all of them.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    surface = SurfaceKey(
        label="Surface",
        required=False,
        help_text="With all that is below it. Empty: whatever it happens on.",
    )
    owner = forms.ModelChoiceField(
        Person.objects.none(), label="Owner", required=False, empty_label="Nobody"
    )
    policy = forms.ChoiceField(
        label="When the budget is spent", choices=Slo.Policy.choices, initial=Slo.Policy.FREEZE
    )
    description = forms.CharField(
        label="Why it is this much",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, viewer: Person, row: Slo | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.viewer, self.row = viewer, row
        people = Person.objects.active()
        if row is not None and row.owner_id:
            people = people | Person.objects.filter(pk=row.owner_id)
        self.fields["owner"].queryset = people.order_by("name", "pk")  # type: ignore[attr-defined] # a model choice

    def clean_objective(self) -> Decimal:
        percent: Decimal = self.cleaned_data["objective"]
        if not 0 < percent < 100:
            raise forms.ValidationError(
                "Say a percentage between 0 and 100, both excluded. 100 leaves no budget at all."
            )
        return percent / 100

    def clean_surface(self) -> Surface | None:
        return _surface(self.viewer, self.cleaned_data["surface"])


class NewForm(SloForm):
    key = forms.CharField(
        label="Key",
        max_length=60,
        help_text="Part of its address, and it stays: profile-success.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
