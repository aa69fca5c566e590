"""The words of messages about reviews. Pure: facts in, `Texts` out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.notifications.layout import (
    Action,
    Block,
    Facts,
    Reader,
    Texts,
    city,
    cut,
    moment,
    one_line,
    sentence,
    sms,
    texts,
)

_PREFIX = {"real": "", "drill": "[DRILL] ", "test": "[TEST] ", "backfilled": "[PAST] "}
_WORDS = 1500


@dataclass(frozen=True, kw_only=True)
class News:
    """Something about the review of one incident.

    `what` completes "The review of INC-7 …"; `words` are a person's own; `why` completes "Why you
    got this: …"; `missing` names the sections without which it is not published.
    """

    ref: str
    severity: str
    title: str
    what: str
    why: str
    url: str
    kind: str = "real"
    words: str = ""
    author: str = ""
    draft_due_at: datetime | None = None
    publish_due_at: datetime | None = None
    percent: int | None = None
    missing: Sequence[str] = ()
    verb: str = "Open the review"


def news(facts: News, reader: Reader, now: datetime) -> Texts:
    """`[INC-7] The review is yours: Snowflake profiling times out`."""
    whole = f"The review of {facts.ref} {facts.what}"
    percent = "" if facts.percent is None else f"{facts.percent} % written"
    rows = [
        ("Incident", f"{facts.severity} {facts.ref} {facts.title}"),
        ("Written by", facts.author),
        ("Draft", _due(facts.draft_due_at, reader, now)),
        ("To be published", _due(facts.publish_due_at, reader, now)),
        ("So far", percent),
        ("Missing", ", ".join(facts.missing)),
    ]
    blocks: list[Block] = [
        sentence(whole),
        cut(facts.words, _WORDS),
        Facts(rows),
        Action(facts.verb, facts.url),
        f"Why you got this: {facts.why}.",
    ]
    subject = f"{_PREFIX[facts.kind]}[{facts.ref}] The review {facts.what}: {facts.title}"
    short = sms(f"{_PREFIX[facts.kind]}{facts.ref} The review {facts.what}", "", facts.url)
    return texts(cut(one_line(subject), 180), blocks, short)


def _due(at: datetime | None, reader: Reader, now: datetime) -> str:
    """`by Fri 18:00 Berlin`, `was due Wed 18:00 Berlin`; a day that ends at midnight by name."""
    if at is None:
        return ""
    ends = at.astimezone(reader.zone)
    shown = at - timedelta(minutes=1) if (ends.hour, ends.minute) == (0, 0) else at
    said = f"{moment(shown, reader, now)} {city(reader.zone)}"
    return f"was due {said}" if at <= now else f"by {said}"
