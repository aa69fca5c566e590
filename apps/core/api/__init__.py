"""What every API view shares: safe parsing, problem+json, cursor pages, strict filters, schema."""

from __future__ import annotations

from apps.core.api.fields import (
    ClockField,
    IdField,
    InstantField,
    SurfaceKeyField,
    TextOrNull,
    WallTimeField,
)
from apps.core.api.lists import Cursor, IdFilter, InstantFilter, StrictFilterBackend
from apps.core.api.parsing import AlwaysJSON, SafeJSONParser, TooLarge
from apps.core.api.problems import ProblemSerializer, problem
from apps.core.api.schema import Schema
from apps.core.api.views import Base, ListView, NotHere, View, find, idempotent

__all__ = [
    "AlwaysJSON",
    "Base",
    "ClockField",
    "Cursor",
    "IdField",
    "IdFilter",
    "InstantField",
    "InstantFilter",
    "ListView",
    "NotHere",
    "ProblemSerializer",
    "SafeJSONParser",
    "Schema",
    "StrictFilterBackend",
    "SurfaceKeyField",
    "TextOrNull",
    "TooLarge",
    "View",
    "WallTimeField",
    "find",
    "idempotent",
    "problem",
]
