"""Who changed what, from the history rows that database triggers write on every change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pghistory.core
from django.contrib.auth import get_user_model
from django.db import models

LABELS = {"insert": "Added", "update": "Changed", "delete": "Deleted"}
LIMIT = 100
# Their owner's alone; and records that have pages of their own.
HIDDEN = frozenset({"notifications.contactmethod", "incidents.incident"})
BOOKKEEPING = frozenset({"id", "materialised_to", "settled_to"})  # columns that nobody edits


@dataclass(frozen=True)
class Entry:
    """One change of one row: when, who, and what was different; `changes` is (field, was, is)."""

    at: datetime
    who: str
    label: str
    noun: str
    shown: str
    url_args: tuple[str, str, Any]
    changes: list[tuple[str, str, str]] = field(default_factory=list)


def event_model(model: type[models.Model]) -> Any | None:
    """The history table of a model; None for one that keeps none."""
    found = pghistory.core.event_models(tracks_model=model)
    return found[0] if found else None


def tracked() -> dict[str, Any]:
    """Every history table that may be shown, by its model's label."""
    found: dict[str, Any] = {}
    for model in pghistory.core.event_models():
        names = {one.name: one for one in model._meta.get_fields()}
        target = getattr(names.get("pgh_obj"), "related_model", None)
        if target is not None and target._meta.label_lower not in HIDDEN:
            found[target._meta.label_lower] = model
    return dict(sorted(found.items(), key=lambda pair: pair[0].partition(".")[2]))


def of_object(obj: models.Model) -> list[Entry]:
    """The changes of one object, newest first, each with what was different."""
    events = event_model(type(obj))
    if events is None:
        return []
    rows = events.objects.filter(pgh_obj_id=obj.pk).select_related("pgh_context")
    newest = list(rows.order_by("-pgh_id")[: LIMIT + 1])
    names = _names(events, newest)
    people = _people(newest)
    older = [*newest[1:], None]
    pairs = list(zip(newest, older, strict=True))[:LIMIT]
    found = [_entry(row, people, _changes(row, before, names)) for row, before in pairs]
    return [entry for entry in found if entry.changes or entry.label != LABELS["update"]]


def latest(label: str, before: datetime | None) -> list[Entry]:
    """The newest changes of one kind of thing, or of all; each table is read by its own index."""
    known = tracked()
    wanted = [known[label]] if label in known else list(known.values())
    rows: list[Any] = []
    for events in wanted:
        found = events.objects.select_related("pgh_context").order_by("-pgh_id")
        rows += found.filter(pgh_created_at__lt=before)[:LIMIT] if before else found[:LIMIT]
    rows.sort(key=lambda row: row.pgh_created_at, reverse=True)
    people = _people(rows[:LIMIT])
    return [_entry(row, people, []) for row in rows[:LIMIT]]


def _entry(row: Any, people: Mapping[int, str], changes: list[tuple[str, str, str]]) -> Entry:
    target = type(row)._meta.get_field("pgh_obj").related_model._meta
    shown = next((str(getattr(row, name)) for name in ("name", "key", "title")
                  if getattr(row, name, None)), f"{row.pgh_obj_id}")  # fmt: skip
    return Entry(
        at=row.pgh_created_at,
        who=people.get(_person(row), "OpsPortal"),
        label=LABELS.get(row.pgh_label, row.pgh_label),
        noun=str(target.verbose_name),
        shown=shown,
        url_args=(target.app_label, target.model_name, row.pgh_obj_id),
        changes=changes,
    )


def _person(row: Any) -> int:
    metadata = row.pgh_context.metadata if row.pgh_context else {}
    found = metadata.get("person")
    return found if isinstance(found, int) else 0


def _people(rows: Iterable[Any]) -> dict[int, str]:
    ids = {_person(row) for row in rows} - {0}
    return {pk: str(user) for pk, user in get_user_model()._default_manager.in_bulk(ids).items()}


def _columns(events: Any) -> list[Any]:
    return [one for one in events._meta.fields if not one.name.startswith("pgh_")]


def _names(events: Any, rows: list[Any]) -> dict[tuple[str, Any], str]:
    """What the references in the rows point to, in words: one query for each column."""
    found: dict[tuple[str, Any], str] = {}
    for column in _columns(events):
        if column.related_model is None:
            continue
        ids = {getattr(row, column.attname) for row in rows} - {None}
        targets = column.related_model._default_manager.in_bulk(ids)
        found |= {(column.name, pk): str(target) for pk, target in targets.items()}
    return found


def _changes(
    row: Any, before: Any | None, names: Mapping[tuple[str, Any], str]
) -> list[tuple[str, str, str]]:
    if before is None:
        return []
    found = []
    for column in _columns(type(row)):
        was, now = getattr(before, column.attname), getattr(row, column.attname)
        if column.name not in BOOKKEEPING and was != now:
            was_word = names.get((column.name, was), _word(was))
            now_word = names.get((column.name, now), _word(now))
            found.append((str(column.verbose_name), was_word, now_word))
    return found


def _word(value: object) -> str:
    if value is None or value == "" or value == []:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)[:200]
    return str(value)[:200]
