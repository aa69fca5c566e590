"""The words of messages about rules. Pure: facts in, `Texts` out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.notifications.layout import Action, Block, Reader, Texts, cut, one_line, sms, texts


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A rule whose look failed: until it is mended it says nothing."""

    key: str
    name: str
    error: str
    url: str
    why: str  # why this reader gets it


def broken(facts: Broken, reader: Reader, now: datetime) -> Texts:
    """`[Rule] snowflake-failures cannot look`"""
    what = f"The rule {facts.key} cannot look"
    blocks: list[Block] = [
        f"{what}, so it would not say if something were wrong: {cut(one_line(facts.error), 300)}",
        "Other rules go on. What it raised before stands until it can look again.",
        Action("Open the rule", facts.url),
        f"Why you got this: {facts.why}. It comes once, until the rule has looked again.",
    ]
    return texts(f"[Rule] {what}", blocks, sms(what, "", facts.url))
