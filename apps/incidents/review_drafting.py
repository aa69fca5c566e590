"""The first draft of a review, from its facts and its timeline: something to correct. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from apps.core.text import clip, one_line
from apps.incidents.review_facts import Facts

MOST_LINES = 60
LONGEST = 300
NOTICED = {
    "alert": "An alert noticed it",
    "ticket": "A ticket told us of it",
    "customer": "A customer told us of it",
    "internal": "Somebody here noticed it",
    "drill": "It was a drill",
}


@dataclass(frozen=True)
class Moment:
    """A line of the timeline."""

    at: datetime
    text: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a draft is made of; `said` is the last update that customers read."""

    facts: Facts
    detected_at: datetime
    story: Sequence[Moment] = field(default_factory=tuple)
    impact_summary: str = ""
    said: str = ""


def draft(source: Source) -> dict[str, str]:
    """Texts by section; a section of which nothing is known is left out."""
    found = {
        "what_happened": _what_happened(source),
        "impact": _impact(source),
        "detection": _detection(source.facts),
        "external_message": source.said.strip(),
    }
    return {key: text for key, text in found.items() if text}


def _what_happened(source: Source) -> str:
    if not source.story:
        return ""
    lines = [_line(one, source.detected_at) for one in source.story[:MOST_LINES]]
    if len(source.story) > MOST_LINES:
        lines.append(f"- … and {len(source.story) - MOST_LINES} more lines in the timeline.")
    first = source.story[0].at.astimezone(UTC)
    return "\n".join([f"Times are UTC, from {first:%A} {first.day} {first:%B %Y} on.", "", *lines])


def _line(one: Moment, detected_at: datetime) -> str:
    return f"- {one.at.astimezone(UTC):%H:%M} ({_after(one.at - detected_at)}) {_words(one.text)}"


def _words(text: str) -> str:
    return clip(one_line(text), LONGEST)


def _after(span: timedelta) -> str:
    """`T+24` in minutes; `T-3` for what happened before it was detected."""
    minutes = round(span.total_seconds() / 60)
    return f"T+{minutes}" if minutes >= 0 else f"T-{-minutes}"


def _impact(source: Source) -> str:
    facts, found = source.facts, []
    if source.impact_summary.strip():
        found += [source.impact_summary.strip(), ""]
    customers, tickets = len(facts.customers), len(facts.tickets)
    if customers:
        named = ", ".join(facts.customers[:10]) + (" and others" if customers > 10 else "")
        found.append(f"- {_count(customers, 'customer')} affected: {named}.")
    if tickets:
        found.append(f"- {_count(tickets, 'ticket')} about it: {', '.join(facts.tickets[:20])}.")
    for key, words in (("ttm", "until it was mitigated"), ("ttr", "until it was resolved")):
        length = facts.length(key)
        if length is not None and length.span is not None:
            found.append(f"- It took {_span(length.span)} {words}.")
        elif length is not None and length.least is not None:
            found.append(f"- It took at least {_span(length.least)} {words}.")
    return "\n".join(found).strip()


def _detection(facts: Facts) -> str:
    noticed = NOTICED.get(facts.detection, "")
    length = facts.length("ttd")
    if not noticed:
        return ""
    if length is None or length.span is None:
        return f"{noticed}. Nobody has said yet when the impact began."
    text = f"{noticed} {_span(length.span)} after the impact began."
    if facts.detection in {"ticket", "customer"}:
        text += " Customers knew before we did."
    return text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _span(span: timedelta) -> str:
    """`under a minute`, `6 min`, `2 h 10 min`, `3 d 4 h`."""
    minutes = int(span.total_seconds()) // 60
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"
    if hours:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{minutes} min" if minutes else "under a minute"
