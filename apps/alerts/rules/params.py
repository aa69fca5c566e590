"""The parameters of each kind of rule: what there is, what it may be, and a refusal in words.

All durations are whole seconds, all shares 0 to 1. A name that a kind does not have is refused:
a misspelled limit must not pass as its default.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

MINUTE, HOUR, DAY = 60, 3600, 86_400
WEEK = 7 * DAY
Choices = tuple[tuple[str, str], ...]
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,160}")


class BadParams(ValueError):
    """`fields` maps a parameter's name to what is wrong with it and what to do."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(said)}" for name, said in fields.items()))
        self.fields = {name: list(said) for name, said in fields.items()}


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. `type`: int, float, share, seconds, text, choice, days, sources or windows.

    `default` None means that it may stay empty; `required` that it may not.
    """

    name: str
    label: str
    type: str
    default: Any = None
    required: bool = False
    least: float | None = None
    most: float | None = None
    choices: Choices = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rule with its parameters, and what one look at it means, in a sentence."""

    key: str
    about: str
    params: tuple[Param, ...]
    check: Callable[[dict[str, Any]], dict[str, list[str]]] = field(default=lambda _: {})


_SOURCES: Final[Choices] = (("profile_runs", "Profile runs"), ("report_runs", "Inspector reports"))
TRUTHS: Final[Choices] = (
    ("audit", "Audits"),
    ("fixture", "Fixtures"),
    ("dbt_meta", "dbt meta"),
)


def _window(default: int, most: int = 28 * DAY) -> Param:
    return Param("window", "Looks back (s)", "seconds", default, least=MINUTE, most=most)


def _min_n(default: int, what: str = "events") -> Param:
    return Param(
        "min_n", "At least", "int", default, least=1, most=1_000_000,
        help=f"With fewer {what} it says that there is not enough data.",
    )  # fmt: skip


_FACET = Param(
    "facet", "Only", "text", "", help="One warehouse type or template. Empty: all of them."
)
_CONFIDENCE = Param(
    "confidence", "Confidence", "share", None, least=0.5, most=0.9999,
    help="Empty: 0.95, and 0.99 where each group is judged by itself.",
)  # fmt: skip


def _group_by(*more: tuple[str, str], default: str = "") -> Param:
    return Param("group_by", "Each by itself", "choice", default, choices=(("", "No"), *more))


def _rate(params: dict[str, Any]) -> dict[str, list[str]]:
    if params["group_by"] == "source" and params["source"] == "report_runs":
        return {"group_by": ["Reports name no source. Group them by facet or surface."]}
    return {}


