"""Geometry of the on-call timeline, pure: shifts in, percent coordinates out.

The x axis is elapsed time, so a day of a clock change is 23 or 25 hours wide and every tick
stands where local midnight really is. Percentages let text keep its size at every width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from apps.portal import formats

AXIS, LANE, BAR = 40, 36, 26  # heights in px
DRAWN_WIDTH = 800  # px: the width that decides which text fits; narrower screens clip
PHONE_WIDTH = 300
LETTER, PADDING = 6.8, 20  # px, of the 12 px face
DAILY_TICKS_BELOW = timedelta(days=15)


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One stretch of one lane, [start, end); `who` None is a gap: nobody is reachable."""

    start: datetime
    end: datetime
    who: str | None
    hue: int = 10
    planned: bool = False  # what a layer says, before overrides
    override: bool = False  # an override or a swap put this person here
    note: str = ""  # why, in a few words: "Swap: Priya for Mara"
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A lane: a schedule's final shifts, or (`layer`) one of the layers below it."""

    label: str
    shifts: Sequence[Shift]
    layer: bool = False
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A shift as drawn: `x` and `width` in percent, `text` only as far as it fits."""

    x: float
    width: float
    y: int
    text: str
    centered: bool
    classes: str
    title: str
    shift: Shift


@dataclass(frozen=True, kw_only=True)
class Tick:
    x: float
    text: str
    dx: int = 8  # px from the line to its label; more where the now-line would cross it


@dataclass(frozen=True, kw_only=True)
class Band:
    x: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Lane:
    label: str
    layer: bool
    url: str
    y: int
    bars: Sequence[Bar]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    height: int
    lanes: Sequence[Lane]
    ticks: Sequence[Tick]
    weekends: Sequence[Band]
    now_x: float | None  # None when now is outside
    now_tag_x: float  # kept far enough from the edges for its label
    now_text: str
    gaps: Sequence[Bar]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The window and the viewer's clock, which everything is measured against."""

    start: datetime
    end: datetime
    zone: tzinfo
    cycle: str
    now: datetime

    def x(self, at: datetime) -> float:
        """Percent from the left edge; outside the window below 0 or above 100."""
        whole = formats.elapsed(self.start, self.end)
        return round(formats.elapsed(self.start, at) / whole * 100, 2)

    def days(self) -> Iterator[tuple[date, datetime]]:
        """Every local day that touches the window, with the instant of its midnight."""
        on = self.start.astimezone(self.zone).date()
        while (midnight := local_midnight(on, self.zone)) < self.end:
            yield on, midnight
            on += timedelta(days=1)


def local_midnight(on: date, zone: tzinfo) -> datetime:
    """The instant a local day begins; where midnight is skipped, the instant of the jump."""
    return datetime.combine(on, time(), tzinfo=zone).astimezone(UTC)


def start_of_week(at: datetime, zone: tzinfo, first_day: int = 0) -> datetime:
    """Local midnight of the week's first day; `first_day` counts from Monday = 0."""
    on = at.astimezone(zone).date()
    return local_midnight(on - timedelta(days=(on.weekday() - first_day) % 7), zone)


def after_days(at: datetime, days: int, zone: tzinfo) -> datetime:
    """The local midnight so many calendar days later: 7 days are 167 to 169 hours."""
    return local_midnight(at.astimezone(zone).date() + timedelta(days=days), zone)


