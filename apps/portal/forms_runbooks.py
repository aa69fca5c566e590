"""Forms of runbooks and their runs. They check shapes; the services say what may be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms

from apps.accounts.models import Person
from apps.ownership.models import Surface
from apps.runbooks import triggers
from apps.runbooks.models import RunbookReview, RunbookStep, StepResult
from apps.runbooks.services.reviewing import BY_HAND
from apps.runbooks.steps import MOST_STEPS, MOST_TEXT, MOST_TITLE, StepIn

BLANK_STEPS = 2  # empty ones below those that stand
MOST_FILE = 256 * 1024
_NOT_RECORDED = {StepResult.Status.PENDING}


def _long(label: str, *, rows: int = 2, most: int = MOST_TEXT, **more: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(
        label=label, max_length=most, widget=widget, **{"required": False, **more}
    )


class AboutForm(forms.Form):
    """What stands around the steps."""

    key = forms.CharField(
        label="Key",
        max_length=60,
        help_text="Short and stable, in lower-case words: rb-snowflake-timeouts. It stays.",
    )
    title = forms.CharField(label="Title", max_length=120, help_text="What is wrong, in one line.")
    summary = _long("When to use it", rows=3, most=2_000)
    owner = forms.ModelChoiceField(
        Person.objects.none(),
        label="Owner",
        required=False,
        empty_label="Nobody",
        help_text="Keeps it right, and is chased when it grows stale.",
    )
    backup = forms.ModelChoiceField(
        Person.objects.none(), label="Backup", required=False, empty_label="Nobody"
    )
    cadence_days = forms.IntegerField(
        label="Stale after (days)",
        min_value=7,
        max_value=730,
        initial=90,
        help_text="Unless it was run or reviewed meanwhile.",
    )
    surfaces = forms.CharField(
        label="Surfaces",
        required=False,
        max_length=4_000,
        help_text="Keys, parted by commas: profiler.snowflake, profiler.scheduler.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    triggers = _long("What brings it up", rows=3, help_text=triggers.HELP)

    def __init__(self, *args: Any, viewer: Person, fixed_key: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        if fixed_key:
            del self.fields["key"]
        people = Person.objects.active().order_by("name", "pk")
        for name in ("owner", "backup"):
            self.fields[name].queryset = people  # type: ignore[attr-defined] # model choices

    def clean_surfaces(self) -> list[Surface]:
        keys = [key.strip().lower() for key in self.cleaned_data["surfaces"].split(",")]
        wanted = {key for key in keys if key}
        found = list(Surface.objects.visible_to(self.viewer).current().filter(key__in=wanted))
        missing = sorted(wanted - {surface.key for surface in found})
        if missing:
            raise forms.ValidationError(f"There is no surface {', '.join(missing)[:200]}.")
        return found

    def clean_triggers(self) -> list[tuple[str, str]]:
        try:
            return triggers.read_lines(self.cleaned_data["triggers"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class StepForm(forms.Form):
    """One step. `place` is any number: steps are put in its order and counted anew."""

    place = forms.DecimalField(
        label="Place", max_digits=6, decimal_places=2, min_value=Decimal(0), required=False
    )
    title = forms.CharField(label="What to do", max_length=MOST_TITLE, required=False)
    kind = forms.ChoiceField(label="Kind", choices=RunbookStep.Kind.choices, initial="action")
    instruction = _long("How", rows=3, help_text="Markdown. Commands go between lines of ```.")
    expected = _long("What one sees when it went well")
    on_fail = forms.ChoiceField(label="If not", choices=RunbookStep.OnFail.choices, initial="note")
    on_fail_step = forms.DecimalField(
        label="Go to step", max_digits=6, decimal_places=2, required=False
    )
    on_fail_text = _long("And then")
    minutes = forms.IntegerField(label="Minutes", min_value=1, max_value=1_440, required=False)
    role = forms.CharField(label="Role", max_length=20, required=False)
    is_irreversible = forms.BooleanField(label="Cannot be undone: ask twice", required=False)
    leave_out = forms.BooleanField(label="Leave this step out", required=False)

    @property
    def is_written(self) -> bool:
        """Whether somebody wrote anything into it; an empty one below the others is passed over."""
        values = self.cleaned_data
        return any(values.get(name) for name in ("title", "instruction", "expected"))

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if self.is_written and not values.get("title") and not values.get("leave_out"):
            self.add_error("title", "Say in one line what to do.")
        return values


StepForms = forms.formset_factory(
    StepForm, extra=0, max_num=MOST_STEPS + BLANK_STEPS, absolute_max=MOST_STEPS + 10
)


class DraftForm(forms.Form):
    """What goes with the steps."""

    change_note = forms.CharField(
        label="What changed, and why",
        max_length=300,
        required=False,
        help_text="Whoever approves it reads this first.",
    )
    seen = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)


def initial_of(steps: Sequence[StepIn]) -> list[dict[str, Any]]:
    """The forms of steps that stand, and empty ones below them."""
    names = [name for name in StepForm.base_fields if name not in {"place", "leave_out"}]
    rows = [
        {"place": number, **{name: getattr(step, name) for name in names}}
        for number, step in enumerate(steps, 1)
    ]
    last = len(rows)
    return rows + [{"place": last + more} for more in range(1, BLANK_STEPS + 1)]


def steps_from(filled: Sequence[StepForm]) -> list[StepIn]:
    """The steps in the order of their places; what sends people to a place follows it there.

    Raises ValidationError when a step sends people to one that is not there.
    """
    kept = [form for form in filled if form.is_written and not form.cleaned_data["leave_out"]]
    order = {id(form): at for at, form in enumerate(filled)}
    kept.sort(key=lambda form: (_place(form, order[id(form)]), order[id(form)]))
    now_at: dict[Decimal, int] = {}
    for number, form in enumerate(kept, 1):
        now_at.setdefault(_place(form, order[id(form)]), number)
    return [_step(form.cleaned_data, number, now_at) for number, form in enumerate(kept, 1)]


def _place(form: StepForm, at: int) -> Decimal:
    given = form.cleaned_data.get("place")
    return Decimal(at + 1) if given is None else given


def _step(values: Mapping[str, Any], number: int, now_at: Mapping[Decimal, int]) -> StepIn:
    wanted, target = values["on_fail_step"], None
    if values["on_fail"] == "goto" and wanted is not None:
        target = now_at.get(wanted)
        if target is None:
            raise forms.ValidationError(
                f"Step {number}: there is no step at {wanted:f} any more. Choose where to go."
            )
    texts = {name: values[name] for name in ("title", "instruction", "expected", "on_fail_text")}
    return StepIn(
        kind=values["kind"],
        on_fail=values["on_fail"],
        on_fail_step=target,
        minutes=values["minutes"],
        role=values["role"],
        is_irreversible=values["is_irreversible"],
        **texts,
    )


class FileForm(forms.Form):
    """A runbook as a file or as text."""

    file = forms.FileField(
        label="File", required=False, help_text="YAML or Markdown, at most 256 KiB."
    )
    text = forms.CharField(
        label="Or paste it here",
        required=False,
        max_length=MOST_FILE,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "class": "mono", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        upload = values.get("file")
        if upload:
            values["text"] = self._read(upload)
        elif not str(values.get("text", "")).strip() and "text" not in self.errors:
            self.add_error("text", "Choose a file, or paste its text.")
        return values

    def _read(self, upload: Any) -> str:
        if upload.size > MOST_FILE:
            self.add_error("file", "The file is larger than 256 KiB.")
            return ""
        try:
            return str(upload.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            self.add_error("file", "This file is not text in UTF-8.")
            return ""


class ReviewForm(forms.Form):
    outcome = forms.ChoiceField(
        label="What you found",
        choices=[(value, RunbookReview.Outcome(value).label) for value in BY_HAND],
    )
    note = _long("What you looked at", rows=2, required=True, help_text="At least 10 characters.")


class ReasonForm(forms.Form):
    reason = _long("Why", rows=2, required=True)


class RecordForm(forms.Form):
    """What came out of a step."""

    status = forms.ChoiceField(
        choices=[one for one in StepResult.Status.choices if one[0] not in _NOT_RECORDED],
        widget=forms.HiddenInput,
    )
    was = forms.CharField(max_length=11, required=False, widget=forms.HiddenInput)
    output = _long("What you saw or decided", rows=3, most=20_000)
    evidence_url = forms.CharField(
        label="Link that shows it",
        max_length=500,
        required=False,
        widget=forms.URLInput(attrs={"inputmode": "url"}),
    )
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)


class WrongForm(forms.Form):
    note = _long(
        "What is wrong with it",
        rows=2,
        required=True,
        help_text="Its owner gets a follow-up, and the runbook says that it is suspect.",
    )


class MoveForm(forms.Form):
    """Pause, resume, complete or abandon."""

    to = forms.ChoiceField(
        choices=[
            ("paused", "Pause"), ("running", "Resume"), ("completed", "Complete"),
            ("abandoned", "Abandon"),
        ],
        widget=forms.HiddenInput,
    )  # fmt: skip
    reason = _long("Why", rows=2)
