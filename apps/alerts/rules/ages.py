"""Looks at how old something is, and at how soon it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.alerts.rules.facts import Aged, Reader, SourceFact
from apps.alerts.rules.params import DAY
from apps.alerts.rules.rates import source_path
from apps.alerts.rules.seen import (
    FIRING,
    NO_DATA,
    OK,
    SUPPRESSED,
    WARNING,
    WORST,
    Asked,
    Seen,
)
from apps.alerts.rules.words import plural, span
from apps.telemetry import staleness

_LOOKS = {"fresh": OK, "late": WARNING, "firing": FIRING, "suppressed": SUPPRESSED}
_NAMED = 3  # sources that one sentence names
_LADDERS = {
    1: ("critical",),
    2: ("warning", "critical"),
    3: ("info", "warning", "critical"),
    4: ("info", "warning", "error", "critical"),
}


def absence(params: Mapping[str, Any], reader: Reader, now: datetime, asked: Asked) -> list[Seen]:
    """A rhythm that is known was missed. Sources without one are no business of this rule."""
    rows = [one for one in reader.sources(now=now) if one.cadence_seconds]
    return _grouped([_absent(one, params["grace"], now) for one in rows], params, "late")


def _absent(one: SourceFact, grace: float, now: datetime) -> Seen:
    cadence = one.cadence_seconds or 0
    age = _age(one, now)
    state = staleness.stale_state(age, cadence, grace, one.is_paused)
    said = f"it is to run every {span(cadence)}."
    return _of_source(one, _LOOKS[state], age, staleness.limit(cadence, grace), said)


def stale(params: Mapping[str, Any], reader: Reader, now: datetime, asked: Asked) -> list[Seen]:
    """Too old where no rhythm is known, or changed after it was profiled."""
    rows = reader.sources(now=now)
    if params["rule"] == "changed":
        return _grouped([_changed(one, now) for one in rows if one.changed_at], params, "changed")
    aged = [one for one in rows if not one.cadence_seconds or one.max_age_seconds]
    return _grouped([_old(one, params["max_age"], now) for one in aged], params, "too old")


def _old(one: SourceFact, max_age: int | None, now: datetime) -> Seen:
    limit = one.max_age_seconds or max_age or staleness.MAX_AGE
    age = _age(one, now)
    state = staleness.aged_state(age, limit, one.is_paused)
    return _of_source(one, _LOOKS[state], age, limit, f"it may be {span(limit)} old.")


def _changed(one: SourceFact, now: datetime) -> Seen:
    assert one.changed_at is not None
    since = (now - one.changed_at).total_seconds()
    look = SUPPRESSED if one.is_paused else FIRING
    text = f"{one.label}: its model, or what that reads, changed {span(since)} ago and after the "
    return _source_seen(one, look, text + "profile.", since, None)


def _age(one: SourceFact, now: datetime) -> float:
    return max(0.0, (now - (one.last_success_at or one.known_since)).total_seconds())


def _of_source(one: SourceFact, look: str, age: float, limit: float, said: str) -> Seen:
    if one.last_success_at is None:
        text = f"{one.label} never succeeded since it is known, {span(age)} ago; {said}"
    else:
        text = f"{one.label}: last success {span(age)} ago; {said}"
    if one.is_paused:
        text = f"{text} It is paused."
    return _source_seen(one, look, text, age, limit)


def _source_seen(one: SourceFact, look: str, text: str, age: float, limit: float | None) -> Seen:
    return Seen(
        one.key, look, text, age, limit, 1,
        label=one.label, surface=one.surface, path=source_path(one.key),
    )  # fmt: skip


def _grouped(found: Sequence[Seen], params: Mapping[str, Any], word: str) -> list[Seen]:
    """Each by itself, or all of them in one sentence with the worst first."""
    if params["group_by"]:
        return sorted(found, key=lambda seen: seen.group)
    if not found:
        return [Seen("", NO_DATA, "There is no source that this rule looks at.", n=0)]
    rows = sorted(found, key=lambda seen: (WORST.index(seen.look), -(seen.value or 0.0)))
    look, worst = rows[0].look, rows[0]
    bad = [seen.label for seen in rows if seen.look == FIRING]
    text = f"{len(bad)} of {plural(len(found), 'source')} {word}"
    if bad:
        more = len(bad) - _NAMED
        text += f": {', '.join(bad[:_NAMED])}{f' and {more} more' if more > 0 else ''}"
    text += f". {worst.text}"
    return [
        Seen(
            "", look, text, worst.value, worst.limit, len(found),
            surface=worst.surface if len(bad) == 1 else "", path="/telemetry/sources/",
        )
    ]  # fmt: skip


# -- what ends


def expiry(params: Mapping[str, Any], reader: Reader, now: datetime, asked: Asked) -> list[Seen]:
    """The last known end of each subject, however long ago it was read."""
    found = reader.endings(metric=params["metric"], subject=params["subject"], until=now)
    days: Sequence[int] = params["days"]
    seen = []
    for subject, ending in sorted(found.items()):
        left = (ending.not_after - now).total_seconds()
        passed = sum(left <= limit * DAY for limit in days)
        ladder = _LADDERS[len(days)]
        severity = "critical" if left <= 0 else ladder[passed - 1] if passed else ""
        look = FIRING if passed or left <= 0 else OK
        when = f"ended {span(-left)} ago" if left <= 0 else f"ends in {span(left)}"
        text = (
            f"{subject or params['metric']} {when}, on {ending.not_after:%-d %B %Y at %H:%M} UTC."
        )
        limit = days[passed - 1] if passed else days[0]
        seen.append(
            Seen(
                subject, look, text, left / DAY, float(limit), 1,
                label=subject or params["metric"], path="/telemetry/measurements/",
                severity=severity,
            )
        )  # fmt: skip
    return seen


# -- what has been open too long


def age(params: Mapping[str, Any], reader: Reader, now: datetime, asked: Asked) -> list[Seen]:
    """Each thing that is open, by its age in business time."""
    rows = reader.aged(
        what=params["what"], priority=params["priority"], calendar=params["calendar"],
        days=params["max_business_days"], seconds=params["max_business_seconds"], now=now,
    )  # fmt: skip
    return [_aged(one) for one in sorted(rows, key=lambda one: one.ref)]


def _aged(one: Aged) -> Seen:
    look = FIRING if one.seconds > one.limit_seconds else OK
    text = (
        f"{one.label} has been open for {span(one.seconds)} of business time; "
        f"{span(one.limit_seconds)} are allowed."
    )
    return Seen(
        one.ref, look, text, one.seconds, one.limit_seconds, 1,
        label=one.label, surface=one.surface, path=one.url,
    )  # fmt: skip
