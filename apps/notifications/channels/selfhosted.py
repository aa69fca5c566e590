"""ntfy and Mattermost: services that people also run themselves, so their host is typed.

apprise would resolve the typed name on its own, between the guard's check and its connection;
these two speak one small JSON request each, so they go through the guard itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from apps.notifications import guard
from apps.notifications.layout import cut, one_line, printable

from .apprise_push import tame
from .base import NO_CONFIG, AddressError, Outgoing, Result, failed
from .webhook import checked_url, deliver, judge

_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")
_JSON = {"Content-Type": "application/json"}


class Ntfy:
    """`config`: server (used for a bare topic), token (sent to that server alone)."""

    kind = "ntfy"
    label = "ntfy (push)"
    help = "Your topic, such as https://ntfy.sh/ravi-7f3k. Choose one that nobody can guess."
    wakes = True
    needs: tuple[str, ...] = ()

    def check_address(self, address: str, config: Mapping[str, str] = NO_CONFIG) -> str:
        typed = address.strip().rstrip("/")
        if _TOPIC.fullmatch(typed):
            typed = f"{_server(config)}/{typed}"
        elif "://" not in typed:
            typed = f"https://{typed}"
        url = checked_url(typed, config)
        if not _TOPIC.fullmatch(urlsplit(url).path.removeprefix("/")) or urlsplit(url).query:
            raise AddressError("Write your ntfy topic, such as https://ntfy.sh/ravi-7f3k.")
        return url

    def send(self, outgoing: Outgoing) -> Result:
        base, _, topic = outgoing.address.rpartition("/")
        message = {
            "topic": topic,
            "title": cut(one_line(outgoing.subject), 200),
            "message": _bytes_cut(printable(outgoing.text), 3500),
            "priority": 5 if outgoing.urgency == "high" else 2,
            **({"click": outgoing.link} if outgoing.link else {}),
        }
        headers = dict(_JSON)
        if (token := outgoing.config.get("token")) and base == _server(outgoing.config):
            headers["Authorization"] = f"Bearer {token}"
        reply = deliver(f"{base}/", json.dumps(message).encode(), headers, outgoing.config)
        return reply if isinstance(reply, Result) else judge(reply, _id_of(reply))


class Mattermost:
    """An incoming webhook of a Mattermost server."""

    kind = "mattermost"
    label = "Mattermost"
    help = "The address of an incoming webhook: https://chat.example.com/hooks/..."
    wakes = False
    needs: tuple[str, ...] = ()

    def check_address(self, address: str, config: Mapping[str, str] = NO_CONFIG) -> str:
        url = checked_url(address, config)
        if not re.search(r"/hooks/[a-z0-9]{20,40}$", urlsplit(url).path):
            raise AddressError("Write the whole webhook address: https://.../hooks/...")
        return url

    def send(self, outgoing: Outgoing) -> Result:
        text = f"**{tame(one_line(outgoing.subject))}**\n\n{tame(printable(outgoing.text))}"
        body = json.dumps({"text": cut(text, 4000)}).encode()
        reply = deliver(outgoing.address, body, _JSON, outgoing.config)
        if isinstance(reply, Result):
            return reply
        if reply.status in (400, 403, 404):
            sentence = f"This webhook does not work any more ({reply.status})."
            return failed("gone", sentence, permanent=True)
        return judge(reply)


def _server(config: Mapping[str, str]) -> str:
    return (config.get("server") or "https://ntfy.sh").rstrip("/")


def _bytes_cut(text: str, limit: int) -> str:
    """ntfy turns a message of more than 4096 bytes into a file, which no lock screen shows."""
    size = limit
    while len(short := cut(text, size)) and len(short.encode()) > limit:
        size = size * 3 // 4
    return short


def _id_of(reply: guard.Reply) -> str:
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    found = answer.get("id", "") if isinstance(answer, dict) else ""
    return found if isinstance(found, str) and re.fullmatch(r"[\w-]{1,64}", found) else ""
