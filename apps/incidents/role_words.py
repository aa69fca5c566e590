"""The words of the message that gives somebody a role. Pure: facts in, `Texts` out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

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

_PREFIX: Final = {"real": "", "drill": "[DRILL] ", "test": "[TEST] ", "backfilled": "[PAST] "}
_DUTIES: Final[Mapping[str, str]] = {
    "commander": "You decide: name the other roles, promise the next update, say when it is over.",
    "lead": "You find out what is wrong and make it stop. What can be undone comes first.",
    "comms": "You write to customers and to people here, and keep each promised time.",
    "deputy": "You take over when the commander needs a break, and are told when updates are late.",
    "support": "You bring in what customers report, and the incident's words to those who ask.",
    "scribe": "You write down what is decided and when, so that others can work.",
}


@dataclass(frozen=True, kw_only=True)
class RoleGiven:
    """Somebody has a role from now on. `by` is empty when nobody chose; `before` had it."""

    ref: str
    title: str
    severity: str
    role: str  # the key: commander, lead, …
    name: str  # as people read it: technical lead
    why: str
    by: str
    before: str
    note: str
    declared_at: datetime | None
    url: str
    kind: str = "real"


def role_given(facts: RoleGiven, reader: Reader, now: datetime) -> Texts:
    """`[SEV2] Snowflake times out. You are commander of INC-42`."""
    what = f"You are {facts.name} of {facts.ref}"
    rows = [
        ("Severity", facts.severity),
        ("Declared", since(facts.declared_at, reader, now) if facts.declared_at else "not yet"),
        ("Before you", facts.before),
        ("Handed over", cut(one_line(facts.note), 1000)),
    ]
    chosen = f"{facts.by} gave it to you" if facts.by else "nobody had it"
    blocks: list[Block] = [
        sentence(f"{what}: {one_line(facts.title)}"),
        _DUTIES.get(facts.role, ""),
        Facts(rows),
        Action("Open the incident", facts.url),
        f"Why you got this: {chosen}{f', and you are {facts.why}' if facts.why else ''}.",
    ]
    prefix = _PREFIX[facts.kind]
    head = cut(f"{prefix}[{facts.severity}] {one_line(facts.title)}", 130)
    return texts(f"{head}. {what}", blocks, sms(f"{prefix}{what}: {facts.title}", "", facts.url))
