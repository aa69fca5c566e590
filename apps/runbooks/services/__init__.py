"""Runbooks: written and approved, run step by step, reviewed, and chased when they grow stale."""

from __future__ import annotations

from apps.runbooks.services.bringing import BadFile, bring
from apps.runbooks.services.chasing import chase_stale
from apps.runbooks.services.contexts import context_of
from apps.runbooks.services.leaving import free_runbooks
from apps.runbooks.services.reviewing import review
from apps.runbooks.services.running import (
    Recorded,
    abandon,
    complete,
    pause,
    record_step,
    resume,
    start,
    transition,
)
from apps.runbooks.services.writing import (
    approve,
    create,
    edit,
    retire,
    return_to_draft,
    save_draft,
    submit,
    why_not_approve,
    why_not_retire,
)
from apps.runbooks.services.wrong import say_wrong

__all__ = [
    "BadFile",
    "Recorded",
    "abandon",
    "approve",
    "bring",
    "chase_stale",
    "complete",
    "context_of",
    "create",
    "edit",
    "free_runbooks",
    "pause",
    "record_step",
    "resume",
    "retire",
    "return_to_draft",
    "review",
    "save_draft",
    "say_wrong",
    "start",
    "submit",
    "transition",
    "why_not_approve",
    "why_not_retire",
]
