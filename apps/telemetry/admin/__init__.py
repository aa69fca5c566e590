"""Telemetry in the admin: the tables by which runs are judged, what is profiled, what came in."""

from __future__ import annotations

from apps.telemetry.admin import records, sources, tables

__all__ = ["records", "sources", "tables"]
