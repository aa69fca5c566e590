"""What ties a mail to a ticket: the signed address it was sent to, the number in its subject."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_REFERENCE: Final = re.compile(r"\[ ?(?:TCK-|#)([0-9]{1,9}) ?\]", re.IGNORECASE)
_TOKEN: Final = re.compile(r"[A-Za-z0-9._=-]{1,64}")
MAX_REFERENCES: Final = 10


def ticket_refs(subject: str) -> list[int]:
    """The ticket numbers in a subject, as `[TCK-7]` or `[#7]`, each once, in their order.

    Anybody can write one: it counts only with a sender who takes part in that ticket.
    """
    found = (int(match[1]) for match in _REFERENCE.finditer(subject[:2000]))
    return list(dict.fromkeys(number for number in found if number > 0))[:MAX_REFERENCES]


def reply_token(addresses: Iterable[str], mailbox_address: str) -> str | None:
    """The token of `support+TOKEN@host` among the addresses of a mail to `support@host`.

    The token is as it was sent: some servers change its case, so it should not depend on case.
    """
    local, _, host = mailbox_address.strip().lower().rpartition("@")
    if not local:
        return None
    for address in addresses:
        name, _, where = address.strip().rpartition("@")
        if where.lower() != host or not name.lower().startswith(f"{local}+"):
            continue
        token = name[len(local) + 1 :]
        if _TOKEN.fullmatch(token):
            return token
    return None
