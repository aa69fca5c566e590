"""The sections of a review, how complete it is, and what two people made of one text. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

MOST_TEXT = 20_000  # characters of a section
MOST_COMPARED = 250_000  # pairs of lines


@dataclass(frozen=True)
class Section:
    """One part of a review; `asks` are the questions that it answers."""

    key: str
    title: str
    asks: str
    is_needed: bool = False  # without it nothing is published


SECTIONS = (
    Section(
        "what_happened",
        "What happened",
        "What people saw, in the order in which they saw it, wrong turns included. "
        "What was known at the time, not what we know now.",
        is_needed=True,
    ),
    Section(
        "impact",
        "Impact",
        "Who could not do what, for how long, in numbers. Was any data lost or wrong?",
        is_needed=True,
    ),
    Section(
        "detection",
        "Detection",
        "What told us, and when. What would have told us earlier?",
        is_needed=True,
    ),
    Section("went_well", "What went well", "What shall we keep, and do the same way next time?"),
    Section("went_badly", "What went badly", "What cost time, or made it worse?"),
    Section("lucky", "Where we were lucky", "What would have made it worse, and only did not?"),
    Section(
        "external_message",
        "What we tell customers",
        "What those who suffered should read: what it was, what we changed. “Nothing” is an "
        "answer, with its reason.",
    ),
)
BY_KEY = {section.key: section for section in SECTIONS}


class Fill(StrEnum):
    EMPTY = "empty"
    DRAFTED = "drafted"  # as it was drafted from the facts: nobody has looked yet
    DONE = "done"


@dataclass(frozen=True)
class Item:
    """One line of the meter; `is_needed`: nothing is published without it."""

    key: str
    title: str
    fill: Fill
    is_needed: bool


@dataclass(frozen=True)
class Meter:
    """How complete a review is."""

    items: tuple[Item, ...]

    @property
    def percent(self) -> int:
        """0 to 100; what stands as it was drafted counts half."""
        worth = {Fill.EMPTY: 0, Fill.DRAFTED: 1, Fill.DONE: 2}
        return sum(worth[item.fill] for item in self.items) * 50 // len(self.items)

    @property
    def missing(self) -> tuple[Item, ...]:
        """What keeps it from being published."""
        return tuple(one for one in self.items if one.is_needed and one.fill is Fill.EMPTY)


def digest(text: str) -> str:
    """What tells a drafted text from one that somebody changed."""
    return hashlib.sha256(clean(text).encode()).hexdigest()[:16]


def clean(text: str) -> str:
    """A text as it is kept: one kind of line break, no NUL, nothing empty around it."""
    lines = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def meter(
    texts: Mapping[str, str], drafted: Mapping[str, str], *, factors: int, follow_ups: int
) -> Meter:
    """`texts` by section, `drafted`: the digests of what was drafted, by section."""
    items = [
        Item(one.key, one.title, _fill(texts.get(one.key, ""), drafted.get(one.key)), one.is_needed)
        for one in SECTIONS
    ]
    items.append(Item("factors", "Contributing factors", _some(factors), True))
    items.append(Item("follow_ups", "Follow-ups", _some(follow_ups), False))
    return Meter(tuple(items))


def _fill(text: str, drafted: str | None) -> Fill:
    if not text.strip():
        return Fill.EMPTY
    return Fill.DRAFTED if drafted == digest(text) else Fill.DONE


def _some(count: int) -> Fill:
    return Fill.DONE if count else Fill.EMPTY


@dataclass(frozen=True)
class Line:
    """A line of two versions side by side: `mark` is "", "+" (yours) or "-" (theirs)."""

    mark: str
    text: str


def difference(theirs: str, yours: str) -> list[Line]:
    """What stands in only one of two texts, line by line, with the lines that both have."""
    left, right = theirs.split("\n"), yours.split("\n")
    if len(left) * len(right) > MOST_COMPARED:  # thousands of equal lines take minutes
        return [Line("-", text) for text in left] + [Line("+", text) for text in right]
    found: list[Line] = []
    for tag, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [Line("", text) for text in left[a:b]]
            continue
        found += [Line("-", text) for text in left[a:b]]
        found += [Line("+", text) for text in right[c:d]]
    return found


def named(items: Sequence[Item]) -> str:
    """`what happened, impact and contributing factors`, for a sentence."""
    names = [item.title.lower() for item in items]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
