"""Which runbooks fit what is happening, ranked, each with why. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

CODE, WORDS, SURFACE, TYPE, PARENT, FACTOR = 60, 45, 30, 25, 15, 10
_TOKEN = re.compile(r"[^\W_]+(?:[._-][^\W_]+)*")
_PREFIX_FROM = 4  # letters from which on a word also stands for what begins with it


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known: keys of the surface and of the one it is a facet of, what the alert or title
    says, codes, keys of the incident type, of the request type and of the factor."""

    surface: str = ""
    parent: str = ""
    words: str = ""
    codes: Collection[str] = ()
    incident_type: str = ""
    request_type: str = ""
    factor: str = ""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A runbook: its surfaces' keys and what brings it up, as pairs of sort and value."""

    key: str
    surfaces: Collection[str] = ()
    triggers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Fit:
    key: str
    score: int
    why: str


def ranked(facts: Facts, candidates: Sequence[Candidate]) -> list[Fit]:
    """Those that fit, the best first; equal ones by key."""
    found = [fit for one in candidates if (fit := _fit(facts, one)) is not None]
    return sorted(found, key=lambda fit: (-fit.score, fit.key))


def _fit(facts: Facts, one: Candidate) -> Fit | None:
    reasons = [_place(facts, one), *(_trigger(facts, by, value) for by, value in one.triggers)]
    hits = sorted({hit for hit in reasons if hit}, key=lambda hit: (-hit[0], hit[1]))
    if not hits:
        return None
    return Fit(one.key, sum(score for score, _ in hits), "; ".join(why for _, why in hits[:3]))


def _place(facts: Facts, one: Candidate) -> tuple[int, str] | None:
    if facts.surface and facts.surface in one.surfaces:
        return SURFACE, f"it is for {facts.surface}"
    if facts.parent and facts.parent in one.surfaces:
        return PARENT, f"it is for {facts.parent}, of which {facts.surface} is a part"
    return None


def _trigger(facts: Facts, by: str, value: str) -> tuple[int, str] | None:
    if by == "alert":
        return (WORDS, f"it says “{value}”") if holds(facts.words, value) else None
    if by == "code":
        codes = {code.casefold() for code in facts.codes} | _tokens(facts.words)
        return (CODE, f"code {value}") if value.casefold() in codes else None
    said, score, noun = {
        "incident_type": (facts.incident_type, TYPE, "incidents of type"),
        "request_type": (facts.request_type, TYPE, "tickets of type"),
        "factor": (facts.factor, FACTOR, "the factor"),
    }[by]
    return (score, f"{noun} {value}") if said and said.casefold() == value.casefold() else None


def holds(text: str, words: str) -> bool:
    """Whether every word of `words` occurs in `text`, whole or as the beginning of a longer one."""
    asked, said = _tokens(words), _tokens(text)
    return bool(asked) and all(
        word in said
        or (len(word) >= _PREFIX_FROM and any(other.startswith(word) for other in said))
        for word in asked
    )


def _tokens(text: str) -> set[str]:
    return {word.casefold() for word in _TOKEN.findall(text[:20_000])}
