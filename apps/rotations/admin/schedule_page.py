"""A schedule's page: forms from rows, one edit from forms, refusals back at their fields."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import QueryDict

from apps.accounts.models import Person
from apps.core.admin_base.forms import add_refusal
from apps.core.errors import DomainError
from apps.rotations.admin.schedule_forms import (
    DATE,
    HANDOFF,
    LayerForm,
    OverrideForm,
    ScheduleForm,
    first_layer,
)
from apps.rotations.admin.turns import LayerTurns, Slot, newest_version, placed
from apps.rotations.models import Layer, LayerVersion, Override, Schedule
from apps.rotations.services import LayerEdit, OverrideEdit, ScheduleEdit

NEW_OVERRIDES = 2  # empty ones that wait on the page


class SchedulePage:
    """Everything that one schedule's page edits. `data` is what was posted, None to look."""

    def __init__(
        self, schedule: Schedule | None, data: QueryDict | None, now: datetime, zone: str
    ) -> None:
        self.schedule, self.data, self.now = schedule, data, now
        self.zone = schedule.time_zone if schedule else zone
        self.people = _people(schedule)
        initial = _schedule_initial(schedule, zone)
        self.form = ScheduleForm(data, schedule=schedule, zone=self.zone, initial=initial)
        self.layers = [self._layer_form(layer) for layer in _layers(schedule)]
        self.new_layer = self._new_layer_form()
        self.overrides = [
            OverrideForm(data, schedule=schedule, zone=self.zone, prefix=f"override-{n}")
            for n in range(NEW_OVERRIDES if schedule else 0)
        ]
        self.standing = _standing(schedule, now)
        self.cancelled = set(data.getlist("cancel")) if data else set()

    # -- forms from rows

    def _layer_form(self, layer: Layer) -> LayerForm:
        version = newest_version(layer)
        turns = LayerTurns(version) if version and version.members.all() else None
        at = max(self.now, version.effective_from) if version else self.now
        slots = turns.order(at) if turns else []
        began = turns.began(at) if turns else None
        initial = _layer_initial(layer, version, slots, began, self.zone)
        return LayerForm(
            self.data, layer=layer, version=version, people=self.people,
            badges=_badges(slots, self.now, turns), initial=initial, prefix=f"layer-{layer.pk}",
        )  # fmt: skip

    def _new_layer_form(self) -> LayerForm:
        initial = first_layer(self.now, self.zone)
        if self.layers:
            initial["name"] = f"Rotation {len(self.layers) + 1}"
        return LayerForm(
            self.data, layer=None, version=None, people=self.people, badges={}, initial=initial,
            prefix="layer-new",
        )  # fmt: skip

    # -- one edit from the forms

    def is_valid(self) -> bool:
        """Every form, also after one is wrong, so that all errors are shown at once."""
        wanted = [self.form, *self.layers_to_save(), *self.overrides]
        checked = [form.is_valid() for form in wanted]
        valid = all(checked)
        if self.schedule is None and self.new_layer.is_blank:
            return self.new_layer.is_valid() and valid  # a new schedule begins with a rotation
        return valid

    def layers_to_save(self) -> list[LayerForm]:
        kept = [form for form in self.layers if not self._ends(form)]
        return kept if self.new_layer.is_blank else [*kept, self.new_layer]

    def _ends(self, form: LayerForm) -> bool:
        return bool(self.data and self.data.get(f"{form.prefix}-end"))

    def edit(self) -> ScheduleEdit:
        """What the valid forms say, as the service takes it."""
        found = self.form.cleaned_data
        zone_changed = self.schedule is not None and "time_zone" in self.form.changed_data
        changed = [form for form in self.layers_to_save() if form.has_changed() or zone_changed]
        return ScheduleEdit(
            name=found["name"], key=found.get("key", ""), time_zone=found["time_zone"],
            team=found["team"], layer_mode=found["layer_mode"], min_people=found["min_people"],
            layers=tuple(self._layer_edit(form, zone_changed) for form in changed),
            ended=tuple(form.layer for form in self.layers if form.layer and self._ends(form)),
            overrides=tuple(
                _override_edit(form) for form in self.overrides if form.has_changed()
            ),
            cancelled=tuple(row for row in self.standing if str(row.pk) in self.cancelled),
        )  # fmt: skip

    def _layer_edit(self, form: LayerForm, zone_changed: bool) -> LayerEdit:
        shown = form.cleaned_data["people"]
        version, turns = form.version, None
        people = tuple(shown)
        if version is not None and version.members.all():
            stored = LayerTurns(version)
            if form.keeps_its_turns and not zone_changed:
                turns = stored
                people = placed(shown, self._first_turn(stored, version, shown))
            begins = self._begins(stored, version)
        else:
            begins = None
        return LayerEdit(
            ref=str(form.prefix), plan=form.plan(people, turns), layer=form.layer,
            effective_from=begins,
        )  # fmt: skip

    def _first_turn(
        self, turns: LayerTurns, version: LayerVersion, shown: list[Person | None]
    ) -> int:
        """The turn that falls on the first of the list.

        Applied from the next handoff, the list goes on after whoever is on call now when they still
        stand first, and begins at the handoff when somebody else was put there.
        """
        begins = self._begins(turns, version)
        if self.form.cleaned_data.get("applies") != HANDOFF or version.effective_from > self.now:
            return turns.number(begins)
        running = turns.number(self.now)
        stays = turns.order(self.now)[0].person == shown[0]
        return running if stays else running + 1

    def _begins(self, turns: LayerTurns, version: LayerVersion) -> datetime:
        applies = self.form.cleaned_data.get("applies")
        if applies == DATE:
            chosen: datetime = self.form.cleaned_data["applies_on"]
            return max(chosen, self.now)
        if applies == HANDOFF:
            planned = version.effective_from > self.now
            return version.effective_from if planned else turns.next_handoff(self.now)
        return self.now

    # -- refusals at their fields

    def refuse(self, error: Exception) -> None:
        """Say what a service refused at the form and field that it is about."""
        fields = error.fields if isinstance(error, DomainError) else {}
        forms = {
            f"{form.prefix}-": form for form in (*self.layers, self.new_layer, *self.overrides)
        }
        placed_any = False
        for key, texts in fields.items():
            for prefix, form in forms.items():
                if key.startswith(prefix):
                    name = key.removeprefix(prefix)
                    form.add_error(name if name in form.fields else None, texts)
                    placed_any = True
        if not placed_any:
            add_refusal(self.form, error)

    @property
    def errors(self) -> int:
        wanted = [self.form, *self.layers, *self.overrides]
        wanted += [] if self.new_layer.is_blank and self.schedule else [self.new_layer]
        return sum(len(form.errors) for form in wanted if form.is_bound)


