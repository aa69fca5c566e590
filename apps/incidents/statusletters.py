"""The words of the status page's mails to people who follow it. Pure: facts in, words out.

They hold what the public page shows and nothing else: no internal title, person or surface.
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
    city,
    cut,
    moment,
    one_line,
    texts,
)

_BODY = "[[the words of the update]]"
MAINTENANCE = {  # what happened to the work → (for a subject, as a sentence)
    "announced": ("Maintenance announced", "We announce maintenance."),
    "moved": ("Maintenance moved", "The time of this maintenance has changed."),
    "begun": ("Maintenance has begun", "This maintenance has begun."),
    "completed": ("Maintenance is over", "This maintenance is over."),
    "canceled": ("Maintenance canceled", "This maintenance does not take place."),
}


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A mail to somebody outside: its subject and its two forms."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """Whose page it is, in which zone it writes times, and the ways back to it."""

    site: str
    zone: ZoneInfo
    page_url: str
    leave_url: str  # ends the subscription

    @property
    def reader(self) -> Reader:
        return Reader(name="", zone=self.zone)


@dataclass(frozen=True, kw_only=True)
class Update:
    """One published update; `body` is its Markdown, `body_html` the same as safe HTML."""

    title: str
    status: str
    body: str
    body_html: str
    components: Sequence[tuple[str, str]]  # (name, how it is)
    next_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Work:
    """Announced work: `what` is a key of `MAINTENANCE`."""

    what: str
    title: str
    body: str
    body_html: str
    starts_at: datetime
    ends_at: datetime
    components: Sequence[str]


def ask(site: str, url: str, components: Sequence[str], days: int) -> Letter:
    """The request for a yes. Somebody else may have typed the address."""
    about = f"only about {', '.join(components)}" if components else "about everything on it"
    blocks: list[Block] = [
        f"Somebody asked to follow the status page of {one_line(site)}, {about}. Was it you?",
        Action("Yes, send me updates", url, f"The link counts for {days} days."),
        "If it was not you, do nothing: without a yes you hear no more from us.",
    ]
    made = texts(f"Do you want to follow the status of {one_line(site)}?", blocks, "")
    return Letter(subject=made.subject, text=made.text, html=made.html or "")


def update(facts: Update, place: Place, now: datetime) -> Letter:
    """What is known now, how each component is, and when the next word comes."""
    following = (
        f"{moment(facts.next_at, place.reader, now)} {city(place.zone)}" if facts.next_at else ""
    )
    title = one_line(facts.title)
    blocks: list[Block] = [
        f"{facts.status}: {title}",
        _BODY,
        Facts([*facts.components, ("Next update by", following)]),
    ]
    return _letter(f"[{one_line(place.site)}] {facts.status}: {title}", blocks, facts, place)


def maintenance(facts: Work, place: Place, now: datetime) -> Letter:
    """What is going to be worked on, from when until when, and what of it changed."""
    subject, sentence = MAINTENANCE[facts.what]
    title = one_line(facts.title)
    zone = city(place.zone)
    blocks: list[Block] = [
        sentence,
        title,
        Facts(
            [
                ("From", f"{moment(facts.starts_at, place.reader, now)} {zone}"),
                ("Until", f"{moment(facts.ends_at, place.reader, now)} {zone}"),
                ("Affects", ", ".join(facts.components)),
            ]
        ),
        _BODY if facts.body.strip() else "",
    ]
    return _letter(f"[{one_line(place.site)}] {subject}: {title}", blocks, facts, place)


def _letter(subject: str, blocks: list[Block], facts: Update | Work, place: Place) -> Letter:
    foot: list[Block] = [
        Action("See the status page", place.page_url),
        Action("Stop these mails", place.leave_url),
    ]
    made = texts(cut(subject, 180), [*blocks, *foot], "")
    html = (made.html or "").replace(f"<p>{_BODY}</p>", f"<div>{facts.body_html}</div>", 1)
    return Letter(
        subject=made.subject, text=made.text.replace(_BODY, facts.body.strip(), 1), html=html
    )
