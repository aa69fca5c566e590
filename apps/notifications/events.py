from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class MessageFailed:
    """A message reached its person by no method; whoever wrote it may try somebody else."""

    message_id: int
    what: str
    subject_kind: str
    subject_ref: str
    person_id: int | None
    at: datetime