def _people(schedule: Schedule | None) -> dict[str, Person]:
    """Who may be chosen, and who is in a turn already, by id, in order of name."""
    rows = {str(person.pk): person for person in Person.objects.active().order_by("name")}
    for layer in _layers(schedule):
        version = newest_version(layer)
        for member in version.members.all() if version else ():
            if member.person is not None:
                rows.setdefault(str(member.person_id), member.person)
    return rows


def _layers(schedule: Schedule | None) -> list[Layer]:
    if schedule is None:
        return []
    cached: list[Layer] | None = getattr(schedule, "layers_here", None)
    if cached is None:
        rows = schedule.layers.filter(archived_at=None).order_by("-priority", "pk")
        cached = list(rows.prefetch_related("versions__members__person"))
        schedule.layers_here = cached  # type: ignore[attr-defined] # read again on the same page
    return cached


def _standing(schedule: Schedule | None, now: datetime) -> list[Override]:
    if schedule is None:
        return []
    rows = schedule.overrides.standing().filter(end_at__gt=now).order_by("start_at")
    return list(rows.select_related("person", "replaces", "layer"))


def _schedule_initial(schedule: Schedule | None, zone: str) -> dict[str, Any]:
    if schedule is None:
        return {"time_zone": zone, "min_people": 1, "layer_mode": "priority"}
    return {
        "name": schedule.name, "time_zone": schedule.time_zone, "team": schedule.team_id,
        "layer_mode": schedule.layer_mode, "min_people": schedule.min_people,
    }  # fmt: skip


def _layer_initial(
    layer: Layer, version: LayerVersion | None, slots: list[Slot], began: datetime | None, zone: str
) -> dict[str, Any]:
    base = {"name": layer.name, "priority": layer.priority, "role": layer.role}
    if version is None:
        return base
    people = [{"person": str(slot.person.pk) if slot.person else "nobody"} for slot in slots]
    return {
        **base, "every": version.every, "unit": version.unit,
        "anchor_time": began.time() if began else version.anchor_time,
        "anchor_date": began.date() if began else version.anchor_date,
        "advance": version.advance, "windows": list(version.windows), "people": people,
        "time_zone": "" if version.time_zone == zone else version.time_zone, "seen": version.pk,
    }  # fmt: skip


def _badges(slots: list[Slot], now: datetime, turns: LayerTurns | None) -> dict[str, str]:
    """What is said beside each person: on now until when, or next from when."""
    if turns is None:
        return {}
    found: dict[str, str] = {}
    for slot in slots:
        key = str(slot.person.pk) if slot.person else "nobody"
        edge = slot.end if slot.start <= now else slot.start
        words = "now, until" if slot.start <= now else "from"
        found.setdefault(key, f"{words} {edge.astimezone(turns.zone):%a %-d %b, %H:%M}")
    return found


def _override_edit(form: OverrideForm) -> OverrideEdit:
    found = form.cleaned_data
    names = ("kind", "person", "replaces", "layer", "start_at", "end_at", "reason")
    return OverrideEdit(ref=str(form.prefix), **{name: found[name] for name in names})
