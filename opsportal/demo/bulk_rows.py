"""The rows of drawn lives, written in bulk: the same ones that the services write one by one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import connection, models

from apps.accounts.models import Person
from apps.alerts.models import Alert, AlertGroup, Severity
from apps.incidents.models import Incident
from apps.incidents.services import FROM_ALERT, url_of
from apps.intake.models import Delivery, Event
from apps.notifications.models import Message
from apps.paging.models import Page, PageStep
from opsportal.demo.bulk import Life, Source
from opsportal.demo.bulk_tales import Tales

M = TypeVar("M", bound=models.Model)
_SETTLES = timedelta(
    minutes=1
)  # declared so long after it was taken, resolved so long after it ended


@dataclass(frozen=True)
class Rows:
    """The main rows of one life; their ids are known before anything is written."""

    life: Life
    group: AlertGroup
    alerts: list[Alert]
    page: Page | None
    incident: Incident | None


def write(lives: Sequence[Life], source: Source) -> None:
    """Write all lives, a thousand at a time, the tables in the order of their references."""
    for begin in range(0, len(lives), 1000):
        batch = lives[begin : begin + 1000]
        _deliveries(batch, source)
        _main_rows(list(_drafts(batch, source)), source)


def save(rows: Iterable[M]) -> None:
    found = list(rows)
    if found:
        type(found[0])._default_manager.bulk_create(found, batch_size=1000)


def _ids(table: type[models.Model], number: int) -> Iterator[int]:
    """Fresh ids from the table's own sequence, so that rows can name each other at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [table._meta.db_table, number],
        )
        return iter([row[0] for row in cursor.fetchall()])


def _main_rows(drafts: list[Rows], source: Source) -> None:
    save(rows.page for rows in drafts if rows.page)
    save(rows.group for rows in drafts)
    save(alert for rows in drafts for alert in rows.alerts)
    save(rows.incident for rows in drafts if rows.incident)
    save(
        Incident.participants.through(incident_id=rows.incident.pk, person_id=rows.life.taken_by.pk)
        for rows in drafts
        if rows.incident and rows.life.taken_by
    )
    _steps(drafts)
    save(message for rows in drafts if rows.page for message in _messages(rows.life, rows.page))
    tales = Tales(source.integration)
    for rows in drafts:
        tales.tell(rows.life, rows.alerts, rows.page, rows.incident)
    for found in tales.rows():
        save(found)


def _drafts(lives: Sequence[Life], source: Source) -> Iterator[Rows]:
    """The main rows with their ids, not yet written."""
    groups, pages = _ids(AlertGroup, len(lives)), _ids(Page, len(lives))
    incidents = _ids(Incident, sum(1 for life in lives if life.incident))
    alerts = _ids(Alert, sum(len(life.severities) for life in lives))
    for life in lives:
        group = _group(life, source, next(groups))
        own = [
            _alert(life, source, group, place, next(alerts))
            for place in range(len(life.severities))
        ]
        incident = _incident(life, source, group, next(incidents)) if life.incident else None
        page = _page(life, source, group, own[0], incident, next(pages)) if life.told else None
        group.page = page
        yield Rows(life, group, own, page, incident)


# -- one row each


def _group(life: Life, source: Source, pk: int) -> AlertGroup:
    return AlertGroup(
        pk=pk,
        integration=source.integration,
        key=_digest(f"{'group' if len(life.severities) > 1 else 'alert'}:{_key(life, 0)}"),
        severity=life.severities[0],
        opened_at=life.start,
        closed_at=life.end,
    )


def _alert(life: Life, source: Source, group: AlertGroup, place: int, pk: int) -> Alert:
    seen = _at(life, place)
    taken = life.taken_at if life.taken_at and life.taken_at >= seen else None
    return Alert(
        pk=pk,
        integration=source.integration,
        group=group,
        dedup_key=_key(life, place),
        status=Alert.Status.RESOLVED,
        severity=life.severities[place],
        summary=_summary(life, place),
        surface=life.surface,
        routed_by="named by the event",
        first_seen_at=seen,
        last_seen_at=life.end,
        acknowledged_at=taken,
        resolved_at=life.end,
    )


def _incident(life: Life, source: Source, group: AlertGroup, pk: int) -> Incident:
    assert life.taken_at is not None, "whatever opens an incident was taken by somebody"
    declared = life.incident in {"closed", "resolved", "in_review"}
    over = life.end + _SETTLES if declared else life.end
    incident = Incident(
        pk=pk,
        title=life.summary[:200],
        status="resolved" if life.incident == "quiet" else life.incident,
        severity=FROM_ALERT[Severity(life.severities[0])],
        surface=life.surface,
        commander=life.taken_by if declared else None,
        detection_source=Incident.Detection.ALERT,
        group_integration_id=source.integration.pk,
        group_key=group.key,
        detected_at=life.start,
        acknowledged_at=life.taken_at,
        declared_at=life.taken_at + _SETTLES if declared else None,
        resolved_at=None if life.incident == "declined" else over,
        closed_at=over + timedelta(hours=3) if life.incident == "closed" else None,
    )
    group.incident_ref, group.incident_url = incident.ref, url_of(incident)
    return incident


