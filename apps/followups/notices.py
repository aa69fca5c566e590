"""The words of notices about follow-ups. Pure: facts in, `Texts` out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from apps.notifications.layout import (
    Action,
    Block,
    Facts,
    Reader,
    Texts,
    cut,
    one_line,
    sentence,
    sms,
    texts,
)

LISTED = 20  # follow-ups that one message names
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PREFIX = {"real": "", "drill": "[DRILL] ", "test": "[TEST] ", "backfilled": "[PAST] "}


@dataclass(frozen=True, kw_only=True)
class News:
    """Something about one follow-up that its reader should know.

    `what` is a clause such as “is yours” or “is due in 3 days”; `why` says why the reader gets it.
    """

    ref: str
    title: str
    what: str
    why: str
    url: str
    priority: str
    owner: str
    due_on: date
    acceptance: str
    source: str = ""
    words: str = ""
    kind: str = "real"


def news(facts: News, reader: Reader, now: object) -> Texts:
    """One follow-up: what is new, by when it is promised, how somebody can see that it works."""
    what = f"{facts.ref} {facts.what}"
    rows = [
        ("Priority", facts.priority),
        ("Owner", facts.owner),
        ("Due", shown(facts.due_on)),
        ("From", facts.source),
        ("It works when", cut(one_line(facts.acceptance), 300)),
    ]
    blocks: list[Block] = [
        sentence(f"{what}: {one_line(facts.title)}"),
        cut(facts.words.strip(), 1500),
        Facts(rows),
        Action("Open the follow-up", facts.url),
        f"Why you got this: {facts.why}.",
    ]
    prefix = _PREFIX[facts.kind]
    head = cut(f"{prefix}[{facts.ref}] {facts.what}: {one_line(facts.title)}", 180)
    return texts(head, blocks, sms(f"{prefix}{what}: {facts.title}", "", facts.url))


@dataclass(frozen=True, kw_only=True)
class Inherited:
    """Somebody is not here any more, and these follow-ups (reference, title) are the reader's."""

    person: str
    follow_ups: Sequence[tuple[str, str]]
    why: str
    url: str


def inherited(facts: Inherited, reader: Reader, now: object) -> Texts:
    """To whoever has them now, all in one message."""
    count = len(facts.follow_ups)
    what = f"{count} follow-ups are" if count > 1 else f"{facts.follow_ups[0][0]} is"
    head = f"{what} yours now: {facts.person} is no longer active"
    lines = [f"- {ref} {cut(one_line(title), 80)}" for ref, title in facts.follow_ups[:LISTED]]
    more = [f"- and {count - LISTED} more"] if count > LISTED else []
    blocks: list[Block] = [
        sentence(head),
        "\n".join([*lines, *more]),
        "Keep them, or give them to whoever can do them by the day that was promised.",
        Action("See what is yours", facts.url),
        f"Why you got this: {facts.why}.",
    ]
    return texts(f"[Follow-ups] {head}", blocks, sms(head, "", facts.url))


def shown(on: date) -> str:
    """`Mon 9 Mar 2026`: a day without nearness, as the message may be read later."""
    return f"{_DAYS[on.weekday()]} {on.day} {_MONTHS[on.month - 1]} {on.year}"


def distance(due_on: date, today: date) -> str:
    """`is due in 3 days`, `is due today`, `was due yesterday`, `is 8 days overdue`."""
    days = (due_on - today).days
    if days > 1:
        return f"is due in {days} days"
    if days == 1:
        return "is due tomorrow"
    if days == 0:
        return "is due today"
    return "was due yesterday" if days == -1 else f"is {-days} days overdue"
