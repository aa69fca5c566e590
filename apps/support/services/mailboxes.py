"""Reading mailboxes over IMAP: every uid once, in order, and never marked before it is kept."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from django.db import connection, transaction
from imap_tools import MailBox, MailboxLoginError, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from apps.core import secrets
from apps.core.errors import DomainError, Invalid
from apps.core.text import clip
from apps.support.models import Mailbox
from apps.support.services import mailing

log = structlog.get_logger("opsportal.support.mail")
PATIENCE = 20  # seconds for one step of the server
LARGEST = 26 * 1024 * 1024  # bytes; of a larger mail the headers alone are read
BATCH = 50  # mails of one mailbox in one go; the next minute goes on
_LOCK = 0x4D41494C  # "MAIL"


def set_password(*, mailbox: Mailbox, password: str) -> None:
    """Keep the password sealed; an empty one leaves what is there."""
    if password:
        Mailbox.objects.filter(pk=mailbox.pk).update(password_sealed=secrets.seal(password))


def fetch_all(*, now: datetime) -> int:
    """Read every active mailbox; one that fails says so and holds up no other. Answers how many."""
    mailing.place_waiting(now=now)
    boxes = Mailbox.objects.filter(is_active=True, archived_at=None).exclude(imap_host="")
    return sum(fetch(mailbox=box, now=now) for box in boxes.order_by("pk"))


def fetch(*, mailbox: Mailbox, now: datetime) -> int:
    """Take the new mails of one mailbox. Two at once do not read the same one."""
    with _alone(mailbox.pk) as mine:
        if not mine:
            return 0
        mailbox = Mailbox.objects.get(pk=mailbox.pk)
        try:
            taken = _fetch(mailbox, now)
        except (OSError, imaplib.IMAP4.error, ImapToolsError, DomainError) as error:
            log.warning("mailbox failed", mailbox=mailbox.pk, error=type(error).__name__)
            failing = mailbox.failing_since or now
            text = clip(_words(error), 300)
            Mailbox.objects.filter(pk=mailbox.pk).update(failing_since=failing, last_error=text)
            return 0
        Mailbox.objects.filter(pk=mailbox.pk).update(
            fetched_at=now, failing_since=None, last_error=""
        )
        return taken


def check(*, mailbox: Mailbox) -> str:
    """Sign in and look: a sentence that says what is there. Raises Invalid with the reason."""
    try:
        with _open(mailbox) as box:
            count = box.folder.status(mailbox.folder, ["MESSAGES"])["MESSAGES"]
    except (OSError, imaplib.IMAP4.error, ImapToolsError) as error:
        raise Invalid(_words(error), code="mailbox") from error
    return f"Signed in. {mailbox.folder} holds {count} mails."


@contextmanager
def _alone(pk: int) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, pk])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, pk])


@contextmanager
def _open(mailbox: Mailbox) -> Iterator[Any]:
    """A signed-in session on the mailbox's folder."""
    port, context = mailbox.imap_port, ssl.create_default_context()
    kinds: dict[str, Any] = {
        Mailbox.Security.SSL: lambda host: MailBox(host, port, PATIENCE, ssl_context=context),
        Mailbox.Security.STARTTLS: lambda host: MailBoxStartTls(
            host, port, PATIENCE, ssl_context=context
        ),
        Mailbox.Security.NONE: lambda host: MailBoxUnencrypted(host, port, PATIENCE),
    }
    password = secrets.unseal(mailbox.password_sealed) if mailbox.password_sealed else ""
    made = kinds[mailbox.imap_security](mailbox.imap_host)
    with made.login(mailbox.imap_user, password, initial_folder=mailbox.folder) as box:
        yield box


def _words(error: Exception) -> str:
    if isinstance(error, MailboxLoginError):
        return "The server refused user or password."
    if isinstance(error, ssl.SSLError):
        return f"No safe connection: {error.reason or error}."
    if isinstance(error, TimeoutError):
        return f"The server did not answer within {PATIENCE} s."
    if isinstance(error, OSError):
        return f"The server cannot be reached: {error.strerror or error}."
    return getattr(error, "message", "") or str(error)


def _fetch(mailbox: Mailbox, now: datetime) -> int:
    with _open(mailbox) as box:
        validity = int(box.folder.status(mailbox.folder, ["UIDVALIDITY"])["UIDVALIDITY"])
        if mailbox.uid_validity != validity:
            # The server numbers anew: everything is looked at again, known mails by Message-ID.
            mailbox.uid_validity, mailbox.last_uid = validity, 0
        taken = 0
        for uid in _new_uids(box, mailbox.last_uid)[:BATCH]:
            raw, size, at = _read(box, uid)
            if raw is not None:
                mailing.take_mail(
                    raw=raw,
                    received_at=at or now,
                    now=now,
                    mailbox=mailbox,
                    uid_validity=validity,
                    uid=uid,
                    size=size,
                )
                taken += 1
            _remember(mailbox, validity, uid)
        return taken


def _new_uids(box: Any, last: int) -> list[int]:
    found = [int(uid) for uid in box.uids(f"UID {last + 1}:*")]
    return sorted(uid for uid in found if uid > last)  # "n:*" always names the newest one, too


@transaction.atomic
def _remember(mailbox: Mailbox, validity: int, uid: int) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(uid_validity=validity, last_uid=uid)


def _read(box: Any, uid: int) -> tuple[bytes | None, int, datetime | None]:
    """(raw mail or, of a very large one, its headers; its size; when the server received it)."""
    found = _command(box, uid, "(RFC822.SIZE INTERNALDATE)")
    line = b" ".join(part if isinstance(part, bytes) else part[0] for part in found if part)
    size = _size(line)
    at = _received(line)
    what = "(BODY.PEEK[])" if size <= LARGEST else "(BODY.PEEK[HEADER])"
    for part in _command(box, uid, what):
        if isinstance(part, tuple):
            return bytes(part[1]), size, at
    return None, size, at


def _command(box: Any, uid: int, what: str) -> list[Any]:
    status, data = box.client.uid("FETCH", str(uid), what)
    if status != "OK":
        raise imaplib.IMAP4.error(f"FETCH answered {status}")
    return list(data)


def _size(line: bytes) -> int:
    _, _, rest = line.upper().partition(b"RFC822.SIZE ")
    digits = rest.split(b" ")[0].strip(b")")
    return int(digits) if digits.isdigit() else 0


def _received(line: bytes) -> datetime | None:
    found = imaplib.Internaldate2tuple(line)
    return datetime(*found[:6]).astimezone(UTC) if found else None
