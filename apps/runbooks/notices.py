"""The words of messages about runbooks. Pure: facts in, `Texts` out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.notifications.layout import (
    Action,
    Block,
    Facts,
    Reader,
    Texts,
    cut,
    one_line,
    sentence,
    since,
    sms,
    texts,
)

_REMEDY = (
    "Read it and say what you found, run it in a drill, or write a new version. A date alone does "
    "not make it fresh."
)


@dataclass(frozen=True, kw_only=True)
class Stale:
    """A runbook that nobody used or reviewed for longer than its cadence, or that is suspect."""

    key: str
    title: str
    url: str
    why: str  # why this reader gets it
    stale_at: datetime
    last_at: datetime | None = None
    cadence_days: int = 90
    suspect_note: str = ""


def stale(facts: Stale, reader: Reader, now: datetime) -> Texts:
    """`[Runbook] rb-snowflake-timeouts is stale: nobody used or reviewed it for 90 days`."""
    if facts.suspect_note:
        what = f"{facts.key} is suspect: somebody said that a step is wrong"
    else:
        what = f"{facts.key} is stale: nobody used or reviewed it for {facts.cadence_days} days"
    last = since(facts.last_at, reader, now) if facts.last_at else "never"
    blocks: list[Block] = [
        sentence(what),
        Facts(
            [
                ("Runbook", one_line(facts.title)),
                ("Last used or reviewed", last),
                ("Stale", since(facts.stale_at, reader, now)),
                ("Said", cut(one_line(facts.suspect_note), 300)),
            ]
        ),
        _REMEDY,
        Action("Open the runbook", facts.url),
        f"Why you got this: {facts.why}. It comes once a week until the runbook is fresh.",
    ]
    return texts(f"[Runbook] {what}", blocks, sms(what, "", facts.url))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A version waits for somebody else than its author to approve it."""

    key: str
    number: int
    title: str
    author: str
    change_note: str
    url: str
    why: str


def asked(facts: Asked, reader: Reader, now: datetime) -> Texts:
    what = f"Please review version {facts.number} of {facts.key}"
    rows = [
        ("Runbook", one_line(facts.title)),
        ("Written by", facts.author),
        ("What changed", cut(one_line(facts.change_note), 300)),
    ]
    blocks: list[Block] = [
        sentence(what),
        Facts(rows),
        Action("Read and approve it", facts.url),
        f"Why you got this: {facts.why}.",
    ]
    return texts(f"[Runbook] {what}", blocks, sms(what, "", facts.url))


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What became of a version that the reader wrote. `comment` is empty when it was approved."""

    key: str
    number: int
    title: str
    by: str
    url: str
    comment: str = ""


def decided(facts: Decided, reader: Reader, now: datetime) -> Texts:
    done = "sent back" if facts.comment else "approved"
    what = f"{facts.by} {done} version {facts.number} of {facts.key}"
    blocks: list[Block] = [
        sentence(what),
        Facts([("Runbook", one_line(facts.title))]),
        cut(facts.comment, 1500),
        Action("Open the runbook", facts.url),
        "Why you got this: you wrote this version.",
    ]
    return texts(f"[Runbook] {what}", blocks, sms(what, "", facts.url))


@dataclass(frozen=True, kw_only=True)
class HandedOver:
    """A runbook whose owner left, and which the reader now owns or has to give to somebody."""

    key: str
    title: str
    left: str
    url: str
    is_owner: bool


def handed_over(facts: HandedOver, reader: Reader, now: datetime) -> Texts:
    if facts.is_owner:
        what = f"You now own the runbook {facts.key}"
        why = "you were its backup"
    else:
        what = f"The runbook {facts.key} has no owner any more"
        why = "you lead a team that it is for, or you are a manager"
    blocks: list[Block] = [
        sentence(what),
        f"{facts.left} is no longer active.",
        Facts([("Runbook", one_line(facts.title))]),
        Action("Open the runbook", facts.url),
        f"Why you got this: {why}.",
    ]
    return texts(f"[Runbook] {what}", blocks, sms(what, "", facts.url))
