"""Sending what is due: claim and commit, send, record.

A row's `sending` commits before its send starts, under the lock that an acknowledgement also
takes; so no send starts after the acknowledgement commits. A sender that dies leaves a lease,
and the row is sent once more under the same Message-ID: a lost page is worse than a double one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from apps.core import events, secrets
from apps.core.errors import DomainError
from apps.core.transitions import settle
from apps.notifications import rules, wording
from apps.notifications.channels import CHANNELS
from apps.notifications.channels.base import Outgoing, Result, failed
from apps.notifications.events import MessageFailed
from apps.notifications.models import Channel, ContactMethod, Message
from apps.notifications.services import outside, site
from apps.notifications.services.outbox import reader_of

log = structlog.get_logger("opsportal.notifications")
LEASE = timedelta(seconds=45)
BACKOFF = (5, 15, 60, 300, 900)  # seconds; then the next method, then the next person
SECRET = frozenset({"code", "invitation", "account"})
WINDOW = 500  # due rows that one claim looks at
ALONE = frozenset({"code", "invitation", "test_page", "test_mail", "account"})
Status = Message.Status


@dataclass(frozen=True)
class Parcel:
    """One thing to hand to a channel: a message, or several that go as one."""

    carrier: Message
    riders: tuple[Message, ...] = ()


def send_due(*, now: datetime, limit: int = 20) -> int:
    """Send what is due, the urgent lane first; answers how many parcels were tried.

    Any number of senders may call this: a row is claimed by one.
    """
    parcels = claim(now=now, limit=limit)
    for parcel in parcels:
        send(parcel, lambda: now)
    return len(parcels)


def send(parcel: Parcel, clock: Callable[[], datetime]) -> None:
    """Hand a claimed parcel over and record what came of it."""
    row = parcel.carrier
    if Message.objects.filter(pk=row.pk, cancel_requested_at__isnull=False).exists():
        result = failed("cancelled", "Taken back before it left.", permanent=True)
    elif outside.is_unfit(row):
        kind, _, words = outside.NOT_REAL.partition(": ")
        result = failed(kind, words, permanent=True)
    else:
        result = _hand_over(parcel, clock())
    record(parcel=parcel, result=result, now=clock())


def _hand_over(parcel: Parcel, now: datetime) -> Result:
    """To the channel, with the files that the row names."""
    row, outgoing = parcel.carrier, _outgoing(parcel, now)
    if not row.attachments:
        return deliver(outgoing, row.channel)
    try:
        files, remark = outside.load(row)
    except Exception:
        log.exception("attachments cannot be read", message=row.pk)
        if row.attempts <= len(_waits(row)):
            return failed("attachments", "The files of this mail cannot be read right now.")
        files, remark = (), "Sent without its files, which could not be read."
    config = {**outgoing.config, "timeout": outside.FILES_TIMEOUT}
    result = deliver(replace(outgoing, attachments=files, config=config), row.channel)
    if result.ok and remark:
        Message.objects.filter(pk=row.pk).update(remark=remark)
    return result


# -- claim


def claim(*, now: datetime, limit: int) -> list[Parcel]:
    """Lease due rows and commit that they are being sent; at most `limit` parcels."""
    lost: list[MessageFailed] = []
    parcels = _claim(now, limit, lost)
    for event in lost:
        events.publish(event)
    return parcels


@transaction.atomic
def _claim(now: datetime, limit: int, lost: list[MessageFailed]) -> list[Parcel]:
    # Looked at widely, taken narrowly: what one address holds back must not hide the others.
    rows = list(
        Message.objects.inside()
        .due(now)
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("lane", "not_before", "pk")[:WINDOW]
    )
    alive = [row for row in rows if not _is_over(row, now, lost)]
    packed: list[Parcel] = []
    for found in _by_address(alive).values():
        packed += _pack(found, now)
    packed.sort(key=lambda parcel: (parcel.carrier.lane, parcel.carrier.not_before))
    parcels = packed[:limit]
    mails = outside.due(now=now, limit=limit - len(parcels))
    parcels += [Parcel(row) for row in mails if not _is_over(row, now, lost)]
    for parcel in parcels:
        Message.objects.filter(pk__in=[row.pk for row in parcel.riders]).update(
            bundled_into=parcel.carrier
        )
        for row in (parcel.carrier, *parcel.riders):
            settle(
                row,
                to=Status.SENDING,
                lease_until=now + (outside.WITH_FILES if row.attachments else LEASE),
                sending_at=now,
                attempts=row.attempts + 1,
            )
    return parcels


def _waits(row: Message) -> tuple[int, ...]:
    return outside.PATIENCE if row.is_outside else BACKOFF


def _is_over(row: Message, now: datetime, lost: list[MessageFailed]) -> bool:
    """A row whose sender died after it was cancelled, or too often, is settled here."""
    if row.cancel_requested_at is None and row.attempts < len(_waits(row)) + 1:
        return False
    settle(row, to=Status.FAILED, error="interrupted: The sending broke off.", lease_until=None)
    if row.cancel_requested_at is None:
        _give_up(row, now, lost)
    return True


def _by_address(rows: Iterable[Message]) -> dict[tuple[int, str, str], list[Message]]:
    found: dict[tuple[int, str, str], list[Message]] = {}
    for row in rows:
        where = str(row.method_id or row.address_hint)
        found.setdefault((row.person_id or 0, row.channel, where), []).append(row)
    return found


def _pack(rows: list[Message], now: datetime) -> list[Parcel]:
    """Which of one address's rows go now, and which of them together."""
    # What may have left before goes again as it was: the same parcel, the same Message-ID.
    again = [row for row in rows if row.status == Status.SENDING]
    ids = {row.pk for row in again}
    carried = [row for row in again if row.bundled_into_id in ids]
    parcels = [
        Parcel(row, tuple(one for one in carried if one.bundled_into_id == row.pk))
        for row in again
        if row not in carried
    ]
    fresh = [row for row in rows if row.status == Status.PENDING]
    if not fresh:
        return parcels
    sent = 0 if fresh[0].channel == Channel.MAILBOX else _sent_lately(fresh[0], now)
    while fresh:
        waiting = [
            rules.Waiting(urgency=r.urgency, due_at=r.not_before, alone=r.what in ALONE)
            for r in fresh
        ]
        decision = rules.bundle(sent, waiting, now)
        if not decision.take:
            break  # they collect a little longer; the next pass looks again
        taken = [fresh[index] for index in decision.take]
        parcels.append(Parcel(taken[0], tuple(taken[1:])))
        fresh = [row for row in fresh if row not in taken]
        sent += 1
    return parcels


