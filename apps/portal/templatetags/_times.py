"""Tags that write instants and lengths. `static/js/times.js` keeps the relative ones moving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.template import Context, Library
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.portal import charts, formats
from apps.portal.templatetags._viewer import now_of, viewer_of

register = Library()
NEVER = "never"


def machine(at: datetime) -> str:
    """The `datetime` attribute: UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _zone(context: Context, zone: str) -> tzinfo:
    return ZoneInfo(zone) if zone else viewer_of(context).zone


@register.simple_tag(takes_context=True)
def ago(context: Context, at: datetime | None, never: str = NEVER) -> SafeString | str:
    """ "31 m ago", "in 2 h"; the full instant on hover."""
    if at is None:
        return never
    return _relative(context, at, formats.relative(at, now_of(context)), mode="ago")


@register.simple_tag(takes_context=True)
def elapsed(context: Context, at: datetime | None, never: str = NEVER) -> SafeString | str:
    """The bare length since (or until) an instant: "1 h 12 m"."""
    if at is None:
        return never
    length = formats.duration(formats.elapsed(at, now_of(context)))
    return _relative(context, at, length, mode="length")


def _relative(context: Context, at: datetime, text: str, *, mode: str) -> SafeString:
    viewer = viewer_of(context)
    return format_html(
        '<time datetime="{}" data-relative="{}" title="{}">{}</time>',
        machine(at), mode, formats.full(at, viewer.zone, viewer.cycle), text,
    )  # fmt: skip


@register.simple_tag(takes_context=True)
def when(context: Context, at: datetime | None, zone: str = "", never: str = NEVER) -> str:
    """ "in 2 h, 16:40 Berlin" in the viewer's zone, or in the `zone` given."""
    if at is None:
        return never
    now, cycle, shown = now_of(context), viewer_of(context).cycle, _zone(context, zone)
    return format_html(
        '<time datetime="{}" title="{}"><span data-relative="ago">{}</span>, {}</time>',
        machine(at), formats.full(at, shown, cycle), formats.relative(at, now),
        formats.absolute(at, shown, cycle, now),
    )  # fmt: skip


@register.simple_tag(takes_context=True)
def until(context: Context, at: datetime | None, zone: str = "", never: str = NEVER) -> str:
    """ "today 11:00, in 1 h 48 m": `when` the other way round, to stand after "until"."""
    if at is None:
        return never
    now, cycle, shown = now_of(context), viewer_of(context).cycle, _zone(context, zone)
    moment = formats.until(at, now, shown, cycle).rpartition(", ")[0]
    return format_html(
        '<time datetime="{}" title="{}">{}, <span data-relative="ago">{}</span></time>',
        machine(at), formats.full(at, shown, cycle), moment, formats.relative(at, now),
    )  # fmt: skip


@register.simple_tag(takes_context=True)
def at(context: Context, at: datetime | None, zone: str = "", never: str = NEVER) -> str:
    """The instant alone: "16:40 Berlin", "tomorrow 09:00", "Wed 9 Sep 12:00"."""
    if at is None:
        return never
    shown = _zone(context, zone)
    return _still(
        context, at, formats.absolute(at, shown, viewer_of(context).cycle, now_of(context))
    )


@register.simple_tag(takes_context=True)
def clock(context: Context, at: datetime | None, seconds: bool = False) -> str:
    """The time of day alone, for ledgers that say their day elsewhere: "08:29"."""
    if at is None:
        return ""
    viewer = viewer_of(context)
    return _still(context, at, formats.clock(at, viewer.zone, viewer.cycle, seconds=seconds))


@register.simple_tag(takes_context=True)
def full_time(context: Context, at: datetime) -> str:
    """ "Monday 7 September 2026, 09:12 Berlin (07:12 UTC)"."""
    viewer = viewer_of(context)
    return _still(context, at, formats.full(at, viewer.zone, viewer.cycle))


def _still(context: Context, at: datetime, text: str) -> SafeString:
    viewer = viewer_of(context)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        machine(at), formats.full(at, viewer.zone, viewer.cycle), text,
    )  # fmt: skip


@register.simple_tag(takes_context=True)
def span(context: Context, start: datetime, end: datetime | None, zone: str = "") -> str:
    """ "Sat 12 Sep 09:00 to 17:00"; an open end says "from ..."."""
    shown, cycle, now = _zone(context, zone), viewer_of(context).cycle, now_of(context)
    if end is None:
        return f"from {formats.absolute(start, shown, cycle, now)}"
    return formats.span(start, end, shown, cycle, now)


@register.simple_tag(takes_context=True)
def day(context: Context, at: datetime) -> str:
    """ "today", "yesterday", "Wed 9 Sep": the day heading of a timeline."""
    zone = viewer_of(context).zone
    return formats.day(at.astimezone(zone).date(), now_of(context).astimezone(zone).date())


@register.simple_tag(takes_context=True)
def zone_name(context: Context, zone: str = "") -> str:
    """ "Berlin, UTC+2": the zone a page's times are in, at this page's instant."""
    shown = _zone(context, zone)
    name, shift = formats.place(shown), formats.offset(now_of(context).astimezone(shown))
    return name if name == shift else f"{name}, {shift}"


@register.simple_tag(takes_context=True)
def week_of(context: Context, at: datetime) -> datetime:
    """The instant the viewer's week of `at` begins."""
    viewer = viewer_of(context)
    return charts.start_of_week(at, viewer.zone, viewer.week_start)


@register.filter
def duration(length: timedelta | float | None) -> str:
    """A timedelta, or seconds, as "2 h 10 m"."""
    if length is None:
        return ""
    return formats.duration(length if isinstance(length, timedelta) else timedelta(seconds=length))


@register.simple_tag(takes_context=True)
def viewer_attributes(context: Context) -> SafeString:
    """What scripts must know of the viewer, for the html element."""
    viewer = viewer_of(context)
    return format_html('data-zone="{}" data-cycle="{}"', str(viewer.zone), viewer.cycle)
