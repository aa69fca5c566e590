"""What people read at 03:00: the words of every message, decided from plain facts.

Pure: no Django, no clock; facts in, `Texts` out. Every function takes facts, reader, `now`.
All messages about one page begin with the same words (`[SEV2] what happened.`), so that mail
programs which group by subject keep them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from .layout import (
    Action,
    Block,
    Facts,
    Reader,
    Texts,
    city,
    coming,
    cut,
    duration,
    moment,
    one_line,
    sentence,
    since,
    sms,
    texts,
)
from .notices import (
    Code,
    CoverageGap,
    EmailOnly,
    EngineLate,
    Handoff,
    Invitation,
    TestMail,
    WebhookOff,
    coverage_gap,
    email_only,
    engine_late,
    handoff_off,
    handoff_on,
    invitation,
    test_mail,
    verification_code,
    webhook_off,
)

__all__ = [
    "Acknowledged",
    "Bundle",
    "BundleItem",
    "Code",
    "CoverageGap",
    "EmailOnly",
    "EngineLate",
    "Handoff",
    "Invitation",
    "PageStep",
    "Reader",
    "Resolved",
    "Role",
    "TestMail",
    "TestPage",
    "Texts",
    "Topic",
    "WebhookOff",
    "Why",
    "acknowledged",
    "bundle",
    "coverage_gap",
    "email_only",
    "engine_late",
    "handoff_off",
    "handoff_on",
    "invitation",
    "page_step",
    "resolved",
    "test_mail",
    "test_page",
    "verification_code",
    "webhook_off",
]

_SUBJECT_LIMIT = 150  # leaves room for a mail program's own words in front

Role = Literal["on_call", "backup", "owner", "backup_owner", "lead", "team", "named", "fallback"]

# What the subject says of the reader, and the reason at the end of the text.
_ROLES: dict[Role, tuple[str, str]] = {
    "on_call": ("You are on call", "You are on call for {of}"),
    "backup": ("You are the backup", "You are the backup for {of}"),
    "owner": ("You are the owner", "You are the owner of {of}"),
    "backup_owner": ("You are the backup owner", "You are the backup owner of {of}"),
    "lead": ("You lead the team", "You lead the team {of}"),
    "team": ("Your team is needed", "You are a member of the team {of}"),
    "named": ("You are asked", "The escalation policy {of} names you"),
    "fallback": ("Nobody else is on it", "You are the last resort of {of}"),
}
_PREFIX = {"real": "", "drill": "[DRILL] ", "test": "[TEST] ", "backfilled": "[PAST] "}
_NO_BRACKETS = str.maketrans("", "", "[]")
_NOT_REAL = {
    "drill": "This is a drill. Act as if it were real; nothing is broken.",
    "test": "This is a test. Nothing is broken.",
}
_ACKNOWLEDGE = (
    "It opens a page with one button. Press the button to say that you are on it: nobody else is "
    "woken, and the others see your name. Opening the page alone changes nothing."
)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What a page is about. `label` is its severity (`SEV2`, `Warning`), empty when it has none."""

    title: str
    label: str = ""
    kind: str = "real"

    @property
    def prefix(self) -> str:
        """The first words of every subject about it."""
        label = f"[{one_line(self.label)}] " if self.label else ""
        return _PREFIX[self.kind] + label

    def subject(self, tail: str) -> str:
        """`[SEV2] title. tail`; what is too long is cut in the title."""
        room = _SUBJECT_LIMIT - len(self.prefix) - len(tail) - 2
        title = cut(one_line(self.title), max(room, 20))
        return f"{self.prefix}{sentence(title)} {tail}"

    def short(self, tail: str, link: str | None = None) -> str:
        """The same as an SMS."""
        prefix = self.prefix.translate(_NO_BRACKETS)  # each bracket costs two characters of an SMS
        return sms(prefix + one_line(self.title), tail, link)


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why this reader gets it: the role, of what, and until when (aware) if it ends."""

    role: Role
    of: str
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PageStep:
    """One step of a page to one person. `step` counts from 1; times are aware.

    `next_name` is who is told next and `next_at` when; empty when this is the last step.
    `ack_url` opens the page with one button; `page_url` the whole story, behind sign-in.
    """

    topic: Topic
    urgency: Literal["high", "low"]
    why: Why
    step: int
    steps: int
    started_at: datetime
    ack_url: str
    page_url: str = ""
    surface: str = ""
    owner: str = ""
    detail: str = ""
    alerts: int = 1
    next_name: str = ""
    next_at: datetime | None = None
    runbook: str = ""
    runbook_url: str = ""


def page_step(facts: PageStep, reader: Reader, now: datetime) -> Texts:
    """`[SEV2] Snowflake profiling: 38 of 112 jobs failed. You are on call (1 of 3)`."""
    role = _ROLES[facts.why.role][0]
    urgent = facts.urgency == "high"
    count = f"({facts.step} of {facts.steps})"
    tail = f"{role} {count}" if urgent else f"No hurry: {role[0].lower()}{role[1:]} {count}"
    rows = [
        ("Since", since(facts.started_at, reader, now)),
        ("Surface", facts.surface + (f" (owner: {facts.owner})" if facts.owner else "")),
        ("Severity", facts.topic.label),
        ("Alerts", f"{facts.alerts} so far" if facts.alerts > 1 else ""),
        ("Next", _next(facts, reader, now)),
        ("Runbook", " ".join(filter(None, (facts.runbook, facts.runbook_url)))),
    ]
    blocks: list[Block] = [
        _NOT_REAL.get(facts.topic.kind, ""),
        sentence(one_line(facts.topic.title)),
        "" if urgent else "This can wait until you are at work. Nobody is woken for it.",
        Facts(rows),
        Action("Acknowledge", facts.ack_url, _ACKNOWLEDGE),
        cut(facts.detail, 1500),
        Action("The whole story", facts.page_url) if facts.page_url else "",
        f"Why you got this: {_because(facts.why, reader, now)}",
    ]
    short = facts.topic.short(sentence(tail), facts.ack_url)
    return texts(facts.topic.subject(tail), blocks, short)


def _next(facts: PageStep, reader: Reader, now: datetime) -> str:
    if not facts.next_name:
        return "nobody after you" if facts.urgency == "high" else ""
    when = f" {coming(facts.next_at, reader, now)}" if facts.next_at else ""
    verb = "are" if "," in facts.next_name or " and " in facts.next_name else "is"
    return f"{facts.next_name} {verb} told{when}, unless somebody acknowledges first"


def _because(why: Why, reader: Reader, now: datetime) -> str:
    until = f" until {moment(why.until, reader, now)}" if why.until else ""
    return sentence(_ROLES[why.role][1].format(of=one_line(why.of)) + until)


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A page that ended; `by` is empty when its alerts cleared by themselves."""

    topic: Topic
    started_at: datetime
    resolved_at: datetime
    by: str = ""
    acknowledged_by: str = ""
    page_url: str = ""


