"""`{% load incidents %}`: what the pages of incidents say in several places.

`{% target seconds level.clock "none" %}` "within 10 m", or in muted words that nothing is asked for
"""

from __future__ import annotations

from datetime import timedelta

from django.template import Library
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.portal import formats

register = Library()


@register.simple_tag
def target(seconds: int | None, clock: str = "always", none: str = "not asked for") -> SafeString:
    """A target of the framework in words; business time is told in hours, as its days are short."""
    if seconds is None:
        return format_html('<span class="mut">{}</span>', none)
    if clock == "business":
        hours = f"{seconds / 3600:g}"
        return format_html("within {} business hour{}", hours, "" if hours == "1" else "s")
    return format_html("within {}", formats.duration(timedelta(seconds=seconds)))
