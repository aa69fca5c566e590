"""Messages that are not about one page: rotations, people, and the product itself.

Pure, like `wording`, through which the rest of the app uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .layout import (
    Action,
    Block,
    Facts,
    Reader,
    Texts,
    city,
    coming,
    duration,
    moment,
    one_line,
    sentence,
    since,
    sms,
    texts,
)


@dataclass(frozen=True, kw_only=True)
class CoverageGap:
    """Nobody is on call for `schedule` from `start` on; `page` names one that found nobody."""

    schedule: str
    start: datetime
    end: datetime | None = None
    surfaces: Sequence[str] = ()
    page: str = ""
    told_instead: str = ""
    url: str = ""


def coverage_gap(facts: CoverageGap, reader: Reader, now: datetime) -> Texts:
    """To managers: a hole in the rotation, now or ahead."""
    until = f" until {moment(facts.end, reader, now)}" if facts.end else ""
    if facts.start <= now:
        what = f"Nobody is on call for {facts.schedule}{until}"
    else:
        what = f"Nobody will be on call for {facts.schedule} from "
        what += f"{moment(facts.start, reader, now)}{until}"
    if facts.page:
        passed = f"to {facts.told_instead}" if facts.told_instead else "to the next step"
        consequence = (
            f'The page "{one_line(facts.page)}" found nobody and went on at once {passed}.'
        )
    else:
        consequence = "Pages will skip this step and go on to the next one at once."
    blocks: list[Block] = [
        sentence(what) + f" (Times are of {city(reader.zone)}.)",
        Facts([("Surfaces", ", ".join(facts.surfaces))]),
        consequence,
        Action("Fill the gap", facts.url) if facts.url else "",
        "Why you got this: you are a manager.",
    ]
    return texts(f"[On call] {what}", blocks, sms(what, "", facts.url))


@dataclass(frozen=True, kw_only=True)
class Handoff:
    """A shift changes hands. `other` is who had it before, or has it now; may be empty."""

    schedule: str
    at: datetime
    until: datetime | None = None
    other: str = ""
    role: str = ""
    open_pages: Sequence[str] = ()
    url: str = ""


def handoff_on(facts: Handoff, reader: Reader, now: datetime) -> Texts:
    """To the person who comes on."""
    until = f" until {moment(facts.until, reader, now)}" if facts.until else ""
    role = f" as {facts.role}" if facts.role else ""
    what = f"You are on call for {facts.schedule}{role}{until}"
    blocks: list[Block] = [
        sentence(what) + f" (Times are of {city(reader.zone)}.)",
        f"You take over from {facts.other}." if facts.other else "",
        _open_pages(facts.open_pages, "Still open, and now yours"),
        Action("See who is on call", facts.url) if facts.url else "",
        "Keep your phone loud and near. If you cannot, swap now rather than tonight.",
    ]
    return texts(what, blocks, sms(what, "", facts.url))


def handoff_off(facts: Handoff, reader: Reader, now: datetime) -> Texts:
    """To the person who goes off."""
    after = f"{facts.other} has taken over" if facts.other else "nobody has taken over"
    what = f"You are off call for {facts.schedule}: {after}"
    blocks: list[Block] = [
        f"{what}, at {moment(facts.at, reader, now)} {city(reader.zone)}.",
        _open_pages(facts.open_pages, f"Handed to {facts.other or 'nobody'} while still open"),
        Action("See who is on call", facts.url) if facts.url else "",
        "Thank you." if facts.other else "The managers have been told of the gap.",
    ]
    return texts(what, blocks, sms(what, "", facts.url))


def _open_pages(titles: Sequence[str], heading: str) -> str:
    lines = [f"- {one_line(title)}" for title in titles[:10]]
    more = [f"- and {len(titles) - 10} more"] if len(titles) > 10 else []
    return "\n".join([f"{heading}:", *lines, *more]) if titles else ""


@dataclass(frozen=True, kw_only=True)
class Code:
    """A code that proves that a contact method is the reader's own."""

    code: str
    minutes: int
    site: str = "OpsPortal"


def verification_code(facts: Code, reader: Reader, now: datetime) -> Texts:
    """Short enough to be read from a lock screen."""
    what = f"{facts.code} is your {facts.site} code"
    blocks: list[Block] = [
        f"Hello {reader.name},",
        f"{what}. Enter it on your profile within {facts.minutes} minutes to be reached here.",
        "If you did not ask for it, ignore this message: without the code nothing happens.",
    ]
    return texts(what, blocks, sms(what, f"Valid for {facts.minutes} minutes."))


@dataclass(frozen=True, kw_only=True)
class TestMail:
    """A mail that somebody setting up the mail server asked for."""

    __test__ = False  # a message, not a class of tests

    server: str
    site: str = "OpsPortal"
    url: str = ""


