"""The forms on a schedule's page: the schedule, each layer with its turn, and new overrides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.utils.text import slugify

from apps.accounts.models import Person, Team, check_zone
from apps.core.admin_base.forms import MomentField, ZoneWidget, dress
from apps.core.admin_base.rows import Row, RowsField, RowsWidget, WindowsField
from apps.rotations.admin.turns import LayerTurns
from apps.rotations.models import Layer, LayerVersion, Override, Role, Schedule
from apps.rotations.services import LayerPlan

NOBODY = "nobody"  # the choice that stands for a buffer
NOW, HANDOFF, DATE = "now", "handoff", "date"
APPLIES = [
    (HANDOFF, "from the next handoff: whoever is on call now finishes their turn"),
    (NOW, "now: the first in the list is on call at once"),
    (DATE, "from a date"),
]
CADENCE = ("every", "unit", "anchor_date", "anchor_time", "advance", "time_zone")


class Dressed(forms.Form):
    """A form in the admin's look, for what is no single row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"use_required_attribute": False, **kwargs})
        dress(self.fields)


class ScheduleForm(Dressed):
    name = forms.CharField(max_length=80)
    key = forms.SlugField(
        max_length=40, required=False, help_text="Short and stable: profiler. Empty: by the name."
    )
    time_zone = forms.CharField(
        max_length=64, validators=[check_zone], widget=ZoneWidget,
        help_text="Handoffs happen by the wall clock of this zone, also across summer time.",
    )  # fmt: skip
    team = forms.ModelChoiceField(Team.objects.none(), required=False, empty_label="No team")
    layer_mode = forms.ChoiceField(
        choices=Schedule.LayerMode.choices, label="When rotations overlap"
    )
    min_people = forms.IntegerField(
        min_value=1, max_value=20, label="At least this many people",
        help_text="Fewer than this is shown as thin cover.",
    )  # fmt: skip
    applies = forms.ChoiceField(
        choices=APPLIES, initial=HANDOFF, widget=forms.RadioSelect,
        label="Changes of a rotation hold",
    )  # fmt: skip
    applies_on = MomentField(required=False, label="Date")
    reason = forms.CharField(max_length=200, required=False, help_text="Kept with the change.")

    SIMPLE: ClassVar[tuple[str, ...]] = ("name", "key", "time_zone")

    def __init__(self, *args: Any, schedule: Schedule | None, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams: Any = self.fields["team"]
        teams.queryset = Team.objects.filter(archived_at=None)
        moment: Any = self.fields["applies_on"]
        moment.zone = ZoneInfo(zone)
        if schedule is not None:
            teams.queryset = Team.objects.filter(Q(archived_at=None) | Q(schedules=schedule))
            teams.queryset = teams.queryset.distinct()
            del self.fields["key"]
        else:
            for name in ("applies", "applies_on", "reason"):
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        if "key" in self.fields and not found.get("key"):
            found["key"] = slugify(str(found.get("name", "")))[:40] or "schedule"
        if found.get("applies") == DATE and not found.get("applies_on"):
            self.add_error("applies_on", "Say from when.")
        return found


class TurnWidget(RowsWidget):
    """People in their order: a place, somebody, and a tick to take them out."""

    template_name = "admin/ops/turn.html"
    parts = ("position", "person", "remove")
    blanks = 2
    max_rows = 60
    choices: ClassVar[list[tuple[str, str]]] = []
    badges: Mapping[str, str] = {}

    def shown(self, row: Row) -> dict[str, Any]:
        chosen = str(row.get("person", ""))
        known = {value for value, _ in self.choices}
        return {
            "empty": not row,
            "chosen": chosen,
            "gone": bool(chosen) and chosen not in known,
            "choices": self.choices,
            "badge": self.badges.get(chosen, ""),
        }


class TurnField(RowsField):
    widget = TurnWidget
    noun = "Place"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.people: dict[str, Person] = {}

    def offer(self, people: Mapping[str, Person], badges: Mapping[str, str]) -> None:
        """Who may be chosen, by id, and what is said beside them."""
        self.people = dict(people)
        named = [(pk, f"{one}{'' if one.is_active else ' (deactivated)'}")
                 for pk, one in people.items()]  # fmt: skip
        widget: Any = self.widget
        widget.choices = [*named, (NOBODY, "Nobody (a gap that is meant)")]
        widget.badges = badges

    def clean_row(self, row: Row) -> Person | None:
        chosen = str(row["person"])
        if chosen == NOBODY:
            return None
        if chosen not in self.people:
            raise ValidationError("choose somebody from the list.")
        return self.people[chosen]


class LayerForm(Dressed):
    """A layer in a manager's words: “every 1 week at 09:00 starting …, these people”."""

    name = forms.CharField(max_length=80)
    every = forms.IntegerField(validators=[MinValueValidator(1), MaxValueValidator(366)])
    unit = forms.ChoiceField(
        choices=[
            ("hour", "hour(s)"),
            ("day", "day(s)"),
            ("week", "week(s)"),
            ("month", "month(s)"),
        ],
        widget=forms.Select({"aria-label": "Hours, days, weeks or months"}),
    )
    anchor_time = forms.TimeField(
        label="at", widget=forms.TimeInput({"type": "time"}, format="%H:%M")
    )
    anchor_date = forms.DateField(
        label="starting", widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    people = TurnField(label="People, in their order")
    priority = forms.IntegerField(
        min_value=-100, max_value=100, initial=0,
        help_text="The higher rotation hides the lower one while it has somebody.",
    )  # fmt: skip
    role = forms.ChoiceField(choices=Role.choices)
    advance = forms.ChoiceField(
        choices=LayerVersion.Advance.choices, label="The turn moves on",
        help_text="“Only on days inside the windows” lets nobody's turn fall on closed days.",
    )  # fmt: skip
    windows = WindowsField(
        label="On call only in these hours",
        help_text="Empty: around the clock. An end at or before its start is on the next day.",
    )
    time_zone = forms.CharField(
        max_length=64, required=False, validators=[check_zone], widget=ZoneWidget,
        label="Own time zone", help_text="Empty: the schedule's.",
    )  # fmt: skip
    end = forms.BooleanField(required=False, label="End this rotation now; its past stays")
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, layer: Layer | None, version: LayerVersion | None,
        people: Mapping[str, Person], badges: Mapping[str, str], **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.layer, self.version = layer, version
        turn: Any = self.fields["people"]
        turn.offer(people, badges)

    @property
    def advanced_open(self) -> bool:
        """Whether something under “Advanced” is wrong, and so must be seen."""
        advanced = ("name", "priority", "role", "advance", "windows", "time_zone")
        return self.is_bound and bool(set(advanced) & set(self.errors))

    @property
    def is_blank(self) -> bool:
        """A layer that nobody has begun to fill in."""
        return self.layer is None and self.is_bound and "people" not in self.changed_data

    def clean_people(self) -> list[Person | None]:
        found: list[Person | None] = self.cleaned_data["people"]
        if not any(found):
            other = ", or end the rotation" if self.layer else ""
            raise ValidationError(f"Put somebody into the turn{other}.")
        return found

    def clean_anchor_date(self) -> Any:
        found = self.cleaned_data["anchor_date"]
        if not 2000 <= found.year <= 2100:
            raise ValidationError("Enter a year from 2000 to 2100.")
        return found

    def clean(self) -> dict[str, Any]:
        if self.version and self.cleaned_data.get("seen") != str(self.version.pk):
            raise ValidationError(
                "Somebody else changed this rotation meanwhile. Open the page again to see it."
            )
        return self.cleaned_data

    def plan(self, people: tuple[Person | None, ...], turns: LayerTurns | None) -> LayerPlan:
        """What the layer should be; with `turns` it goes on in the turns of the stored version."""
        found = self.cleaned_data
        anchor_date, anchor_time = found["anchor_date"], found["anchor_time"]
        if turns is not None and self.version is not None:
            anchor_date, anchor_time = self.version.anchor_date, self.version.anchor_time
        return LayerPlan(
            name=found["name"], people=people, anchor_date=anchor_date, anchor_time=anchor_time,
            unit=found["unit"], every=found["every"], role=found["role"],
            priority=found["priority"], time_zone=found["time_zone"], advance=found["advance"],
            windows=tuple(found["windows"]),
        )  # fmt: skip

    @property
    def keeps_its_turns(self) -> bool:
        """Whether the turns themselves stay, so that only who serves them may differ."""
        return self.version is not None and not set(CADENCE) & set(self.changed_data) and not (
            "windows" in self.changed_data and self.cleaned_data["advance"] == "active_days"
        )  # fmt: skip


class OverrideForm(Dressed):
    """A new exception; a form that is left empty adds none."""

    person = forms.ModelChoiceField(Person.objects.none(), label="Who", empty_label="Choose")
    kind = forms.ChoiceField(choices=Override.Kind.choices, initial=Override.Kind.REPLACE)
    replaces = forms.ModelChoiceField(
        Person.objects.none(), required=False, label="Whose turn it was", empty_label="Choose"
    )
    start_at = MomentField(label="From (in the schedule's time zone)")
    end_at = MomentField(label="Until (in the schedule's time zone)")
    layer = forms.ModelChoiceField(
        Layer.objects.none(), required=False, label="Rotation", empty_label="All of them"
    )
    reason = forms.CharField(max_length=200, required=False)

    def __init__(self, *args: Any, schedule: Schedule | None, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **{"empty_permitted": True, **kwargs})
        for name in ("person", "replaces"):
            field: Any = self.fields[name]
            field.queryset = Person.objects.active()
        layers: Any = self.fields["layer"]
        layers.queryset = Layer.objects.filter(schedule=schedule, archived_at=None)
        layers.label_from_instance = lambda layer: layer.name
        for name in ("start_at", "end_at"):
            moment: Any = self.fields[name]
            moment.zone = ZoneInfo(zone)

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        start, end = found.get("start_at"), found.get("end_at")
        if start and end and end <= start:
            self.add_error("end_at", "The end must come after the start.")
        replaced = found.get("kind") == Override.Kind.REPLACE
        if found.get("person") and replaced and not found.get("replaces"):
            self.add_error("replaces", "Say whose turn is taken over.")
        return found


def first_layer(now: datetime, zone: str) -> dict[str, Any]:
    """What a new rotation starts from: weekly, Monday 09:00."""
    today = now.astimezone(ZoneInfo(zone)).date()
    monday = today.fromordinal(today.toordinal() - today.weekday())
    return {
        "name": "Weekly", "every": 1, "unit": "week", "anchor_time": time(9),
        "anchor_date": monday, "priority": 0, "role": Role.PRIMARY, "advance": "elapsed",
        "windows": [], "people": [], "time_zone": "",
    }  # fmt: skip
