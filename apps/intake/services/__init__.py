"""Integrations, and what becomes of deliveries: normalised, ignored or quarantined."""

from __future__ import annotations

from apps.intake.services.integrations import (
    HOOKS,
    KEYED,
    SIGNED,
    NewIntegration,
    archive_integration,
    create_integration,
    end_old_secret,
    internal_integration,
    native_integration,
    restore_integration,
    rotate_token,
    set_owner,
    set_secret,
)
from apps.intake.services.normalising import (
    BATCH,
    HEAVY,
    HEAVY_BATCH,
    KEPT,
    MAX_TRIES,
    normalise_due,
    purge,
    replay,
    wake,
)
from apps.intake.services.receiving import receive, receive_hook
from apps.intake.services.trying import send_test

__all__ = [
    "BATCH",
    "HEAVY",
    "HEAVY_BATCH",
    "HOOKS",
    "KEPT",
    "KEYED",
    "MAX_TRIES",
    "SIGNED",
    "NewIntegration",
    "archive_integration",
    "create_integration",
    "end_old_secret",
    "internal_integration",
    "native_integration",
    "normalise_due",
    "purge",
    "receive",
    "receive_hook",
    "replay",
    "restore_integration",
    "rotate_token",
    "send_test",
    "set_owner",
    "set_secret",
    "wake",
]