def _sent_lately(row: Message, now: datetime) -> int:
    return Message.objects.filter(
        person=row.person,
        channel=row.channel,
        method_id=row.method_id,
        sending_at__gt=now - timedelta(minutes=1),
        status__in=[Status.SENT, Status.SENDING],
        bundled_into=None,
    ).count()


# -- hand over


def _outgoing(parcel: Parcel, now: datetime) -> Outgoing:
    row = parcel.carrier
    subject, text, html, short = row.subject, row.body, row.body_html, row.short
    if parcel.riders and row.person is not None:
        items = [wording.BundleItem(subject=r.subject, link=r.link) for r in (row, *parcel.riders)]
        facts = wording.Bundle(items=items, url=site.absolute("/"), noun="messages")
        texts = wording.bundle(facts, reader_of(row.person), now)
        subject, text, html, short = texts.subject, texts.text, texts.html or "", texts.short
    config = {**site.site_config(row.channel)}
    if row.method is not None and row.method.secret_sealed:
        config["secret"] = secrets.unseal(row.method.secret_sealed)
    if sealed := row.headers.get("secret_sealed"):
        config["secret"] = secrets.unseal(sealed)
    envelope: dict[str, Any] = {
        "in_reply_to": row.in_reply_to or None,
        "references": (row.in_reply_to,) if row.in_reply_to else (),
        "sender": site.sender(),
        "event": row.what,
    }
    return Outgoing(
        address=secrets.unseal(row.address_sealed),
        subject=subject,
        text=text,
        html=html or None,
        short=short,
        message_id=row.message_id,
        urgency="high" if row.urgency == "high" else "low",
        link=row.link or None,
        config=config,
        created_at=row.created_at,
        now=now,
        data={"subject_kind": row.subject_kind, "subject_ref": row.subject_ref},
        **(outside.envelope(row) if row.is_outside else envelope),
    )


