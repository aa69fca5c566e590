"""Writing messages: rows in the caller's transaction, one for each method, once by unique key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog
from django.db import connection

from apps.accounts.models import HourCycle, Person
from apps.core import secrets
from apps.core.errors import Invalid
from apps.core.models import Kind
from apps.core.transitions import settle_all
from apps.notifications import rules
from apps.notifications.layout import Reader
from apps.notifications.models import (
    Channel,
    ContactMethod,
    Message,
    NotificationRule,
    QuietHours,
)
from apps.notifications.services import site
from apps.notifications.wording import Texts

log = structlog.get_logger("opsportal.notifications")
F = TypeVar("F")
Write = Callable[[F, Reader, datetime], Texts]


@dataclass(frozen=True)
class Told:
    """One address that a person is told by, and when."""

    method: ContactMethod | None
    channel: str
    address_sealed: str
    hint: str
    not_before: datetime


def reader_of(person: Person) -> Reader:
    return Reader(
        name=person.name,
        zone=ZoneInfo(person.time_zone),
        clock24=person.hour_cycle == HourCycle.H24,
    )


def notify(
    *,
    person: Person,
    what: str,
    write: Write[F],
    facts: F,
    urgency: str,
    subject: tuple[str, str],
    dedupe: str,
    now: datetime,
    thread_key: str = "",
    kind: str = Kind.REAL,
    link: str = "",
) -> int:
    """Write a message to a person, by their own rules; answers how many rows are new.

    `dedupe` names the effect (`page:12:r0:l0:s1`); the same effect again writes nothing. Demo
    people are only ever told in their in-app mailbox.
    """
    if not person.is_active:
        return 0
    texts = write(facts, reader_of(person), now)
    ways = [_mailbox(person, now)] if person.is_demo else _planned(person, urgency, now)
    rows = [
        _row(
            person,
            way,
            texts,
            what,
            urgency,
            subject,
            f"{dedupe}:p{person.pk}:{_name(way)}",
            thread_key,
            kind,
            link,
            now,
        )
        for way in ways
    ]
    return _write(rows)


def send_to_address(
    *,
    person: Person | None,
    channel: str,
    address: str,
    texts: Texts,
    what: str,
    subject: tuple[str, str],
    dedupe: str,
    now: datetime,
    method: ContactMethod | None = None,
    urgency: str = "high",
    link: str = "",
) -> int:
    """Write a message to one address: a code, an invitation, a test mail, a password reset."""
    if person is not None and person.is_demo:
        way = _mailbox(person, now)
    else:
        way = Told(method, channel, secrets.seal(address), hint(channel, address), now)
    row = _row(person, way, texts, what, urgency, subject, dedupe, "", Kind.REAL, link, now)
    return _write([row])


def hint(channel: str, address: str) -> str:
    """How an address is shown: enough to know which, not enough to use it."""
    if channel == Channel.EMAIL:
        name, _, domain = address.partition("@")
        return f"{name[:1]}…{name[-1:]}@{domain}"[:80]
    if channel in {Channel.TWILIO_SMS, Channel.TWILIO_CALL}:
        return f"{address[:3]}…{address[-3:]}"
    tail = address.rstrip("/")[-4:]
    return f"…{tail}"


def _write(rows: list[Message]) -> int:
    before = {row.dedupe_key for row in rows}
    known = set(Message.objects.filter(dedupe_key__in=before).values_list("dedupe_key", flat=True))
    fresh = [row for row in rows if row.dedupe_key not in known]
    Message.objects.bulk_create(fresh, ignore_conflicts=True)
    if fresh:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('opsportal_wake', 'message')")
    return len(fresh)


def _name(way: Told) -> str:
    return f"m{way.method.pk}" if way.method else way.channel


def _mailbox(person: Person, now: datetime) -> Told:
    return Told(None, Channel.MAILBOX, "", f"mailbox of {person.name}"[:80], now)


def _planned(person: Person, urgency: str, now: datetime) -> list[Told]:
    methods = {str(m.pk): m for m in ContactMethod.objects.filter(person=person).usable()}
    known = [
        rules.Method(ref=ref, kind=m.channel, address=address, verified=True)
        for ref, m in methods.items()
        if (address := _readable(m)) is not None
    ]
    chosen = [
        rules.Rule(urgency=r.urgency, method_ref=str(r.method_id), after_minutes=r.delay_minutes)
        for r in NotificationRule.objects.filter(person=person)
    ]
    quiet = QuietHours.objects.filter(person=person).first()
    planned = rules.plan(
        chosen,
        known,
        urgency,
        now,
        ZoneInfo(person.time_zone),
        _quiet_windows(quiet),
    )
    return [_told(person, methods.get(p.method_ref), p.not_before) for p in planned]


def _readable(method: ContactMethod) -> str | None:
    """The address; None when it cannot be opened any more: one bad row must not stop a page."""
    try:
        return secrets.unseal(method.address_sealed)
    except Invalid:
        log.error("contact method cannot be opened", method=method.pk)
        return None


def _quiet_windows(quiet: QuietHours | None) -> Sequence[rules.QuietWindow]:
    try:
        return rules.parse_windows(quiet.windows) if quiet else ()
    except ValueError:
        log.error("quiet hours cannot be read", person=quiet.person_id if quiet else None)
        return ()


def _told(person: Person, method: ContactMethod | None, at: datetime) -> Told:
    if method is None:  # nothing verified: the address that they sign in with
        sealed = secrets.seal(person.email)
        return Told(None, Channel.EMAIL, sealed, hint(Channel.EMAIL, person.email), at)
    return Told(method, method.channel, method.address_sealed, method.address_hint, at)


def _row(
    person: Person | None,
    way: Told,
    texts: Texts,
    what: str,
    urgency: str,
    subject: tuple[str, str],
    dedupe: str,
    thread_key: str,
    kind: str,
    link: str,
    now: datetime,
) -> Message:
    host = site.host()
    stable = hashlib.sha256(dedupe.encode()).hexdigest()[:32]
    thread = hashlib.sha256(thread_key.encode()).hexdigest()[:32] if thread_key else ""
    return Message(
        person=person,
        method=way.method,
        channel=way.channel,
        address_sealed=way.address_sealed,
        address_hint=way.hint,
        kind=kind,
        urgency=urgency,
        lane=Message.Lane.URGENT if urgency == "high" else Message.Lane.NORMAL,
        what=what,
        subject_kind=subject[0],
        subject_ref=subject[1],
        dedupe_key=dedupe,
        subject=texts.subject[:300],
        body=texts.text,
        body_html=texts.html or "",
        short=texts.short,
        link=link,
        message_id=f"{stable}@{host}",
        thread_key=thread_key,
        # All of a thread answer one root that was never sent: clients group them by it.
        in_reply_to=f"thread-{thread}@{host}" if thread else "",
        not_before=way.not_before,
        created_at=now,
    )


def cancel(*, subject: tuple[str, str], now: datetime, what: str = "") -> int:
    """Take back what was not sent yet, in the transaction of the change that makes it pointless.

    Rows that are being sent may finish, but are not tried again. Takes the row locks that the
    sender takes, so no send starts after this commits.
    """
    rows = Message.objects.about(*subject)
    if what:
        rows = rows.filter(what=what)
    pending = list(
        rows.filter(status__in=[Message.Status.PENDING, Message.Status.SENDING])
        .order_by("pk")
        .select_for_update()
    )
    waiting = [row for row in pending if row.status == Message.Status.PENDING]
    running = [row.pk for row in pending if row.status == Message.Status.SENDING]
    settle_all(waiting, to=Message.Status.CANCELLED)
    Message.objects.filter(pk__in=running).update(cancel_requested_at=now)
    return len(waiting)
