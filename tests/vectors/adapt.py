"""The vectors keep the names of their sources; here they become ours (see "The vectors" in the
API documentation). One group of functions per file of vectors."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from apps.calendars import businesstime
from apps.rotations import timeline

Json = dict[str, Any]
HERE = Path(__file__).parent


def load(name: str) -> list[Json]:
    """The cases of `tests/vectors/<name>.json`."""
    document: Json = json.loads((HERE / f"{name}.json").read_text())
    cases: list[Json] = document["cases"]
    return cases


def instant(text: str) -> datetime:
    """RFC 3339 as an aware datetime."""
    return datetime.fromisoformat(text)


# --- rotations.json ---------------------------------------------------------------------------

DAY_NAMES = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), timeline.DAYS, strict=True))


def preview_body(case: Json) -> Json:
    """An `oncall` case as the body of `POST /api/v1/schedules/preview`."""
    return {
        "time_zone": case["tz"],
        "start": case["query"]["start"],
        "end": case["query"]["end"],
        "layer_mode": case.get("layer_mode", "priority"),
        "layers": [_layer_body(layer) for layer in case["layers"]],
        "swaps": case.get("swaps", []),
        "overrides": [_override_body(one) for one in case.get("overrides", [])],
        "temporary_schedules": case.get("temporary_schedules", []),
    }


def windows_body(windows: list[Json]) -> list[Json]:
    """Windows with our names of days."""
    return [{**one, "days": [DAY_NAMES[day] for day in one["days"]]} for one in windows]


def _layer_body(layer: Json) -> Json:
    body = {key: value for key, value in layer.items() if key != "event"}
    if "windows" in layer:
        body["windows"] = windows_body(layer["windows"])
    if "rotation" in layer:
        people = [_seat(place) for place in layer["rotation"]["participants"]]
        body["rotation"] = {**layer["rotation"], "participants": people}
    if "event" in layer:
        event = dict(layer["event"])
        event["by_day"] = [DAY_NAMES[day] for day in event.get("by_day", [])]
        event["week_start"] = DAY_NAMES[event.get("week_start", "MO")]
        body["recurring"] = event
    return body


def _seat(place: str | list[str] | None) -> str | None:
    """`["A"]` and `"A"` are one person, `[]` is a buffer."""
    if isinstance(place, list):
        assert len(place) <= 1, "a rotation's turn has one person; groups belong to recurring"
        return place[0] if place else None
    return place


def _override_body(override: Json) -> Json:
    body: Json = {key: override[key] for key in ("start", "end", "priority") if key in override}
    body["kind"] = override["type"]
    body["user"] = override.get("to", override.get("user"))
    if "from" in override:
        body["replaces"] = override["from"]
    return body


def definition(body: Json) -> timeline.Definition:
    """The body of a preview as the calculator takes it."""
    return timeline.Definition(
        time_zone=body["time_zone"],
        layers=tuple(_layer(layer) for layer in body["layers"]),
        layer_mode=body["layer_mode"],
        swaps=tuple(
            timeline.Swap(one["from"], one.get("to"), instant(one["start"]), instant(one["end"]))
            for one in body["swaps"]
        ),
        overrides=tuple(timeline.Override(**_with_times(one)) for one in body["overrides"]),
        temporary_schedules=tuple(_temporary(one) for one in body["temporary_schedules"]),
    )


def windows(bodies: list[Json]) -> tuple[timeline.Window, ...]:
    """Windows as the calculator takes them."""
    return tuple(
        timeline.Window(
            tuple(one["days"]), time.fromisoformat(one["start"]), time.fromisoformat(one["end"])
        )
        for one in bodies
    )


def rotation(body: Json) -> timeline.Rotation:
    """A rotation as the calculator takes it; vectors about boundaries alone name nobody."""
    pin = body.get("reference")
    return timeline.Rotation(
        unit=body["unit"],
        every=body["every"],
        anchor_local=datetime.fromisoformat(body["anchor_local"]),
        participants=tuple(body.get("participants", ["anybody"])),
        advance=body.get("advance", "elapsed"),
        reference=(instant(pin["at"]), pin["index"]) if pin else None,
    )


def _layer(body: Json) -> timeline.LayerSpec:
    known = _with_times(body, "effective_from", "effective_to")
    known["windows"] = windows(body.get("windows", []))
    if "rotation" in body:
        known["rotation"] = rotation(body["rotation"])
    if "recurring" in body:
        rule = _with_times(body["recurring"], "until", "rotation_start", "first_local")
        known["recurring"] = timeline.Recurring(**rule)
    return timeline.LayerSpec(**known)


def _temporary(body: Json) -> timeline.TemporarySchedule:
    shifts = tuple(timeline.TemporaryShift(**_with_times(one)) for one in body["shifts"])
    return timeline.TemporarySchedule(instant(body["start"]), instant(body["end"]), shifts)


def _with_times(body: Json, *fields: str) -> Json:
    fields = fields or ("start", "end")
    return {key: instant(value) if key in fields else value for key, value in body.items()}


# --- business_time.json -----------------------------------------------------------------------


def sla_body(case: Json) -> Json:
    """A case as the body of `POST /api/v1/sla/preview`."""
    asked: Json = {
        "calendar": _calendar_body(case["calendar"]),
        "start": case["created_at"],
        "pauses": case["pauses"],
    }
    if "target_minutes" in case:
        asked["target_seconds"] = case["target_minutes"] * 60
    if "ended_at" in case:
        asked["end"] = case["ended_at"]
    return asked


def sla_answer(case: Json) -> Json:
    """What that call must answer. Seconds are absolute where a source counted wall-clock hours."""
    minutes = case.get("expected_absolute_minutes", case.get("expected_working_minutes"))
    due = case.get("expected_deadline")
    return {
        "due_at": instant(due) if due else None,
        "worked_seconds": None if minutes is None else round(minutes * 60),
    }


def calendar(body: Json) -> businesstime.Calendar:
    """The calendar of a preview's body as the calculator takes it."""
    closed: Json = {day: [] for day in body["holidays"]}
    return businesstime.Calendar.of(
        body["time_zone"],
        {day: _in_minutes(spans) for day, spans in body["weekly"].items()},
        {on: _in_minutes(spans) for on, spans in {**closed, **body["overrides"]}.items()},
    )


def _calendar_body(body: Json) -> Json:
    overrides = dict(body.get("date_overrides", {}))
    for on, breaks in body.get("date_breaks", {}).items():
        weekday = businesstime.DAYS[date.fromisoformat(on).weekday()]
        overrides[on] = _without(overrides.get(on, body["weekly"].get(weekday, [])), breaks)
    return {
        "time_zone": body["tz"],
        "weekly": body["weekly"],
        "holidays": body["holidays"],
        "overrides": overrides,
    }


def _without(spans: list[list[str]], breaks: list[list[str]]) -> list[list[str]]:
    """Spans less breaks; as text, since HH:MM sorts as time does."""
    for begins, ends in breaks:
        parts = [
            part
            for opens, closes in spans
            for part in ([opens, min(closes, begins)], [max(opens, ends), closes])
        ]
        spans = [part for part in parts if part[0] < part[1]]
    return spans


def _in_minutes(spans: list[list[str]]) -> list[list[int]]:
    return [[int(edge[:2]) * 60 + int(edge[3:]) for edge in span] for span in spans]
