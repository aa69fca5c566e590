"""`{% load plots %}`: charts, drawn on the server. A table stands beside or behind each.

`{% plot drawing name label unit %}` a `plots.Plot`; `name` makes its ids unique on the page
`{% key series %}` what its colors and patterns mean, in words
`{% ratio k n %}` "86 %, 12 of 14" with a bar; says so when n is too small to mean much
`{% share_bar value most parts %}` a horizontal bar of a table's row
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.template import Library
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.portal import plots

register = Library()
FEW = 10  # a rate of fewer says little


@register.inclusion_tag("portal/components/plot.html")
def plot(drawing: plots.Plot, name: str, label: str, unit: str) -> dict[str, Any]:
    """A chart; `label` is what a screen reader says, `unit` what the axis counts."""
    return {"plot": drawing, "name": name, "label": label, "unit": unit}


@register.simple_tag
def key(name: str, series: Sequence[plots.Series]) -> SafeString:
    """A swatch and words for each series; `name` is the plot's, whose pattern is used."""
    swatch = (
        '<span><svg class="sw" aria-hidden="true"><rect class="{}" width="16" height="12"{}/></svg>'
        "{}</span>"
    )
    hatch = format_html(' fill="url(#{}-hatch)"', name)
    return format_html(
        '<p class="legend">{}</p>',
        format_html_join(
            "",
            swatch,
            ((one.look, hatch if one.look == "pl-bad" else "", one.label) for one in series),
        ),
    )


@register.simple_tag
def ratio(k: int, n: int) -> SafeString:
    """A rate that never hides how many it is of."""
    if not n:
        return format_html('<span class="mut">{}</span>', "none")
    percent = 100 * k / n
    few = format_html('<span class="few" title="Fewer than {}: the rate says little">few</span>',
                      FEW) if n < FEW else ""  # fmt: skip
    return format_html(
        '<span class="ratio"><svg class="meter" aria-hidden="true"><rect class="bg" width="100%" '
        'height="8"/><rect class="fg" width="{}%" height="8"/></svg><span class="nw"><b>{} %</b> '
        '<span class="of">{} of {}</span> {}</span></span>',
        round(percent, 1), _percent(percent), f"{k:,}", f"{n:,}", few,
    )  # fmt: skip


def _percent(value: float) -> str:
    """Whole percents, but 100 and 0 only when it is all or none."""
    if 99 < value < 100:
        return "over 99"
    if 0 < value < 1:
        return "under 1"
    return f"{value:.0f}"


@register.simple_tag
def share_bar(most: int, *parts: int) -> SafeString:
    """Parts side by side, in proportion to the longest row of the table."""
    drawn = []
    x = 0.0
    for number, value in enumerate(parts, start=1):
        width = round(100 * value / most, 2) if most else 0
        if width:
            drawn.append((f"pl-{number}", round(x, 2), width))
        x += width
    rects = format_html_join("", '<rect class="{}" x="{}%" width="{}%" height="12"/>', drawn)
    return format_html('<svg class="share" aria-hidden="true">{}</svg>', rects)