def resolved(facts: Resolved, reader: Reader, now: datetime) -> Texts:
    """Whoever was told gets exactly one of these."""
    lasted = duration(facts.resolved_at - facts.started_at)
    tail = f"Resolved after {lasted}"
    over = f"{facts.by} resolved it." if facts.by else "All its alerts have cleared."
    rows = [
        ("From", f"{moment(facts.started_at, reader, now)} {city(reader.zone)}"),
        ("To", f"{moment(facts.resolved_at, reader, now)} {city(reader.zone)}, after {lasted}"),
        ("Acknowledged by", facts.acknowledged_by),
    ]
    blocks: list[Block] = [
        f"{sentence(one_line(facts.topic.title))} It is over. {over}",
        Facts(rows),
        "You have nothing left to do.",
        Action("The whole story", facts.page_url) if facts.page_url else "",
    ]
    return texts(facts.topic.subject(tail), blocks, facts.topic.short(f"{tail}."))


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """Somebody else took the page that this reader was told of."""

    topic: Topic
    by: str
    at: datetime
    page_url: str = ""


def acknowledged(facts: Acknowledged, reader: Reader, now: datetime) -> Texts:
    """For those who were told and can now go back to sleep."""
    tail = f"{facts.by} is on it"
    blocks: list[Block] = [
        sentence(one_line(facts.topic.title)),
        f"{facts.by} acknowledged it at {moment(facts.at, reader, now)} {city(reader.zone)}.",
        "Nobody else is woken for it, and you have nothing to do.",
        Action("The whole story", facts.page_url) if facts.page_url else "",
    ]
    return texts(facts.topic.subject(tail), blocks, facts.topic.short(f"{tail}."))


@dataclass(frozen=True, kw_only=True)
class TestPage:
    """A page that somebody asked for to see whether it arrives."""

    __test__ = False  # a message, not a class of tests

    by: str
    method: str
    ack_url: str
    site: str = "OpsPortal"


def test_page(facts: TestPage, reader: Reader, now: datetime) -> Texts:
    """Looks and sounds like the real thing, and says that it is not."""
    what = f"[TEST] A page from {facts.site}. Nothing is broken"
    at = f"{moment(now, reader, now)} {city(reader.zone)}"
    asked = "You" if facts.by == reader.name else facts.by
    blocks: list[Block] = [
        "This is how a page reaches you. Nothing is broken.",
        Facts([("Sent", at), ("By", facts.method), ("Asked for by", asked)]),
        Action("Acknowledge", facts.ack_url, _ACKNOWLEDGE),
        "If this did not wake you, add a method that does on your profile.",
    ]
    short = sms(f"TEST A page from {facts.site}", "Nothing is broken.", facts.ack_url)
    return texts(what, blocks, short)


@dataclass(frozen=True, kw_only=True)
class BundleItem:
    """One message inside a bundle: its own subject and its own link."""

    subject: str
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Messages to one address that go out as one; `url` is the page that shows all of it."""

    items: Sequence[BundleItem] = field(default_factory=tuple)
    url: str = ""
    noun: str = "alerts"


def bundle(facts: Bundle, reader: Reader, now: datetime) -> Texts:
    """`4 more alerts in the last minute`."""
    count = len(facts.items)
    noun = facts.noun if count != 1 else facts.noun.removesuffix("s")
    what = f"{count} more {noun} in the last minute"
    listed = "\n\n".join(
        f"{one_line(item.subject)}" + (f"\n{item.link}" if item.link else "")
        for item in facts.items[:20]
    )
    blocks: list[Block] = [
        f"{what}. They come together, so that your phone stays usable.",
        listed,
        f"And {count - 20} more." if count > 20 else "",
        Action("See everything", facts.url) if facts.url else "",
        "Each link opens a page with one button; opening it alone changes nothing.",
    ]
    first = facts.items[0].subject.translate(_NO_BRACKETS) if facts.items else ""
    return texts(what, blocks, sms(f"{what}. First: {one_line(first)}", "", facts.url))
