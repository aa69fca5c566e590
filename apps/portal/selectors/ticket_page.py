"""One ticket as its page shows it: lines of the timeline, people, links, what may be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from django.utils.safestring import SafeString

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core.audit import ActorKind
from apps.core.text import clip, markdown
from apps.customers.models import Connection
from apps.incidents.models import Incident
from apps.ownership import selectors as ownership
from apps.paging import plan
from apps.paging import selectors as paging
from apps.paging.models import Page
from apps.paging.services.policies import policy_of, snapshot_for
from apps.portal.access import why_not
from apps.portal.selectors import oncall
from apps.rotations import selectors as rotations
from apps.rotations.models import Role, Shift
from apps.support import lifecycle
from apps.support.models import (
    Draft,
    Macro,
    Metric,
    RequestField,
    Ticket,
    TicketEvent,
    TicketLink,
    TicketMessage,
)
from apps.support.selectors import queue
from apps.support.selectors import ticket as selectors
from apps.support.selectors.queue import Mark
from apps.support.selectors.ticket import CLOCK, MESSAGE, Entry, Story

LONGEST = 3_000  # characters of one message on the page; the rest is one click away
LEAST = 160
BUDGET = 24_000  # characters of all messages on the page, so that it stays below 100 kB
QUOTED = 1_200
Author = TicketMessage.Author

# What happened → (glyph, tone) of its line.
LOOKS: Mapping[str, tuple[str, str]] = {
    "routed": ("up", ""),
    "assigned": ("dot", ""),
    "status": ("q2", ""),
    "priority": ("tri", "warning"),
    "linked": ("info", "info"),
    "unlinked": ("slash", ""),
    "merged": ("up", "info"),
    "unmerged": ("slash", ""),
    "split": ("ext", ""),
    "escalated": ("tri", "danger"),
    "paged": ("over", "danger"),
    "acknowledged": ("check", "success"),
    "answered": ("check", "success"),
    "snoozed": ("pause", ""),
    "me_too": ("ring", "warning"),
    "kept": ("warn", "warning"),
    "bounced": ("over", "danger"),
    "followed": ("ext", ""),
    "csat": ("ring", "info"),
    "links_ended": ("slash", "warning"),
}
CHANNEL_ICONS = {"mail": "mail", "phone": "phone", "chat": "chat", "form": "edit", "tool": "hook"}


# -- the timeline


@dataclass(frozen=True)
class Line:
    """One line of the timeline, ready to be drawn. `kind` is message, event or clock."""

    kind: str
    at: datetime
    key: str
    row: Any
    glyph: str = "dot"
    tone: str = ""
    who: str = ""
    person: Any = None
    tag: str = ""
    icon: str = ""
    style: str = ""
    body: SafeString | str = ""
    is_cut: bool = False
    quoted: str = ""
    origin: Ticket | None = None
    is_new: bool = False
    text: str = ""
    bold: str = ""
    ref: str = ""  # of what an event is about, with an address; `rest` stands behind it
    rest: str = ""

    @property
    def files(self) -> Sequence[Any]:
        return list(self.row.attachments.all())

    @property
    def is_held(self) -> bool:
        return bool(self.row.status == TicketMessage.Status.HELD)


def lines(story: Story, *, seen: int | None = None) -> list[Line]:
    """The entries as lines. What was said after message `seen` is marked as new."""
    drawn = []
    budget = BUDGET
    for entry in reversed(story.entries):
        if entry.rank == MESSAGE:
            line = _said(entry, story, budget, seen)
            budget = max(0, budget - len(line.body) - len(line.quoted))
        elif entry.rank == CLOCK:
            line = _promised(entry)
        else:
            line = _happened(entry)
        drawn.append(line)
    return drawn[::-1]


def _said(entry: Entry, story: Story, budget: int, seen: int | None) -> Line:
    message: TicketMessage = entry.row
    limit = min(LONGEST, max(LEAST, budget // 2))
    body = _shown(message, limit)
    is_note = message.author == Author.NOTE
    outside = message.author == Author.REQUESTER
    who, person = _speaker(message)
    return Line(
        kind="message",
        at=message.at,
        key=f"m{message.pk}",
        row=message,
        who=who,
        person=person,
        tag=_tag(message),
        icon="lock" if is_note else CHANNEL_ICONS.get(message.channel, "out"),
        style="note" if is_note else "customer" if outside else "reply",
        body=body,
        is_cut=len(message.body) > limit,
        quoted=clip(message.quoted, QUOTED) if message.quoted and budget > LONGEST else "",
        origin=story.merged.get(message.ticket_id),
        is_new=seen is not None and message.pk > seen,
    )


def _shown(message: TicketMessage, limit: int) -> SafeString:
    """What somebody wrote, as safe HTML; where markup outgrows its source, less of it."""
    html = markdown(clip(message.body, limit))
    if len(html) > limit * 2:
        html = markdown(clip(message.body, limit // 4))
    return html


def _speaker(message: TicketMessage) -> tuple[str, Any]:
    """A name, and whose color it has."""
    if message.author == Author.REQUESTER and message.contact is not None:
        contact = message.contact
        return contact.name or contact.email, contact.name or contact.email
    return message.actor_label, message.actor or message.actor_label


def _tag(message: TicketMessage) -> str:
    if message.author == Author.REQUESTER:
        by = message.actor_label if message.actor_kind == ActorKind.PERSON else ""
        channel = message.get_channel_display()
        return f"{channel}, written down by {by}" if by and message.channel != "portal" else channel
    return {
        Author.NOTE: "Internal note",
        Author.AUTO: "Automatic",
        Author.UPDATE: "Incident update",
    }.get(Author(message.author), "Public reply")


def _promised(entry: Entry) -> Line:
    """A fact of a clock: "First reply met at 08:29"."""
    event = entry.row
    metric = str(Metric(event.clock.metric).label)
    late = event.due_before is not None and event.at > event.due_before
    words, glyph, tone = {
        "breach": ("was missed", "over", "danger"),
        "unbreach": ("counts as not missed", "check", ""),
        "reopen": ("runs on", "clock", ""),
        "waive": (f"is waived: {event.cause}", "slash", ""),
        "stop": ("given late", "warn", "warning") if late else ("met", "check", "success"),
    }[event.what]
    if event.what == "stop" and event.clock.without_reply:
        words, glyph, tone = "ended without a reply", "slash", ""
    return Line("clock", event.at, f"c{event.pk}", event, glyph, tone, bold=metric, text=words)


def _happened(entry: Entry) -> Line:
    event: TicketEvent = entry.row
    glyph, tone = LOOKS.get(event.what, ("dot", ""))
    text, ref, rest = event.text, event.subject_ref if event.subject_url else "", ""
    if ref and ref in text:  # the reference itself is the link
        text, _, rest = text.partition(ref)
    return Line(
        "event", event.at, f"e{event.pk}", event, glyph, tone, text=text, ref=ref, rest=rest
    )


# -- the right column


@dataclass(frozen=True)
class Link:
    """A link with what is known of the other end just now; `label` empty where it is hidden."""

    row: TicketLink
    label: str
    status: str = ""
    severity: str = ""
    vocabulary: str = ""
    url: str = ""


@dataclass(frozen=True)
class Facts:
    """Who answers for it, who asks, what it is about."""

    owners: ownership.Owners
    on_call: Sequence[Shift]
    schedule_name: str
    watchers: Sequence[Person]
    is_watched: bool
    history: selectors.History
    links: Sequence[Link]
    asked: Sequence[RequestField]
    answers: Sequence[tuple[str, str]]
    connection: Connection | None
    contacts: Sequence[Any]
    csat: Sequence[Any]

    @property
    def blockers(self) -> list[Link]:
        """What stands in the way of resolving."""
        blocking = TicketLink.Relation.BLOCKS
        return [x for x in self.links if x.row.relation == blocking and x.row.done_at is None]


def facts(ticket: Ticket, viewer: Person, *, now: datetime) -> Facts:
    schedule = rotations.schedule_of(ticket.surface)
    shifts = [
        shift
        for duty in (oncall.duties_of([schedule], now=now) if schedule else [])
        for shift in duty.shifts
        if duty.role == Role.PRIMARY
    ]
    watchers = list(Person.objects.active().filter(watched_tickets__ticket=ticket).order_by("name"))
    asked = list(RequestField.objects.filter(request_type=ticket.request_type_id))
    connection = None
    if ticket.connection_id:
        rows = Connection.objects.select_related("source__project__org")
        connection = rows.filter(pk=ticket.connection_id).first()
    return Facts(
        owners=ownership.owners(ticket.surface, at=now),
        on_call=shifts,
        schedule_name=schedule.name if schedule else "",
        watchers=watchers,
        is_watched=any(one.pk == viewer.pk for one in watchers),
        history=selectors.history_of(ticket, viewer),
        links=links_of(ticket, viewer),
        asked=asked,
        answers=list(_answers(ticket, asked)),
        connection=connection,
        contacts=list(ticket.contacts.select_related("contact").order_by("pk")[:20]),
        csat=list(ticket.csat.order_by("-cycle")[:3]),
    )


def _answers(ticket: Ticket, asked: Sequence[RequestField]) -> Iterator[tuple[str, str]]:
    """What is known of the product's context: by the type's questions, then what came besides."""
    labels = {one.key: one.label for one in asked}
    for key in [*labels, *(key for key in ticket.fields if key not in labels)]:
        if value := str(ticket.fields.get(key, "")):
            yield labels.get(key) or key.replace("_", " ").capitalize(), clip(value, 300)


def links_of(ticket: Ticket, viewer: Person) -> list[Link]:
    """The links, with names and states of incidents and tickets that the viewer may see."""
    rows = list(ticket.links.order_by("done_at", "pk")[:50])
    incidents = {
        one.ref: one
        for one in Incident.objects.visible_to(viewer).filter(pk__in=_numbers(rows, "incident"))
    }
    tickets = {
        one.ref: one
        for one in Ticket.objects.visible_to(viewer).filter(pk__in=_numbers(rows, "ticket"))
    }
    return [_link(row, incidents.get(row.ref), tickets.get(row.ref)) for row in rows]


def _numbers(rows: Sequence[TicketLink], kind: str) -> list[int]:
    digits = [row.ref.rpartition("-")[2] for row in rows if row.kind == kind]
    return [int(one) for one in digits if one.isascii() and one.isdigit() and len(one) < 19]


def _link(row: TicketLink, incident: Incident | None, other: Ticket | None) -> Link:
    if row.kind == TicketLink.Kind.INCIDENT:
        if incident is None:
            return Link(row, "", url="")
        return Link(row, incident.title, incident.status, incident.severity, "incident", row.url)
    if row.kind == TicketLink.Kind.TICKET:
        if other is None:
            return Link(row, "", url="")
        return Link(row, other.subject, other.status, "", "ticket", row.url)
    return Link(row, row.label, url=row.url)


# -- the queue that it was opened from


@dataclass(frozen=True)
class Neighbors:
    """The tickets before and after it in the list that it was opened from."""

    query: str = ""
    label: str = "Tickets"
    previous: Ticket | None = None
    next: Ticket | None = None


def neighbors(ticket: Ticket, viewer: Person, query: str, *, now: datetime) -> Neighbors:
    """Before and after in the list of that query string; nothing when it came from elsewhere."""
    if not query:
        return Neighbors()
    params = parse_qs(query, max_num_fields=100)
    filters = queue.parse(params)
    label = queue.TABS[filters.view]
    found = queue.matching(viewer, filters, now=now).exclude(pk=ticket.pk)
    sides = {}
    for back in (True, False):
        at = (
            Mark(back, ticket.pk, ticket.priority, ticket.sla_due_at)
            if filters.by_due
            else Mark(back, ticket.pk)
        )
        rows = queue.page(found, by_due=filters.by_due, cursor=at.write(), size=1).rows
        sides[back] = rows[0] if rows else None
    return Neighbors(query, label, previous=sides[True], next=sides[False])


def list_query(params: Mapping[str, Any]) -> str:
    """What of a list's address says which tickets it shows, without the page of it."""
    kept = [(k, v) for k, values in params.items() if k not in {"cursor"} for v in values]
    return urlencode(kept)[:1000]


