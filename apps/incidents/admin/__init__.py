"""Incidents as managers set them up and look into them."""

from __future__ import annotations

from apps.incidents.admin import book, incidents, levels, words

__all__ = ["book", "incidents", "levels", "words"]
