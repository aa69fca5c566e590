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

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pghistory.models
import pgtrigger
import structlog
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from django.db.models import ForeignKey, Max, Min, Q

from apps.accounts.models import ApiKey, Person
from apps.accounts.roles import Grant
from apps.alerts.models import Alert, AlertGroup, AlertRule, RoutingRule
from apps.alerts.models import Heartbeat as Beat
from apps.changes.models import Change
from apps.core.errors import Conflict
from apps.core.models import Heartbeat, StatusChange
from apps.customers.models import Contact
from apps.incidents.models import Incident, TimelineEntry
from apps.intake.models import Delivery, Integration
from apps.notifications.models import Message, WebhookEndpoint
from apps.ownership.models import Surface
from apps.paging.models import EscalationPolicy, Page
from apps.portal.services.demo_tables import (
    ARCHIVED,
    GOES_WITH,
    LETS_GO,
    MARKER,
    NAMED,
    NOUNS,
    OF_TICKETS,
    PARTS,
    ROOTS,
    Ids,
    Kept,
    Removal,
    Table,
)
from apps.rotations import services as rotations
from apps.rotations.models import Schedule
from apps.support.models import (
    Attachment,
    Mailbox,
    StoredFile,
    Ticket,
    TicketClock,
    TicketEvent,
    TicketMessage,
)
from apps.telemetry import services as telemetry
from apps.telemetry.models import ProfileRun, ReportRun

log = structlog.get_logger("opsportal.portal")


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
            ran = _ran(removal)
            _delete_all(removal)
            if ran:
                telemetry.rebuild_rollups(since=ran[0], until=ran[1])
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


def _ran(removal: Removal) -> tuple[datetime, datetime] | None:
    """From when until when runs go: the sums of those days are counted anew from what stays."""
    ends: list[datetime | None] = []
    for table in (ProfileRun, ReportRun):
        going = table._default_manager.filter(pk__in=removal.going.get(table, ()))
        ends += going.aggregate(first=Min("finished_at"), last=Max("finished_at")).values()
    known = [at for at in ends if at is not None]
    return (min(known), max(known) + timedelta(seconds=1)) if known else None


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
    _own_alerts(going, roots)
    real_groups = (
        AlertGroup.objects.exclude(integration_id__in=integrations)
        .exclude(pk__in=going[AlertGroup])
        .exclude(page=None)
    )
    going[Page] = _ids(
        Page,
        (
            Q(alert_groups__integration_id__in=integrations)
            | Q(alert_groups__in=going[AlertGroup])
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


def _own_alerts(going: Ids, roots: Ids) -> None:
    """What OpsPortal itself raised, for rules and heartbeats of the demo world."""
    keys = AlertRule.objects.filter(pk__in=roots[AlertRule]).values_list("key", flat=True)
    jobs = Beat.objects.filter(pk__in=roots[Beat]).values_list("uuid", flat=True)
    named = Q(dedup_key__in=[f"hb:{uuid}" for uuid in jobs])
    for key in keys:
        named |= Q(dedup_key=f"rule:{key}") | Q(dedup_key__startswith=f"rule:{key}:")
    ours = Q(integration__kind=Integration.Kind.INTERNAL)
    going[Alert] = _ids(Alert, ours & named)
    going[AlertGroup] = _ids(AlertGroup, ours & Q(alerts__in=going[Alert]))
    going[Delivery] = _ids(Delivery, ours & named)


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
    real = Q(subject_kind__in=["page", "incident", *OF_TICKETS]) & ~about
    return _ids(Message, about | (Q(person_id__in=people) & ~real))


def _add_followers(going: Ids) -> None:
    owners = {**GOES_WITH, **{t: names for t, names in _parts().items() if t not in GOES_WITH}}
    for table, names in owners.items():  # owners before their parts
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