def _threshold(params: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if params["k"] > params["m"]:
        found["k"] = [f"At most {params['m']}: it counts hits among so many windows."]
    value = params["value"]
    if value == "limit" and params["agg"] == "p95" and params["op"] == "<":
        found["op"] = ["A 95th percentile is compared with an upper limit."]
    if params["window"] * params["m"] > WEEK:
        found["window"] = ["All windows together span at most 7 days."]
    return found


def _age(params: dict[str, Any]) -> dict[str, list[str]]:
    given = [params[name] for name in ("max_business_seconds", "max_business_days")]
    if sum(value is not None for value in given) != 1:
        said = "Give either business seconds or business days."
        return {"max_business_days": [said]}
    return {}


def _inventory(params: dict[str, Any]) -> dict[str, list[str]]:
    if not params["min_changes"] and not params["min_share"]:
        return {"min_changes": ["Say from how many changes on, or from which share."]}
    return {}


def _change(params: dict[str, Any]) -> dict[str, list[str]]:
    if params["weeks"] * WEEK + params["window"] > 89 * DAY:
        return {"weeks": ["Runs are kept for 90 days: at most 12 weeks."]}
    return {}


KINDS: Final[dict[str, Kind]] = {
    kind.key: kind
    for kind in (
        Kind(
            "rate",
            "Fires when even the lower bound of the failure rate is above the threshold; warns "
            "when only the rate itself is.",
            (
                Param("source", "Of", "choice", "profile_runs", choices=_SOURCES),
                _FACET,
                _group_by(
                    ("facet", "Warehouse type or template"), ("source", "Source"),
                    ("surface", "Surface"),
                ),
                _window(HOUR),
                Param("threshold", "Threshold", "share", 0.1, least=0.0, most=0.99),
                _min_n(10, "runs"),
                _CONFIDENCE,
            ),
            _rate,
        ),
        Kind(
            "accuracy",
            "Fires when even the upper bound of the accuracy is below the target, in so many "
            "windows in a row; says proven when even the lower bound keeps it.",
            (
                Param("target", "Target", "share", 0.95, least=0.01, most=0.9999),
                _window(WEEK, 90 * DAY),
                _min_n(30, "audited columns"),
                _group_by(("predicted", "Predicted type")),
                Param(
                    "consecutive", "Windows in a row", "int", None, least=1, most=10,
                    help="Empty: 1, and 2 where each type is judged by itself.",
                ),
                Param(
                    "truth_sources", "Truth from", "sources", ("audit",), choices=TRUTHS,
                    help="Corrections by users are a biased sample and are never counted here.",
                ),
                _CONFIDENCE,
            ),
        ),
        Kind(
            "burn_rate",
            "Fires when a long window says that it matters and a short one that it goes on: both "
            "burn the budget faster than the limit.",
            (
                Param(
                    "windows", "Windows", "windows", "auto",
                    help="auto: chosen by how many events an hour there are. Else a list of "
                    '{"long": 3600, "short": 300, "burn": 14.4}.',
                ),
                Param("min_total", "At least events", "int", 20, least=1, most=1_000_000),
                Param("min_bad", "At least bad ones", "int", 3, least=1, most=1_000_000),
            ),
        ),
        Kind(
            "threshold",
            "Fires when the value of k of the last m windows is over the limit.",
            (
                Param("metric", "Metric", "text", required=True, help="mcp.latency"),
                Param("subject", "Of", "text", "", help="Empty: all of them."),
                _group_by(("subject", "Each subject"), default="subject"),
                Param(
                    "agg", "Of a window the", "choice", "avg",
                    choices=(
                        ("last", "Last"), ("avg", "Average"), ("min", "Least"),
                        ("max", "Largest"), ("p95", "95th percentile"),
                    ),
                ),
                Param("op", "Is", "choice", ">", choices=((">", "Above"), ("<", "Below"))),
                Param(
                    "value", "Limit", "value", "limit",
                    help="A number, or limit: the one that each reading brings.",
                ),
                _window(300, DAY),
                Param("k", "So many windows", "int", 3, least=1, most=60),
                Param("m", "Of the last", "int", 5, least=1, most=60),
                _min_n(1, "readings in a window"),
            ),
            _threshold,
        ),
        Kind(
            "absence",
            "Fires when a source whose rhythm is known has had no success for its cadence and a "
            "grace. Paused ones are suppressed.",
            (
                Param(
                    "grace", "Grace", "float", 0.5, least=0.0, most=10.0,
                    help="Part of the cadence: 0.5 fires after one and a half.",
                ),
                _group_by(("source", "Each source"), default="source"),
            ),
        ),
        Kind(
            "stale",
            "Fires when a profile is older than it may be where no rhythm is known, or when its "
            "model or what that reads changed afterwards.",
            (
                Param(
                    "rule", "Stale when", "choice", "max_age",
                    choices=(("max_age", "Too old"), ("changed", "Changed since")),
                ),
                Param(
                    "max_age", "Oldest (s)", "seconds", None, least=MINUTE, most=400 * DAY,
                    help="Empty: what the source says, else a day.",
                ),
                _group_by(("source", "Each source"), default="source"),
            ),
        ),
        Kind(
            "expiry",
            "Warns ever louder as the end comes near: the last of the days is critical.",
            (
                Param("metric", "Of", "text", "certificate"),
                Param("subject", "Only", "text", "", help="Empty: all of them."),
                Param("days", "Days before the end", "days", (30, 14, 3)),
            ),
        ),
        Kind(
            "age",
            "Fires for each thing that has been open for longer, in business time.",
            (
                Param("what", "What", "choice", "tickets", choices=(("tickets", "Tickets"),)),
                Param(
                    "priority", "With priority", "choice", "P1",
                    choices=(("", "Any"), *((p, p) for p in ("P1", "P2", "P3", "P4"))),
                ),
                Param(
                    "max_business_days", "Business days", "float", None, least=0.1, most=365.0
                ),
                Param(
                    "max_business_seconds", "Business seconds", "seconds", None,
                    least=MINUTE, most=365 * DAY,
                ),
                Param(
                    "calendar", "By the calendar", "text", "", help="Its key. Empty: the default."
                ),
            ),
            _age,
        ),
        Kind(
            "inventory",
            "Fires when so many columns have another semantic type than in the inventory before. "
            "It needs no labels.",
            (
                _window(DAY),
                Param("min_changes", "At least changes", "int", 20, least=0, most=1_000_000),
                Param(
                    "min_share", "And at least this share", "share", 0.01, least=0.0, most=1.0,
                    help="Of the columns of the sources that changed.",
                ),
                _group_by(("source", "Each source")),
            ),
            _inventory,
        ),
        Kind(
            "change",
            "Fires when the last window is that much worse than the same hour of the same weekday "
            "in the weeks before.",
            (
                Param(
                    "metric", "Of", "choice", "p95",
                    choices=(("p95", "95th percentile of durations"), ("rate", "Failure rate")),
                ),
                _FACET,
                _group_by(("facet", "Warehouse type")),
                _window(HOUR, DAY),
                Param("ratio", "Times", "float", 1.5, least=1.0, most=100.0),
                _min_n(20, "runs"),
                Param("weeks", "Weeks before", "int", 4, least=1, most=12),
            ),
            _change,
        ),
        Kind(
            "count",
            "Fires when so many would come by chance less often than alpha, by what came before.",
            (
                Param(
                    "what", "Count", "choice", "corrections",
                    choices=(
                        ("corrections", "Corrections by users"),
                        ("type_changes", "Changed types"),
                        ("runs_bad", "Bad profile runs"),
                        ("reports_bad", "Bad reports"),
                    ),
                ),
                _window(2 * HOUR, 7 * DAY),
                Param("alpha", "Less likely than", "float", 0.001, least=1e-9, most=0.5),
                Param("min_count", "At least", "int", 3, least=1, most=1_000_000),
                Param(
                    "min_history_days", "Days of history", "int", 7, least=1, most=28,
                    help="With less it says that there is not enough data.",
                ),
            ),
        ),
    )
}  # fmt: skip


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
