"""`{% load prose %}`: text that people and tools wrote, made safe to show."""

from __future__ import annotations

import json
from typing import Any

from django.template import Library
from django.utils.safestring import SafeString

from apps.core import text

register = Library()
SHOWN = 12_000  # characters of a raw event; a page stays below 100 kB


@register.filter
def markdown(source: str) -> SafeString:
    """Markdown of a comment: no raw HTML, only http, https and mailto links."""
    return text.markdown(source)


@register.filter
def pretty_json(value: Any) -> str:
    """JSON with an indent, for a `<pre>`; escaped by the template, cut when it is very long."""
    written = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str)
    return text.clip(written, SHOWN)
