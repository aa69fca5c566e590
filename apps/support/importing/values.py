"""Single values of an export: texts, times, states and priorities as each tool writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dateutil import parser as dates

STATES: Mapping[str, str] = {
    "new": "open",
    "open": "open",
    "pending": "waiting_customer",
    "hold": "waiting_third_party",
    "on-hold": "waiting_third_party",
    "solved": "resolved",
    "closed": "closed",
    "deleted": "closed",
    "to do": "open",
    "backlog": "open",
    "in progress": "open",
    "in review": "open",
    "reopened": "open",
    "waiting for customer": "waiting_customer",
    "waiting for support": "open",
    "waiting for third party": "waiting_third_party",
    "blocked": "waiting_third_party",
    "done": "resolved",
    "resolved": "resolved",
    "canceled": "closed",
    "cancelled": "closed",
    "won't do": "closed",
    "waiting_customer": "waiting_customer",
    "waiting_third_party": "waiting_third_party",
}
PRIORITIES: Mapping[str, str] = {
    "urgent": "P1",
    "highest": "P1",
    "blocker": "P1",
    "critical": "P1",
    "high": "P2",
    "major": "P2",
    "normal": "P3",
    "medium": "P3",
    "low": "P4",
    "lowest": "P4",
    "minor": "P4",
    "trivial": "P4",
    **{f"p{n}": f"P{n}" for n in range(1, 5)},
}


def text(value: Any, limit: int = 200_000) -> str:
    """A text of an export; NUL and lone surrogates, which no database takes, become spaces."""
    if value is None:
        return ""
    if isinstance(value, Mapping):  # Jira's document format: its paragraphs, one a line
        return "\n".join(_paragraphs(value, 0)).strip()[:limit]
    plain = str(value).replace("\x00", " ").encode("utf-8", "replace").decode()
    return plain[:limit].strip()


def _paragraphs(node: Any, depth: int) -> list[str]:
    if depth > 40 or not isinstance(node, Mapping):
        return []
    if isinstance(node.get("text"), str):
        return [text(node["text"])]
    parts: list[str] = []
    for child in node.get("content") or []:
        parts += _paragraphs(child, depth + 1)
    return ["".join(parts)] if node.get("type") in {"paragraph", "heading"} else parts


def time(value: Any) -> datetime | None:
    """An instant; one without an offset is UTC. None for nothing; ValueError for no time."""
    written = text(value, 60)
    if not written:
        return None
    try:
        found: datetime = dates.parse(written)
    except (ValueError, OverflowError, TypeError) as error:
        raise ValueError(f"“{written}” is not a time. Write 2026-03-01 14:30.") from error
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    if not 1990 <= aware.year <= 2100:
        raise ValueError(f"The year of “{written}” cannot be right.")
    return aware.astimezone(UTC)


def state(value: Any) -> str:
    """Our state for theirs; what is unknown is open, so that it is looked at."""
    return STATES.get(text(value, 60).lower(), "open")


def priority(value: Any) -> str:
    return PRIORITIES.get(text(value, 60).lower(), "")


def tags(value: Any) -> tuple[str, ...]:
    """Tags from a list, or from a text with commas, semicolons or spaces."""
    given = value if isinstance(value, list) else text(value).replace(";", ",").split(",")
    words = (text(one, 40).lower() for one in given)
    return tuple(dict.fromkeys(word for word in words if word))[:20]
