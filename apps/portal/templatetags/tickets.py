"""`{% load tickets %}`: how a ticket's promise, state and times are written. Pure rendering.

{% promise standing %}  a chip: shape, words and exact time; `support.selectors.standing`
{% ticket_status "open" %}  {% priority "P1" %}  {% near at %}: "16:40", "Fri 17:30", "9 Sep"
"""

from __future__ import annotations

from datetime import datetime

from django.template import Context, Library
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.text import clip
from apps.portal import formats
from apps.portal.templatetags._status import EMPTY, _chip, _state
from apps.portal.templatetags._times import machine
from apps.portal.templatetags._viewer import Viewer, now_of, viewer_of
from apps.portal.templatetags._vocabulary import Look, look
from apps.portal.templatetags.working import working
from apps.support.selectors.queue import CLOSE
from apps.support.selectors.standing import Standing

register = Library()
NEAR_DAYS = 6  # so far away a weekday alone is plain


@register.simple_tag
def ticket_status(value: object) -> SafeString:
    return _state(look("ticket", value))


@register.simple_tag
def priority(value: str) -> SafeString:
    """P1 to P4; P1 stands out."""
    return format_html('<span class="prio{}">{}</span>', " prio--1" if value == "P1" else "", value)


@register.simple_tag(takes_context=True)
def near(context: Context, at: datetime | None) -> SafeString:
    """The shortest time that leaves no doubt; the full one on hover."""
    if at is None:
        return EMPTY
    viewer = viewer_of(context)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        machine(at), formats.full(at, viewer.zone, viewer.cycle),
        short(at, now_of(context), viewer),
    )  # fmt: skip


def short(at: datetime, now: datetime, viewer: Viewer) -> str:
    on, today = at.astimezone(viewer.zone).date(), now.astimezone(viewer.zone).date()
    time = formats.clock(at, viewer.zone, viewer.cycle)
    if on == today:
        return time
    if abs((on - today).days) <= NEAR_DAYS:
        return f"{formats.DAYS[on.weekday()]} {time}"
    text = f"{on.day} {formats.MONTHS[on.month - 1]}"
    return text if on.year == today.year else f"{text} {on.year}"


@register.simple_tag(takes_context=True)
def promise(context: Context, standing: Standing) -> SafeString:
    """ "2 h 10 m left, due 16:40", "Breached 42 m", "Paused", "Waived", "Met", "No target".

    What is left counts on the wall and moves in the browser; what a breach is over by and what a
    pause keeps are working time, and stand. Working time is never written in days, and says what
    it is where the wall counts otherwise.
    """
    viewer, now = viewer_of(context), now_of(context)
    write = {
        "running": _running,
        "breached": _breached,
        "paused": _paused,
        "waived": _waived,
        "met": _met,
    }.get(standing.state)
    if write is None:
        return _chip(Look("No target", "dash", "plain"))
    return write(standing, now, viewer)


def _running(standing: Standing, now: datetime, viewer: Viewer) -> SafeString:
    assert standing.due_at is not None
    left = formats.elapsed(now, standing.due_at)
    tone = "warning" if left <= CLOSE else "plain"
    words = f"{formats.duration(left)} left"
    value = f"due {short(standing.due_at, now, viewer)}"
    return _chip(Look(_moving(standing, words, viewer), "clock", tone), value, standing.label)


def _breached(standing: Standing, now: datetime, viewer: Viewer) -> SafeString:
    due = standing.due_at
    value = f"due {short(due, now, viewer)}" if due else ""
    if standing.seconds is None and due is not None:
        over = formats.duration(formats.elapsed(due, now))
        text = _moving(standing, f"Breached {over}", viewer)
    else:
        over = working(standing.seconds)
        title = formats.full(due, viewer.zone, viewer.cycle) if due else ""
        text = format_html(
            '<span title="{}">Breached {}</span>',
            f"{standing.label} was due {title}; {over} of working time over.",
            _length(standing.seconds, due, now),
        )  # fmt: skip
    return _chip(Look(text, "over", "danger"), value, standing.label)


def _length(seconds: int | None, start: datetime | None, end: datetime) -> str:
    """Open around the clock, both times are one: then in days, as every length on the wall."""
    wall = formats.elapsed(start, end) if start else None
    if wall and (seconds is None or abs(wall.total_seconds() - seconds) < formats.MINUTE):
        return formats.duration(wall)
    return _worked(seconds or 0)


def _worked(seconds: int) -> str:
    """Working time, named so: "8 h 30 m working"; from ten hours on without minutes, to fit."""
    hours = abs(seconds) // formats.HOUR
    length = working(seconds) if hours < 10 else f"{hours} h"
    return f"{length} working"


def _moving(standing: Standing, words: str, viewer: Viewer) -> SafeString:
    assert standing.due_at is not None
    title = f"{standing.label} due {formats.full(standing.due_at, viewer.zone, viewer.cycle)}"
    if standing.seconds is not None:
        title += f"; {working(standing.seconds)} of working time left"
    return format_html(
        '<time datetime="{}" data-relative="left" title="{}">{}</time>',
        machine(standing.due_at), title, words,
    )  # fmt: skip


def _paused(standing: Standing, now: datetime, viewer: Viewer) -> SafeString:
    seconds = standing.seconds
    if seconds is None:
        return _chip(Look("Paused", "pause", "dashed"), before=standing.label)
    length = _worked(seconds)
    value = f"{length} left" if seconds >= 0 else f"{length} over"
    return _chip(Look("Paused", "pause", "dashed"), value, standing.label)


def _waived(standing: Standing, now: datetime, viewer: Viewer) -> SafeString:
    return _chip(Look("Waived", "slash", "dashed"), clip(standing.reason, 32), standing.label)


def _met(standing: Standing, now: datetime, viewer: Viewer) -> SafeString:
    if standing.at is None:
        return _chip(Look("Met", "check", "success"), before=standing.label)
    value = short(standing.at, now, viewer)
    if standing.due_at is not None and standing.due_at > standing.at:
        value += f", {_length(standing.seconds, standing.at, standing.due_at)} early"
    return _chip(Look("Met", "check", "success"), value, standing.label)
