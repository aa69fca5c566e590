"""Tags of the admin's own templates."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()
MOST = 8  # choices that stand in one line


@register.simple_tag
def quick_choices(changelist: Any) -> dict[str, Any] | None:
    """The list's first filter as links above it; None where it has none, or too many choices."""
    if not changelist.filter_specs:
        return None
    first = changelist.filter_specs[0]
    found = list(first.choices(changelist))
    if not 1 < len(found) <= MOST or "query_string" not in found[0]:
        return None
    return {"title": first.title, "all": found}
