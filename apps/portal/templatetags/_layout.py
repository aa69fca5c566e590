"""Tags for the larger pieces of a page: figures, lists, ledgers, the on-call timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.template import Context, Library
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.portal import charts, formats
from apps.portal.templatetags import _times
from apps.portal.templatetags._status import EMPTY
from apps.portal.templatetags._status import glyph as draw_glyph
from apps.portal.templatetags._viewer import now_of, viewer_of
from apps.portal.templatetags._vocabulary import LEVEL_GLYPHS

register = Library()
Item = Mapping[str, Any]


@register.inclusion_tag("portal/components/sprite.html")
def sprite() -> dict[str, Any]:
    """Every icon and glyph, once per page; the base template includes it."""
    return {}


@register.inclusion_tag("portal/components/crumbs.html")
def crumbs(*parts: str) -> dict[str, Any]:
    """`{% crumbs "Incidents" list_url "INC-42" %}`: text, address, text, address, last text."""
    texts, urls = parts[::2], parts[1::2]
    links = list(zip(texts, [*urls, ""], strict=False))
    return {"links": links[:-1], "here": texts[-1]}


@register.inclusion_tag("portal/components/figures.html")
def figures(items: Iterable[Item], label: str = "Figures") -> dict[str, Any]:
    """A strip of figures: {"label", "value", "note", "tone"?, "url"?, "glyph"?} each."""
    return {"items": items, "label": label}


@register.inclusion_tag("portal/components/empty.html")
def empty(title: str, text: str = "", url: str = "", label: str = "") -> dict[str, Any]:
    """What this place is for, and the one button that starts it."""
    return {"title": title, "text": text, "url": url, "label": label}


@register.inclusion_tag("portal/components/pager.html")
def pager(previous: str = "", next: str = "", text: str = "") -> dict[str, Any]:
    """Earlier and later by cursor; `text` says what is shown: "1 to 25 of 41"."""
    return {"previous": previous, "next": next, "text": text}


@register.inclusion_tag("portal/components/views.html")
def views(items: Iterable[Item], label: str = "Views") -> dict[str, Any]:
    """Saved views as tabs: {"label", "url", "count"?, "tone"?, "current"?} each."""
    return {"items": items, "label": label}


@register.inclusion_tag("portal/components/filters.html")
def filters(items: Iterable[Item], text: str = "") -> dict[str, Any]:
    """Filters in force: {"label", "value", "url"} each, `url` being the list without it."""
    return {"items": items, "text": text}


@register.inclusion_tag("portal/components/stepper.html")
def stepper(items: Iterable[Item], label: str = "Progress") -> dict[str, Any]:
    """A lifecycle: {"label", "state": done|now|next} each, in order."""
    return {"items": items, "label": label}


@register.inclusion_tag("portal/components/setup.html")
def setup_steps(items: Sequence[Item]) -> dict[str, Any]:
    """First-run steps, one column: {"label", "state": done|now|next, "note"?, "url"?} each."""
    done = sum(1 for item in items if item["state"] == "done")
    return {"items": items, "done": done, "total": len(items)}


@register.simple_tag
def meter(percent: float, label: str, tone: str = "") -> SafeString:
    """A bar from 0 to 100; `label` says what it measures, in words."""
    return format_html(
        '<svg class="meter" role="img" aria-label="{}"><rect class="bg" width="100%" height="8"/>'
        '<rect class="fg{}" width="{}%" height="8"/></svg>',
        label, f" fg--{tone}" if tone else "", round(min(max(percent, 0), 100), 1),
    )  # fmt: skip


@register.simple_block_tag
def callout(content: str, tone: str = "") -> SafeString:
    """A framed remark; `tone` danger, warning, success, info or none."""
    return format_html(
        '<div class="callout{}">{}<div class="grow">{}</div></div>',
        f" callout--{tone}" if tone else "", draw_glyph(LEVEL_GLYPHS.get(tone, "info")), content,
    )  # fmt: skip


@register.simple_block_tag(takes_context=True)
def entry(
    context: Context, content: str, at: datetime, glyph: str = "dot", tone: str = "",
    kind: str = "", offset: str = "",
) -> SafeString:  # fmt: skip
    """One line of a ledger `<ol>`; `kind` "key" or "wrong"; `offset` like "T+24" on the right."""
    return format_html(
        '<li class="ledger{}"><span class="at">{}</span><span class="state{}">{}</span>'
        '<span class="body">{}</span>{}</li>',
        f" ledger--{kind}" if kind else "", _times.clock(context, at),
        f" state--{tone}" if tone else "", draw_glyph(glyph), content,
        format_html('<span class="off">{}</span>', offset) if offset else EMPTY,
    )  # fmt: skip


@register.simple_tag
def tone_glyph(level: str) -> SafeString:
    """The glyph of a tone or of a Django message level."""
    return draw_glyph(LEVEL_GLYPHS.get(level, "info"))


@register.filter
def hue(key: object) -> int:
    """A stable color number, 1 to 10, for a name or key."""
    return formats.hue(str(key))


@register.filter
def short_items(groups: Sequence[Sequence[Item]] | None) -> list[Item]:
    """The entries of the phone's bottom bar: those marked `short`, else the first four."""
    flat = [item for group in groups or [] for item in group]
    return ([item for item in flat if item.get("short")] or flat)[:4]


@register.inclusion_tag("portal/components/timeline.html", takes_context=True)
def timeline(
    context: Context,
    rows: Sequence[charts.Row],
    start: datetime,
    end: datetime,
    name: str = "oncall",
) -> dict[str, Any]:
    """The on-call timeline of `charts.Row`s over [start, end), in the viewer's zone.

    Drawn wide on a screen, week by week per schedule on a phone, as a table behind both.
    `name` makes its ids unique on the page.
    """
    viewer, now = viewer_of(context), now_of(context)
    scale = charts.Scale(start=start, end=end, zone=viewer.zone, cycle=viewer.cycle, now=now)
    schedules = [row for row in rows if not row.layer]
    return {
        "chart": charts.timeline(rows, scale, first_day=viewer.week_start),
        "phone": [(row, charts.weeks(row, scale)) for row in schedules],
        "table": [
            (row.label, shift, formats.span(shift.start, shift.end, viewer.zone, viewer.cycle, now))
            for row in schedules
            for shift in row.shifts
            if shift.end > start and shift.start < end
        ],
        "zone": formats.place(viewer.zone),
        "label": charts.day_span(scale),
        "name": name,
        "has_layers": any(row.layer for row in rows),
        "has_overrides": any(shift.override for row in rows for shift in row.shifts),
        "has_gaps": any(not shift.who for row in schedules for shift in row.shifts),
    }
