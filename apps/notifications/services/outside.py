"""Mail to people outside: a customer's contact, who has no account and sets no rules here.

One row for one mail. It is never bundled, waits out a mail server's bad night, and takes only a
few of the senders' hands, so that a crowd of them never holds up a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.core.errors import Invalid
from apps.core.models import Kind
from apps.core.providers import ask
from apps.core.secrets import digest, seal
from apps.core.transitions import settle
from apps.notifications.channels.base import Attachment, Automatic, Sender
from apps.notifications.channels.compose import chain, file_name
from apps.notifications.layout import cut, one_line
from apps.notifications.models import Channel, Message
from apps.notifications.ports import AttachmentSource
from apps.notifications.services.outbox import hint
from apps.notifications.services.site import sender as site_sender

# Seconds between attempts: over a night and a day, as mail servers do it; then it is given up.
PATIENCE = (5, 60, 300, 900, 3600, 7200, 14400, 28800, 43200)
HANDS = 4  # mails to people outside that are on their way at once
FILES = 20
FILES_LIMIT = 20 * 1024 * 1024  # bytes of all files of a mail
WITH_FILES = timedelta(minutes=4)  # the lease of a mail that may be large
FILES_TIMEOUT = "60"  # seconds that one step of such a mail may take
_ID_LIMIT = 250  # longer ids are a trick or a mistake
_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]+")
NOT_REAL = "not_real: Drills, tests and what is past are never sent to somebody outside."


def mail_outside(
    *,
    to_address: str,
    to_name: str,
    from_name: str,
    reply_to: str,
    subject: str,
    body_text: str,
    body_html: str,
    message_id: str,
    in_reply_to: str,
    references: Sequence[str],
    what: str,
    subject_ref: tuple[str, str],
    dedupe: str,
    now: datetime,
    automatic: bool,
    kind: str,
    not_before: datetime | None = None,
    attachments: Sequence[tuple[str, str, str]] = (),
    lane: int = Message.Lane.NORMAL,
    from_address: str = "",
    is_demo: bool = False,
    unsubscribe_url: str = "",
) -> Message | None:
    """Write one mail to somebody outside, in the caller's transaction; None when it was there.

    `message_id`, `in_reply_to` and `references` (oldest first) are RFC 5322 ids, with or without
    brackets; at most 200 characters for our own. `from_address` is a mailbox's own sender, else
    the site's. `automatic` mails (receipts, closing notes) say so in their headers, so that no
    machine answers them; a person's reply carries no such mark. `attachments` are (file name,
    content type, key of an `AttachmentSource`). `lane` BULK for what goes to many,
    with `unsubscribe_url`, an address of ours where a POST ends it.

    Whatever is not of kind real stays here, cancelled with the reason; `is_demo` goes no further
    than the in-app mailbox. An address that cannot be one fails when it is sent, as a refused
    one does. `cancel(subject=subject_ref)` takes it back while it waits.
    """
    own = _own_id(message_id)
    # A caller that stores its message first finds it in the thread as well.
    earlier = [one for one in _ids(references) if one != own]
    answered = [one for one in _ids([in_reply_to]) if one != own] or earlier[-1:]
    thread = [*(one for one in earlier if one not in answered), *answered]
    row = Message(
        **_way(to_address, is_demo),
        is_outside=True,
        to_name=_name(to_name),
        from_name=_name(from_name),
        from_address=one_line(from_address)[:254],
        reply_to=one_line(reply_to)[:254],
        kind=kind,
        lane=lane,
        what=what,
        subject_kind=subject_ref[0],
        subject_ref=subject_ref[1],
        dedupe_key=_key(dedupe),
        subject=cut(one_line(subject), 300),
        body=body_text,
        body_html=body_html,
        message_id=own,
        headers={
            "in_reply_to": "".join(answered),
            "references": list(chain(thread)),
            "automatic": _mark(automatic, answered),
            "unsubscribe": one_line(unsubscribe_url),
        },
        attachments=_files(attachments),
        not_before=not_before or now,
        created_at=now,
    )
    return _write(row)


def post_outside(
    *,
    url: str,
    secret_sealed: str,
    event: str,
    subject: str,
    text: str,
    link: str,
    message_id: str,
    what: str,
    subject_ref: tuple[str, str],
    dedupe: str,
    now: datetime,
    kind: str,
    lane: int = Message.Lane.BULK,
) -> Message | None:
    """Write one signed webhook to a program of somebody outside; None when it was there.

    The sender of mails to people outside sends it, with the same patience, behind the guard.
    `secret_sealed` signs it, `event` is its type.
    """
    row = Message(
        channel=Channel.WEBHOOK,
        address_sealed=seal(url),
        address_hint=hint(Channel.WEBHOOK, url),
        is_outside=True,
        kind=kind,
        lane=lane,
        what=what,
        subject_kind=subject_ref[0],
        subject_ref=subject_ref[1],
        dedupe_key=_key(dedupe),
        subject=cut(one_line(subject), 300),
        body=text,
        link=link,
        message_id=_own_id(message_id),
        headers={"event": event, "secret_sealed": secret_sealed},
        not_before=now,
        created_at=now,
    )
    return _write(row)


@transaction.atomic
def _write(row: Message) -> Message | None:
    if Message.objects.filter(dedupe_key=row.dedupe_key).exists():
        return None
    Message.objects.bulk_create([row], ignore_conflicts=True)
    stored = Message.objects.get(dedupe_key=row.dedupe_key)
    if is_unfit(stored):
        return settle(stored, to=Message.Status.CANCELLED, error=NOT_REAL)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('opsportal_wake', 'message')")
    return stored


def is_unfit(row: Message) -> bool:
    """A drill, a test or the past, on its way out of the house."""
    leaves = row.channel in {Channel.EMAIL, Channel.WEBHOOK}
    return row.is_outside and leaves and row.kind != Kind.REAL


def _way(address: str, is_demo: bool) -> dict[str, str]:
    if is_demo:
        return {"channel": Channel.MAILBOX, "address_hint": "demo mailbox"}
    plain = one_line(address)
    shown = hint(Channel.EMAIL, plain)
    return {"channel": Channel.EMAIL, "address_sealed": seal(plain), "address_hint": shown}


def _key(dedupe: str) -> str:
    return dedupe if len(dedupe) <= 200 else f"sha256:{digest(dedupe)}"


def _name(name: str) -> str:
    return cut(one_line(name), 100)


def _mark(automatic: bool, answered: Sequence[str]) -> Automatic:
    if not automatic:
        return "no"
    return "auto-replied" if answered else "auto-generated"


def _own_id(message_id: str) -> str:
    found = _ids([message_id])
    if not found or len(found[0]) > 200:
        raise Invalid("The Message-ID of a mail has 1 to 200 characters, without spaces.")
    return found[0]


def _ids(ids: Iterable[str]) -> list[str]:
    """Without brackets; what cannot be an id is left out, so that it breaks no thread."""
    bare = [one.strip().removeprefix("<").removesuffix(">") for one in ids]
    return [one for one in bare if 0 < len(one) <= _ID_LIMIT and _ID.fullmatch(one)]


def _files(attachments: Sequence[tuple[str, str, str]]) -> list[dict[str, str]]:
    if len(attachments) > FILES:
        raise Invalid(f"A mail takes {FILES} files at most.")
    return [
        {"name": file_name(name), "content_type": content_type[:120], "key": key}
        for name, content_type, key in attachments
    ]


# -- when it leaves


def due(*, now: datetime, limit: int) -> list[Message]:
    """Locked rows to send now: those whose sender died, then by lane and time.

    At most `HANDS` are on their way at once, whoever sends them; the rest of the senders is free
    for our own people.
    """
    sending = Message.objects.outside().filter(status=Message.Status.SENDING)
    room = min(limit, HANDS - sending.filter(lease_until__gt=now).count())
    if room <= 0:
        return []
    died = sending.filter(lease_until__lte=now).order_by("lease_until", "pk")
    found = list(died.select_for_update(skip_locked=True, of=("self",))[:room])
    waiting = Message.objects.outside().filter(status=Message.Status.PENDING)
    fresh = waiting.filter(not_before__lte=now).order_by("lane", "not_before", "pk")
    left = room - len(found)
    return [*found, *fresh.select_for_update(skip_locked=True, of=("self",))[:left]]


def envelope(row: Message) -> dict[str, Any]:
    """What a mail to somebody outside has beyond a notice, by the names of `Outgoing`."""
    ours, headers = site_sender(), row.headers
    sender = Sender(
        name=row.from_name or ours.name,
        address=row.from_address or ours.address,
        reply_to=row.reply_to,
    )
    return {
        "sender": sender,
        "to_name": row.to_name,
        "in_reply_to": headers.get("in_reply_to") or None,
        "references": tuple(headers.get("references", ())),
        "automatic": headers.get("automatic", "no"),
        "event": headers.get("event", ""),
        "unsubscribe_url": headers.get("unsubscribe", ""),
    }


def load(row: Message) -> tuple[tuple[Attachment, ...], str]:
    """The files of a mail that can go with it, and a remark on those that cannot.

    What a provider raises comes through: the mail is then tried again.
    """
    found: list[Attachment] = []
    left_out: list[str] = []
    room = FILES_LIMIT
    for ref in row.attachments:
        content = _content(ref["key"])
        if content is None or len(content) > room:
            why = "not there any more" if content is None else "too large"
            left_out.append(f"{ref['name']} ({why})")
            continue
        room -= len(content)
        found.append(
            Attachment(name=ref["name"], content_type=ref["content_type"], content=content)
        )
    remark = f"Sent without {', '.join(left_out)}." if left_out else ""
    return tuple(found), cut(remark, 300)


def _content(key: str) -> bytes | None:
    for source in ask(AttachmentSource):  # type: ignore[type-abstract] # asked for by its protocol
        content = source.load(key=key)
        if content is not None:
            return content
    return None
