"""The “Report a problem” form: what may prefill it, what is taken, and how often.

A customer's product may open the form with facts that the person need not type: the report, the
column, the job. It signs them with a secret that both sides know, so that nobody can forge them:

    signature = HMAC-SHA256(secret, "expires=…&job=…&report=…")   in hex

over the names and values in the order of the names, each percent-encoded as in an HTML form, with
`expires` in seconds since 1970 among them. What is not signed only fills fields that are seen.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.core import audit, secrets
from apps.core.errors import Conflict, Invalid
from apps.customers import services as customers
from apps.customers.models import Contact, Org
from apps.support.models import RequestType, SupportSettings, Ticket, TicketMessage
from apps.support.services import settings
from apps.support.services import tickets as rows
from apps.support.services.files import Accepted

SIGNED = ("report", "column", "job", "org", "email", "name", "type", "subject", "connection")
FACTS = {"report": "report", "column": "column", "job": "run_id", "connection": "connection"}
MAX_VALUE = 300  # characters of one signed value
LASTS = timedelta(hours=24)  # the longest that a signature may count
AN_HOUR = timedelta(hours=1)
PER_ADDRESS, PER_SENDER = 5, 20  # reports in an hour
QUICKEST = timedelta(seconds=3)  # nobody fills it in faster
STAMP_LASTS = timedelta(days=2)
_SALT = "opsportal.support.report"
_LOCK = 0x464F524D  # "FORM"


class TooOften(Conflict):
    """So many reports in so short a time; nothing is lost, it only has to wait."""

    code = "too_often"
    status = 429


class TooFast(Conflict):
    """Sent before anybody could have filled it in."""

    code = "too_fast"
    status = 429


# -- the secret


def new_secret(*, actor: audit.Actor, now: datetime) -> str:
    """Make the secret of signed links anew; links signed with the one before no longer count.

    It is shown this once; the row keeps it sealed.
    """
    text = secrets.token(43)
    row, _ = SupportSettings.objects.get_or_create(pk=1)
    row.form_secret_sealed = secrets.seal(text)
    row.save(update_fields=["form_secret_sealed"])
    return text


def _secret() -> str:
    return secrets.unseal(settings.current().form_secret_sealed)


# -- signed facts


def canonical(fields: Mapping[str, str]) -> str:
    """What is signed: the names in order, percent-encoded as an HTML form would send them."""
    return urlencode(sorted((name, value) for name, value in fields.items() if value))


def signature(secret: str, fields: Mapping[str, str]) -> str:
    """HMAC-SHA256 in hex; the customer's product computes the same."""
    return hmac.new(secret.encode(), canonical(fields).encode(), hashlib.sha256).hexdigest()


def sign(fields: Mapping[str, str], now: datetime, *, lasts: timedelta = LASTS) -> str:
    """The query string of a link to the form. Raises Invalid where there is no secret yet."""
    secret = _secret()
    if not secret:
        raise Invalid("There is no secret yet. Make one in the support settings.", code="no_secret")
    known = {name: value for name, value in fields.items() if name in SIGNED}
    full = {**known, "expires": str(int((now + min(lasts, LASTS)).timestamp()))}
    return f"{canonical(full)}&signature={signature(secret, full)}"


@dataclass(frozen=True)
class Prefill:
    """What a link brought: facts that count, because they are signed, and mere suggestions."""

    signed: Mapping[str, str] = field(default_factory=dict)
    offered: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""  # why a signature did not count, in words for the reader

    @property
    def values(self) -> dict[str, str]:
        return {**self.offered, **self.signed}


def read(params: Mapping[str, str], now: datetime) -> Prefill:
    """The facts of a link. A signature that is wrong or over makes them suggestions."""
    given = {name: params[name][:MAX_VALUE] for name in SIGNED if params.get(name)}
    if "signature" not in params:
        return Prefill(offered=given)
    trouble = _trouble(params, now)
    if trouble:
        return Prefill(offered=given, trouble=trouble)
    return Prefill(signed=given)


def _trouble(params: Mapping[str, str], now: datetime) -> str:
    secret, expires = _secret(), params.get("expires", "")
    covered = {n: v for n, v in params.items() if n != "signature" and n in (*SIGNED, "expires")}
    right = signature(secret, covered) if secret else ""
    if not right or not constant_time_compare(right, params.get("signature", "")):
        return "Some facts in this link could not be checked, so please look over them."
    if any(len(value) > MAX_VALUE for value in covered.values()):
        return "Some facts in this link are too long to be taken."
    if not (expires.isascii() and expires.isdigit() and len(expires) < 12):
        return "This link does not say until when it counts."
    until = datetime.fromtimestamp(int(expires), UTC)
    if not now <= until <= now + LASTS:
        return "This link is too old, so please look over its facts."
    return ""


# -- the stamp of an open form


def stamp(now: datetime) -> str:
    """Says when the form was opened, and names it: sent twice, it is taken once."""
    return signing.dumps([int(now.timestamp()), secrets.token(12)], salt=_SALT, compress=False)


