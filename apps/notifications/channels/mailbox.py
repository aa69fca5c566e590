"""The in-app mailbox of demo people: nothing leaves the house."""

from __future__ import annotations

from collections.abc import Mapping

from .base import NO_CONFIG, AddressError, Outgoing, Result, sent


class Mailbox:
    """Delivers by doing nothing: the stored outbox row is what the mailbox shows."""

    kind = "mailbox"
    label = "In-app mailbox"
    help = "For demo people. Messages stay inside and can be read on the mailbox page."
    wakes = False
    needs: tuple[str, ...] = ()

    def check_address(self, address: str, config: Mapping[str, str] = NO_CONFIG) -> str:
        name = address.strip()
        if not name or not name.isprintable() or len(name) > 254:
            raise AddressError("Write a name for the mailbox, at most 254 characters long.")
        return name

    def send(self, outgoing: Outgoing) -> Result:
        return sent(outgoing.message_id)
