"""Looks at readings, at counts, and at how a thing differs from what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean, median
from typing import Any

from apps.alerts.rules.facts import Duration, Inventory, Reader, Reading, Tally
from apps.alerts.rules.params import DAY, confidence
from apps.alerts.rules.rates import runs_path, source_path
from apps.alerts.rules.seen import FIRING, INSUFFICIENT, NO_DATA, OK, WARNING, Asked, Seen
from apps.alerts.rules.words import length, number, percent, plural, span
from apps.telemetry.percentile import cont
from apps.telemetry.proportions import newcombe, poisson_upper_tail

HISTORY = timedelta(days=28)


def threshold(params: Mapping[str, Any], reader: Reader, now: datetime, asked: Asked) -> list[Seen]:
    """k of the last m windows over a limit, each subject by itself or all as one."""
    window = timedelta(seconds=params["window"])
    found = reader.readings(
        metric=params["metric"], subject=params["subject"],
        since=now - window * params["m"], until=now,
    )  # fmt: skip
    if not params["group_by"]:
        every = [one for rows in found.values() for one in rows]
        found = {"": sorted(every)}
    return [_over(group, rows, params, now) for group, rows in sorted(found.items())]


def _over(group: str, rows: Sequence[Reading], params: Mapping[str, Any], now: datetime) -> Seen:
    parts: list[list[Reading]] = [[] for _ in range(params["m"])]
    for one in rows:
        back = -int(-(now - one.at).total_seconds() // params["window"]) - 1
        parts[min(max(back, 0), params["m"] - 1)].append(one)
    judged = [_window(part, params) for part in parts if len(part) >= params["min_n"]]
    hits = sum(hit for _, _, hit in judged)
    value, limit, newest = judged[0] if judged else (None, None, False)
    if not rows:
        look = NO_DATA
    elif len(judged) < params["k"]:
        look = INSUFFICIENT
    else:
        look = FIRING if hits >= params["k"] else WARNING if newest else OK
    name = f"{params['metric']} {group or params['subject']}".strip()
    word = "above" if params["op"] == ">" else "below"
    shown = "its limit" if limit is None else number(limit)
    text = (
        f"{name}: {word} {shown} in {hits} of the last {params['m']} windows of "
        f"{span(params['window'])}, {params['k']} are too many."
    )
    if value is not None:
        text += f" The last was {number(value)}."
    return Seen(
        group, look, text, value, limit, len(rows), label=name, path="/telemetry/measurements/"
    )


def _window(part: Sequence[Reading], params: Mapping[str, Any]) -> tuple[float, float | None, bool]:
    """The value of one window, its limit, and whether it is over; newest reading last."""
    value = _aggregate([one.value for one in part], params["agg"])
    limit = params["value"]
    if limit == "limit":
        limit = next((one.limit for one in reversed(part) if one.limit is not None), None)
    if limit is None:
        return value, None, False
    return value, limit, value > limit if params["op"] == ">" else value < limit


def _aggregate(values: Sequence[float], how: str) -> float:
    match how:
        case "last":
            return values[-1]
        case "min":
            return min(values)
        case "max":
            return max(values)
        case "p95":
            found = cont(values, 0.95)
            return found if found is not None else values[-1]
    return fmean(values)


# -- counts


def count(params: Mapping[str, Any], reader: Reader, now: datetime, asked: Asked) -> list[Seen]:
    """So many by chance? Against the mean of up to four weeks before the window."""
    start = now - timedelta(seconds=params["window"])
    k = reader.counted(what=params["what"], since=start, until=now)
    first = reader.history_from(what=params["what"])
    begin = max(first, start - HISTORY) if first else start
    days = (start - begin).total_seconds() / DAY
    name = _COUNTED[params["what"]]
    said = f"{plural(k, *name)} in {span(params['window'])}"
    if first is None:
        return [Seen("", NO_DATA, "Nothing ever came that it could count.", n=0)]
    if days < params["min_history_days"]:
        text = f"{said}. It takes {plural(params['min_history_days'], 'day')} of history."
        return [Seen("", INSUFFICIENT, text, float(k), None, k)]
    before = reader.counted(what=params["what"], since=begin, until=start)
    # Half an event more than were seen: after none in a month, one is no proof of anything.
    mean = (before + 0.5) * params["window"] / (days * DAY)
    chance = poisson_upper_tail(k, mean)
    enough = k >= params["min_count"]
    look = FIRING if chance < params["alpha"] and enough else OK
    text = f"{said}, where {number(mean)} are usual: by chance {_chance(chance)}."
    return [Seen("", look, text, float(k), mean, k, path=_PATHS[params["what"]])]


_COUNTED = {
    "corrections": ("correction", "corrections"),
    "type_changes": ("changed type", "changed types"),
    "runs_bad": ("bad run", "bad runs"),
    "reports_bad": ("bad report", "bad reports"),
}
_PATHS = {
    "corrections": "/telemetry/accuracy/",
    "type_changes": "/telemetry/types/",
    "runs_bad": runs_path("profile_runs", "", DAY),
    "reports_bad": runs_path("report_runs", "", DAY),
}


def _chance(share: float) -> str:
    if share >= 0.01:
        return f"in {percent(share)} of such windows"
    return f"less than once in {1 / share:,.0f} windows" if share > 1e-9 else "practically never"


# -- inventories


def inventory(params: Mapping[str, Any], reader: Reader, now: datetime, asked: Asked) -> list[Seen]:
    """How many columns changed their type between the inventories of a window."""
    since = now - timedelta(seconds=params["window"])
    found = reader.inventory(by=params["group_by"], since=since, until=now)
    if not params["group_by"]:
        found = {"": found.get("", Inventory(0, 0))}
    if not params["group_by"] and not found[""].columns:
        text = f"No inventory came in {span(params['window'])}, so nothing was compared."
        return [Seen("", NO_DATA, text, n=0, path="/telemetry/types/")]
    return [_changes(group, one, params) for group, one in sorted(found.items())]


def _changes(group: str, one: Inventory, params: Mapping[str, Any]) -> Seen:
    share = one.changed / one.columns if one.columns else 0.0
    many = one.changed > 0 and one.changed >= params["min_changes"]
    much = one.changed > 0 and share >= params["min_share"]
    look = FIRING if many and much else WARNING if many or (much and params["min_share"]) else OK
    of = f" of {one.label}" if one.label else ""
    text = (
        f"{plural(one.changed, 'column')}{of} changed type in {span(params['window'])}, of "
        f"{one.columns:,} in its inventories ({percent(share)})."
    )
    path = "/telemetry/types/"
    return Seen(
        group, look, text, float(one.changed), float(params["min_changes"]), one.columns,
        label=one.label, path=path if not group else source_path(group),
    )  # fmt: skip


# -- against the same hour of other weeks


def change(params: Mapping[str, Any], reader: Reader, now: datetime, asked: Asked) -> list[Seen]:
    """Against the same stretch of the same weekday in the weeks before."""
    window = timedelta(seconds=params["window"])
    ends = [now - timedelta(weeks=back) for back in range(params["weeks"] + 1)]
    if params["metric"] == "rate":
        tallies = [
            reader.runs(
                source="profile_runs", facet=params["facet"], by=params["group_by"],
                since=end - window, until=end,
            )
            for end in ends
        ]  # fmt: skip
        groups = sorted(tallies[0]) or ([] if params["group_by"] else [""])
        return [_rate_change(group, tallies, params) for group in groups]
    rows = [
        reader.durations(
            facet=params["facet"], by=params["group_by"], since=end - window, until=end
        )
        for end in ends
    ]
    return [_slower(group, rows, params) for group in sorted(rows[0])]


def _rate_change(
    group: str, tallies: Sequence[Mapping[str, Tally]], params: Mapping[str, Any]
) -> Seen:
    now, before = tallies[0].get(group, Tally()), [t.get(group, Tally()) for t in tallies[1:]]
    base = Tally(sum(t.bad for t in before), sum(t.total for t in before))
    text = (
        f"{now.bad:,} of {plural(now.total, 'run')} failed in {span(params['window'])}; in the "
        f"same hours of {plural(params['weeks'], 'week')} before {base.bad:,} of {base.total:,}."
    )
    path = runs_path("profile_runs", params["facet"], params["window"])
    rate = now.bad / now.total if now.total else None
    usual = base.bad / base.total if base.total else None
    if rate is None:
        return Seen(group, NO_DATA, text, n=0, path=path)
    look = INSUFFICIENT
    if min(now.total, base.total) >= params["min_n"]:
        found = newcombe(now.bad, now.total, base.bad, base.total, confidence(params))
        sure = found.lower is not None and found.lower > 0
        worse = rate > params["ratio"] * (usual or 0.0)
        look = FIRING if sure and worse else WARNING if worse and rate > 0 else OK
    return Seen(group, look, text, rate, usual, now.total, path=path)


def _slower(group: str, rows: Sequence[Mapping[str, Duration]], params: Mapping[str, Any]) -> Seen:
    """Weeks with too few runs say nothing; it takes two that do, where two were asked for."""
    now = rows[0].get(group, Duration(None, 0))
    past = [row.get(group, Duration(None, 0)) for row in rows[1:]]
    usable = [one.p95 for one in past if one.p95 is not None and one.n >= params["min_n"]]
    path = "/telemetry/"
    if now.p95 is None:
        return Seen(group, NO_DATA, f"{group}: no run took a time.", n=0, path=path)
    if now.n < params["min_n"] or len(usable) < min(2, params["weeks"]):
        text = (
            f"{group}: {plural(now.n, 'run')}, and {plural(len(usable), 'week')} to compare with."
        )
        return Seen(group, INSUFFICIENT, text, now.p95, None, now.n, path=path)
    usual = median(usable)
    limit = usual * params["ratio"]
    look = FIRING if now.p95 > limit else OK
    text = (
        f"{group}: 5% of {plural(now.n, 'run')} took {length(now.p95)} or longer; usual at this "
        f"hour are {length(usual)}, and {params['ratio']:g} times as much is too slow."
    )
    return Seen(group, look, text, now.p95, limit, now.n, path=path)
