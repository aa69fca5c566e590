"""Calls to Slack's Web API: the one place that speaks to it, behind the guard.

`config`: bot_token; for a proxy or a trial of one's own also `api`, `allow_http`, `allow_private`.
Slack answers 200 and says in the body whether it worked, with a stable word when it did not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .base import Result
from .webhook import deliver, judge

API: Final = "https://slack.com/api"
ANSWERS: Final = "https://hooks.slack.com/"
SECONDS: Final = 5.0
_WORD: Final = re.compile(r"[a-z_]{1,60}")
_WHY: Final = {
    "invalid_auth": "Slack does not accept the bot token. Enter it anew.",
    "not_authed": "Slack does not accept the bot token. Enter it anew.",
    "account_inactive": "The bot token's workspace or user is switched off.",
    "token_revoked": "The bot token was revoked. Enter a new one.",
    "missing_scope": "The bot lacks a scope: it needs chat:write and usergroups:write.",
    "no_such_subteam": "Slack has no user group of this ID.",
    "subteam_not_found": "Slack has no user group of this ID.",
    "permission_denied": "The workspace does not let the bot change user groups.",
    "invalid_users": "Slack does not know one of the member IDs.",
    "user_not_found": "Slack does not know one of the member IDs.",
    "channel_not_found": "Slack has no channel of this ID, or the bot is not in it.",
    "not_in_channel": "The bot is not in the channel. Invite it there.",
    "paid_teams_only": "User groups need a paid Slack plan.",
}


@dataclass(frozen=True)
class Answer:
    """What Slack said. `error` is a sentence of ours, `retry` whether trying again can help."""

    ok: bool
    error: str = ""
    retry: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)


def call(method: str, body: Mapping[str, Any], config: Mapping[str, str]) -> Answer:
    """Call a method such as `chat.postMessage` once, with JSON. Never raises."""
    token = config.get("bot_token", "")
    if not token:
        return Answer(ok=False, error="No bot token is set.")
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Authorization": f"Bearer {token}",
    }
    url = f"{config.get('api') or API}/{method}"
    return _read(deliver(url, json.dumps(body).encode(), headers, config, seconds=SECONDS))


def answer(url: str, text: str, config: Mapping[str, str]) -> Answer:
    """Say something, to one person alone, to whoever pressed a button. `url` is Slack's own."""
    if not url.startswith(config.get("answers") or ANSWERS):
        return Answer(ok=False, error="This is not an address of Slack.")
    body = {"response_type": "ephemeral", "replace_original": False, "text": text}
    headers = {"Content-Type": "application/json"}
    return _read(deliver(url, json.dumps(body).encode(), headers, config, seconds=SECONDS))


def _read(reply: Any) -> Answer:
    if isinstance(reply, Result):
        return Answer(ok=False, error=_sentence(reply), retry=not reply.permanent)
    judged = judge(reply)
    if not judged.ok:
        return Answer(ok=False, error=_sentence(judged), retry=not judged.permanent)
    try:
        data = json.loads(reply.body)
    except (ValueError, RecursionError):
        return Answer(ok=reply.body.strip() in (b"", b"ok"), error="Slack's answer was no JSON.")
    if not isinstance(data, dict):
        return Answer(ok=False, error="Slack's answer was no object.")
    if data.get("ok") is not False:
        return Answer(ok=True, data=data)
    word = str(data.get("error"))
    known = word if _WORD.fullmatch(word) else "an unknown error"
    retry = word in ("ratelimited", "internal_error", "fatal_error", "service_unavailable")
    return Answer(ok=False, error=_WHY.get(word, f"Slack refused: {known}."), retry=retry)


def _sentence(result: Result) -> str:
    return result.error.partition(": ")[2] or result.error