def read_stamp(text: str, now: datetime) -> tuple[datetime, str] | None:
    """When the form was opened and its name; None for one that is forged or too old."""
    try:
        at, name = signing.loads(text, salt=_SALT)
        opened = datetime.fromtimestamp(int(at), UTC)
    except (signing.BadSignature, ValueError, TypeError, OverflowError):
        return None
    fresh = now - STAMP_LASTS <= opened <= now + timedelta(minutes=1)
    return (opened, str(name)) if fresh else None


def sender_mark(address: str) -> str:
    """Tells senders apart without keeping where they are."""
    return salted_hmac(_SALT, address, algorithm="sha256").hexdigest()[:24] if address else ""


# -- taking a report


def is_open() -> bool:
    return settings.current().form_is_open


def public_types() -> list[RequestType]:
    """What customers may report, with the questions asked of them."""
    rows_ = RequestType.objects.filter(is_public=True, archived_at=None)
    return list(rows_.prefetch_related("fields"))


def submit(*, opened: str, now: datetime, **report: Any) -> Ticket:
    """Open the ticket of a report; the same form sent twice opens one.

    `opened` is the form's stamp; `report` is what `_open` takes. Raises TooFast, TooOften,
    Conflict when the form is closed, Invalid for what is wrong in the fields.
    """
    if not is_open():
        raise Conflict("The form is closed. Write us a mail instead.", code="form_closed")
    found = read_stamp(opened, now)
    if found is None:
        raise TooFast("This page was open for a long time. Send it once more.", code="stamp_over")
    message_id = f"form-{found[1]}@report"
    if (taken := _taken(message_id)) is not None:
        return taken
    if now - found[0] < QUICKEST:
        raise TooFast("That was very quick. Look it over and send it once more.")
    try:
        return _open(message_id=message_id, now=now, **report)
    except IntegrityError:
        if (taken := _taken(message_id)) is not None:  # sent twice in the same instant
            return taken
        raise


def _taken(message_id: str) -> Ticket | None:
    rows_ = TicketMessage.objects.select_related("ticket").filter(message_id=message_id)
    first = rows_.first()
    return first.ticket if first else None


@transaction.atomic
def _open(
    *,
    request_type: RequestType,
    subject: str,
    body: str,
    email: str,
    name: str,
    message_id: str,
    now: datetime,
    blocks_work: bool | None = None,
    fields: Mapping[str, str] | None = None,
    signed: Mapping[str, str] | None = None,
    files_: Sequence[Accepted] = (),
    sender: str = "",
) -> Ticket:
    """`signed` is what a signed link said, `sender` the mark of where the report came from."""
    if not body.strip():
        raise Invalid("Say what you see.", fields={"body": ["Say what you see."]})
    _one_at_a_time(email.strip().lower(), sender)
    _check_often(email, sender, now)
    contact = _contact(email, name, signed or {}, now)
    who = audit.contact(contact.pk, str(contact))
    ticket = rows.open_ticket(
        subject=subject,
        request_type=request_type,
        requester=contact,
        actor=who,
        now=now,
        body=body,
        channel=Ticket.Channel.FORM,
        blocks_work=blocks_work,
        fields={**(fields or {}), **_facts(signed or {})},
        files_=files_,
        message_id=message_id,
    )
    if sender:
        rows.note_event(
            ticket=ticket, what="sender", text="Sent through the report form.", actor=who, now=now,
            subject=("sender", sender, ""),
        )  # fmt: skip
    return ticket


def _one_at_a_time(*names: str) -> None:
    """Whoever sends a hundred at once is counted like whoever sends them one by one."""
    marks = {zlib.crc32(name.encode()) - 0x8000_0000 for name in names if name}
    with connection.cursor() as cursor:
        for mark in sorted(marks):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, mark])


def _check_often(email: str, sender: str, now: datetime) -> None:
    recent = Ticket.objects.filter(created_at__gt=now - AN_HOUR, channel=Ticket.Channel.FORM)
    mine = Q(requester__email__iexact=email.strip())
    if recent.filter(mine).count() >= PER_ADDRESS:
        raise TooOften(
            f"{PER_ADDRESS} reports came from this address within an hour. "
            "Answer one of our mails instead, or send this a little later."
        )
    theirs = Q(events__what="sender", events__subject_ref=sender)
    if sender and recent.filter(theirs).count() >= PER_SENDER:
        raise TooOften(
            "Many reports came from your network within an hour. Send this a little later."
        )


def _contact(email: str, name: str, signed: Mapping[str, str], now: datetime) -> Contact:
    who = audit.system("Report form")
    contact, fresh = customers.find_or_create_contact(email=email, name=name, actor=who, now=now)
    if contact.blocked_at is not None:
        raise Conflict("We take no reports from this address.", code="blocked")
    # Only a new contact is told whose it is: what is known is not changed from outside.
    org = _org(signed.get("org", "")) if fresh else None
    if org is not None:
        contact = customers.save_contact(contact=contact, fields={"org": org}, actor=who, now=now)
    return contact


def _org(text: str) -> Org | None:
    if not text:
        return None
    found = Org.objects.select_related("account").filter(archived_at=None)
    return found.filter(Q(external_id=text) | Q(key=text)).order_by("pk").first()


def _facts(signed: Mapping[str, str]) -> dict[str, str]:
    return {FACTS[name]: value for name, value in signed.items() if name in FACTS}
