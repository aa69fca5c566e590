"""What kinds of rules there are, and what each of them takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

MINUTE, HOUR, DAY = 60, 3600, 86_400
WEEK = 7 * DAY
Choices = tuple[tuple[str, str], ...]


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
