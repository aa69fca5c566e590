"""Business time: how many working seconds lie between two instants, and when a number of them is
used up. Pure calculation over plain values.

The open time of a calendar is the union of its local spans, each read on the wall clock of its
zone. The conventions (docs/adr/0013-business-time.md):

- Spans, pauses and questions are half-open: the second of opening counts, that of closing does not.
- What is counted are seconds that pass, so a day of 25 hours that is open all day counts 25.
- An edge that happens twice is its first pass; one that a jump of the clock skips moves forward by
  the jump, and a span that this leaves empty is none. 24:00 is the next midnight.
- A target that is used up exactly at closing is due at the next opening. With it, "stopped by the
  deadline" and "worked no more than the target" are one statement.
- Edges and pauses stand on whole seconds; a fraction in a start is carried into the deadline.

Days are turned into UTC in blocks of 32 days with running totals, kept with the calendar, so that
a question costs two binary searches however far it reaches.
"""

from __future__ import annotations

from apps.calendars.businesstime.calendar import (
    ALWAYS,
    DAYS,
    FIRST_YEAR,
    LAST_YEAR,
    NEVER_DAYS,
    BusinessTimeError,
    Calendar,
    Interval,
    Spans,
)
from apps.calendars.businesstime.questions import (
    HORIZON_DAYS,
    LONGEST_TARGET,
    Pause,
    deadline,
    is_open,
    next_opening,
    open_spans,
    worked,
)

__all__ = [
    "ALWAYS",
    "DAYS",
    "FIRST_YEAR",
    "HORIZON_DAYS",
    "LAST_YEAR",
    "LONGEST_TARGET",
    "NEVER_DAYS",
    "BusinessTimeError",
    "Calendar",
    "Interval",
    "Pause",
    "Spans",
    "deadline",
    "is_open",
    "next_opening",
    "open_spans",
    "worked",
]
