"""The site's own settings: its address, zone, mail server and channel accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.core import secrets
from apps.core.errors import Invalid
from apps.notifications import wording
from apps.notifications.channels import CHANNELS
from apps.notifications.channels.base import Outgoing, Result, Sender
from apps.notifications.channels.email import Email
from apps.notifications.models import Site

# What each channel's account part is called; the form and the sender use the same names.
ACCOUNT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "pushover": ("app_token",),
    "twilio_sms": ("account_sid", "auth_token", "from"),
    "ntfy": ("server", "token"),
    "telegram": ("bot_token",),
}


_kept: ContextVar[list[Site] | None] = ContextVar("site", default=None)


@contextmanager
def read_once() -> Iterator[None]:
    """Inside, the row is read once: for work that writes or sends very many messages in a go."""
    token = _kept.set([])
    try:
        yield
    finally:
        _kept.reset(token)


def site() -> Site:
    """The one row; an unsaved default before the first run."""
    kept = _kept.get()
    if kept:
        return kept[0]
    row = Site.objects.filter(pk=1).first() or Site(pk=1)
    if kept is not None:
        kept.append(row)
    return row


def address() -> str:
    """Where the site is reached, without a trailing slash; the environment's word comes first."""
    known = settings.SITE_URL or site().address or settings.DEFAULT_SITE_URL
    return (known or "http://localhost:8000").rstrip("/")


def absolute(path: str) -> str:
    """A link that works from a mail."""
    return f"{address()}{path}"


def host() -> str:
    """The domain part of Message-IDs."""
    return urlsplit(address()).hostname or "localhost"


def save_site(*, values: Mapping[str, Any], now: datetime) -> Site:
    """Store the first-run page's answers; an empty password keeps the one that is there."""
    row = site()
    password = values.get("smtp_password")
    fields = {
        "name",
        "address",
        "time_zone",
        "mail_from",
        "smtp_host",
        "smtp_port",
        "smtp_security",
        "smtp_user",
    }
    for name in fields & values.keys():
        setattr(row, name, values[name])
    row.address = row.address.rstrip("/")
    if password:
        row.smtp_password_sealed = secrets.seal(password)
    if not row.smtp_user:
        row.smtp_password_sealed = ""
    row.set_up_at = row.set_up_at or now
    row.full_clean(validate_constraints=False)
    row.save()
    return row


def save_accounts(*, channel: str, values: Mapping[str, str]) -> Site:
    """Store the account of a channel (a Twilio SID and token, a Pushover app); sealed."""
    if channel not in ACCOUNT_FIELDS:
        raise Invalid(f"{channel} needs no account.")
    row = site()
    accounts = json.loads(secrets.unseal(row.accounts_sealed) or "{}")
    accounts[channel] = {name: values.get(name, "").strip() for name in ACCOUNT_FIELDS[channel]}
    row.accounts_sealed = secrets.seal(json.dumps(accounts))
    row.save()
    return row


def site_config(channel: str) -> dict[str, str]:
    """The account part that `channel` sends with."""
    row = site()
    private = {"allow_private": "1"} if settings.OUTGOING_ALLOW_PRIVATE else {}
    plain = {"allow_http": "1"} if settings.OUTGOING_ALLOW_HTTP else {}
    if channel == "email":
        return {
            "host": row.smtp_host,
            "port": str(row.smtp_port),
            "security": row.smtp_security,
            "user": row.smtp_user,
            "password": secrets.unseal(row.smtp_password_sealed),
        }
    accounts = json.loads(secrets.unseal(row.accounts_sealed) or "{}")
    account = "twilio_sms" if channel == "twilio_call" else channel
    return {**accounts.get(account, {}), **private, **plain}


def sender() -> Sender:
    """Who mails come from; without a configured address, one of the site's own host."""
    row = site()
    return Sender(name=row.name, address=row.mail_from or f"opsportal@{host()}")


# How long a person waits on the page for a mail server's answer, in seconds.
_TEST_PATIENCE = "6"


def send_test_mail(
    *,
    to: str,
    reader: wording.Reader,
    now: datetime,
    values: Mapping[str, Any] | None = None,
) -> Result:
    """Send one mail at once, past the outbox, and answer what the mail server made of it.

    `values` are settings as they were typed, by the names of `save_site`; without them the stored
    ones are used. An empty password means the stored one, as long as server and user are the same.
    """
    stored = site_config("email")
    config, name, sent_from = stored, site().name, sender()
    if values is not None:
        config = _typed_config(values, stored)
        address_typed = str(values.get("mail_from") or f"opsportal@{host()}")
        sent_from = Sender(name=name, address=address_typed)
    facts = wording.TestMail(
        server=f"{config['host']}, port {config['port']}", site=name, url=address()
    )
    texts = wording.test_mail(facts, reader, now)
    return CHANNELS["email"].send(
        Outgoing(
            address=to,
            subject=texts.subject,
            text=texts.text,
            html=texts.html,
            short=texts.short,
            message_id=f"{secrets.token(24)}@{host()}",
            urgency="low",
            sender=sent_from,
            config={**config, "timeout": _TEST_PATIENCE},
            created_at=now,
            now=now,
            event="test_mail",
        )
    )


def check_mail_server(*, now: datetime) -> Result:
    """Whether the stored mail server lets us in and takes our sender; sends nothing."""
    ours = sender()
    outgoing = Outgoing(
        address=ours.address,
        subject="",
        text="",
        short="",
        message_id="",
        sender=ours,
        config={**site_config("email"), "timeout": _TEST_PATIENCE},
        created_at=now,
        now=now,
    )
    return Email().probe(outgoing)


def _typed_config(values: Mapping[str, Any], stored: Mapping[str, str]) -> dict[str, str]:
    names = {"host": "smtp_host", "port": "smtp_port", "security": "smtp_security"}
    config = {key: str(values.get(name) or "") for key, name in names.items()}
    config |= {"user": str(values.get("smtp_user") or "")}
    same = (config["host"], config["user"]) == (stored["host"], stored["user"])
    kept = stored["password"] if same else ""
    return config | {"password": str(values.get("smtp_password") or "") or kept}
