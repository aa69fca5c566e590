"""`POST /api/v1/schedules/preview`: a posted definition in, shifts out, nothing kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from rest_framework import serializers

from apps.core.api.fields import ClockField, InstantField, WallTimeField
from apps.core.errors import Invalid
from apps.rotations import timeline

T = TypeVar("T")
Data = Mapping[str, Any]
_UNITS = ("hour", "day", "week", "month")


class NameField(serializers.CharField):
    """A person here is any text that the caller knows them by; nobody is looked up."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=200, trim_whitespace=False, **options)


class WindowIn(serializers.Serializer[Any]):
    """A window whose end is not after its start runs into the next day."""

    days = serializers.ListField(child=serializers.ChoiceField(timeline.DAYS))
    start = ClockField(help_text="HH:MM")
    end = ClockField(help_text="HH:MM")


class ReferenceIn(serializers.Serializer[Any]):
    at = InstantField()
    index = serializers.IntegerField()


class RotationIn(serializers.Serializer[Any]):
    unit = serializers.ChoiceField(_UNITS)
    every = serializers.IntegerField()
    anchor_local = WallTimeField(help_text="YYYY-MM-DDTHH:MM: when the first person starts.")
    participants = serializers.ListField(
        child=NameField(allow_null=True), help_text="null is a turn in which nobody is on call."
    )
    advance = serializers.ChoiceField(["elapsed", "active_days"], required=False)
    reference = ReferenceIn(required=False, help_text="Who was on at a known instant.")


class RecurringIn(serializers.Serializer[Any]):
    """A shift of fixed length that recurs, as iCalendar schedules have it."""

    unit = serializers.ChoiceField(_UNITS)
    every = serializers.IntegerField()
    first_local = WallTimeField(help_text="YYYY-MM-DDTHH:MM")
    duration_minutes = serializers.IntegerField()
    by_day = serializers.ListField(child=serializers.ChoiceField(timeline.DAYS), required=False)
    by_monthday = serializers.ListField(child=serializers.IntegerField(), required=False)
    week_start = serializers.ChoiceField(timeline.DAYS, required=False)
    groups = serializers.ListField(child=serializers.ListField(child=NameField()))
    until = InstantField(required=False)
    rotation_start = InstantField(required=False)
    rotation_start_mode = serializers.ChoiceField(["drop", "clip"], required=False)


class LayerIn(serializers.Serializer[Any]):
    """One of `user`, `rotation` and `recurring` says who is on."""

    name = serializers.CharField(required=False, allow_null=True, max_length=200)
    priority = serializers.IntegerField(required=False)
    role = serializers.ChoiceField(timeline.ROLES, required=False)
    time_zone = serializers.CharField(required=False, allow_null=True)
    effective_from = InstantField(required=False, allow_null=True)
    effective_to = InstantField(required=False, allow_null=True)
    windows = WindowIn(many=True, required=False)
    user = NameField(required=False, allow_null=True)
    rotation = RotationIn(required=False, allow_null=True)
    recurring = RecurringIn(required=False, allow_null=True)


class SwapIn(serializers.Serializer[Any]):
    """`from` hands what they serve in [start, end) to `to`; null: nobody took it yet."""

    to = NameField(allow_null=True, required=False)
    start = InstantField()
    end = InstantField()

    def get_fields(self) -> dict[str, Any]:
        return {"from": NameField(source="from_user"), **super().get_fields()}  # a keyword


