"""The words of what people here get about updates: the update, a question, a reminder. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.notifications.layout import (
    Action,
    Block,
    Facts,
    Reader,
    Texts,
    city,
    coming,
    cut,
    moment,
    one_line,
    sentence,
    since,
    sms,
    texts,
)

_PREFIX = {"real": "", "drill": "[DRILL] ", "test": "[TEST] ", "backfilled": "[PAST] "}
_BODY = 6000  # characters of an update that one mail shows
_QUOTE = 200
_LINES = 10


@dataclass(frozen=True, kw_only=True)
class Head:
    """Which incident it is about."""

    ref: str
    title: str
    severity: str
    url: str
    kind: str = "real"

    @property
    def tag(self) -> str:
        return f"{_PREFIX.get(self.kind, '')}[{self.ref} {self.severity}]"


@dataclass(frozen=True, kw_only=True)
class Update(Head):
    """An update as its readers here get it."""

    stage: str
    audience: str
    subject: str
    body: str
    by: str
    next_at: datetime | None
    why: str


def update(facts: Update, reader: Reader, now: datetime) -> Texts:
    """`[INC-4 SEV1] Profiling is slow`: the words themselves, who wrote them, what comes next."""
    after = f"{moment(facts.next_at, reader, now)} {city(reader.zone)}" if facts.next_at else ""
    blocks: list[Block] = [
        cut(facts.body.strip(), _BODY),
        Facts(
            [
                ("Incident", f"{facts.ref} {facts.title}"),
                ("What", f"{facts.stage}, for “{facts.audience}”"),
                ("By", facts.by),
                ("Next update", after),
            ]
        ),
        Action("Open the incident", facts.url),
        f"Why you got this: {facts.why}.",
    ]
    head = cut(f"{facts.tag} {one_line(facts.subject)}", 180)
    return texts(head, blocks, sms(f"{facts.tag} {facts.subject}", "", facts.url))


@dataclass(frozen=True, kw_only=True)
class Waits(Head):
    """A message for people outside waits for a yes."""

    audience: str
    subject: str
    body: str
    by: str
    why: str


def waits(facts: Waits, reader: Reader, now: datetime) -> Texts:
    """To those who may approve: what would go out, and where to say yes."""
    what = f"An update for “{facts.audience}” waits for your yes"
    blocks: list[Block] = [
        sentence(f"{what}. {facts.by} wrote it"),
        f"{facts.subject}\n\n{cut(facts.body.strip(), _BODY)}",
        Action("Read, approve or send back", facts.url),
        f"Why you got this: {facts.why}.",
    ]
    head = cut(f"{facts.tag} {what}: {one_line(facts.subject)}", 180)
    return texts(head, blocks, sms(f"{facts.tag} {what}", "", facts.url))


@dataclass(frozen=True, kw_only=True)
class SentBack(Head):
    """An approver wants it changed."""

    audience: str
    subject: str
    reason: str
    by: str


def sent_back(facts: SentBack, reader: Reader, now: datetime) -> Texts:
    """To its author."""
    what = f"{facts.by} sent back your update for “{facts.audience}”"
    blocks: list[Block] = [
        sentence(f"{what}: {facts.reason}"),
        Facts([("Update", facts.subject)]),
        Action("Change it", facts.url),
        "Why you got this: you wrote it.",
    ]
    head = cut(f"{facts.tag} {what}", 180)
    return texts(head, blocks, sms(f"{facts.tag} {what}", facts.reason, facts.url))


@dataclass(frozen=True, kw_only=True)
class Reminder(Head):
    """Something is owed. `what` is a clause (“The update for customers is due”), `at` when it is
    or was owed, `do` the verb of the link."""

    what: str
    at: datetime | None = None
    detail: str = ""
    do: str = "Open the incident"
    why: str = ""


def reminder(facts: Reminder, reader: Reader, now: datetime) -> Texts:
    """`[INC-4 SEV1] The update for customers is due at 06:30`."""
    when = short = ""
    if facts.at is not None and facts.at <= now:
        when = f" since {since(facts.at, reader, now)}"
        short = f" since {moment(facts.at, reader, now)}"
    elif facts.at is not None:
        when = f" {coming(facts.at, reader, now)}"
        short = f" at {moment(facts.at, reader, now)}"
    blocks: list[Block] = [
        sentence(facts.what + when),
        facts.detail,
        Facts([("Incident", f"{facts.ref} {facts.title}")]),
        Action(facts.do, facts.url),
        f"Why you got this: {facts.why}.",
    ]
    title = f"{facts.tag} {facts.what}{short}"
    return texts(cut(title, 180), blocks, sms(title, "", facts.url))


@dataclass(frozen=True, kw_only=True)
class Word:
    """What a customer said: in which ticket (its reference and address), in which words."""

    ref: str
    url: str
    text: str


@dataclass(frozen=True, kw_only=True)
class StillBroken(Head):
    """Customers say that it is not over; `count` words since the last message about it."""

    words: Sequence[Word]
    count: int
    why: str


def still_broken(facts: StillBroken, reader: Reader, now: datetime) -> Texts:
    """To the commander: who says so, in which words."""
    refs = list(dict.fromkeys(word.ref for word in facts.words))
    named = ", ".join(refs[:3]) + (f" and {len(refs) - 3} more" if len(refs) > 3 else "")
    what = f"Still broken, say {named}"
    listed = "\n".join(f"- {_line(word)}" for word in facts.words[:_LINES])
    more = f"\n- and {facts.count - _LINES} more" if facts.count > _LINES else ""
    blocks: list[Block] = [
        sentence(f"{what}: {facts.ref} {facts.title}"),
        listed + more,
        Action("Open the incident", facts.url),
        f"Why you got this: {facts.why}.",
    ]
    head = cut(f"{facts.tag} {what}", 180)
    return texts(head, blocks, sms(head, "", facts.url))


def _line(word: Word) -> str:
    said = f": {cut(one_line(word.text), _QUOTE)}" if word.text.strip() else ""
    return f"{word.ref}{said} ({word.url})"
