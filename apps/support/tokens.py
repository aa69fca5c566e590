"""What stands in links and addresses outside: signed, bound to one ticket, ended by a new version.

Status link: a signed pair of ticket and access version. Reply address: lower-case letters and
digits only, because mail programs change the case of addresses.
"""

from __future__ import annotations

import re

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.core.errors import NotFound

_SALT = "opsportal.support.status"
_RECEIPT = "opsportal.support.receipt"
_REPLY = "opsportal.support.reply"
_TOKEN = re.compile(r"t([0-9]{1,18})-([0-9]{1,5})-([0-9a-f]{20})")


def make(ticket_id: int, access_version: int, contact_id: int | None = None) -> str:
    """The token of the requester's page; with a contact, of somebody's who takes part besides."""
    parts = [ticket_id, access_version, *([contact_id] if contact_id is not None else [])]
    return signing.dumps(parts, salt=_SALT, compress=False)


def read(token: str) -> tuple[int, int]:
    """(ticket id, access version); NotFound for a token that is forged or cut."""
    ticket_id, version, _ = read_for(token)
    return ticket_id, version


def read_for(token: str) -> tuple[int, int, int | None]:
    """The same, and the contact whom the token was made for when that is not the requester."""
    try:
        ticket_id, version, *contact = signing.loads(token, salt=_SALT)
        return int(ticket_id), int(version), int(contact[0]) if contact else None
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise NotFound(
            "This link is not complete. Open it again from our last message.", code="link_broken"
        ) from error


def make_receipt(ticket_id: int, access_version: int) -> str:
    """The token of the page that says that a report has arrived. It opens nothing else: whoever
    posts a report has not shown that the address is theirs."""
    return signing.dumps([ticket_id, access_version], salt=_RECEIPT, compress=False)


def read_receipt(token: str) -> tuple[int, int]:
    """(ticket id, access version) of a receipt not older than a day; else NotFound."""
    try:
        ticket_id, version = signing.loads(token, salt=_RECEIPT, max_age=24 * 3600)
        return int(ticket_id), int(version)
    except (signing.BadSignature, ValueError, TypeError) as error:
        text = "This receipt is over a day old, or its address is not complete."
        raise NotFound(text, code="link_broken") from error


def reply_tag(ticket_id: int, access_version: int) -> str:
    """The part after the plus: support+t7-1-0f3a…@example.com."""
    text = f"{ticket_id}-{access_version}"
    return f"t{text}-{salted_hmac(_REPLY, text, algorithm='sha256').hexdigest()[:20]}"


def read_reply_tag(tag: str) -> tuple[int, int] | None:
    """(ticket id, access version) of a tag that we made, None for anything else."""
    found = _TOKEN.fullmatch(tag.strip().lower())
    if found is None:
        return None
    ticket_id, version = int(found[1]), int(found[2])
    if not constant_time_compare(reply_tag(ticket_id, version), found[0]):
        return None
    return ticket_id, version
