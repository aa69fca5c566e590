"""The facts of a request type as rows of its form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.core.exceptions import ValidationError

from apps.core.admin_base.rows import Row, RowsField, RowsWidget
from apps.support.models import RequestField
from apps.support.services.setup import MOST_FIELDS, Fact

MAX_CHOICES = 2_000  # characters of all choices of one fact


def rows_of(fields: Iterable[RequestField]) -> list[dict[str, Any]]:
    """Stored facts as the form's rows."""
    return [
        {
            "key": field.key,
            "label": field.label,
            "kind": field.kind,
            "choices": _join(field.choices),
            "help": field.help_text,
            "inside": "" if field.is_public else "on",
            "required": "on" if field.is_required else "",
        }
        for field in fields
    ]


def _join(choices: list[str]) -> str:
    return ("; " if any("," in one for one in choices) else ", ").join(choices)


class FactsWidget(RowsWidget):
    template_name = "admin/support/facts.html"
    parts: ClassVar[tuple[str, ...]] = (
        "position", "key", "label", "kind", "choices", "help", "inside", "required", "remove",
    )  # fmt: skip
    blanks = 3
    max_rows = MOST_FIELDS + 10

    def shown(self, row: Row) -> dict[str, Any]:
        return {
            **{part: row.get(part, "") for part in self.parts},
            "empty": not row,
            "kinds": [(value, label, value == row.get("kind")) for value, label in KINDS],
        }

    def _read(self, data: Mapping[str, Any], name: str) -> Row:
        row = dict(super()._read(data, name))
        row["choices"] = str(data.get(f"{name}-choices", ""))[:MAX_CHOICES].strip()
        return row


KINDS = [("", "Text"), *(one for one in RequestField.Kind.choices if one[0] != "text")]


class FactsField(RowsField):
    widget = FactsWidget
    noun = "Fact"

    def clean_row(self, row: Row) -> Fact:
        if not row["label"]:
            raise ValidationError("give it a name.")
        kind = row["kind"] or RequestField.Kind.TEXT
        if kind not in RequestField.Kind.values:
            raise ValidationError("choose its kind from the list.")
        if len(row["label"]) > 80 or len(row["key"]) > 40:
            raise ValidationError("its name has at most 80 characters.")
        return Fact(
            label=row["label"],
            key=row["key"],
            kind=kind,
            choices=_choices(row["choices"]) if kind == RequestField.Kind.CHOICE else (),
            help_text=row["help"],
            is_public=not row["inside"],
            is_required=bool(row["required"]),
        )


def _choices(text: str) -> tuple[str, ...]:
    parts = [one.strip() for one in text.split(";" if ";" in text else ",")]
    found = tuple(dict.fromkeys(one for one in parts if one))
    if any(len(one) > 80 for one in found):
        raise ValidationError("a choice has at most 80 characters.")
    return found