# -- what may be done


@dataclass(frozen=True)
class Step:
    """An action of the page: `why` it cannot be taken now, empty when it can."""

    key: str
    label: str
    why: str = ""
    kbd: str = ""


@dataclass(frozen=True)
class Steps:
    """All actions by key; those that make no sense in this state are not there."""

    by_key: Mapping[str, Step] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Step | None:
        """For templates: `steps.resolve`."""
        return self.by_key.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self.by_key


BARE = {"resolve": "e", "snooze": "h", "merge": "m", "assign": "a", "link": "l"}


def steps(ticket: Ticket, viewer: Person, blockers: Sequence[Link]) -> Steps:
    """What a person may do with the ticket, and why not."""
    refusal = why_not(viewer, Grant.SUPPORT)
    status = ticket.status
    found: dict[str, Step] = {}

    def add(key: str, label: str, why: str = "") -> None:
        found[key] = Step(key, label, refusal or why, BARE.get(key, ""))

    for verb in lifecycle.verbs_from(status):
        key = "accept" if verb.key == "triage" else verb.key
        add(key, verb.label, _why_not_verb(verb.key, ticket, blockers))
    ended = status not in lifecycle.ACTIVE
    over = f"The ticket is {ticket.get_status_display().lower()}." if ended else ""
    add("escalate", "Escalate now", over)
    add("snooze", "Snooze", over)
    for key, label in (("assign", "Assign"), ("link", "Add a link"), ("edit", "Edit")):
        add(key, label, _fixed(ticket))
    add("priority", "Priority", over)
    if status == lifecycle.MERGED:
        add("unmerge", "Undo the merge")
    return Steps(found)


