"""When a person is told by what: their rules, quiet hours and bundling. Pure, no clock.

`plan` decides at the moment a message is written; `bundle` decides when it is about to be sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SIGN_IN = "sign-in"  # the method_ref of the e-mail address that a person signs in with

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALONE_UNTIL = 2  # the third message a minute to one address is the first that is bundled
_HOLD = {"high": timedelta(seconds=4), "low": timedelta(seconds=60)}


@dataclass(frozen=True, kw_only=True)
class Method:
    """A contact method: `ref` is the caller's name for it, `address` tells two alike apart."""

    ref: str
    kind: str
    address: str = ""
    verified: bool = True


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`after_minutes` after the event tell me by this method, when the urgency is this."""

    urgency: str
    method_ref: str
    after_minutes: int = 0


@dataclass(frozen=True, kw_only=True)
class Planned:
    """Tell by this method, not before this moment (aware, UTC)."""

    method_ref: str
    not_before: datetime


@dataclass(frozen=True, kw_only=True)
class QuietWindow:
    """Quiet from `start` on each of `days` (Monday is 0) to `end`, wall-clock in the person's zone.

    An `end` at or before `start` is on the following day.
    """

    days: frozenset[int]
    start: time
    end: time


def plan(
    rules: Sequence[Rule],
    methods: Sequence[Method],
    urgency: str,
    now: datetime,
    zone: ZoneInfo,
    quiet_hours: Sequence[QuietWindow] = (),
) -> list[Planned]:
    """Which methods to use and when, soonest first; never empty.

    1. Only verified methods count. Without any, the sign-in address is used.
    2. The person's rules for this urgency decide; without usable ones all methods are used at once
       when urgency is high, and e-mail alone when it is low.
    3. Each address is used once, at its earliest time.
    4. Quiet hours hold back low urgency until they end, and never hold back high urgency.
    """
    usable = {method.ref: method for method in methods if method.verified}
    chosen = list(_by_rules(rules, usable, urgency)) or [
        (method, timedelta()) for method in _by_default(usable.values(), urgency)
    ]
    planned = []
    for method, delay in _once_each(chosen):
        at = (now + delay).astimezone(UTC)
        if urgency == "low":
            at = after_quiet(at, zone, quiet_hours)
        planned.append(Planned(method_ref=method.ref, not_before=at))
    return sorted(planned, key=lambda entry: entry.not_before)


def _by_rules(
    rules: Sequence[Rule], usable: Mapping[str, Method], urgency: str
) -> Iterator[tuple[Method, timedelta]]:
    for rule in rules:
        if rule.urgency == urgency and rule.method_ref in usable:
            yield usable[rule.method_ref], timedelta(minutes=rule.after_minutes)


def _by_default(usable: Iterable[Method], urgency: str) -> list[Method]:
    fitting = [method for method in usable if urgency == "high" or method.kind == "email"]
    return fitting or [Method(ref=SIGN_IN, kind="email")]


def _once_each(
    chosen: Iterable[tuple[Method, timedelta]],
) -> Iterator[tuple[Method, timedelta]]:
    seen: set[tuple[str, str]] = set()
    for method, delay in sorted(chosen, key=lambda entry: entry[1]):
        name = method.address.strip().casefold() or method.ref
        if (method.kind, name) not in seen:
            seen.add((method.kind, name))
            yield method, delay


# -- quiet hours -----------------------------------------------------------------------------


def after_quiet(at: datetime, zone: ZoneInfo, windows: Sequence[QuietWindow]) -> datetime:
    """`at`, or the first moment after it at which no window is open (aware, UTC).

    Windows that leave no free moment within a week are not quiet hours but a mistake: they are
    ignored, so that nothing waits for ever.
    """
    free = at
    while (end := _quiet_until(free, zone, windows)) is not None:
        free = end
        if free - at > timedelta(days=7):
            return at.astimezone(UTC)
    return free.astimezone(UTC)


def _quiet_until(at: datetime, zone: ZoneInfo, windows: Sequence[QuietWindow]) -> datetime | None:
    """The end of the window that is open at `at`, the latest when several are."""
    today = at.astimezone(zone).date()
    ends = [
        end
        for window in windows
        for day in (today - timedelta(days=1), today)
        if day.weekday() in window.days
        for start, end in [_span(window, day, zone)]
        if start <= at < end
    ]
    return max(ends, default=None)


def _span(window: QuietWindow, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The window that opens on `day`, as moments.

    A wall-clock time that a change to summer time skips counts as just as much later; of one that
    comes twice the first counts.
    """
    last = day if window.end > window.start else day + timedelta(days=1)
    start = datetime.combine(day, window.start, zone).astimezone(UTC)
    return start, datetime.combine(last, window.end, zone).astimezone(UTC)


def parse_windows(data: object) -> tuple[QuietWindow, ...]:
    """Windows from `[{"days": ["mon"], "start": "22:00", "end": "07:00"}]`.

    Raises ValueError with a sentence for the person who typed them.
    """
    if not isinstance(data, list):
        raise ValueError("Quiet hours are a list of windows.")
    return tuple(_window(entry) for entry in data)


def _window(entry: object) -> QuietWindow:
    if not isinstance(entry, dict):
        raise ValueError("Each window has days, a start and an end.")
    days = entry.get("days")
    if not isinstance(days, list) or not days or any(day not in _DAYS for day in days):
        raise ValueError(f"Choose the days of each window among {', '.join(_DAYS)}.")
    return QuietWindow(
        days=frozenset(_DAYS.index(day) for day in days),
        start=_clock(entry.get("start")),
        end=_clock(entry.get("end")),
    )


def _clock(text: object) -> time:
    try:
        parsed = time.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is not None:
        raise ValueError("Write times of day as 22:00.")
    return parsed


# -- bundling --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A message that is due for an address. `alone` ones (codes, invitations) never join others."""

    urgency: str
    due_at: datetime
    alone: bool = False


@dataclass(frozen=True)
class Bundle:
    """What to send now: the positions in `waiting` that make one message; else look again later."""

    take: tuple[int, ...]
    again_at: datetime | None = None


def bundle(sent_in_last_minute: int, waiting: Sequence[Waiting], now: datetime) -> Bundle:
    """Which of the messages waiting for one address go out now, together as one.

    The first two in a minute go by themselves. From the third on they collect for as long as the
    most urgent may wait (4 s when high, 60 s when low, after it was due) and go as one message.
    """
    for position, message in enumerate(waiting):
        if message.alone or sent_in_last_minute < _ALONE_UNTIL:
            return Bundle(take=(position,))
    if not waiting:
        return Bundle(take=())
    last_call = min(message.due_at + _HOLD[message.urgency] for message in waiting)
    if now >= last_call:
        return Bundle(take=tuple(range(len(waiting))))
    return Bundle(take=(), again_at=last_call)
