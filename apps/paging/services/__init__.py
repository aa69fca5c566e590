"""Waking people: pages opened, joined, raised, acknowledged, resolved; and their steps taken."""

from __future__ import annotations

from apps.paging.services.escalation import hurry, next_told, take_due_steps
from apps.paging.services.pages import (
    acknowledge,
    join,
    lock,
    open_page,
    raise_page,
    relabel,
    reroute,
    resolve,
    told,
)
from apps.paging.services.policies import (
    PolicyStep,
    archive_policy,
    default_policy,
    restore_policy,
    save_policy,
    snapshot_for,
    use_policy,
)

__all__ = [
    "PolicyStep",
    "acknowledge",
    "archive_policy",
    "default_policy",
    "hurry",
    "join",
    "lock",
    "next_told",
    "open_page",
    "raise_page",
    "relabel",
    "reroute",
    "resolve",
    "restore_policy",
    "save_policy",
    "snapshot_for",
    "take_due_steps",
    "told",
    "use_policy",
]
