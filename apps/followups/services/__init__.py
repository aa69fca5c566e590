"""The ledger's changes of state."""

from __future__ import annotations

from apps.followups.services.factors import (
    archive_factor,
    bring_back_factor,
    ensure_factors,
    save_factor,
)
from apps.followups.services.keeping import EDITABLE, HAND, by_key, edit, open_follow_up
from apps.followups.services.leaving import hand_over
from apps.followups.services.log import comment
from apps.followups.services.moving import (
    mark_done,
    not_held,
    reopen,
    start,
    verify,
    why_not_verify,
    wont_do,
)
from apps.followups.services.proof import add_evidence, withdraw
from apps.followups.services.recurrence import recurred
from apps.followups.services.reminding import remind_due
from apps.followups.services.telling import url_of

__all__ = [
    "EDITABLE",
    "HAND",
    "add_evidence",
    "archive_factor",
    "bring_back_factor",
    "by_key",
    "comment",
    "edit",
    "ensure_factors",
    "hand_over",
    "mark_done",
    "not_held",
    "open_follow_up",
    "recurred",
    "remind_due",
    "reopen",
    "save_factor",
    "start",
    "url_of",
    "verify",
    "why_not_verify",
    "withdraw",
    "wont_do",
]
