"""Looks at shares: failure rates, accuracies, budgets that burn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from apps.alerts.rules.facts import Reader, Tally
from apps.alerts.rules.params import DAY, HOUR, WEEK, confidence, consecutive
from apps.alerts.rules.seen import FIRING, INSUFFICIENT, NO_DATA, OK, WARNING, Asked, Seen
from apps.alerts.rules.words import number, percent, plural, span
from apps.telemetry import burnrate, judging
from apps.telemetry.burnrate import BurnWindow, Window
from apps.telemetry.proportions import stratified, wilson

_NOUN = {"profile_runs": "run", "report_runs": "report"}


def rate(params: Mapping[str, Any], reader: Reader, now: datetime, asked: Asked) -> list[Seen]:
    """Failure rate by Wilson's lower bound, each group by itself."""
    since = now - timedelta(seconds=params["window"])
    found = reader.runs(
        source=params["source"], facet=params["facet"], by=params["group_by"],
        since=since, until=now,
    )  # fmt: skip
    if not params["group_by"]:
        found = {"": found.get("", Tally())}
    return [_rate(group, tally, params) for group, tally in sorted(found.items())]


def _rate(group: str, tally: Tally, params: Mapping[str, Any]) -> Seen:
    bad, total = tally
    sure = confidence(params)
    limit = params["threshold"]
    bounds = wilson(bad, total, sure)
    look = judging.rate_look(bad, total, limit, params["min_n"], sure) if total else NO_DATA
    what = plural(total, _NOUN[params["source"]])
    text = f"{bad:,} of {what} failed in {span(params['window'])}"
    if total:
        text += f": {percent(bounds.p)}, with {sure:.0%} certainty {_between(bounds)}"
    text += f". The threshold is {percent(limit)}."
    if look == INSUFFICIENT:
        text += f" It takes {params['min_n']} to judge."
    named = params["group_by"] == "surface" and " " not in group  # a key has none; "no surface"
    return Seen(
        group, look, text, bounds.p, limit, total, bounds.lower, bounds.upper,
        surface=group if named else "", path=_runs_path(group, params),
    )  # fmt: skip


def _between(bounds: Any) -> str:
    return f"{percent(bounds.lower)} to {percent(bounds.upper)}"


def _runs_path(group: str, params: Mapping[str, Any]) -> str:
    by, window = params["group_by"], params["window"]
    if by == "source":
        return source_path(group)
    facet = group if by == "facet" else params["facet"]
    return runs_path(params["source"], facet, window)


@lru_cache(maxsize=256)
def runs_path(source: str, facet: str, window: int) -> str:
    """The list of bad runs or reports, of one facet or of all, as far back as a window reaches."""
    page, name = _LISTS[source]
    span = next((key for seconds, key in _SPANS if window <= seconds), "90d")
    query = {"show": "bad", "span": span, **({name: facet} if facet else {})}
    return f"/telemetry/{page}/?{urlencode(query)}"


_LISTS = {"profile_runs": ("runs", "warehouse"), "report_runs": ("reports", "template")}
_SPANS = ((HOUR, "1h"), (DAY, "24h"), (WEEK, "7d"), (4 * WEEK, "28d"))


def source_path(key: str) -> str:
    """A source's page, by the number at the end of its key."""
    number_ = key.rpartition("#")[2]
    return f"/telemetry/sources/{number_}/" if number_.isdigit() else "/telemetry/sources/"


# -- accuracy


def accuracy(params: Mapping[str, Any], reader: Reader, now: datetime, asked: Asked) -> list[Seen]:
    """Accuracy by Wilson's upper bound; over all types by their share in production."""
    window = timedelta(seconds=params["window"])
    rows = [
        _accuracies(params, reader, now - window * (back + 1), now - window * back)
        for back in range(consecutive(params))
    ]
    latest, before = rows[0], rows[1:]
    found = []
    for group, seen in sorted(latest.items()):
        alone = seen.look == FIRING and any(
            group not in row or row[group].look != FIRING for row in before
        )
        if alone:
            text = f"{seen.text} It takes {len(rows)} windows in a row."
            seen = _as(seen, WARNING, text)
        found.append(seen)
    return found


def _accuracies(
    params: Mapping[str, Any], reader: Reader, since: datetime, until: datetime
) -> dict[str, Seen]:
    by = params["group_by"]
    found = reader.labels(
        truths=params["truth_sources"], by=by or "stratum", since=since, until=until
    )
    if by:
        return {group: _accuracy(group, tally, params) for group, tally in found.items()}
    return {"": _overall(found, params, reader)}


def _accuracy(group: str, tally: Tally, params: Mapping[str, Any]) -> Seen:
    right, total = tally.total - tally.bad, tally.total
    sure, target = confidence(params), params["target"]
    bounds = wilson(right, total, sure)
    look = judging.accuracy_look(right, total, target, params["min_n"], sure) if total else NO_DATA
    text = _accuracy_text(right, total, bounds, sure, target)
    return Seen(
        group, look, text, bounds.p, target, total, bounds.lower, bounds.upper,
        path="/telemetry/accuracy/",
    )  # fmt: skip


