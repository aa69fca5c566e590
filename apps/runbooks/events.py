from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.core.audit import Actor


@dataclass(frozen=True)
class ExecutionNoted:
    """Something happened in a run of a runbook that belongs into the record of its context.

    `what` is `started`, `step`, `wrong`, `paused`, `resumed`, `completed` or `abandoned`; `text` a
    sentence for people. The run says which incident or drill it belongs to.
    """

    execution_id: int
    what: str
    text: str
    at: datetime
    by: Actor
