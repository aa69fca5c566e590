"""Who, from when: the fields by which an owner or a holder is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.accounts.models import Person
from apps.core.admin_base import local_time
from apps.core.admin_base.forms import MomentField
from apps.ownership.models import OwnershipAssignment, Position
from apps.ownership.services import Holder


class HolderField(forms.ChoiceField):
    """A person or a position, or nobody; positions owners' seats that people hold in turn."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=_choices, **{"required": False, **kwargs})

    def clean(self, value: Any) -> Holder | None:
        kind, _, pk = str(super().clean(value) or "").partition(":")
        if not kind:
            return None
        rows = Person.objects.active() if kind == "person" else Position.objects.all()
        found: Holder | None = rows.filter(pk=pk).first()
        if found is None:
            raise ValidationError("This choice is gone. Choose again.")
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        return str(initial or "") != str(data or "")


def _choices() -> list[Any]:
    people = [
        (f"person:{pk}", name) for pk, name in Person.objects.active().values_list("pk", "name")
    ]
    seats = Position.objects.filter(archived_at=None).values_list("pk", "name")
    positions = [(f"position:{pk}", name) for pk, name in seats]
    found: list[Any] = [("", "Nobody"), ("People", people)]
    return [*found, ("Positions", positions)] if positions else found


def from_field(label: str) -> MomentField:
    return MomentField(
        required=False, label=label, help_text="Empty: from now on. A later date plans the change."
    )


def token(row: OwnershipAssignment | None) -> str:
    """The choice that stands for an assignment's holder."""
    if row is None:
        return ""
    return f"person:{row.person_id}" if row.person_id else f"position:{row.position_id}"


def in_words(row: Any, nobody: str, name: Callable[[Any], object]) -> str:
    """ "Bea Bell since Mon 2 Nov 2026, 09:00" for a dated row."""
    if row is None:
        return nobody
    until = f" until {local_time(row.active_to)}" if row.active_to else ""
    return f"{name(row)} since {local_time(row.active_from)}{until}"


def split(rows: list[Any], now: datetime) -> tuple[Any | None, list[Any]]:
    """The row in force, and those that are planned."""
    current = [
        r for r in rows if r.active_from <= now and (r.active_to is None or r.active_to > now)
    ]
    return (current[0] if current else None), [r for r in rows if r.active_from > now]