def _overall(strata: Mapping[str, Tally], params: Mapping[str, Any], reader: Reader) -> Seen:
    """Weighed by production; of one stratum, or few columns of known share, Wilson of all."""
    whole = Tally(sum(t.bad for t in strata.values()), sum(t.total for t in strata.values()))
    weights = reader.weights() if len(strata) > 1 else {}
    rows = [
        (weights[name], tally.total - tally.bad, tally.total)
        for name, tally in strata.items()
        if weights.get(name)
    ]
    sure, target = confidence(params), params["target"]
    found = stratified(rows, sure)
    is_few = sum(n for _, _, n in rows) < params["min_n"]
    if is_few or found.p is None or not found.se or found.lower is None or found.upper is None:
        return _accuracy("", whole, params)
    look = judging.against(target, found.p, found.lower, found.upper)
    text = _accuracy_text(whole.total - whole.bad, whole.total, found, sure, target)
    return Seen(
        "", look, f"{text} Types count by their share in production.", found.p, target,
        whole.total, found.lower, found.upper, path="/telemetry/accuracy/",
    )  # fmt: skip


def _accuracy_text(right: int, total: int, bounds: Any, sure: float, target: float) -> str:
    if not total:
        return f"No column was checked. The target is {percent(target)}."
    return (
        f"{right:,} of {plural(total, 'checked column')} right: {percent(bounds.p)}, with "
        f"{sure:.0%} certainty {_between(bounds)}. The target is {percent(target)}."
    )


def _as(seen: Seen, look: str, text: str) -> Seen:
    return Seen(
        seen.group, look, text, seen.value, seen.limit, seen.n, seen.lower, seen.upper,
        seen.label, seen.surface, seen.path, seen.severity, seen.memory,
    )  # fmt: skip


# -- budgets


def burn_rate(params: Mapping[str, Any], reader: Reader, now: datetime, asked: Asked) -> list[Seen]:
    """All windows of a budget at once; the gravest that fires is what is said."""
    objective = asked.objective or 0.0
    per_hour = _per_hour(reader, now) if params["windows"] == "auto" else burnrate.BUSY
    windows = _windows(params, objective, per_hour)
    previous = asked.memory.get("", {}).get("windows", {})
    found = [
        _burn(window, objective, reader, now, previous.get(window.key, OK), asked)
        for window in windows
    ]
    if params["windows"] == "auto" and burnrate.by_consecutive(per_hour):
        found[:0] = _in_a_row(reader, now)
    memory = {"windows": {seen.group: seen.look for seen in found}}
    told = min(found, key=lambda seen: (_ORDER.index(seen.look), seen.severity != "critical"))
    return [
        Seen(
            "", told.look, told.text, told.value, told.limit, told.n,
            path=asked.slo_path, severity=told.severity, memory=memory,
        )
    ]  # fmt: skip


_ORDER = (FIRING, OK, INSUFFICIENT, NO_DATA)


def _per_hour(reader: Reader, now: datetime) -> float:
    day, three = (reader.slo(since=now - timedelta(days=days), until=now).total for days in (1, 3))
    return burnrate.hourly(day, three)


def _windows(params: Mapping[str, Any], objective: float, per_hour: float) -> Sequence[BurnWindow]:
    if params["windows"] != "auto":
        return [
            BurnWindow(
                row.get("severity", "page"), row["long"], row["short"], row["burn"],
                params["min_total"], params["min_bad"],
            )
            for row in params["windows"]
        ]  # fmt: skip
    return [
        BurnWindow(
            one.severity, one.long_seconds, one.short_seconds, one.burn,
            params["min_total"], params["min_bad"],
        )
        for one in burnrate.windows_for(per_hour)
        if burnrate.reachable(objective, one.burn)
    ]  # fmt: skip


def _burn(
    one: BurnWindow, objective: float, reader: Reader, now: datetime, previous: str, asked: Asked
) -> Seen:
    long, short = (
        Window(*reader.slo(since=now - timedelta(seconds=seconds), until=now))
        for seconds in (one.long_seconds, one.short_seconds)
    )
    look = burnrate.burn_look(
        long, short, objective, one.burn, one.min_total, one.min_bad, previous
    )
    rate_ = burnrate.burn(long.bad, long.total, objective)
    text = (
        f"{number(long.bad)} of {number(long.total)} were bad in {span(one.long_seconds)}, "
        f"{number(short.bad)} of {number(short.total)} in the last {span(one.short_seconds)}: "
        f"the budget burns {number(rate_ or 0.0)} times as fast as it lasts, the limit is "
        f"{one.burn:g} times."
    )
    if not long.total:
        text = f"Nothing happened in {span(one.long_seconds)} that could be good or bad."
    severity = "critical" if one.severity == "page" else "warning"
    return Seen(one.key, look, text, rate_, one.burn, int(long.total), severity=severity)


def _in_a_row(reader: Reader, now: datetime) -> list[Seen]:
    """Too little for a rate: so many failures in a row page. Counts name no single events."""
    k = burnrate.CONSECUTIVE
    last = reader.newest_first(count=k, until=now)
    if not last:
        return []
    look = burnrate.consecutive_look(last, k)
    text = f"{sum(last)} of the last {len(last)} were bad; {k} in a row wake somebody."
    return [
        Seen("in a row", look, text, float(sum(last)), float(k), len(last), severity="critical")
    ]
