"""What agents do at their desk: drafts, presence, saved views, macros, many tickets at once, and
logging what somebody just told them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, Q

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core.audit import Actor
from apps.core.errors import DomainError, Invalid, NotAllowed, NotFound
from apps.core.text import one_line
from apps.customers import services as customers
from apps.customers.models import Contact
from apps.ownership.models import Surface
from apps.support.models import Draft, Macro, Presence, RequestType, SavedView, Ticket, TicketLink
from apps.support.selectors.queue import SEEN, of_view
from apps.support.services import links, tickets
from apps.support.services.files import Accepted

MAX_DRAFT = 200_000  # characters
MAX_VIEWS = 30  # of one person, and of everybody
AT_ONCE = 100  # tickets of one bulk action


# -- unfinished words


@transaction.atomic
def save_draft(
    *, ticket: Ticket, person: Person, is_public: bool, body: str, now: datetime
) -> Draft | None:
    """Keep what somebody has typed so far; nothing typed drops it."""
    if not body.strip():
        drop_draft(ticket=ticket, person=person, is_public=is_public)
        return None
    draft, _ = Draft.objects.update_or_create(
        ticket=ticket,
        person=person,
        is_public=is_public,
        defaults={"body": body[:MAX_DRAFT].replace("\x00", ""), "saved_at": now},
    )
    return draft


def drop_draft(*, ticket: Ticket, person: Person, is_public: bool) -> None:
    """The words were sent, or given up."""
    Draft.objects.filter(ticket=ticket, person=person, is_public=is_public).delete()


# -- who is there


def be_present(*, ticket: Ticket, person: Person, is_writing: bool, now: datetime) -> None:
    """`person` has the ticket open; said again every few seconds while that is so."""
    with suppress(IntegrityError):  # the ticket went with the demo while it was open
        Presence.objects.update_or_create(
            ticket=ticket, person=person, defaults={"is_writing": is_writing, "seen_at": now}
        )


def leave(*, ticket: Ticket, person: Person) -> None:
    """`person` has closed the ticket."""
    Presence.objects.filter(ticket=ticket, person=person).delete()


def forget_absent(*, now: datetime) -> int:
    """Rows of people who left without a word; answers how many."""
    gone, _ = Presence.objects.filter(seen_at__lt=now - SEEN * 10).delete()
    return gone


# -- saved views


@transaction.atomic
def save_view(
    *,
    view: SavedView | None,
    person: Person,
    name: str,
    now: datetime,
    query: str | None = None,
    shared: bool = False,
) -> SavedView:
    """Keep filters under a name, for oneself or (`shared`, EDIT_SUPPORT) for everybody; or give a
    kept view another name or other filters.

    Raises Invalid for a name that is missing, too long or taken, NotAllowed without the grant.
    """
    shared = view.person_id is None if view else shared
    _may_edit(person, shared)
    title = one_line(name)
    owner = None if shared else person
    beside = SavedView.objects.filter(person=owner)
    if view is not None:
        beside = beside.exclude(pk=view.pk)
    _check_name(title, beside.filter(name__iexact=title).exists())
    if view is None:
        if beside.count() >= MAX_VIEWS:
            raise Invalid(f"There are {MAX_VIEWS} views already. Delete one first.")
        last = beside.aggregate(last=Max("position"))["last"]
        view = SavedView(person=owner, created_at=now, position=(last or 0) + 1)
    view.name = title
    if query is not None:
        view.query = query
        view.query = of_view(view).query()  # only filters that exist, written one way
        if len(view.query) > 1000:
            raise Invalid("These are too many filters for one view.")
    view.save()
    return view


def _may_edit(person: Person, shared: bool) -> None:
    if shared and not person.may(Grant.EDIT_SUPPORT):
        raise NotAllowed("Everybody's views are kept by managers.")


def _check_name(title: str, taken: bool) -> None:
    wrong = ""
    if not title:
        wrong = "Give the view a name."
    elif len(title) > 60:
        wrong = "A name has at most 60 characters."
    elif taken:
        wrong = f"There is a view called {title} already."
    if wrong:
        raise Invalid(wrong, fields={"name": [wrong]})


def find_view(*, pk: int, person: Person) -> SavedView:
    """A view that the person may see; NotFound for somebody else's."""
    seen = Q(person=None) | Q(person=person)
    view = SavedView.objects.filter(seen, pk=pk).first()
    if view is None:
        raise NotFound("This view is gone.")
    return view


def delete_view(*, view: SavedView, person: Person) -> None:
    """Take a view away; the tickets that it shows stay. Raises NotAllowed for everybody's."""
    _may_edit(person, view.person_id is None)
    view.delete()


@transaction.atomic
def move_view(*, view: SavedView, person: Person, by: int) -> None:
    """One place up (`by` -1) or down (1) among its like; at the end it stays where it is."""
    _may_edit(person, view.person_id is None)
    rows = SavedView.objects.select_for_update().filter(person=view.person_id)
    order = list(rows.order_by("position", "pk"))
    at = order.index(view)
    order.insert(max(0, at + by), order.pop(at))
    for number, row in enumerate(order, start=1):
        row.position = number
    SavedView.objects.bulk_update(order, ["position"])


# -- macros


