"""Removing the demo world, and nothing else.

The rule, in the order in which it is applied:
1. Demo is who is marked `is_demo`, what the loader wrote down (the `demo` heartbeat), and what
   those own: a demo integration's deliveries and alerts, the pages and incidents they opened.
2. Whatever a row that stays refers to stays too, archived and named, with the parts that make it
   whole (a kept schedule keeps its shifts). That is repeated until nothing changes.
3. The rest is deleted in one transaction, together with its history.

Step 2 asks the database's own foreign keys, so a table that is added later is never forgotten: a
row of it that refers to the demo world keeps what it refers to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pghistory.models
import pgtrigger
import structlog
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from django.db.models import ForeignKey, Model, Q

from apps.accounts.models import ApiKey, Membership, Person, Team
from apps.accounts.roles import Grant
from apps.alerts.models import Alert, AlertGroup, AlertNote, RoutingRule, SourceClock
from apps.changes.models import Change
from apps.core.errors import Conflict
from apps.core.models import Heartbeat, StatusChange
from apps.customers.models import Account, Connection, Contact, Org, Project, Source
from apps.incidents.models import Incident, IncidentLink, TimelineEntry
from apps.intake.models import Delivery, Event, Integration
from apps.notifications.models import (
    ContactMethod,
    Invitation,
    Message,
    NotificationRule,
    QuietHours,
    WebhookDelivery,
    WebhookEndpoint,
)
from apps.ownership.models import (
    ExternalParty,
    OwnershipAssignment,
    Position,
    PositionHolding,
    Surface,
    SurfaceDependency,
)
from apps.paging.models import (
    EscalationPolicy,
    EscalationStep,
    Page,
    PageNote,
    PageStep,
    StepTarget,
    SurfacePolicy,
)
from apps.rotations import services as rotations
from apps.rotations.models import (
    CoverageGap,
    Handoff,
    Layer,
    LayerMember,
    LayerVersion,
    Override,
    Schedule,
    Shift,
    SurfaceSchedule,
)
from apps.support.models import (
    Attachment,
    ClockEvent,
    Csat,
    Draft,
    InboundMail,
    Macro,
    Mailbox,
    Presence,
    Queue,
    RequestType,
    SavedView,
    StoredFile,
    Ticket,
    TicketClock,
    TicketContact,
    TicketEvent,
    TicketLink,
    TicketMessage,
    TicketText,
    TicketWatcher,
)

log = structlog.get_logger("opsportal.portal")
MARKER = "demo"
_OF_TICKETS = ("ticket", "ticket_message", "ticket_clock")
Table = type[Model]
Ids = dict[Table, set[int]]

# What the loader writes down, by the names in its marker.
ROOTS: Mapping[str, Table] = {
    "teams": Team,
    "surfaces": Surface,
    "schedules": Schedule,
    "policies": EscalationPolicy,
    "integrations": Integration,
    "positions": Position,
    "parties": ExternalParty,
    "api_keys": ApiKey,
    "rules": RoutingRule,
    "accounts": Account,
    "orgs": Org,
    "contacts": Contact,
    "queues": Queue,
    "mailboxes": Mailbox,
    "endpoints": WebhookEndpoint,
    "macros": Macro,
    "views": SavedView,
    "tickets": Ticket,
}
NAMED = frozenset({Person, *ROOTS.values()})  # told when they must stay
ARCHIVED = NAMED - {SavedView, Ticket}
# Rows that exist only as part of their owner and go with it.
GOES_WITH: Mapping[Table, tuple[str, ...]] = {
    Membership: ("team", "person"),
    ContactMethod: ("person",),
    NotificationRule: ("person",),
    QuietHours: ("person",),
    Invitation: ("person",),
    SurfaceDependency: ("surface",),
    OwnershipAssignment: ("surface",),
    SurfacePolicy: ("surface",),
    SurfaceSchedule: ("surface",),
    RoutingRule: ("integration",),
    Delivery: ("integration",),
    AlertGroup: ("integration",),
    Alert: ("integration",),
    SourceClock: ("integration",),
    EmailAddress: ("user",),
    Org: ("account",),
    Contact: ("account",),
    SavedView: ("person",),
    Draft: ("ticket", "person"),
    Presence: ("ticket", "person"),
    TicketWatcher: ("ticket", "person"),
    InboundMail: ("ticket",),
}
# Parts without which their owner would no longer tell the truth: a kept owner keeps them.
PARTS: Mapping[Table, tuple[str, ...]] = {
    PositionHolding: ("position",),
    Layer: ("schedule",),
    LayerVersion: ("layer",),
    LayerMember: ("version",),
    Override: ("schedule",),
    Shift: ("schedule",),
    Handoff: ("schedule",),
    CoverageGap: ("schedule", "surface"),
    EscalationStep: ("policy",),
    StepTarget: ("step",),
    Event: ("delivery",),
    AlertNote: ("alert",),
    PageNote: ("page",),
    PageStep: ("page",),
    IncidentLink: ("incident",),
    TimelineEntry: ("incident",),
    Project: ("org",),
    Source: ("project",),
    Connection: ("source",),
    WebhookDelivery: ("endpoint",),
    TicketText: ("ticket",),
    TicketMessage: ("ticket",),
    TicketEvent: ("ticket",),
    TicketLink: ("ticket",),
    TicketContact: ("ticket",),
    TicketClock: ("ticket",),
    ClockEvent: ("clock",),
    Csat: ("ticket",),
    Attachment: ("message",),
}
# What ships with the product and was only bound to the demo world lets go of it.
LETS_GO: Mapping[Table, tuple[str, ...]] = {RequestType: ("surface", "owner")}
NOUNS: Mapping[Table, tuple[str, str]] = {
    Person: ("demo person", "demo people"),
    Team: ("team", "teams"),
    Surface: ("surface", "surfaces"),
    Schedule: ("schedule", "schedules"),
    EscalationPolicy: ("escalation policy", "escalation policies"),
    Integration: ("integration", "integrations"),
    Position: ("position", "positions"),
    ExternalParty: ("external party", "external parties"),
    ApiKey: ("API key", "API keys"),
    RoutingRule: ("routing rule", "routing rules"),
    Account: ("customer", "customers"),
    Org: ("org", "orgs"),
    Contact: ("contact", "contacts"),
    Ticket: ("ticket", "tickets"),
    TicketMessage: ("ticket message", "ticket messages"),
    Queue: ("queue", "queues"),
    Mailbox: ("mailbox", "mailboxes"),
    Macro: ("macro", "macros"),
    SavedView: ("saved view", "saved views"),
    WebhookEndpoint: ("webhook", "webhooks"),
    Incident: ("incident", "incidents"),
    Alert: ("alert", "alerts"),
    Page: ("page", "pages"),
    Change: ("change", "changes"),
    Delivery: ("delivery", "deliveries"),
    Message: ("message", "messages"),
    Shift: ("shift", "shifts"),
}


@dataclass(frozen=True)
class Kept:
    """Something of the demo world that stays, archived, and the row that refers to it."""

    noun: str
    name: str
    because: str


@dataclass
class Removal:
    """What removing the demo world would do, or did: rows by table, and what stays."""

    going: Ids = field(default_factory=dict)
    staying: Ids = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(len(ids) for ids in self.going.values())

    @property
    def counts(self) -> list[tuple[int, str]]:
        """Figures for people, in the order of `NOUNS`; the rest is "other rows"."""
        found = [
            (len(ids), NOUNS[table][len(ids) != 1])
            for table in NOUNS
            if (ids := self.going.get(table))
        ]
        rest = self.total - sum(number for number, _ in found)
        return [*found, (rest, "other rows")] if rest else found


def is_demo_present() -> bool:
    """Whether anything of the demo world is here, archived leftovers aside."""
    return (
        Heartbeat.objects.filter(name=MARKER).exclude(detail={}).exists()
        or Person.objects.active().filter(is_demo=True).exists()
    )


def has_mailbox(person: Person) -> bool:
    """Whether the in-app mailbox has anything to do with somebody: a demo person's own, or, to a
    manager, that of the demo people who are here."""
    if person.is_demo or not person.may(Grant.EDIT_PEOPLE):
        return person.is_demo
    return Person.objects.active().filter(is_demo=True).exists()


def plan_removal() -> Removal:
    """What `remove_demo` would do now; changes nothing."""
    roots = _roots()
    going = {table: set(ids) for table, ids in roots.items()}
    _add_content(going, roots)
    _add_followers(going)
    removal = Removal(going=going)
    _add_records(going)
    tables = _tables()
    while tables:
        before = {table: len(ids) for table, ids in removal.staying.items()}
        _keep_what_is_referred_to(removal, tables)
        _keep_parts(removal)
        _add_records(going)
        # From here on only what has just been kept can refer to more, and records about it.
        grown = [t for t, ids in removal.staying.items() if len(ids) > before.get(t, 0)]
        tables = [*grown, StatusChange, LogEntry] if grown else []
    removal.going = {table: ids for table, ids in going.items() if ids}
    return removal


def remove_demo(*, now: datetime) -> Removal:
    """Delete the demo world in one transaction; what real rows refer to is archived instead.

    Raises Conflict when real people would be left without a manager, or when the demo world
    changed while it was being removed.
    """
    _refuse_without_manager()
    try:
        with transaction.atomic():
            removal = plan_removal()
            _delete_all(removal)
            for table, ids in removal.staying.items():
                if table in ARCHIVED:
                    _archive(table, ids, now)
            Heartbeat.objects.filter(name=MARKER).update(detail={}, beat_at=now)
    except IntegrityError as error:
        raise Conflict(
            "Something new happened in the demo world meanwhile. Nothing was removed; try again."
        ) from error
    log.info("demo data removed", rows=removal.total, kept=[kept.name for kept in removal.kept])
    return removal


def _refuse_without_manager() -> None:
    real = Person.objects.active().filter(is_demo=False)
    if real.exists() and not real.managers().exists():
        raise Conflict("Make a real person a manager first: without one nobody could manage this.")


# -- what is demo


def _roots() -> Ids:
    marker = Heartbeat.objects.filter(name=MARKER).values_list("detail", flat=True).first() or {}
    found: Ids = {Person: _ids(Person, Q(is_demo=True))}
    for name, table in ROOTS.items():
        wanted = [int(pk) for pk in marker.get(name, [])]
        found[table] = _ids(table, Q(pk__in=wanted))
    return found


def _ids(table: Table, condition: Q) -> set[int]:
    return set(table._default_manager.filter(condition).values_list("pk", flat=True))


def _add_content(going: Ids, roots: Ids) -> None:
    """Tickets, and pages, incidents, changes and messages, which name their cause as text."""
    people, surfaces, integrations = (
        list(roots[table]) for table in (Person, Surface, Integration)
    )
    going[Ticket] |= _tickets(people, list(roots[Contact]))
    real_groups = AlertGroup.objects.exclude(integration_id__in=integrations).exclude(page=None)
    going[Page] = _ids(
        Page,
        (
            Q(alert_groups__integration_id__in=integrations)
            | Q(surface_id__in=surfaces)
            | Q(opener_kind="ticket", opener_ref__in=[str(pk) for pk in going[Ticket]])
        )
        & ~Q(pk__in=real_groups.values("page_id")),
    )
    going[Incident] = _ids(
        Incident,
        Q(group_integration_id__in=integrations)
        | (Q(group_integration_id=None) & Q(pk__in=_incidents_by_hand(people, surfaces))),
    )
    spoken_for = Integration.objects.exclude(pk__in=integrations).values("surface_id")
    going[Change] = _ids(
        Change, Q(surface_id__in=surfaces) & ~Q(surface_id__in=spoken_for.exclude(surface=None))
    )
    going[Message] = _messages(going, people)


def _tickets(people: list[int], contacts: list[int]) -> set[int]:
    """Of a demo contact, where no real person has said or done anything."""
    of_demo = Ticket.objects.filter(requester_id__in=contacts)
    done = TicketEvent.objects.exclude(actor=None).exclude(actor_id__in=people)
    said = TicketMessage.objects.exclude(actor=None).exclude(actor_id__in=people)
    of_demo = of_demo.exclude(pk__in=done.values("ticket_id"))
    of_demo = of_demo.exclude(pk__in=said.values("ticket_id"))
    return set(of_demo.values_list("pk", flat=True))


def _incidents_by_hand(people: list[int], surfaces: list[int]) -> set[int]:
    """Declared on a demo surface or on none, and not by a real person."""
    candidates = Incident.objects.filter(
        Q(surface_id__in=surfaces) | Q(surface=None), group_integration_id=None
    )
    by_real = TimelineEntry.objects.exclude(actor=None).exclude(actor_id__in=people)
    by_demo = TimelineEntry.objects.filter(actor_id__in=people)
    mine = Q(surface_id__in=surfaces) | Q(pk__in=by_demo.values("incident_id"))
    ids = candidates.filter(mine).exclude(pk__in=by_real.values("incident_id"))
    return set(ids.values_list("pk", flat=True))


def _messages(going: Ids, people: list[int]) -> set[int]:
    """To demo people, or about the demo world; never one about a page or incident that stays."""
    said = _ids(TicketMessage, Q(ticket_id__in=going[Ticket]))
    promised = _ids(TicketClock, Q(ticket_id__in=going[Ticket]))
    about = Q(pk__in=[])
    for kind, ids in (
        ("page", going[Page]),
        ("incident", going[Incident]),
        ("schedule", going[Schedule]),
        ("ticket", going[Ticket]),
        ("ticket_message", said),
        ("ticket_clock", promised),
        ("webhook", going[WebhookEndpoint]),
    ):
        about |= Q(subject_kind=kind, subject_ref__in=[str(pk) for pk in ids])
    real = Q(subject_kind__in=["page", "incident", *_OF_TICKETS]) & ~about
    return _ids(Message, about | (Q(person_id__in=people) & ~real))


def _add_followers(going: Ids) -> None:
    for table, names in {**GOES_WITH, **_parts()}.items():
        going.setdefault(table, set()).update(_owned(table, names, going))


def _parts() -> dict[Table, tuple[str, ...]]:
    """`PARTS` and the rows behind many-to-many fields, which are part of the declaring side."""
    through = {
        table: (_fields(table)[0].name,)  # Django puts the declaring side first
        for table in _tables()
        if table._meta.auto_created
    }
    return {**PARTS, **through}


def _owned(table: Table, names: Iterable[str], going: Ids) -> set[int]:
    found: set[int] = set()
    for name in names:
        owner: Any = table._meta.get_field(name).related_model
        if ids := going.get(owner):
            found |= _ids(table, Q(**{f"{name}_id__in": ids}))
    return found


def _add_records(going: Ids) -> None:
    """What the site wrote down about the rows that go: steps of their states, admin log entries."""
    steps: set[int] = set()
    entries: set[int] = set()
    for table, ids in going.items():
        refs = [str(pk) for pk in ids]
        name = table._meta.label_lower
        if refs and table not in {StatusChange, LogEntry}:
            steps |= _ids(StatusChange, Q(kind=name, ref__in=refs))
            kind = {"app_label": table._meta.app_label, "model": table._meta.model_name}
            of_it = ContentType.objects.filter(**kind)  # a look at a plan writes nothing
            entries |= _ids(LogEntry, Q(content_type__in=of_it, object_id__in=refs))
    going[StatusChange], going[LogEntry] = steps, entries


# -- what must stay


def _keep_what_is_referred_to(removal: Removal, tables: Iterable[Table]) -> None:
    """Take out of the plan whatever a staying row of these tables refers to."""
    for table in tables:
        for column in _fields(table):
            target: Any = column.related_model
            ids = removal.going.get(target)
            if not ids or column.name in LETS_GO.get(table, ()):
                continue
            for pk, referrer in _referrers(table, column, ids, removal.going.get(table, set())):
                _keep(removal, target, pk, f"{table._meta.verbose_name} {referrer}")


def _referrers(
    table: Table, column: ForeignKey[Any, Any], ids: set[int], going: set[int]
) -> Iterator[tuple[int, str]]:
    """(id referred to, the referring row in words), one for each id that a staying row names."""
    rows = (
        table._default_manager.filter(**{f"{column.attname}__in": ids})
        .exclude(pk__in=going)
        .order_by(column.attname, "pk")
        .distinct(column.attname)
    )
    for row in rows:
        yield getattr(row, column.attname), str(row)


def _keep(removal: Removal, table: Table, pk: int, because: str) -> None:
    removal.going[table].discard(pk)
    removal.staying.setdefault(table, set()).add(pk)
    if table in NAMED:
        name = str(table._default_manager.get(pk=pk))
        removal.kept.append(Kept(NOUNS[table][0], name, because[:200]))


def _keep_parts(removal: Removal) -> None:
    """A kept owner keeps its parts, and they theirs, unless another owner of them goes."""
    for table, names in _parts().items():
        owned = _owned(table, names, removal.staying) - _owned(table, names, removal.going)
        kept = owned & removal.going[table]
        removal.going[table] -= kept
        removal.staying.setdefault(table, set()).update(kept)


def _tables() -> list[Table]:
    """Every table of the site that may refer to another, history tables aside."""
    return [
        table
        for table in apps.get_models(include_auto_created=True)
        if not issubclass(table, pghistory.models.Event)
        and table._meta.managed
        and not table._meta.proxy
    ]


def _fields(table: Table) -> list[ForeignKey[Any, Any]]:
    return [column for column in table._meta.concrete_fields if isinstance(column, ForeignKey)]


# -- deleting and archiving


def _delete_all(removal: Removal) -> None:
    """Delete the rows; the constraints are checked at once, while what fails can be said.

    History is append-only by triggers, which are set aside for these statements alone. The inner
    savepoint lets them be put back also after an error.
    """
    _let_go(removal.going)
    attached = Attachment.objects.filter(pk__in=removal.going.get(Attachment, ()))
    files = list(attached.values_list("stored_id", flat=True))
    with pgtrigger.ignore(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL opsportal.rewrite_history = 'on'")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table, ids in removal.going.items():
            _delete(cursor, table, ids)
        used = Attachment.objects.filter(stored_id__in=files).values("stored_id")
        StoredFile.objects.filter(pk__in=files).exclude(pk__in=used).delete()
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL opsportal.rewrite_history = 'off'")


def _let_go(going: Ids) -> None:
    for table, names in LETS_GO.items():
        for name in names:
            owner: Any = table._meta.get_field(name).related_model
            bound = table._default_manager.filter(**{f"{name}_id__in": going.get(owner, ())})
            bound.exclude(pk__in=going.get(table, ())).update(**{name: None})


def _delete(cursor: Any, table: Table, ids: set[int]) -> None:
    """Past Django's own cascades, which would follow a reference into real rows."""
    for history in _histories(table):
        _delete_where(cursor, history, "pgh_obj_id", ids)
    _delete_where(cursor, table, str(table._meta.pk.column), ids)


