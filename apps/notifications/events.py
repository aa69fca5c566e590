from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class MessageFailed:
    """A message reached its person by no method; whoever wrote it may try somebody else.

    Also a mail to somebody outside that was refused or given up; then nobody is `person_id`.
    `error` is `class: sentence` without secrets, `address_hint` the address as it may be shown.
    """

    message_id: int
    what: str
    subject_kind: str
    subject_ref: str
    person_id: int | None
    at: datetime
    error: str = ""
    address_hint: str = ""
