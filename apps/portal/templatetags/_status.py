"""Tags for states, people, icons: small inline pieces, one vocabulary."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.template import Context, Library
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.portal import formats
from apps.portal.templatetags._times import machine
from apps.portal.templatetags._viewer import Viewer, now_of, viewer_of
from apps.portal.templatetags._vocabulary import LEVEL_GLYPHS, SEVERITY, Look, look

register = Library()
SAME_ICON = {"bell": "oncall", "clock": "now", "team": "owner", "person": "user"}
EMPTY = mark_safe("")


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A 16 px line icon of the sprite; with a `label` it is read out, else it is decoration."""
    name = SAME_ICON.get(name, name)
    if label:
        return format_html(
            '<svg class="ic" role="img" aria-label="{}"><use href="#i-{}"/></svg>', label, name
        )
    return format_html('<svg class="ic" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
def glyph(name: str) -> SafeString:
    """A 12 px filled shape; always beside a word, so always decoration."""
    return format_html('<svg class="g" aria-hidden="true"><use href="#g-{}"/></svg>', name)


@register.simple_tag
def chip(text: object, tone: str = "", glyph: str = "", value: object = "") -> SafeString:
    """A boxed state: shape, word, then the exact value. Tones also: plain, dashed, quiet."""
    return _chip(Look(str(text), glyph, tone), value)


def _chip(shown: Look, value: object = "", before: str = "") -> SafeString:
    return format_html(
        '<span class="chip{}">{}{}{}{}</span>',
        f" chip--{shown.tone}" if shown.tone else "",
        format_html('<span class="vh">{}: </span>', before) if before else EMPTY,
        glyph(shown.glyph) if shown.glyph else EMPTY,
        shown.text,
        format_html('<span class="v">{}</span>', value) if value else EMPTY,
    )


@register.simple_tag
def state(text: object, tone: str = "", glyph: str = "dot") -> SafeString:
    """An unboxed state: shape and word."""
    return _state(Look(str(text), glyph, tone))


def _state(shown: Look) -> SafeString:
    tone = f" state--{shown.tone}" if shown.tone else ""
    return format_html('<span class="state{}">{}{}</span>', tone, glyph(shown.glyph), shown.text)


@register.simple_tag
def severity(value: object, text: object = "") -> SafeString:
    """SEV1 to SEV4, from "SEV2", "sev2" or 2; `text` stands behind it ("p1")."""
    return _chip(look("severity", value), text)


@register.simple_tag
def banner_chip(text: str, tone: str = "danger") -> SafeString:
    """The chip of the shell's banner: a severity with its own shape, anything else by its tone."""
    if text.lower() in SEVERITY:
        return severity(text)
    return _chip(Look(text, LEVEL_GLYPHS.get(tone, "info"), tone))


@register.simple_tag
def alert_severity(value: object) -> SafeString:
    """critical, error, warning, info."""
    return _chip(look("alert_severity", value))


@register.simple_tag
def urgency(value: object) -> SafeString:
    """high, low."""
    return _chip(look("urgency", value))


@register.simple_tag
def incident_status(value: object) -> SafeString:
    return _state(look("incident", value))


@register.simple_tag
def alert_status(value: object) -> SafeString:
    return _state(look("alert", value))


@register.simple_tag
def page_status(value: object) -> SafeString:
    return _state(look("page", value))


@register.simple_tag
def message_status(value: object) -> SafeString:
    return _state(look("message", value))


@register.simple_tag
def delivery_status(value: object) -> SafeString:
    """What became of a stored delivery at intake."""
    return _state(look("delivery", value))


@register.simple_tag
def verified(value: object) -> SafeString:
    """A contact method or an address that its owner has, or has not, confirmed."""
    return _chip(look("verified", "yes" if value else "no"))


@register.simple_tag
def freshness(value: object, age: timedelta | None = None) -> SafeString:
    """fresh, late, stale, paused, none; with the age it is about."""
    return _chip(look("freshness", value), formats.duration(age) if age is not None else "")


@register.simple_tag(takes_context=True)
def due(
    context: Context,
    at: datetime | None,
    done_at: datetime | None = None,
    warn_minutes: int = 60,
    paused: bool = False,
    label: str = "",
) -> SafeString:
    """A promise with a time: "2 h 10 m left, due 16:40", "Breached 42 m", "Met 08:29".

    Calm while there is more than `warn_minutes` left; `label` names the promise to screen readers.
    """
    viewer, now = viewer_of(context), now_of(context)
    if at is None:
        return _chip(Look("No target", "dash", "plain"), before=label)
    target = f"due {_short(at, now, viewer)}"
    if done_at is not None and done_at <= at:
        return _chip(Look("Met", "check", "success"), _short(done_at, now, viewer), before=label)
    if done_at is not None:
        late = formats.duration(formats.elapsed(at, done_at))
        return _chip(Look(f"Breached {late}", "over", "danger"), target, before=label)
    left = formats.elapsed(now, at)
    if paused:
        return _chip(
            Look("Paused", "pause", "dashed"), f"{formats.duration(left)} left", before=label
        )
    return _chip(_running(at, left, timedelta(minutes=warn_minutes), viewer), target, before=label)


def _running(at: datetime, left: timedelta, warn: timedelta, viewer: Viewer) -> Look:
    length = formats.duration(left)
    over = left <= timedelta()
    moving = format_html(
        '<time datetime="{}" data-relative="left" title="{}">{}</time>',
        machine(at), formats.full(at, viewer.zone, viewer.cycle),
        f"Breached {length}" if over else f"{length} left",
    )  # fmt: skip
    if over:
        return Look(moving, "over", "danger")
    return Look(moving, "clock", "warning" if left <= warn else "plain")


def _short(at: datetime, now: datetime, viewer: Viewer) -> str:
    text = formats.absolute(at, viewer.zone, viewer.cycle, now)
    return text.removesuffix(f" {formats.place(viewer.zone)}")


@register.simple_tag
def who(person: Any, url: str = "", size: str = "", none: str = "Nobody") -> SafeString:
    """Avatar and name of anything with a `.name`, or of a plain name; None: a dashed "Nobody"."""
    name = person if isinstance(person, str) else getattr(person, "name", "")
    if not name:
        return format_html(
            '<span class="who mut"><span class="av av--none" aria-hidden="true"></span>{}</span>',
            none,
        )
    shown = format_html('<a href="{}">{}</a>', url, name) if url else name
    return format_html('<span class="who">{}{}</span>', avatar(person, size), shown)


@register.simple_tag
def avatar(person: Any, size: str = "") -> SafeString:
    """The colored disc alone, for where the name stands beside it; `size` "l" is 28 px."""
    name = person if isinstance(person, str) else str(getattr(person, "name", "") or "")
    if not name:
        return mark_safe('<span class="av av--none" aria-hidden="true"></span>')
    hue = getattr(person, "hue", None) or formats.hue(name)
    return format_html(
        '<span class="av{} p{}" aria-hidden="true">{}</span>',
        f" av--{size}" if size else "", hue, formats.initials(name),
    )  # fmt: skip
