"""`{% load slos %}`: `{{ 0.38|budget_left }}` is "38 % left", `{{ interval|range_words }}` is
"41 to 79 %", `{{ 13914|thousands }}` is "13,914"."""

from __future__ import annotations

from django.template import Library

from apps.portal import slo_words
from apps.telemetry.proportions import Interval

register = Library()


@register.filter
def budget_left(remaining: float | None) -> str:
    return slo_words.left(remaining)


@register.filter
def range_words(interval: Interval) -> str:
    return slo_words.range_of(interval)


@register.filter
def thousands(count: int) -> str:
    return f"{count:,}"
