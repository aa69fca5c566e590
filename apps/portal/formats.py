"""Human times, pure: how every page, message and chart of the portal writes an instant.

Rules, the same in `static/js/times.js`:
- a duration is cut, never rounded up: "18 m left" is true until the 18 minutes are over;
- at most two units; minutes after hours have two digits ("1 h 04 m"), a zero part is left out;
- a clock time of today names its place, other days name the day; a repeated hour of a clock
  change says its offset from UTC, since "02:30" alone would mean two instants.
"""

from __future__ import annotations

import zlib
from datetime import UTC, date, datetime, timedelta, tzinfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LONG_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
MONTHS = tuple(name[:3] for name in LONG_MONTHS)
HUES = 10
MINUTE, HOUR, DAY = 60, 3600, 86400
HOURS_MATTER_BELOW = 30 * DAY


def duration(length: timedelta) -> str:
    """A length without its sign: "42 s", "48 m", "2 h 10 m", "2 d 22 h", "45 d"."""
    seconds = abs(round(length.total_seconds()))
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} m"
    if seconds < DAY:
        hours, minutes = divmod(seconds // MINUTE, 60)
        return f"{hours} h {minutes:02d} m" if minutes else f"{hours} h"
    days, hours = divmod(seconds // HOUR, 24)
    return f"{days} d {hours} h" if hours and seconds < HOURS_MATTER_BELOW else f"{days} d"


def elapsed(start: datetime, end: datetime) -> timedelta:
    """Real time between two instants; Python subtracts wall clocks when both share a zone."""
    return end.astimezone(UTC) - start.astimezone(UTC)


def relative(at: datetime, now: datetime) -> str:
    """Distance from now: "in 2 h", "31 m ago", "now" within half a second."""
    seconds = round(elapsed(now, at).total_seconds())
    if seconds == 0:
        return "now"
    length = duration(timedelta(seconds=seconds))
    return f"in {length}" if seconds > 0 else f"{length} ago"


def place(zone: tzinfo) -> str:
    """The last part of a zone's name as people say it: "Berlin", "Buenos Aires", "UTC"."""
    return str(zone).rpartition("/")[2].replace("_", " ")


def clock(at: datetime, zone: tzinfo, cycle: str = "24", *, seconds: bool = False) -> str:
    """The time of day: "16:40", "4:40 pm"; "02:30 UTC+2" where the hour happens twice."""
    local = at.astimezone(zone)
    tail = f"{local:%M:%S}" if seconds else f"{local:%M}"
    if cycle == "12":
        text = f"{local.hour % 12 or 12}:{tail} {'am' if local.hour < 12 else 'pm'}"
    else:
        text = f"{local:%H}:{tail}"
    return f"{text} {offset(local)}" if _happens_twice(local) else text


def offset(local: datetime) -> str:
    """The offset of a zoned time: "UTC+2", "UTC-3:30", "UTC"."""
    minutes = round((local.utcoffset() or timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    tail = f"{hours}:{rest:02d}" if rest else f"{hours}"
    return f"UTC{'+' if minutes > 0 else '-'}{tail}" if minutes else "UTC"


def _happens_twice(local: datetime) -> bool:
    first, second = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    return first is not None and second is not None and first > second


def plain_day(on: date, today: date | None = None) -> str:
    """A calendar day without nearness: "Wed 9 Sep"; with its year when that is not today's."""
    text = f"{DAYS[on.weekday()]} {on.day} {MONTHS[on.month - 1]}"
    return text if today is None or on.year == today.year else f"{text} {on.year}"


def day(on: date, today: date) -> str:
    """A calendar day as people say it: "today", "tomorrow", "yesterday", "Wed 9 Sep"."""
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get((on - today).days)
    return near or plain_day(on, today)


def absolute(at: datetime, zone: tzinfo, cycle: str, now: datetime) -> str:
    """The instant in a zone: "16:40 Berlin", "tomorrow 09:00", "Wed 9 Sep 12:00"."""
    on, today = at.astimezone(zone).date(), now.astimezone(zone).date()
    if on == today:
        return f"{clock(at, zone, cycle)} {place(zone)}"
    return f"{day(on, today)} {clock(at, zone, cycle)}"


def both(at: datetime, now: datetime, zone: tzinfo, cycle: str = "24") -> str:
    """Distance and instant together: "in 2 h, 16:40 Berlin"."""
    return f"{relative(at, now)}, {absolute(at, zone, cycle, now)}"


def until(at: datetime, now: datetime, zone: tzinfo, cycle: str = "24") -> str:
    """The instant first, to stand after "until": "today 11:00, in 1 h 48 m"."""
    on, today = at.astimezone(zone).date(), now.astimezone(zone).date()
    return f"{day(on, today)} {clock(at, zone, cycle)}, {relative(at, now)}"


def full(at: datetime, zone: tzinfo, cycle: str = "24") -> str:
    """Nothing left to guess: "Monday 7 September 2026, 09:12 Berlin (07:12 UTC)"."""
    local = at.astimezone(zone)
    text = (
        f"{LONG_DAYS[local.weekday()]} {local.day} {LONG_MONTHS[local.month - 1]} {local.year},"
        f" {clock(at, zone, cycle)} {place(zone)}"
    )
    return text if place(zone) == "UTC" else f"{text} ({clock(at, UTC, cycle)} UTC)"


def span(
    start: datetime, end: datetime, zone: tzinfo, cycle: str, now: datetime | None = None
) -> str:
    """From one instant to another: "Sat 12 Sep 09:00 to 17:00", "... to Mon 14 Sep 11:00"."""
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    today = now.astimezone(zone).date() if now else None
    head = f"{plain_day(first, today)} {clock(start, zone, cycle)}"
    if first == last:
        return f"{head} to {clock(end, zone, cycle)}"
    return f"{head} to {plain_day(last, today)} {clock(end, zone, cycle)}"


def initials(name: str) -> str:
    """Two letters for an avatar: first and last word, or the first two letters of one word."""
    words = [word for word in name.replace("-", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    letters = words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]
    return letters.upper()[:2]


def hue(key: str) -> int:
    """A person's colour, 1 to 10: the same for the same key in every process and release."""
    return zlib.crc32(key.encode()) % HUES + 1
