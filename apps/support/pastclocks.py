"""The promises of a ticket that is over, or under way, told from what happened on it. Pure.

Not from its clocks: these were measured under the targets of their day. A changed grid is judged by
the stretches in which something was owed, and these only depend on messages and states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apps.calendars.businesstime import Calendar, Pause, worked
from apps.support import lifecycle, matching

Step = tuple[datetime, str]  # since when, which state
OVER = frozenset({lifecycle.RESOLVED, lifecycle.CLOSED})


@dataclass(frozen=True)
class Owed:
    """A stretch in which something was owed: since when, until when (None: still).

    `pauses` are those of a target that pauses for third parties, and of one that does not.
    """

    metric: str
    start: datetime
    stop: datetime | None
    pauses: Mapping[bool, Sequence[Pause]] = field(default_factory=dict)


def owed(
    *,
    created_at: datetime,
    triaged_at: datetime | None,
    said: Sequence[tuple[datetime, bool]],
    steps: Sequence[Step],
    first_replied_at: datetime | None = None,
) -> list[Owed]:
    """Everything that was owed on a ticket.

    `said` are its public messages in order, true for an agent's; `steps` its states in order.
    `first_replied_at` is known without a message where somebody was answered on the spot.
    """
    resolved = [at for at, status in steps if status == lifecycle.RESOLVED]
    ends_first = _first_after(created_at, resolved)
    replies = [at for at, by_agent in said if by_agent]
    firsts = [replies[0] if replies else None, first_replied_at, ends_first]
    first = min(filter(None, firsts), default=None)
    triaged = min(filter(None, [triaged_at, ends_first]), default=None)
    return [
        Owed(matching.TRIAGE, created_at, triaged),
        Owed(matching.FIRST_REPLY, created_at, first),
        *_next_replies(said, resolved, first),
        *_updates(replies, resolved, steps),
        Owed(matching.RESOLUTION, created_at, _resolved_at(steps), _pauses(steps, True)),
    ]


def _first_after(at: datetime, instants: Sequence[datetime]) -> datetime | None:
    return next((one for one in instants if one >= at), None)


def _next_replies(
    said: Sequence[tuple[datetime, bool]], resolved: Sequence[datetime], first: datetime | None
) -> list[Owed]:
    """From the oldest unanswered message after the first reply to the next answer."""
    found: list[Owed] = []
    if first is None:
        return found
    since: datetime | None = None
    marks = sorted([*((at, not agent) for at, agent in said), *((at, False) for at in resolved)])
    for at, asks in marks:
        if asks and since is None and at > first:
            since = at
        elif not asks and since is not None:
            found.append(Owed(matching.NEXT_REPLY, since, at))
            since = None
    if since is not None:
        found.append(Owed(matching.NEXT_REPLY, since, None))
    return found


def _updates(
    replies: Sequence[datetime], resolved: Sequence[datetime], steps: Sequence[Step]
) -> list[Owed]:
    """From each reply on a ticket that goes on to the next one, or to its end."""
    found = []
    pauses = _pauses(steps, False)
    for index, at in enumerate(replies):
        if _status_at(steps, at) in OVER:
            continue
        later = replies[index + 1] if index + 1 < len(replies) else None
        stop = min(filter(None, [later, _first_after(at, resolved)]), default=None)
        if stop != at:
            found.append(Owed(matching.PERIODIC_UPDATE, at, stop, pauses))
    return found


def _status_at(steps: Sequence[Step], at: datetime) -> str:
    status = steps[0][1] if steps else lifecycle.NEW
    for since, one in steps:
        if since > at:
            break
        status = one
    return status


def _resolved_at(steps: Sequence[Step]) -> datetime | None:
    """When it was last resolved, of one that still is."""
    if not steps or steps[-1][1] not in OVER:
        return None
    return max((at for at, status in steps if status == lifecycle.RESOLVED), default=steps[-1][0])


def _pauses(steps: Sequence[Step], resolution: bool) -> dict[bool, Sequence[Pause]]:
    metric = matching.RESOLUTION if resolution else matching.PERIODIC_UPDATE
    plain = pauses_in(steps, metric, third_party=False)
    wide = pauses_in(steps, metric, third_party=True)
    return {False: plain, True: wide}


def pauses_in(steps: Sequence[Step], metric: str, *, third_party: bool) -> list[Pause]:
    """The stretches in which a clock of this metric stood still; being resolved is one."""
    found: list[Pause] = []
    since: datetime | None = None
    for at, status in steps:
        still = _still(metric, status, third_party)
        if still and since is None:
            since = at
        elif not still and since is not None:
            found.append((since, at))
            since = None
    if since is not None:
        found.append((since, None))
    return found


def _still(metric: str, status: str, third_party: bool) -> bool:
    if metric == matching.RESOLUTION and status in OVER:
        return True
    return matching.stands_still(metric, status, third_party=third_party)


def used(one: Owed, calendar: Calendar, now: datetime, *, third_party: bool) -> int:
    """Working seconds that it took, or has taken until now."""
    pauses = one.pauses.get(third_party, ())
    return worked(calendar, one.start, one.stop or now, pauses)