def _page(
    life: Life, source: Source, group: AlertGroup, first: Alert, incident: Incident | None, pk: int
) -> Page:
    return Page(
        pk=pk,
        status=Page.Status.RESOLVED,
        urgency="low" if life.severities[0] == "warning" else "high",
        summary=life.summary,
        label=incident.severity if incident else "",
        surface=life.surface,
        opener_kind="alert_group",
        opener_ref=str(group.pk),
        opener_url=url_of(incident) if incident else f"/alerts/{first.pk}/",
        thread_key=f"incident-{incident.pk}" if incident else f"alert-group-{group.pk}",
        policy=source.policy,
        policy_snapshot=source.snapshot,
        step=min(len(life.told), 2),
        opened_at=life.start,
        acknowledged_at=life.taken_at,
        acknowledged_by=life.taken_by,
        acknowledged_label=life.taken_by.name if life.taken_by else "",
        resolved_at=life.end,
    )


# -- what hangs on them


def _deliveries(lives: Sequence[Life], source: Source) -> None:
    rows, events = [], []
    for life in lives:
        for place, severity in enumerate(life.severities):
            for action, at in (("trigger", _at(life, place)), ("resolve", life.end)):
                row = _delivery(life, source, place, action, at)
                rows.append(row)
                events.append(
                    Event(
                        delivery=row,
                        seq=0,
                        kind="alert",
                        action=action,
                        dedup_key=row.dedup_key,
                        group_key=_key(life, 0) if len(life.severities) > 1 else "",
                        severity=severity if action == "trigger" else "",
                        summary=_summary(life, place),
                        surface_key=life.surface.key,
                    )
                )
    save(rows)
    for event in events:
        event.delivery_id = event.delivery.pk
    save(events)


def _delivery(life: Life, source: Source, place: int, action: str, at: datetime) -> Delivery:
    body = {
        "action": action,
        "dedup_key": _key(life, place),
        "surface": life.surface.key,
        "severity": life.severities[place],
        "summary": _summary(life, place),
    }
    if len(life.severities) > 1:
        body["group_key"] = _key(life, 0)
    return Delivery(
        integration=source.integration,
        adapter="native",
        received_at=at,
        body=json.dumps(body).encode(),
        dedup_key=_key(life, place),
        status=Delivery.Status.NORMALISED,
        tries=1,
        normalised_at=at,
    )


def _steps(drafts: list[Rows]) -> None:
    pairs = [
        (PageStep(page=rows.page, round=0, loop=0, step=t.step, due_at=t.at, taken_at=t.at), t)
        for rows in drafts
        if rows.page
        for t in rows.life.told
    ]
    save(row for row, _ in pairs)
    through = PageStep.people.through
    save(
        through(pagestep_id=row.pk, person_id=person.pk)
        for row, told in pairs
        for person in told.people
    )


def _messages(life: Life, page: Page) -> Iterator[Message]:
    """Each step's to each person, and one "resolved" to everybody who was told."""
    everybody = {}
    for told in life.told:
        for person in told.people:
            everybody[person.pk] = person
            yield _message(page, person, "page_step", told.at, f"l0:s{told.step}")
    for person in everybody.values():
        yield _message(page, person, "resolved", life.end, "resolved")


def _message(page: Page, person: Person, what: str, at: datetime, effect: str) -> Message:
    dedupe = f"page:{page.pk}:r0:{effect}:p{person.pk}:mailbox"
    label = f"[{page.label}] " if page.label else ""
    ended = "Resolved: " if what == "resolved" else ""
    return Message(
        person=person,
        channel="mailbox",
        address_hint=f"mailbox of {person.name}"[:80],
        urgency=page.urgency,
        lane=Message.Lane.URGENT if page.urgency == "high" else Message.Lane.NORMAL,
        what=what,
        subject_kind="page",
        subject_ref=str(page.pk),
        dedupe_key=dedupe,
        subject=f"{label}{ended}{page.summary}",
        body=f"{ended}{page.summary}.\n",
        message_id=f"{_digest(dedupe)[:32]}@opsportal.example",
        thread_key=page.thread_key,
        status=Message.Status.SENT,
        not_before=at,
        attempts=1,
        created_at=at,
        sending_at=at,
        sent_at=at,
    )


def _key(life: Life, place: int) -> str:
    return f"bulk:{life.number}:{place}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _at(life: Life, place: int) -> datetime:
    """When the alert in that place of the group fired: a little after the one before."""
    return min(life.start + timedelta(seconds=20 * place), life.end)


def _summary(life: Life, place: int) -> str:
    return life.summary if place == 0 else f"{life.summary}, part {place + 1}"
