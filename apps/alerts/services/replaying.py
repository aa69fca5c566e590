"""What a rule would have done over stored history, before it is switched on.

The history is loaded once, and then the very code plays over it that looks when the rule is live.
A look falls on every minute for ten days; over a longer stretch or over many groups less often,
and the answer says how often.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from apps.alerts.models import AlertRule, Severity
from apps.alerts.rules import params as parameters
from apps.alerts.rules import playing, recorded
from apps.alerts.rules.facts import Ending, Reading, SourceFact
from apps.alerts.rules.playing import Ahead, Point, Replay, Replayed
from apps.core.errors import Invalid
from apps.telemetry.models import Slo
from apps.telemetry.selectors import past, readings, series, watched

__all__ = ["Ahead", "Draft", "NotReplayable", "Point", "Replay", "Replayed", "draft_of", "replay"]

LONGEST = timedelta(days=90)  # runs are kept so long
LOOKS = 14_400  # a minute each for ten days
MOST_ROWS = 300_000  # single runs or readings that are held in memory
WORK = 300_000  # looks at one group each, in one answer: some seconds
LIGHT = 40  # readings gone over, or windows, that cost as much as one look
LONGEST_STEP = timedelta(hours=12)  # looks further apart would say nothing
MINUTE, DAY, WEEK = timedelta(minutes=1), timedelta(days=1), timedelta(days=7)


class NotReplayable(Invalid):
    """No history is kept of what this rule looks at, or too much of it for one answer."""

    code = "not_replayable"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A rule as far as a replay needs it: it need not have been saved."""

    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    severity: str = Severity.ERROR
    slo: Slo | None = None
    every_seconds: int = 60
    for_seconds: int = 0
    keep_firing_seconds: int = 900


def draft_of(rule: AlertRule) -> Draft:
    return Draft(
        kind=rule.kind, params=rule.params, severity=rule.severity, slo=rule.slo,
        every_seconds=rule.every_seconds, for_seconds=rule.for_seconds,
        keep_firing_seconds=rule.keep_firing_seconds,
    )  # fmt: skip