@dataclass(frozen=True)
class Filled:
    """A macro made ready for a ticket: its words with the blanks filled, and what follows."""

    body: str
    is_public: bool
    then: str
    resolution_code: str


@transaction.atomic
def use_macro(
    *, macro: Macro, ticket: Ticket, person: Person, actor: Actor, now: datetime
) -> Filled:
    """Fill a macro in for a ticket and add its tags; the words are sent by whoever reads them."""
    if macro.archived_at:
        raise NotFound("This macro is no longer used.")
    if macro.add_tags:
        tickets.tag(ticket=ticket, add=macro.add_tags, actor=actor, now=now)
    words = {
        "{requester}": ticket.requester.name or ticket.requester.email,
        "{ref}": ticket.ref,
        "{subject}": ticket.subject,
        "{agent}": person.first_name,
        "{surface}": ticket.surface.name if ticket.surface else "",
    }
    body = macro.body
    for blank, word in words.items():
        body = body.replace(blank, word)
    return Filled(body, macro.is_public, macro.then, macro.resolution_code)


# -- many at once


@dataclass(frozen=True)
class Outcome:
    """What was done with each ticket: references that went well, and (reference, why not)."""

    done: list[str]
    refused: list[tuple[str, str]]


def for_each(*, user: Any, pks: Iterable[int], act: Callable[[Ticket], object]) -> Outcome:
    """Do the same with every ticket, each in a transaction of its own, in the order given.

    What `user` may not see counts as not there. Raises Invalid for none or more than AT_ONCE.
    """
    wanted = list(dict.fromkeys(pks))
    if not wanted:
        raise Invalid("Select at least one ticket.")
    if len(wanted) > AT_ONCE:
        raise Invalid(f"At most {AT_ONCE} tickets at once; {len(wanted)} are selected.")
    rows = Ticket.objects.visible_to(user).select_related("requester", "surface").in_bulk(wanted)
    outcome = Outcome([], [])
    for pk in wanted:
        ticket = rows.get(pk)
        if ticket is None:
            outcome.refused.append((f"TCK-{pk}", "There is no such ticket."))
            continue
        try:
            with transaction.atomic():
                act(ticket)
        except DomainError as error:
            outcome.refused.append((ticket.ref, error.message))
        else:
            outcome.done.append(ticket.ref)
    return outcome


# -- logging


@transaction.atomic
def log_ticket(
    *,
    requester: str,
    subject: str,
    request_type: RequestType,
    actor: Actor,
    now: datetime,
    body: str = "",
    channel: str = Ticket.Channel.PORTAL,
    impact: str = "",
    urgency: str = "",
    surface: Surface | None = None,
    fields: Mapping[str, Any] | None = None,
    tags: Sequence[str] = (),
    answered: bool = False,
    incident: str = "",
    files: Sequence[Accepted] = (),
) -> Ticket:
    """Log what somebody told an agent. `requester` is an address, known or new; `incident` the
    reference of an incident that it waits for.

    Raises Invalid with the fields that are wrong; then nothing is kept, no contact either.
    """
    ticket = tickets.open_ticket(
        subject=subject,
        request_type=request_type,
        requester=contact_of(text=requester, actor=actor, now=now),
        actor=actor,
        now=now,
        body=body,
        channel=channel,
        impact=impact,
        urgency=urgency,
        surface=surface,
        fields=fields,
        tags=tags,
        answered=answered,
        files_=files,
    )
    if incident:
        links.link(
            ticket=ticket,
            kind=TicketLink.Kind.INCIDENT,
            ref=incident,
            relation=TicketLink.Relation.BLOCKS,
            actor=actor,
            now=now,
        )
    return ticket


def contact_of(*, text: str, actor: Actor, now: datetime) -> Contact:
    """The contact of an address or `Name <address>`, made if new; Invalid about `requester`."""
    try:
        found, _ = customers.find_or_create_contact(email=text, actor=actor, now=now)
    except Invalid as error:
        raise Invalid(error.message, fields={"requester": [error.message]}) from error
    return found


@transaction.atomic
def change_copied(
    *, ticket: Ticket, actor: Actor, now: datetime, add: str = "", remove: int | None = None
) -> None:
    """Copy in the contact of an address (`Name <address>`, known or new), leave out one by id.

    Raises Invalid about `add` for what is no address.
    """
    if add.strip():
        try:
            contact, _ = customers.find_or_create_contact(email=add, actor=actor, now=now)
        except Invalid as error:
            raise Invalid(error.message, fields={"add": [error.message]}) from error
        tickets.copy_in(ticket=ticket, contact=contact, actor=actor, now=now)
    row = ticket.contacts.select_related("contact").filter(contact=remove).first()
    if row is not None:
        tickets.leave_out(ticket=ticket, contact=row.contact, actor=actor, now=now)


@transaction.atomic
def log_me_too(
    *, user: Any, pk: int, requester: str, body: str, actor: Actor, now: datetime
) -> Ticket:
    """Somebody has the problem of a known ticket: counted there, no new one. NotFound, Invalid."""
    ticket = Ticket.objects.visible_to(user).filter(pk=pk).first()
    if ticket is None:
        raise NotFound("There is no such ticket.")
    contact = contact_of(text=requester, actor=actor, now=now)
    return tickets.me_too(ticket=ticket, contact=contact, actor=actor, now=now, note=body.strip())
