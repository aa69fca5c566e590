"""Lists inside one form: rows that are added, removed and put in order, with and without scripts.

A row is a few inputs named `<field>-<n>-<part>`. Some empty rows wait at the end, so that a page
without JavaScript can add; a `position` part orders them, and `static/js/admin.js` moves them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.datastructures import MultiValueDict
from django.utils.safestring import SafeString

DAYS = (
    ("mon", "Mon"),
    ("tue", "Tue"),
    ("wed", "Wed"),
    ("thu", "Thu"),
    ("fri", "Fri"),
    ("sat", "Sat"),
    ("sun", "Sun"),
)
_CLOCK = re.compile(r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(:[0-5]\d)?\Z", re.ASCII)
Row = Mapping[str, Any]
MAX_TEXT = 200  # characters of one input that are looked at


class SiteWidget(forms.Widget):
    """A widget drawn by a template of this site; the form renderer knows its own ones only."""

    def _render(self, template_name: str, context: Any, renderer: Any = None) -> SafeString:
        return render_to_string(template_name, context)


class RowsWidget(SiteWidget):
    """Rows of inputs; subclasses name their parts and draw them in `template_name`."""

    parts: ClassVar[tuple[str, ...]] = ()
    lists: ClassVar[tuple[str, ...]] = ()  # parts that hold several values
    blanks = 1
    max_rows = 20

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
        shown = [*rows, *({} for _ in range(self.blanks))][: self.max_rows]
        context["rows"] = [
            {"name": f"{name}-{index}", "number": index + 1, **self.shown(row)}
            for index, row in enumerate(shown)
        ]
        return context

    def shown(self, row: Row) -> dict[str, Any]:
        """What the template needs of one row; an empty mapping is a row that waits."""
        return dict(row)

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[Row]:
        rows = [self._read(data, f"{name}-{index}") for index in range(self.max_rows)]
        kept = [row for row in rows if self.is_used(row)]
        return sorted(kept, key=_place) if "position" in self.parts else kept

    def is_used(self, row: Row) -> bool:
        """Whether anybody has filled the row in and not ticked it away."""
        filled = (row[part] for part in self.parts if part not in {"position", "remove"})
        return not row.get("remove") and any(filled)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    def id_for_label(self, id_: str) -> str:
        return ""

    def _read(self, data: Mapping[str, Any], name: str) -> Row:
        return {
            part: _texts(data, f"{name}-{part}")
            if part in self.lists
            else str(data.get(f"{name}-{part}", ""))[:MAX_TEXT].strip()
            for part in self.parts
        }


def _texts(data: Mapping[str, Any], key: str) -> list[str]:
    found = data.getlist(key) if isinstance(data, MultiValueDict) else data.get(key, [])
    return [str(text)[:MAX_TEXT] for text in found[:MAX_TEXT]]


def _place(row: Row) -> int:
    text = str(row["position"])
    return int(text) if text.isdecimal() and len(text) < 6 else 100_000


class RowsField(forms.Field):
    """Cleans each row by `clean_row`; every row that is wrong is named in the errors."""

    noun = "Row"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, **kwargs})

    def clean(self, value: Any) -> list[Any]:
        found, wrong = [], []
        for number, row in enumerate(value or [], start=1):
            try:
                found.append(self.clean_row(row))
            except ValidationError as error:
                wrong += [f"{self.noun} {number}: {text}" for text in error.messages]
        if wrong:
            raise ValidationError(wrong)
        if self.required and not found:
            raise ValidationError(self.error_messages["required"], code="required")
        return found

    def clean_row(self, row: Row) -> Any:
        raise NotImplementedError

    def has_changed(self, initial: Any, data: Any) -> bool:
        return _plain(initial) != _plain(data)


def _plain(rows: Any) -> list[dict[str, Any]]:
    """Rows as they would be typed, without where they stand."""
    return [
        {
            part: value if isinstance(value, list) else str(value or "")
            for part, value in row.items()
            if part not in {"position", "remove"} and value
        }
        for row in rows or []
    ]


class WindowsWidget(RowsWidget):
    """Weekly windows: days to tick, from, until."""

    template_name = "admin/ops/windows.html"
    parts = ("days", "start", "end")
    lists = ("days",)

    def shown(self, row: Row) -> dict[str, Any]:
        ticked = row.get("days", ())
        return {
            "days": [(key, word, key in ticked) for key, word in DAYS],
            "start": row.get("start", ""),
            "end": row.get("end", ""),
        }


class WindowsField(RowsField):
    """Weekly windows in their stored form: `[{"days": ["mon"], "start": "09:00", "end": …}]`."""

    widget = WindowsWidget
    noun = "Window"

    def clean_row(self, row: Row) -> dict[str, Any]:
        days = [key for key, _ in DAYS if key in row["days"]]
        if not days:
            raise ValidationError("tick at least one day.")
        return {
            "days": days,
            "start": _clock(row["start"], "from").isoformat("minutes"),
            "end": _clock(row["end"], "until").isoformat("minutes"),
        }


def _clock(text: str, word: str) -> time:
    found = _CLOCK.match(text)
    if found is None:
        raise ValidationError(f"“{word}” is a time such as 09:00.")
    return time(int(found["hour"]), int(found["minute"]))