def replay(
    *, draft: Draft, since: datetime, until: datetime, step: timedelta | None = None
) -> Replay:
    """Play a rule from `since` to `until`, both cut to the minute.

    Raises Invalid by field for parameters and stretches that cannot be, NotReplayable for kinds
    of which no history is kept.
    """
    since, until = _minute(since), _minute(until)
    if not timedelta() < until - since <= LONGEST:
        said = f"A replay spans at most {LONGEST.days} days, and its end comes after its start."
        raise Invalid(said, fields={"since": [said]})
    try:
        whole = parameters.check(draft.kind, draft.params)
    except parameters.BadParams as error:
        raise Invalid(str(error), fields=error.fields) from error
    if draft.kind == AlertRule.Kind.BURN_RATE and draft.slo is None:
        said = "Choose the SLO whose budget it watches."
        raise Invalid(said, fields={"slo": [said]})
    every = step or _step(draft, until - since)
    reader = _LOADERS[draft.kind](_Ask(draft, whole, since, until, every))
    every = step or max(every, _affordable(whole, reader, until - since))
    return playing.play(
        draft.kind, whole, reader, since=since, until=until, step=every,
        severity=draft.severity, objective=float(draft.slo.objective) if draft.slo else None,
        for_seconds=draft.for_seconds, keep_seconds=draft.keep_firing_seconds,
    )  # fmt: skip


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _step(draft: Draft, span: timedelta) -> timedelta:
    """As often as the rule looks, in whole minutes, and as often as is answered in seconds."""
    minutes = max(-(-draft.every_seconds // 60), -(-span // (LOOKS * MINUTE)))
    return minutes * MINUTE


def _affordable(params: Mapping[str, Any], reader: recorded.Recorded, span: timedelta) -> timedelta:
    """How far apart looks must be for the answer to take seconds. Raises NotReplayable where that
    is too far."""
    windows, weeks = int(params.get("m", 1)), int(params.get("weeks", 0))
    back = timedelta(seconds=params.get("window", 0)) * windows
    rows = reader.rows * (weeks + 1) * min(1.0, back / (span + back + weeks * WEEK))
    weight = reader.groups * (1 + windows / LIGHT) + rows / LIGHT
    step: timedelta = ceil(span / MINUTE * weight / WORK) * MINUTE
    if step > LONGEST_STEP:
        said = "Trying this would take too long: choose a shorter stretch, or fewer groups."
        raise NotReplayable(said)
    return step


# -- what each kind of rule looks at


@dataclass(frozen=True)
class _Ask:
    draft: Draft
    params: Mapping[str, Any]
    since: datetime
    until: datetime
    step: timedelta

    def back(self, seconds: float) -> dict[str, Any]:
        """The stretch with what its first look looks back on."""
        return {"since": self.since - timedelta(seconds=seconds), "until": self.until}


def _counts(minutes: past.Minutes) -> dict[str, recorded.Counts]:
    return {group: recorded.Counts(rows) for group, rows in minutes.items()}


def _rate(ask: _Ask) -> recorded.Recorded:
    params = ask.params
    rows = past.runs(
        kind=params["source"], by=params["group_by"], facet=params["facet"],
        **ask.back(params["window"]),
    )  # fmt: skip
    return recorded.Recorded(counts=_counts(rows))


def _accuracy(ask: _Ask) -> recorded.Recorded:
    params = ask.params
    back = params["window"] * parameters.consecutive(params)
    rows = past.labels(
        truths=params["truth_sources"], by=params["group_by"] or "stratum", **ask.back(back)
    )
    return recorded.Recorded(counts=_counts(rows), shares=series.weights())


def _burn_rate(ask: _Ask) -> recorded.Recorded:
    slo, windows = ask.draft.slo, ask.params["windows"]
    assert slo is not None
    back = WEEK.total_seconds() if windows == "auto" else max(row["long"] for row in windows)
    stretch = {**ask.back(back), "surfaces": series.below(slo.surface)}
    rows = _counts(past.slo(slo=slo, **stretch))
    singles = past.singles(slo=slo, most=MOST_ROWS, **stretch) if windows == "auto" else None
    return recorded.Recorded(counts=rows, singles=singles)


def _threshold(ask: _Ask) -> recorded.Recorded:
    params = ask.params
    asked = {"metric": params["metric"], "subject": params["subject"]}
    asked |= ask.back(params["window"] * params["m"])
    if past.are_readings_over(MOST_ROWS, **asked):
        raise NotReplayable(
            f"These are more than {MOST_ROWS:,} readings: choose a shorter stretch."
        )
    found = readings.readings(**asked)
    return recorded.Recorded(
        values={of: [Reading(*one) for one in rows] for of, rows in found.items()}
    )


def _sources(ask: _Ask) -> recorded.Recorded:
    if ask.params.get("rule") == "changed":
        raise NotReplayable("When models changed before is not kept, so this cannot be replayed.")
    done = past.successes(start=ask.since, step=ask.step, **ask.back(LONGEST.total_seconds()))
    found = []
    for one in watched.sources():
        fact = SourceFact(
            one.key, one.label, one.known_since, None, one.cadence_seconds, one.max_age_seconds,
            one.is_paused, None, one.surface,
        )  # fmt: skip
        pk = one.key.rpartition("#")[2]
        found.append(recorded.PastSource(fact, done.get(int(pk), []) if pk.isdigit() else []))
    return recorded.Recorded(past_sources=found)


def _expiry(ask: _Ask) -> recorded.Recorded:
    found = past.endings(
        metric=ask.params["metric"], subject=ask.params["subject"],
        **ask.back(LONGEST.total_seconds()),
    )  # fmt: skip
    return recorded.Recorded(
        ends={of: [Ending(*one) for one in rows] for of, rows in found.items()}
    )


def _age(ask: _Ask) -> recorded.Recorded:
    raise NotReplayable("How long things were open before is not kept: try it on what is open now.")


def _inventory(ask: _Ask) -> recorded.Recorded:
    found = past.changes(by=ask.params["group_by"], **ask.back(ask.params["window"]))
    return recorded.Recorded(
        changes={key: recorded.PastChanges(*one) for key, one in found.items()}
    )


def _change(ask: _Ask) -> recorded.Recorded:
    params = ask.params
    stretch = ask.back(params["window"] + params["weeks"] * WEEK.total_seconds())
    where = {"by": params["group_by"], "facet": params["facet"], **stretch}
    if params["metric"] == "rate":
        return recorded.Recorded(counts=_counts(past.runs(kind=series.PROFILE, **where)))
    found = past.durations(most=MOST_ROWS, **where)
    if found is None:
        raise NotReplayable(f"These are more than {MOST_ROWS:,} runs: choose a shorter stretch.")
    return recorded.Recorded(
        times={
            key: recorded.PastTimes([at for at, _ in rows], [took for _, took in rows])
            for key, rows in found.items()
        }
    )


def _count(ask: _Ask) -> recorded.Recorded:
    what = ask.params["what"]
    rows = past.counted(what=what, **ask.back(ask.params["window"] + 28 * DAY.total_seconds()))
    return recorded.Recorded(counts=_counts(rows), first=series.history_from(what=what))


_LOADERS: dict[str, Callable[[_Ask], recorded.Recorded]] = {
    "rate": _rate,
    "accuracy": _accuracy,
    "burn_rate": _burn_rate,
    "threshold": _threshold,
    "absence": _sources,
    "stale": _sources,
    "expiry": _expiry,
    "age": _age,
    "inventory": _inventory,
    "change": _change,
    "count": _count,
}
