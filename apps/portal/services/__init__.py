"""Flows that need several apps at once, each in one transaction: set-up, people, presets, demo."""

from __future__ import annotations

from apps.portal.services.demo import (
    has_mailbox,
    is_demo_present,
    plan_removal,
    remove_demo,
)
from apps.portal.services.demo_tables import Kept, Removal
from apps.portal.services.first_run import first_run, is_first_run, is_setup_code, setup_code
from apps.portal.services.people import (
    Applied,
    accept_invitation,
    apply_import,
    invite_again,
    invite_person,
    known_site,
)
from apps.portal.services.presets import (
    NewCredential,
    Turn,
    create_integration,
    create_rotation,
    preview_weekly,
)

__all__ = [
    "Applied",
    "Kept",
    "NewCredential",
    "Removal",
    "Turn",
    "accept_invitation",
    "apply_import",
    "create_integration",
    "create_rotation",
    "first_run",
    "has_mailbox",
    "invite_again",
    "invite_person",
    "is_demo_present",
    "is_first_run",
    "is_setup_code",
    "known_site",
    "plan_removal",
    "preview_weekly",
    "remove_demo",
    "setup_code",
]
