"""What Slack sends: a handshake, a pressed button, a slash command. Pure reading, with limits.

Slack is answered at once by a door of its own, which asks `read`; the event of a pressed button is
kept beside its delivery, so that the page of the integration shows what came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import parse_qs

from apps.core.safe_json import scrub_text
from apps.intake.canonical import (
    Body,
    CanonicalEvent,
    FieldError,
    Headers,
    InvalidEvent,
    make_event,
    mapping_of,
    parse_body,
    read_object,
    refuse,
    text_of,
)

KIND: Final[str] = "slack"
MAX_FIELDS: Final = 100
MAX_TEXT: Final = 300  # characters after a slash command that are read
BUTTONS: Final = frozenset({"ack", "acknowledge"})
_MEMBER: Final = re.compile(r"[UW][A-Z0-9]{2,19}")
# Answers to buttons go where Slack says, and nowhere else.
_ANSWERS: Final = re.compile(r"https://hooks\.slack\.com/[A-Za-z0-9/_-]{1,400}")

What = Literal["handshake", "button", "command", "other"]


@dataclass(frozen=True)
class Asked:
    """One request: who (a member ID, empty when none), and what; `value` is the button's."""

    what: What
    member: str = ""
    value: str = ""
    command: str = ""
    text: str = ""
    answer_to: str = ""
    challenge: str = ""


def read(body: Body) -> Asked:
    """What is asked, from JSON or a form; InvalidEvent for a body that is neither."""
    data = _fields(body)
    if data.get("type") == "url_verification":
        challenge = text_of(data.get("challenge"))
        if challenge is None:
            refuse([FieldError(field="challenge", message="is missing")])
        return Asked("handshake", challenge=(challenge or "")[:1000])
    if data.get("type") == "block_actions":
        return _pressed(data)
    if command := text_of(data.get("command")):
        return Asked(
            "command",
            member=_member(data.get("user_id")),
            command=command[:40],
            text=scrub_text(text_of(data.get("text")) or "")[:MAX_TEXT],
            answer_to=_answer_to(data),
        )
    return Asked("other")


def _fields(body: Body) -> dict[str, Any]:
    """The object that came: JSON, a form's `payload`, or the form itself."""
    if not isinstance(body, bytes) or body.lstrip()[:1] in (b"{", b"["):
        return read_object(body)
    try:
        given = parse_qs(body.decode(), max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidEvent("not_a_form", "The body is neither JSON nor a form.") from error
    if not given:
        raise InvalidEvent("not_a_form", "The body is neither JSON nor a form.")
    if "payload" in given:
        found = parse_body(given["payload"][-1].encode())
        return found if isinstance(found, dict) else {}
    return {name: values[-1] for name, values in given.items()}


def _pressed(data: dict[str, Any]) -> Asked:
    actions = data.get("actions")
    rows = [row for row in actions if isinstance(row, dict)] if isinstance(actions, list) else []
    ours = next((row for row in rows if text_of(row.get("action_id")) in BUTTONS), None)
    value = text_of(ours.get("value")) if ours else None
    if value is None:
        return Asked("other")
    user = mapping_of(data.get("user"))
    return Asked(
        "button",
        member=_member(user.get("id")),
        value=scrub_text(value)[:255],
        answer_to=_answer_to(data),
    )


def _member(value: Any) -> str:
    found = value if isinstance(value, str) else ""
    return found if _MEMBER.fullmatch(found) else ""


def _answer_to(data: dict[str, Any]) -> str:
    url = data.get("response_url")
    return url if isinstance(url, str) and _ANSWERS.fullmatch(url) else ""


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """The event of a pressed Acknowledge; nothing else is one."""
    asked = read(body)
    if asked.what != "button":
        return []
    return [
        make_event(
            kind="command",
            action="acknowledge",
            dedup_key=asked.value,
            source=f"slack:{asked.member}",
            occurred_at=received_at,
        )
    ]


def delivery_key(body: Body, headers: Headers) -> str | None:
    """None: pressing twice is no fault, and what it does is done once."""
    return None
