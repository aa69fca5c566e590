"""A signed webhook after Standard Webhooks (standardwebhooks.com), behind the guard."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from datetime import UTC
from typing import TypedDict

from apps.notifications import guard
from apps.notifications.layout import printable

from .base import NO_CONFIG, AddressError, Outgoing, Result, failed, missing, not_set_up, sent

BODY_LIMIT = 20 * 1024  # the specification's advice


class Webhook:
    """`config`: secret (`whsec_...`), while it is being changed also previous_secret.

    The answer counts: 2xx is taken, 410 means never again, everything else may be tried again;
    redirects are not followed.
    """

    kind = "webhook"
    label = "Signed webhook"
    help = "The https address of a program of yours. Every message is signed with a secret."
    wakes = False
    needs: tuple[str, ...] = ("secret",)

    def check_address(self, address: str, config: Mapping[str, str] = NO_CONFIG) -> str:
        return checked_url(address, config)

    def send(self, outgoing: Outgoing) -> Result:
        config = outgoing.config
        if missing(self, config):
            return not_set_up(self, config)
        body = payload(outgoing)
        name = webhook_id(outgoing.message_id)
        at = int(outgoing.now.timestamp())
        keys = [config["secret"], config.get("previous_secret", "")]
        try:
            signatures = " ".join(sign(key, name, at, body) for key in keys if key)
        except ValueError:
            return failed("not_set_up", "The secret of this webhook is not valid. Make a new one.")
        headers = {
            "Content-Type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(at),
            "webhook-signature": signatures,
        }
        reply = deliver(outgoing.address, body, headers, config)
        return reply if isinstance(reply, Result) else judge(reply)


def new_secret() -> str:
    """A fresh signing secret of 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, name: str, at: int, body: bytes) -> str:
    """`v1,<base64>`: HMAC-SHA256 over `id.timestamp.body`; raises ValueError on a bad secret."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not 24 <= len(key) <= 64:
        raise ValueError("a signing secret is whsec_ and 24 to 64 bytes in base64")
    digest = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def webhook_id(message_id: str) -> str:
    """The message id as a webhook id: the same on every attempt, and without full stops."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", message_id)


def payload(outgoing: Outgoing) -> bytes:
    """The JSON body, at most 20 KB: long texts are cut, then facts that do not fit left out."""
    data: dict[str, object] = {
        **outgoing.data,
        "message_id": outgoing.message_id,
        "in_reply_to": outgoing.in_reply_to,
        "urgency": outgoing.urgency,
        "subject": printable(outgoing.subject)[:500],
        "text": printable(outgoing.text),
        "link": outgoing.link,
    }
    body = _encode(outgoing, data)
    for limit in (4000, 1000, 200):
        if len(body) > BODY_LIMIT:
            body = _encode(outgoing, {**data, "text": str(data["text"])[:limit], "cut": True})
    if len(body) > BODY_LIMIT:
        few = {key: data[key] for key in ("message_id", "urgency", "subject")}
        body = _encode(outgoing, {**few, "cut": True})
    return body


def _encode(outgoing: Outgoing, data: Mapping[str, object]) -> bytes:
    at = outgoing.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    event = {"type": outgoing.event, "timestamp": at, "data": data}
    text = json.dumps(event, ensure_ascii=False, default=str, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def checked_url(address: str, config: Mapping[str, str]) -> str:
    """The URL when the guard lets it pass; a name that cannot be found now is left to sending."""
    url = address.strip()
    try:
        guard.check_url(url, **_freedom(config))
    except guard.Blocked as error:
        raise AddressError(error.message) from None
    except guard.Failed:
        pass
    return url


def deliver(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    config: Mapping[str, str],
    *,
    seconds: float = 10.0,
) -> guard.Reply | Result:
    """POST through the guard; what does not get through comes back as a Result."""
    try:
        return guard.post(url, body, headers, total_seconds=seconds, **_freedom(config))
    except guard.Blocked as error:
        return failed("blocked", error.message, permanent=True)
    except guard.Failed as error:
        return failed(error.code, error.message)


def judge(reply: guard.Reply, provider_id: str = "") -> Result:
    """What a status means to the sender of a message."""
    status, wait = reply.status, reply.headers.get("retry-after", "")
    if 200 <= status < 300:
        return sent(provider_id)
    if status == 410:
        return failed("gone", "The address does not exist any more (410).", permanent=True)
    if 300 <= status < 400:
        return failed("redirect", f"The address redirects ({status}); enter its final form.")
    later = int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else None
    if status == 429 or status >= 500:
        return failed("busy", f"The other side cannot take it now ({status}).", retry_after=later)
    return failed("refused", f"The other side refused the message ({status}).")


class _Freedom(TypedDict):
    allow_http: bool
    allow_private: bool


def _freedom(config: Mapping[str, str]) -> _Freedom:
    """What the operator, never the person who typed the address, allows beyond the default."""
    return {
        "allow_http": config.get("allow_http") == "1",
        "allow_private": config.get("allow_private") == "1",
    }