def _fixed(ticket: Ticket) -> str:
    if ticket.status == lifecycle.MERGED:
        return "It is merged. Work on the ticket that it went into."
    return ""


def _why_not_verb(key: str, ticket: Ticket, blockers: Sequence[Link]) -> str:
    if key == "wait" and ticket.awaits_us:
        return "Ask the customer something first: “Send and wait” does both."
    if key == "resolve" and blockers:
        return f"{', '.join(link.row.ref for link in blockers[:3])} blocks this ticket."
    return ""


def why_not_write(ticket: Ticket, viewer: Person) -> str:
    """Why nothing public can be said on it; notes are possible always."""
    if refusal := why_not(viewer, Grant.SUPPORT):
        return refusal
    if ticket.status == lifecycle.MERGED and ticket.merged_into is not None:
        return f"It is merged: write on {ticket.merged_into.ref}."
    if ticket.status in {lifecycle.SPAM, lifecycle.CLOSED}:
        return f"The ticket is {ticket.get_status_display().lower()}."
    return ""


# -- the composer


def drafts_of(ticket: Ticket, viewer: Person) -> dict[bool, Draft]:
    """What the viewer has not sent yet, by whether it is public."""
    return {one.is_public: one for one in Draft.objects.filter(ticket=ticket, person=viewer)}


def macros_for(ticket: Ticket) -> list[Macro]:
    """Macros for every type, and those of this one."""
    rows = Macro.objects.filter(archived_at=None).prefetch_related("request_types")
    return [
        macro
        for macro in rows
        if not (of := [one.pk for one in macro.request_types.all()]) or ticket.request_type_id in of
    ]


def paged_by(ticket: Ticket, *, now: datetime) -> str:
    """Whom an escalation of this ticket would wake first, by its surface's policy as it is now."""
    snapshot = snapshot_for(policy_of(ticket.surface))
    first = plan.start(snapshot, now)
    if first is None:
        return ""
    page = Page(
        pk=0,
        surface=ticket.surface,
        kind=ticket.kind,
        recipients=[ticket.owner_id] if ticket.kind != "real" and ticket.owner_id else [],
        policy_snapshot=snapshot,
        step=first.step,
        next_at=first.due_at,
    )
    found = paging.coming([page], now=now).get(0)
    return found.names if found is not None and found.found else ""
