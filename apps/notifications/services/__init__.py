"""How people are reached: the outbox, contact methods, invitations, the site's own settings."""

from __future__ import annotations

from apps.notifications.services.endpoints import (
    NewEndpoint,
    archive_endpoint,
    change_endpoint,
    create_endpoint,
    rotate_secret,
    shown_url,
)
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
from apps.notifications.services.outside import mail_outside, post_outside
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
from apps.notifications.services.site import host as site_host
from apps.notifications.services.webhooks import (
    emit,
    purge_webhooks,
    redeliver,
    send_test,
    send_webhooks,
)

__all__ = [
    "NewEndpoint",
    "TestArrival",
    "Told",
    "absolute",
    "accept",
    "add_method",
    "answer_test_page",
    "archive_endpoint",
    "can_be_woken",
    "cancel",
    "change_endpoint",
    "check_mail_server",
    "confirm",
    "create_endpoint",
    "emit",
    "invite",
    "mail_outside",
    "notify",
    "open_invitation",
    "post_outside",
    "purge_webhooks",
    "read_test_page",
    "redeliver",
    "remove_method",
    "rotate_secret",
    "save_accounts",
    "save_site",
    "send_code",
    "send_due",
    "send_test",
    "send_test_mail",
    "send_test_page",
    "send_to_address",
    "send_webhooks",
    "set_quiet_hours",
    "set_rules",
    "shown_url",
    "site",
    "site_config",
    "site_host",
    "tested_at",
]
