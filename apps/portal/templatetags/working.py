"""`{% load working %}`: lengths of working time, whose days have no fixed length.

`{{ seconds|working }}` "45 h", "8 h 30 m", "20 m": never in days, which are nine hours here and
twenty-four there.
"""

from __future__ import annotations

from datetime import timedelta

from django.template import Library

from apps.portal import formats

register = Library()


@register.filter
def working(seconds: int | None) -> str:
    if seconds is None:
        return ""
    if abs(seconds) < formats.DAY:
        return formats.duration(timedelta(seconds=seconds))
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{hours} h {minutes:02d} m" if minutes and hours < 100 else f"{hours} h"