def _delete_where(cursor: Any, table: Table, column: str, ids: set[int]) -> None:
    quote = connection.ops.quote_name
    cursor.execute(
        f"DELETE FROM {quote(table._meta.db_table)} WHERE {quote(column)} = ANY(%s)",  # noqa: S608 - names come from the models
        [list(ids)],
    )


def _histories(table: Table) -> list[Table]:
    return [
        model
        for model in apps.get_models()
        if issubclass(model, pghistory.models.Event)
        and getattr(model, "pgh_tracked_model", None) is table
    ]


def _archive(table: Table, ids: set[int], now: datetime) -> None:
    """Take what stays out of use, so that nothing of the demo world acts any more."""
    rows = table._default_manager.filter(pk__in=ids)
    if table is Person:
        rows.update(is_active=False, archived_at=now)
    elif table is ApiKey:
        rows.filter(revoked_at=None).update(revoked_at=now)
    elif table is RoutingRule:
        rows.update(active=False)
    elif table in {Mailbox, WebhookEndpoint}:
        rows.update(is_active=False, archived_at=now)
    elif table is EscalationPolicy:
        for policy in EscalationPolicy.objects.filter(pk__in=ids):
            policy.name = f"{policy.name[:60]} (demo {policy.pk})"  # the name is free again
            policy.is_default, policy.archived_at = False, now
            policy.save(update_fields=["name", "is_default", "archived_at"])
    else:
        rows.update(archived_at=now)
    if table is Schedule:
        for schedule in Schedule.objects.filter(pk__in=ids):
            rotations.materialise(schedule=schedule, now=now)
