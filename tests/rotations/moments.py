"""Shorthands for instants in the tests of the calculator."""

from __future__ import annotations

from datetime import UTC, datetime


def at(text: str) -> datetime:
    """`2026-06-01 09:00` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def june(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """In June 2026, which begins on a Monday and is far from any change of clocks, in UTC."""
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)