class PreviewOverrideIn(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(timeline.KINDS)
    user = NameField()
    replaces = NameField(required=False, allow_null=True)
    priority = serializers.IntegerField(required=False)
    start = InstantField()
    end = InstantField()


class TemporaryShiftIn(serializers.Serializer[Any]):
    user = NameField()
    start = InstantField()
    end = InstantField()


class TemporaryScheduleIn(serializers.Serializer[Any]):
    """In [start, end) only these shifts count."""

    start = InstantField()
    end = InstantField()
    shifts = TemporaryShiftIn(many=True)


class PreviewIn(serializers.Serializer[Any]):
    """At most 400 days, 50 layers, 500 people."""

    time_zone = serializers.CharField(help_text="An IANA name: America/Chicago.")
    start = InstantField()
    end = InstantField()
    layer_mode = serializers.ChoiceField(["priority", "cumulative"], required=False)
    layers = LayerIn(many=True)
    swaps = SwapIn(many=True, required=False)
    overrides = PreviewOverrideIn(many=True, required=False)
    temporary_schedules = TemporaryScheduleIn(many=True, required=False)


class PreviewShiftSerializer(serializers.Serializer[Any]):
    user = serializers.CharField()
    role = serializers.ChoiceField(timeline.ROLES)
    layer = serializers.CharField(allow_null=True, help_text="The layer's name.")
    start = InstantField()
    end = InstantField()
    cause = serializers.CharField(help_text="rotation, swap, override or temporary")


class IntervalSerializer(serializers.Serializer[Any]):
    start = InstantField()
    end = InstantField()


class PreviewSerializer(serializers.Serializer[Any]):
    """Shifts are clipped to the window, half-open, one row a person and stretch in a layer."""

    shifts = PreviewShiftSerializer(many=True)
    gaps = IntervalSerializer(many=True)
    handoffs = serializers.ListField(
        child=InstantField(), help_text="Every rotation boundary, whether or not people change."
    )
    on_call_seconds = serializers.DictField(child=serializers.IntegerField())


def preview(data: Data) -> dict[str, Any]:
    """Compute what `PreviewIn` has passed; Invalid, with the field's path, for what cannot be."""
    try:
        found = timeline.compute(_definition(data), data["start"], data["end"])
    except timeline.TimelineError as error:
        raise Invalid(str(error), fields={error.field: [str(error)]}) from error
    return {
        "shifts": [shift._asdict() for shift in timeline.joined(found.shifts)],
        "gaps": [gap._asdict() for gap in found.gaps],
        "handoffs": list(found.handoffs),
        "on_call_seconds": found.on_call_seconds,
    }


def _definition(data: Data) -> timeline.Definition:
    return timeline.Definition(
        time_zone=data["time_zone"],
        layer_mode=data.get("layer_mode", "priority"),
        layers=_each("layers", data, _layer),
        swaps=_each("swaps", data, _swap),
        overrides=_each("overrides", data, lambda one: timeline.Override(**one)),
        temporary_schedules=_each("temporary_schedules", data, _temporary),
    )


def _each(name: str, data: Data, build: Callable[[Data], T]) -> tuple[T, ...]:
    """Every entry of a list built; a refusal says which one."""
    return tuple(
        _at(f"{name}[{index}]", build, one) for index, one in enumerate(data.get(name, ()))
    )


def _at(path: str, build: Callable[[Data], T], data: Data) -> T:
    """What `build` makes of the data; the calculator's refusal gets the path to the field."""
    try:
        return build(data)
    except timeline.TimelineError as error:
        where = ".".join(part for part in (path, error.field) if part)
        raise timeline.TimelineError(str(error), where) from error


def _but(data: Data, *names: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}


def _layer(data: Data) -> timeline.LayerSpec:
    known = {name: value for name, value in data.items() if value is not None}
    for name, build in _SOURCES.items():
        if name in known:
            known[name] = _at(name, build, known[name])
    known["windows"] = _each("windows", known, _window)
    return timeline.LayerSpec(**known)


def _window(data: Data) -> timeline.Window:
    return timeline.Window(tuple(data["days"]), data["start"], data["end"])


def _rotation(data: Data) -> timeline.Rotation:
    pin = data.get("reference")
    return timeline.Rotation(
        participants=tuple(data["participants"]),
        reference=(pin["at"], pin["index"]) if pin else None,
        **_but(data, "reference", "participants"),
    )


def _recurring(data: Data) -> timeline.Recurring:
    days = {name: tuple(data[name]) for name in ("by_day", "by_monthday") if name in data}
    groups = tuple(tuple(group) for group in data["groups"])
    return timeline.Recurring(**{**data, **days, "groups": groups})


_SOURCES: dict[str, Callable[[Data], object]] = {"rotation": _rotation, "recurring": _recurring}


def _swap(data: Data) -> timeline.Swap:
    return timeline.Swap(data["from_user"], data.get("to"), data["start"], data["end"])


def _temporary(data: Data) -> timeline.TemporarySchedule:
    shifts = _each("shifts", data, lambda one: timeline.TemporaryShift(**one))
    return timeline.TemporarySchedule(data["start"], data["end"], shifts)
