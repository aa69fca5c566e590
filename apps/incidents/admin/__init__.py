"""Incidents as managers set them up and look into them."""

from __future__ import annotations

from apps.incidents.admin import book, components, incidents, levels, words

__all__ = ["book", "components", "incidents", "levels", "words"]
