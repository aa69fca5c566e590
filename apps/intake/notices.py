"""The words of messages about sources of events. Pure: facts in, `Texts` out."""

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
    sms,
    texts,
)


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """Deliveries of one integration that could not be read within the last hour."""

    integration: str
    kind: str
    count: int
    error: str  # of the last one
    url: str
    why: str  # why this reader gets it


def set_aside(facts: SetAside, reader: Reader, now: datetime) -> Texts:
    """`[Intake] 3 deliveries of Stripe for billing could not be read`, to the source's owner."""
    name = one_line(facts.integration)
    what = f"{facts.count} deliveries of {name} could not be read"
    blocks: list[Block] = [
        sentence(f"{what} within the last hour, so nobody hears what they say"),
        Facts([("Kind", facts.kind), ("The last one", cut(one_line(facts.error), 300))]),
        "Nothing is lost: every byte is kept. Mend what sends them, or its setup, and replay them.",
        Action("Look at the deliveries", facts.url),
        f"Why you got this: {facts.why}. It comes once an hour at most.",
    ]
    return texts(f"[Intake] {what}", blocks, sms(what, "", facts.url))
