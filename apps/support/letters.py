"""The words of support's mails to customers and notices to us. Pure: facts in, words out.

A customer never reads an internal name: no surface, defect, queue, or other customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

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


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A mail to somebody outside: its subject and its two forms."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What every letter needs: the ticket's reference and subject, whom it greets, its page."""

    ref: str
    subject: str
    name: str
    zone: ZoneInfo
    page_url: str
    team: str

    @property
    def reader(self) -> Reader:
        return Reader(name=self.name, zone=self.zone)

    @property
    def title(self) -> str:
        return cut(f"[{self.ref}] {one_line(self.subject)}", 180)


def receipt(facts: Outside, now: datetime, reply_due: datetime | None) -> Letter:
    """It arrived, and by when somebody answers."""
    promise = (
        f"We answer by {moment(reply_due, facts.reader, now)} ({city(facts.zone)}) at the latest."
        if reply_due
        else "We answer as soon as we can."
    )
    blocks: list[Block] = [
        f"Hello {facts.name}," if facts.name else "Hello,",
        f"Thank you, your message has arrived. Its number is {facts.ref}. {promise}",
        Action("See where it stands, or add something", facts.page_url),
        "You can also simply answer this mail.",
        facts.team,
    ]
    return _letter(facts.title, blocks)


def reply(facts: Outside, body: str, body_html: str, agent: str, resolved: bool) -> Letter:
    """An agent's words as they are, and below them how to go on.

    `body` is the Markdown as plain text, `body_html` the same as safe HTML.
    """
    footer: list[Block] = []
    if resolved:
        footer = [
            f"We consider {facts.ref} solved. If it is not, answer this mail or say so here:",
            Action("It is not solved", f"{facts.page_url}#not-solved"),
            Action("It was good", f"{facts.page_url}?rate=good#rate"),
            Action("It was not good", f"{facts.page_url}?rate=bad#rate"),
        ]
    else:
        footer = [Action("See where it stands", facts.page_url)]
    signed = f"{agent}, {facts.team}" if agent else facts.team
    made = texts(facts.title, [signed, *footer], "")
    start = made.html or ""
    head, _, rest = start.partition('margin:1em">')
    html = f'{head}margin:1em">\n{body_html}\n<p>-- </p>{rest}' if rest else body_html
    return Letter(
        subject=f"Re: {facts.title}", text=f"{body.rstrip()}\n\n-- \n{made.text}", html=html
    )


def _letter(subject: str, blocks: list[Block]) -> Letter:
    made = texts(subject, blocks, "")
    return Letter(subject=made.subject, text=made.text, html=made.html or "")


# -- to us


@dataclass(frozen=True, kw_only=True)
class News:
    """Something happened on a ticket that its reader should know.

    `what` is a clause such as “is yours now” or “came back: INC-42 is resolved”; `why` says why
    the reader gets it.
    """

    ref: str
    subject: str
    what: str
    why: str
    url: str
    priority: str = ""
    customer: str = ""
    due: tuple[str, datetime] | None = None  # the next promise: its name and when
    words: str = ""


def news(facts: News, reader: Reader, now: datetime) -> Texts:
    """To somebody here: one ticket, what is new, by when something is promised."""
    what = f"{facts.ref} {facts.what}"
    due = ""
    if facts.due:
        name, at = facts.due
        late = "missed at" if at < now else "due"
        due = f"{name} {late} {moment(at, reader, now)} {city(reader.zone)}"
    blocks: list[Block] = [
        sentence(f"{what}: {one_line(facts.subject)}"),
        Facts([("Priority", facts.priority), ("Customer", facts.customer), ("Promise", due)]),
        cut(facts.words.strip(), 1500) if facts.words else "",
        Action("Open the ticket", facts.url),
        f"Why you got this: {facts.why}.",
    ]
    head = cut(f"[{facts.ref}] {facts.what}: {one_line(facts.subject)}", 180)
    return texts(head, blocks, sms(f"{what}: {facts.subject}", due, facts.url))


@dataclass(frozen=True, kw_only=True)
class Freed:
    """Somebody is not here any more, and these tickets (reference, subject) have no owner now."""

    person: str
    tickets: Sequence[tuple[str, str]]
    why: str
    url: str


LISTED = 20  # tickets that one message names


def freed(facts: Freed, reader: Reader, now: datetime) -> Texts:
    """To whoever gives out the work: all that somebody leaves behind in one message."""
    count = len(facts.tickets)
    what = f"{count} open tickets have" if count > 1 else f"{facts.tickets[0][0]} has"
    head = f"{what} no owner: {facts.person} is no longer active"
    lines = [f"- {ref} {cut(one_line(subject), 80)}" for ref, subject in facts.tickets[:LISTED]]
    more = [f"- and {count - LISTED} more"] if count > LISTED else []
    blocks: list[Block] = [
        sentence(head),
        "\n".join([*lines, *more]),
        Action("See what is unassigned", facts.url),
        f"Why you got this: {facts.why}.",
    ]
    return texts(f"[Tickets] {head}", blocks, sms(head, "", facts.url))
