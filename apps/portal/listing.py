"""Lists: cursor pages, newest first, and filters that live in the address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, QueryDict

M = TypeVar("M", bound=Model)
SIZE = 25
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"([ab])(\d{1,17})\.(\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class Slice(Generic[M]):
    """One page of a list; `previous` and `next` are addresses, empty at the ends."""

    rows: list[M]
    previous: str = ""
    next: str = ""


def address(params: QueryDict, **changes: str) -> str:
    """The present address with some parameters changed; an empty value takes one out."""
    changed = params.copy()
    for name, value in {"cursor": "", **changes}.items():
        if value:
            changed[name] = value
        else:
            changed.pop(name, None)
    return f"?{changed.urlencode()}"


def cut(rows: QuerySet[M], *, by: str, params: QueryDict, size: int = SIZE) -> Slice[M]:
    """A page of `rows`, newest `by` first. A cursor that is no cursor shows the first page."""
    match = _CURSOR.fullmatch(params.get("cursor", ""))
    if match is None:
        found = list(rows.order_by(f"-{by}", "-pk")[: size + 1])
        return Slice(found[:size], "", _older(found, by, params, size))
    direction, micros, pk = match.group(1), int(match.group(2)), int(match.group(3))
    at = _EPOCH + timedelta(microseconds=micros)
    if direction == "a":
        older = Q(**{f"{by}__lt": at}) | Q(**{by: at, "pk__lt": pk})
        found = list(rows.filter(older).order_by(f"-{by}", "-pk")[: size + 1])
        previous = _cursor("b", found[0], by, params) if found else address(params)
        return Slice(found[:size], previous, _older(found, by, params, size))
    newer = Q(**{f"{by}__gt": at}) | Q(**{by: at, "pk__gt": pk})
    found = list(rows.filter(newer).order_by(by, "pk")[: size + 1])
    shown = found[:size][::-1]
    previous = _cursor("b", shown[0], by, params) if len(found) > size else ""
    following = _cursor("a", shown[-1], by, params) if shown else address(params)
    return Slice(shown, previous, following)


def _older(found: list[M], by: str, params: QueryDict, size: int) -> str:
    return _cursor("a", found[size - 1], by, params) if len(found) > size else ""


def _cursor(direction: str, row: Model, by: str, params: QueryDict) -> str:
    micros = (getattr(row, by) - _EPOCH) // timedelta(microseconds=1)
    return address(params, cursor=f"{direction}{micros}.{row.pk}")


def choice(params: QueryDict, name: str, allowed: Iterable[str], default: str = "") -> str:
    """A filter's value; what is not allowed counts as not given."""
    value = params.get(name, "")
    return value if value in set(allowed) else default


def tabs(
    request: HttpRequest, name: str, items: Mapping[str, str], current: str, **counts: Any
) -> list[dict[str, Any]]:
    """Views of a list as tabs: `items` maps a value of the parameter `name` to its words."""
    return [
        {
            "label": label,
            "url": address(request.GET, **{name: value}),
            "current": value == current,
            "count": counts.get(value),
        }
        for value, label in items.items()
    ]


def chips(request: HttpRequest, given: Mapping[str, tuple[str, str]]) -> list[dict[str, str]]:
    """Filters in force: parameter → (what it filters, its value in words); empty ones left out."""
    return [
        {"label": label, "value": words, "url": address(request.GET, **{name: ""})}
        for name, (label, words) in given.items()
        if words
    ]
