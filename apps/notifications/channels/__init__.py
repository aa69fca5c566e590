"""The ways to reach somebody, by kind."""

from __future__ import annotations

from .apprise_push import (
    Call,
    Discord,
    GoogleChat,
    Pushover,
    Slack,
    Sms,
    Teams,
    Telegram,
    Webex,
)
from .base import (
    AddressError,
    Attachment,
    Automatic,
    Channel,
    Outgoing,
    Result,
    Sender,
    Urgency,
    failed,
    missing,
    sent,
)
from .email import Email
from .mailbox import Mailbox
from .selfhosted import Mattermost, Ntfy
from .webhook import Webhook

__all__ = [
    "CHANNELS",
    "AddressError",
    "Attachment",
    "Automatic",
    "Channel",
    "Outgoing",
    "Result",
    "Sender",
    "Urgency",
    "failed",
    "missing",
    "sent",
]

_ALL: tuple[Channel, ...] = (
    Email(),
    Ntfy(),
    Pushover(),
    Sms(),
    Call(),
    Slack(),
    Teams(),
    Discord(),
    Telegram(),
    Mattermost(),
    GoogleChat(),
    Webex(),
    Webhook(),
    Mailbox(),
)
CHANNELS: dict[str, Channel] = {channel.kind: channel for channel in _ALL}
