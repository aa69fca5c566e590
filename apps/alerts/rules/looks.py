"""One look of any rule, and its condition in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from apps.alerts.rules import ages, rates, values
from apps.alerts.rules.facts import Reader
from apps.alerts.rules.params import confidence, consecutive
from apps.alerts.rules.seen import NO_DATA, Asked, Seen
from apps.alerts.rules.words import number, percent, plural, span

Judge = Callable[[Mapping[str, Any], Reader, datetime, Asked], list[Seen]]

_JUDGES: Final[dict[str, Judge]] = {
    "rate": rates.rate,
    "accuracy": rates.accuracy,
    "burn_rate": rates.burn_rate,
    "threshold": values.threshold,
    "absence": ages.absence,
    "stale": ages.stale,
    "expiry": ages.expiry,
    "age": ages.age,
    "inventory": values.inventory,
    "change": values.change,
    "count": values.count,
}
# Kinds whose groups are what is known, not what happened to come: an absent group is gone.
LISTED: Final = frozenset({"absence", "stale", "expiry", "age"})


def judge(
    kind: str, params: Mapping[str, Any], reader: Reader, now: datetime, asked: Asked
) -> list[Seen]:
    """What a look at `now` says of each group; `params` are whole, as `params.check` gives them."""
    return _JUDGES[kind](params, reader, now, asked)


def absent(kind: str, group: str) -> Seen:
    """What is said of a group that is known from before and that the look did not find."""
    if kind in LISTED:
        return Seen(group, "gone", "It is not there any more, or keeps its limit.")
    return Seen(group, NO_DATA, "Nothing came of it in the window.", n=0)


def describe(kind: str, params: Mapping[str, Any]) -> str:
    """The condition in a sentence, for people."""
    return _WORDS[kind](params)


def _each(params: Mapping[str, Any], names: Mapping[str, str]) -> str:
    return f" Each {names[params['group_by']]} by itself." if params["group_by"] else ""


def _rate(params: Mapping[str, Any]) -> str:
    what = "profile runs" if params["source"] == "profile_runs" else "inspector reports"
    only = f" on {params['facet']}" if params["facet"] else ""
    each = {"facet": "warehouse type or template", "source": "source", "surface": "surface"}
    return (
        f"More than {percent(params['threshold'])} of {what}{only} in {span(params['window'])} "
        f"failed, with {confidence(params):.0%} certainty and from {params['min_n']} on."
        f"{_each(params, each)}"
    )


def _accuracy(params: Mapping[str, Any]) -> str:
    rows = consecutive(params)
    return (
        f"Fewer than {percent(params['target'])} of the columns that "
        f"{' and '.join(params['truth_sources'])} checked in {span(params['window'])} are right, "
        f"with {confidence(params):.0%} certainty and from {params['min_n']} on"
        f"{f', in {rows} windows in a row' if rows > 1 else ''}."
        f"{_each(params, {'predicted': 'predicted type'})}"
    )


def _burn_rate(params: Mapping[str, Any]) -> str:
    least = f"from {params['min_bad']} bad of {params['min_total']} on"
    if params["windows"] == "auto":
        return f"The budget burns too fast, by the windows that suit the traffic, {least}."
    rows = "; ".join(
        f"{row['burn']:g} times over {span(row['long'])} and {span(row['short'])}"
        for row in params["windows"]
    )
    return f"The budget burns faster than {rows}; {least}."


_AGGREGATES: Final = {
    "last": "last",
    "avg": "average",
    "min": "least",
    "max": "largest",
    "p95": "95th percentile",
}


def _threshold(params: Mapping[str, Any]) -> str:
    value = params["value"]
    shown = "its own limit" if value == "limit" else number(value)
    of = f" of {params['subject']}" if params["subject"] else ""
    return (
        f"The {_AGGREGATES[params['agg']]} {params['metric']}{of} is "
        f"{'above' if params['op'] == '>' else 'below'} {shown} in {params['k']} of the last "
        f"{params['m']} windows of {span(params['window'])}."
    )


def _absence(params: Mapping[str, Any]) -> str:
    return (
        f"A source that is to run by a known rhythm had no success for "
        f"{1 + params['grace']:g} times its cadence."
    )


def _stale(params: Mapping[str, Any]) -> str:
    if params["rule"] == "changed":
        return "The model of a profiled table, or what it reads, changed after the profile."
    limit = span(params["max_age"]) if params["max_age"] else "a day, where it says nothing else"
    return f"A source without a known rhythm had no success for longer than {limit}."


def _expiry(params: Mapping[str, Any]) -> str:
    days = ", ".join(str(day) for day in params["days"])
    return f"{params['subject'] or 'Any ' + params['metric']} ends within {days} days."


def _age(params: Mapping[str, Any]) -> str:
    days, seconds = params["max_business_days"], params["max_business_seconds"]
    limit = f"{days:g} business days" if days else f"{span(seconds)} of business time"
    priority = f"{params['priority']} " if params["priority"] else ""
    calendar = f" by the calendar {params['calendar']}" if params["calendar"] else ""
    return (
        f"A {priority}{params['what'].removesuffix('s')} is open for more than {limit}{calendar}."
    )


def _inventory(params: Mapping[str, Any]) -> str:
    return (
        f"At least {plural(params['min_changes'], 'column')} and {percent(params['min_share'])} of "
        f"an inventory changed their semantic type in {span(params['window'])}."
        f"{_each(params, {'source': 'source'})}"
    )


def _change(params: Mapping[str, Any]) -> str:
    what = "95th percentile of durations" if params["metric"] == "p95" else "failure rate"
    only = f" on {params['facet']}" if params["facet"] else ""
    return (
        f"The {what}{only} of {span(params['window'])} is more than {params['ratio']:g} times that "
        f"of the same weekday and hour in the {plural(params['weeks'], 'week')} before, from "
        f"{params['min_n']} runs on.{_each(params, {'facet': 'warehouse type'})}"
    )


def _count(params: Mapping[str, Any]) -> str:
    what = {
        "corrections": "corrections by users",
        "type_changes": "changed types",
        "runs_bad": "bad runs",
        "reports_bad": "bad reports",
    }[params["what"]]
    return (
        f"At least {params['min_count']} {what} in {span(params['window'])}, and so many come by "
        f"chance in fewer than {percent(params['alpha'])} of such windows."
    )


_WORDS: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "rate": _rate,
    "accuracy": _accuracy,
    "burn_rate": _burn_rate,
    "threshold": _threshold,
    "absence": _absence,
    "stale": _stale,
    "expiry": _expiry,
    "age": _age,
    "inventory": _inventory,
    "change": _change,
    "count": _count,
}
