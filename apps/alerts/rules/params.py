"""The parameters of each kind of rule, read: whole, or refused in words.

All durations are whole seconds, all shares 0 to 1. A name that a kind does not have is refused:
a misspelled limit must not pass as its default.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from apps.alerts.rules.kinds import DAY, HOUR, KINDS, MINUTE, TRUTHS, WEEK, Kind, Param

__all__ = [
    "DAY", "HOUR", "KINDS", "MINUTE", "TRUTHS", "WEEK", "BadParams", "Kind", "Param", "check",
    "confidence", "consecutive",
]  # fmt: skip
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,160}")


class BadParams(ValueError):
    """`fields` maps a parameter's name to what is wrong with it and what to do."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(said)}" for name, said in fields.items()))
        self.fields = {name: list(said) for name, said in fields.items()}


def check(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a rule of `kind`, whole: what was not given has its default.

    Raises BadParams, by field.
    """
    shape = KINDS.get(kind)
    if shape is None:
        raise BadParams({"kind": [f"There is no kind {kind!r}."]})
    known = {param.name for param in shape.params}
    wrong = {
        name: [f"A {kind} rule has no such parameter. It has {', '.join(sorted(known))}."]
        for name in given
        if name not in known
    }
    found: dict[str, Any] = {}
    for param in shape.params:
        try:
            found[param.name] = _read(param, given.get(param.name))
        except ValueError as error:
            wrong[param.name] = [str(error)]
    if not wrong:
        wrong = shape.check(found)
    if wrong:
        raise BadParams(wrong)
    return found


def confidence(params: Mapping[str, Any]) -> float:
    """Many groups are many chances of a false alarm: each of them is judged more strictly."""
    given = params.get("confidence")
    return float(given) if given else (0.99 if params.get("group_by") else 0.95)


def consecutive(params: Mapping[str, Any]) -> int:
    given = params.get("consecutive")
    return int(given) if given else (2 if params.get("group_by") else 1)


# -- reading one value


def _read(param: Param, value: Any) -> Any:
    chosen = param.type == "choice" and any(value == key for key, _ in param.choices)
    if value is None or (value == "" and not chosen):
        if param.required:
            raise ValueError("This is needed.")
        return list(param.default) if isinstance(param.default, tuple) else param.default
    return _READERS[param.type](param, value)


def _number(param: Param, value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError("Give a number.")
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("Give a number.") from error
    if not math.isfinite(found):
        raise ValueError("Give a number.")
    if param.least is not None and found < param.least:
        raise ValueError(f"At least {param.least:g}.")
    if param.most is not None and found > param.most:
        raise ValueError(f"At most {param.most:g}.")
    return found


def _int(param: Param, value: Any) -> int:
    found = _number(param, value)
    if found != int(found):
        raise ValueError("Give a whole number.")
    return int(found)


def _share(param: Param, value: Any) -> float:
    if param.most is not None and _number(Param("", "", ""), value) > 1:
        raise ValueError("A share lies between 0 and 1: 0.1 is ten percent.")
    return _number(param, value)


def _text(param: Param, value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value.strip()):
        raise ValueError("Give a text of 1 to 160 characters.")
    return value.strip()


def _choice(param: Param, value: Any) -> str:
    keys = [key for key, _ in param.choices]
    if value not in keys:
        raise ValueError(f"Choose one of {', '.join(key or 'nothing' for key in keys)}.")
    return str(value)


def _value(param: Param, value: Any) -> float | str:
    return "limit" if value == "limit" else _number(param, value)


def _days(param: Param, value: Any) -> list[int]:
    rows = re.split(r"[\s,;]+", value.strip()) if isinstance(value, str) else value
    if not isinstance(rows, list | tuple) or not 1 <= len(rows) <= 4:
        raise ValueError("Give one to four numbers of days: 30, 14, 3.")
    whole = Param("", "", "", least=0, most=3650)
    return sorted({_int(whole, row) for row in rows}, reverse=True)


def _sources(param: Param, value: Any) -> list[str]:
    rows = [value] if isinstance(value, str) else value
    keys = [key for key, _ in param.choices]
    if not isinstance(rows, list | tuple) or not rows or any(row not in keys for row in rows):
        raise ValueError(f"Choose one or more of {', '.join(keys)}.")
    return [key for key in keys if key in rows]


def _windows(param: Param, value: Any) -> Any:
    if value == "auto":
        return value
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= 8:
        raise ValueError("Write auto, or one to eight windows.")
    return [_one_window(row) for row in value]


def _one_window(row: Any) -> dict[str, Any]:
    names = {"long", "short", "burn", "severity"}
    if not isinstance(row, Mapping) or not {"long", "short", "burn"} <= set(row) <= names:
        raise ValueError('Each window has "long", "short" and "burn", and may have "severity".')
    long = _int(Param("", "", "", least=MINUTE, most=90 * DAY), row["long"])
    short = _int(Param("", "", "", least=MINUTE, most=90 * DAY), row["short"])
    if short >= long:
        raise ValueError("The short window is shorter than the long one.")
    burn = _number(Param("", "", "", least=0.01, most=10_000), row["burn"])
    severity = row.get("severity", "page")
    if severity not in ("page", "ticket"):
        raise ValueError("The severity of a window is page or ticket.")
    return {"long": long, "short": short, "burn": burn, "severity": severity}


_READERS: Final[dict[str, Callable[[Param, Any], Any]]] = {
    "int": _int,
    "float": _number,
    "share": _share,
    "seconds": _int,
    "text": _text,
    "choice": _choice,
    "value": _value,
    "days": _days,
    "sources": _sources,
    "windows": _windows,
}