def deliver(outgoing: Outgoing, channel: str) -> Result:
    """Give it to the channel; whatever goes wrong becomes a result."""
    try:
        return CHANNELS[channel].send(outgoing)
    except KeyError:
        return failed("unknown_channel", f"There is no channel {channel}.", permanent=True)
    except DomainError as error:
        return failed(error.code, error.message, permanent=True)
    except Exception as error:
        log.exception("channel failed", channel=channel)
        return failed("channel_failed", f"The channel broke ({type(error).__name__}).")


# -- record


def record(*, parcel: Parcel, result: Result, now: datetime) -> None:
    """Write down what came of an attempt; temporary failures are tried again, later.

    Who could not be reached at all is published afterwards, in a transaction of its own: what
    hears it locks pages, which come before messages.
    """
    lost: list[MessageFailed] = []
    _record(parcel, result, now, lost)
    for event in lost:
        events.publish(event)


@transaction.atomic
def _record(parcel: Parcel, result: Result, now: datetime, lost: list[MessageFailed]) -> None:
    wanted = [parcel.carrier.pk, *(rider.pk for rider in parcel.riders)]
    rows = Message.objects.filter(pk__in=wanted).order_by("pk")
    for row in rows.select_for_update(of=("self",)).select_related("person"):
        if row.status != Status.SENDING:
            continue
        if result.ok:
            _settle_sent(row, result, now)
        else:
            _settle_failed(row, result, now, lost)


def _settle_sent(row: Message, result: Result, now: datetime) -> None:
    fields: dict[str, Any] = {"provider_id": result.provider_id, "error": ""}
    if row.what in SECRET and row.channel != Channel.MAILBOX:
        # Codes and links that let somebody in are not kept once they are on their way.
        fields |= {"body": "(not kept)", "body_html": "", "short": "", "link": ""}
    settle(row, to=Status.SENT, sent_at=now, lease_until=None, **fields)


def _settle_failed(row: Message, result: Result, now: datetime, lost: list[MessageFailed]) -> None:
    log.warning("message failed", message=row.pk, channel=row.channel, error=result.error)
    waits = _waits(row)
    last = result.permanent or row.attempts > len(waits)
    if row.cancel_requested_at is not None or last:
        settle(row, to=Status.FAILED, lease_until=None, error=result.error)
        if row.cancel_requested_at is None:
            _give_up(row, now, lost)
        return
    wait = result.retry_after or waits[min(row.attempts, len(waits)) - 1]
    settle(
        row,
        to=Status.PENDING,
        lease_until=None,
        error=result.error,
        not_before=now + timedelta(seconds=wait),
        bundled_into=None,  # the next attempt packs anew
    )


def _give_up(row: Message, now: datetime, lost: list[MessageFailed]) -> None:
    """By another of the person's methods; when none is left, whoever wrote it hears of it."""
    if not row.is_outside and (
        row.person is None or row.what in ALONE or _by_another_method(row, now)
    ):
        return
    lost.append(
        MessageFailed(
            message_id=row.pk,
            what=row.what,
            subject_kind=row.subject_kind,
            subject_ref=row.subject_ref,
            person_id=row.person_id,
            at=now,
            error=row.error,
            address_hint=row.address_hint,
        )
    )


def _by_another_method(row: Message, now: datetime) -> bool:
    effect = row.dedupe_key.rpartition(":")[0]
    used = set(
        Message.objects.filter(dedupe_key__startswith=f"{effect}:").values_list(
            "method_id", flat=True
        )
    )
    assert row.person is not None
    for method in ContactMethod.objects.filter(person=row.person).usable():
        if method.pk not in used:
            copy = Message.objects.get(pk=row.pk)
            copy.pk = None
            copy._state.adding = True
            copy.method, copy.channel = method, method.channel
            copy.address_sealed, copy.address_hint = method.address_sealed, method.address_hint
            copy.dedupe_key = f"{effect}:m{method.pk}"
            copy.message_id = f"m{method.pk}-{row.message_id}"
            copy.status, copy.attempts, copy.error = Status.PENDING, 0, ""
            copy.not_before, copy.created_at = now, now
            copy.lease_until = copy.sending_at = copy.sent_at = None
            copy.save(force_insert=True)
            return True
    # Others may still be on their way; only when all have failed is the person unreachable.
    return (
        Message.objects.filter(dedupe_key__startswith=f"{effect}:")
        .exclude(status=Status.FAILED)
        .exists()
    )
