"""How people are reached: the outbox, contact methods, invitations, the site's own settings."""

from __future__ import annotations

from apps.notifications.services.invitations import accept, invite, open_invitation
from apps.notifications.services.methods import (
    TestArrival,
    add_method,
    answer_test_page,
    can_be_woken,
    confirm,
    read_test_page,
    remove_method,
    send_code,
    send_test_page,
    set_quiet_hours,
    set_rules,
    tested_at,
)
from apps.notifications.services.outbox import Told, cancel, notify, send_to_address
from apps.notifications.services.outside import mail_outside
from apps.notifications.services.sender import send_due
from apps.notifications.services.site import (
    absolute,
    check_mail_server,
    save_accounts,
    save_site,
    send_test_mail,
    site,
    site_config,
)

__all__ = [
    "TestArrival",
    "Told",
    "absolute",
    "accept",
    "add_method",
    "answer_test_page",
    "can_be_woken",
    "cancel",
    "check_mail_server",
    "confirm",
    "invite",
    "mail_outside",
    "notify",
    "open_invitation",
    "read_test_page",
    "remove_method",
    "save_accounts",
    "save_site",
    "send_code",
    "send_due",
    "send_test_mail",
    "send_test_page",
    "send_to_address",
    "set_quiet_hours",
    "set_rules",
    "site",
    "site_config",
    "tested_at",
]