def timeline(rows: Sequence[Row], scale: Scale, *, first_day: int = 0) -> Timeline:
    """Lay out all lanes under one axis."""
    lanes = [
        Lane(
            label=row.label,
            layer=row.layer,
            url=row.url,
            y=AXIS + index * LANE,
            bars=_bars(row.shifts, scale, y=AXIS + index * LANE + (LANE - BAR) // 2),
        )
        for index, row in enumerate(rows)
    ]
    inside = scale.start <= scale.now < scale.end
    now_x = scale.x(scale.now)
    return Timeline(
        height=AXIS + len(rows) * LANE,
        lanes=lanes,
        ticks=_ticks(scale, first_day),
        weekends=_weekends(scale),
        now_x=now_x if inside else None,
        now_tag_x=min(max(now_x, 4.5), 95.5),
        now_text=f"Now {formats.clock(scale.now, scale.zone, scale.cycle)}",
        gaps=[bar for lane in lanes if not lane.layer for bar in lane.bars if not bar.shift.who],
    )


def _bars(shifts: Sequence[Shift], scale: Scale, *, y: int, drawn: int = DRAWN_WIDTH) -> list[Bar]:
    bars = []
    for shift in shifts:
        start, end = max(shift.start, scale.start), min(shift.end, scale.end)
        if start >= end:
            continue
        x, width = scale.x(start), round(scale.x(end) - scale.x(start), 2)
        text, centered = _fitting_text(shift, width / 100 * drawn)
        bars.append(
            Bar(
                x=x, width=width, y=y, text=text, centered=centered, shift=shift,
                classes=_classes(shift, scale.now), title=title(shift, scale),
            )
        )  # fmt: skip
    return bars


def day_span(scale: Scale) -> str:
    """The window's first and last day: "Mon 31 Aug to Sun 4 Oct"."""
    edges = scale.start, scale.end - timedelta(microseconds=1)
    return " to ".join(formats.plain_day(at.astimezone(scale.zone).date()) for at in edges)


def title(shift: Shift, scale: Scale) -> str:
    """What a screen reader says of a shift: who, from when to when, and why."""
    when = formats.span(shift.start, shift.end, scale.zone, scale.cycle, scale.now)
    length = formats.duration(formats.elapsed(shift.start, shift.end))
    who = shift.who or "Gap: nobody on call"
    planned = " (planned)" if shift.planned else ""
    return f"{who}{planned}, {when}, {length}" + (f". {shift.note}" if shift.note else "")


def _fitting_text(shift: Shift, room: float) -> tuple[str, bool]:
    if not shift.who:
        long = f"Gap {formats.duration(formats.elapsed(shift.start, shift.end))}"
        return (long if _fits(long, room) else "Gap" if room >= 22 else ""), True
    for text in (shift.who, shift.who.partition(" ")[0]):
        if _fits(text, room):
            return text, False
    return (formats.initials(shift.who) if room >= 22 else ""), True


def _fits(text: str, room: float) -> bool:
    return len(text) * LETTER + PADDING <= room


def _classes(shift: Shift, now: datetime) -> str:
    if not shift.who:
        return "shift shift--gap"
    names = ["shift", f"p{shift.hue}"]
    names += ["shift--plan"] if shift.planned else []
    names += ["shift--swap"] if shift.override else []
    names += ["shift--past"] if shift.end <= now else []
    return " ".join(names)


def _ticks(scale: Scale, first_day: int) -> list[Tick]:
    daily = formats.elapsed(scale.start, scale.end) < DAILY_TICKS_BELOW
    return [
        _tick(scale, midnight, formats.plain_day(on), narrow=daily)
        for on, midnight in scale.days()
        if midnight >= scale.start and (daily or on.weekday() == first_day)
    ]


def _tick(scale: Scale, at: datetime, text: str, *, narrow: bool) -> Tick:
    """A tick and its label, which makes room for the now-line; a `narrow` one says the weekday."""
    to_now = (scale.x(scale.now) - scale.x(at)) / 100 * DRAWN_WIDTH
    if not 4 <= to_now < 40:
        return Tick(x=scale.x(at), text=text)
    shown = text.partition(" ")[0] if narrow else text
    return Tick(x=scale.x(at), text=shown, dx=round(to_now) + 10)


def _weekends(scale: Scale) -> list[Band]:
    bands = []
    for on, midnight in scale.days():
        if on.weekday() >= 5:
            left = scale.x(max(midnight, scale.start))
            right = scale.x(min(after_days(midnight, 1, scale.zone), scale.end))
            bands.append(Band(x=left, width=round(right - left, 2)))
    return bands


@dataclass(frozen=True, kw_only=True)
class Week:
    """One week of one schedule, for a phone: seven days across, one lane."""

    text: str
    current: bool
    gap: str  # "Gap Sat 12 Sep 00:00, 24 h", or nothing
    ticks: Sequence[Tick]
    bars: Sequence[Bar]
    now_x: float | None


def weeks(row: Row, scale: Scale) -> list[Week]:
    """The row cut into the window's weeks, each on its own scale."""
    result, start = [], scale.start
    while start < scale.end:
        end = min(after_days(start, 7, scale.zone), scale.end)
        result.append(_week(row, replace(scale, start=start, end=end)))
        start = end
    return result


def _week(row: Row, scale: Scale) -> Week:
    bars = _bars(row.shifts, scale, y=5, drawn=PHONE_WIDTH)
    inside = scale.start <= scale.now < scale.end
    return Week(
        text=day_span(scale),
        current=inside,
        gap=", ".join(_gap_text(bar.shift, scale) for bar in bars if not bar.shift.who),
        ticks=[Tick(x=scale.x(at), text=formats.DAYS[on.weekday()]) for on, at in scale.days()],
        bars=bars,
        now_x=scale.x(scale.now) if inside else None,
    )


def _gap_text(shift: Shift, scale: Scale) -> str:
    when = formats.absolute(shift.start, scale.zone, scale.cycle, scale.now)
    return f"Gap {when}, {formats.duration(formats.elapsed(shift.start, shift.end))}"