def test_mail(facts: TestMail, reader: Reader, now: datetime) -> Texts:
    """Says that it is a test, through which server it came, and that nothing is to be done."""
    at = f"{moment(now, reader, now)} {city(reader.zone)}"
    blocks: list[Block] = [
        f"This is a test mail of {facts.site}. It arrived, so mail works. Nothing is to be done.",
        Facts([("Sent", at), ("Mail server", facts.server), ("Site", facts.url)]),
    ]
    what = f"[TEST] Mail from {facts.site} works"
    return texts(what, blocks, sms(what, ""))


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """The first message to a new person."""

    by: str
    url: str
    expires_at: datetime
    site: str = "OpsPortal"
    team: str = ""
    role: str = ""


def invitation(facts: Invitation, reader: Reader, now: datetime) -> Texts:
    """Says who asks, for what, and what the link does."""
    what = f"{facts.by} invites you to {facts.site}"
    ends = f"{moment(facts.expires_at, reader, now)} {city(reader.zone)}"
    blocks: list[Block] = [
        f"Hello {reader.name},",
        f"{what}, where your team sees who owns what, who is on call and what is broken.",
        Facts([("Team", facts.team), ("Your role", facts.role)]),
        Action("Accept", facts.url, f"You choose a password there. The link works until {ends}."),
        f"If you do not know {facts.by}, ignore this message.",
    ]
    return texts(what, blocks, sms(what, "", facts.url))


@dataclass(frozen=True, kw_only=True)
class EngineLate:
    """The product's own alarm: `part` (the engine, the cluster) has stopped doing its work."""

    part: str
    last_ran_at: datetime | None
    waiting: int = 0
    url: str = ""
    site: str = "OpsPortal"


def engine_late(facts: EngineLate, reader: Reader, now: datetime) -> Texts:
    """To managers, when pages may be late because of ourselves."""
    for_how_long = f" for {duration(now - facts.last_ran_at)}" if facts.last_ran_at else ""
    state = "has not run" if facts.last_ran_at else "has never run"
    what = f"[{facts.site}] The {facts.part} {state}{for_how_long}: pages may be late"
    last = since(facts.last_ran_at, reader, now) if facts.last_ran_at else "never"
    waiting = str(facts.waiting) if facts.waiting else ""
    blocks: list[Block] = [
        f"The {facts.part} of {facts.site} {state}{for_how_long}.",
        "Until it runs again, alerts are kept but wake nobody. Watch your monitoring yourself.",
        Facts([("Last ran", last), ("Messages waiting", waiting)]),
        "To mend it: look whether `manage.py worker` is running, and ask `manage.py doctor`.",
        Action("See the state", facts.url) if facts.url else "",
        "Why you got this: you are a manager.",
    ]
    return texts(what, blocks, sms(what.replace("[", "").replace("]", ":"), "", facts.url))


@dataclass(frozen=True, kw_only=True)
class EmailOnly:
    """`person` comes on call at `start` and has nothing that wakes them."""

    person: str
    schedule: str
    start: datetime
    url: str = ""


def email_only(facts: EmailOnly, reader: Reader, now: datetime) -> Texts:
    """To managers, while there is still time to do something about it."""
    what = f"{facts.person}, next on call for {facts.schedule}, can be reached by e-mail only"
    begins = coming(facts.start, reader, now)
    blocks: list[Block] = [
        sentence(what),
        f"The shift starts {begins}. E-mail does not wake anybody at night.",
        f"Ask {facts.person} to add push, SMS or calls on the profile and to send a test page.",
        Action("See the rotation", facts.url) if facts.url else "",
        "Why you got this: you are a manager.",
    ]
    return texts(f"[On call] {what}", blocks, sms(what, "", facts.url))


@dataclass(frozen=True, kw_only=True)
class WebhookOff:
    """An outgoing webhook was switched off because the other side does not take it."""

    webhook: str
    reason: str
    since: datetime | None = None
    url: str = ""


def webhook_off(facts: WebhookOff, reader: Reader, now: datetime) -> Texts:
    """To managers: a program of theirs is told nothing any more until somebody looks."""
    what = f"The webhook {one_line(facts.webhook)} was switched off"
    blocks: list[Block] = [
        sentence(what) + " It hears of nothing that happens until it is resumed.",
        Facts([
            ("Reason", one_line(facts.reason)),
            ("Failing", since(facts.since, reader, now) if facts.since else ""),
        ]),
        "Mend the other side, then resume the webhook and send again what it missed.",
        Action("See the webhook", facts.url) if facts.url else "",
        "Why you got this: you are a manager.",
    ]  # fmt: skip
    return texts(what, blocks, sms(what, "", facts.url))
