"""What each event does to the clock of a promise. Pure: no Django, no clock of its own.

A clock keeps `consumed_seconds`, the working seconds that were used up to `anchor_at`. While it
runs, the promise ends at `due_at = deadline(anchor_at, target - consumed)`. Every pause, resume,
new target and new calendar is a checkpoint: used seconds are added, the anchor moves, and what is
left counts on. Nothing is ever computed again from the beginning, except by `recompute`.

Each function answers the changes that follow, in order, the last with the clock as it then is; an
empty answer means that nothing happens. Times are those at which something was true, which may be
before it was noticed: a reply of 09:58 stops a clock at 09:58, also when it is read at 10:03 and
the breach of 10:00 was written meanwhile.

| event | running | paused | met | breached |
|---|---|---|---|---|
| pause | checkpoint, no due | – | – | stands still, no steps unless the terms say so |
| resume | – | due from what is left | – | runs on |
| retarget | checkpoint, or breach once | target stored | frozen | sticky, corrected before triage |
| recalendar | checkpoint with the old one | – | frozen | sticky |
| stop | met by the due time, else breached | met | – | stays, with its working time |
| cancel | out | out | out | out, but kept when only the policy is gone |
| reopen | – | – | runs on with what was left | stays breached |
"""

from __future__ import annotations

from apps.support.clockwork.counting import adopt, readopt, recompute
from apps.support.clockwork.events import begin, cancel, pause, reopen, restore, resume, stop, waive
from apps.support.clockwork.passing import breach, tick, warn
from apps.support.clockwork.state import (
    BREACHED,
    BY_RETARGET,
    BY_TIME,
    CANCELLED,
    IN_TIME,
    MET,
    PAUSED,
    RUNNING,
    Change,
    Changes,
    ClockState,
    Terms,
    next_check,
    used,
)
from apps.support.clockwork.targets import recalendar, retarget

__all__ = [
    "BREACHED",
    "BY_RETARGET",
    "BY_TIME",
    "CANCELLED",
    "IN_TIME",
    "MET",
    "PAUSED",
    "RUNNING",
    "Change",
    "Changes",
    "ClockState",
    "Terms",
    "adopt",
    "begin",
    "breach",
    "cancel",
    "next_check",
    "pause",
    "readopt",
    "recalendar",
    "recompute",
    "reopen",
    "restore",
    "resume",
    "retarget",
    "stop",
    "tick",
    "used",
    "waive",
    "warn",
]
