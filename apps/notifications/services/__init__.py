"""How people are reached: the outbox, contact methods, invitations, the site's own settings."""

from __future__ import annotations

from apps.notifications.services.invitations import accept, invite, open_invitation
from apps.notifications.services.methods import (
    add_method,
    can_be_woken,
    confirm,
    remove_method,
    send_code,
    send_test_page,
    set_quiet_hours,
    set_rules,
)
from apps.notifications.services.outbox import Told, cancel, notify, send_to_address
from apps.notifications.services.sender import send_due
from apps.notifications.services.site import (
    absolute,
    save_accounts,
    save_site,
    site,
    site_config,
)

__all__ = [
    "Told",
    "absolute",
    "accept",
    "add_method",
    "can_be_woken",
    "cancel",
    "confirm",
    "invite",
    "notify",
    "open_invitation",
    "remove_method",
    "save_accounts",
    "save_site",
    "send_code",
    "send_due",
    "send_test_page",
    "send_to_address",
    "set_quiet_hours",
    "set_rules",
    "site",
    "site_config",
]
