"""Pings of heartbeats, in the style of healthchecks.io: the address says everything.

The door writes what the address said into the delivery, as one small JSON object (`written`), since
the body is only what the job printed. What ran well and what failed is an event; a start and words
in between are none, and are handed on with the delivery as all pings are.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, Literal
from urllib.parse import parse_qs

from apps.core.safe_json import scrub_text
from apps.intake.canonical import (
    Body,
    CanonicalEvent,
    Headers,
    InvalidEvent,
    make_event,
    read_object,
    text_of,
)

KIND: Final[str] = "heartbeat"
MAX_BODY: Final = 10_000  # bytes of what a job printed that are kept
MAX_EXIT: Final = 255

Said = Literal["success", "start", "fail", "log"]
_WORDS: Final[dict[str, Said]] = {"": "success", "start": "start", "fail": "fail", "log": "log"}
_SAID: Final[dict[str, Said]] = {said: said for said in _WORDS.values()}
_SLUG: Final = re.compile(r"[a-z0-9_-]{1,80}")
_EXIT: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


class BadPing(Exception):
    """An address that is nearly right; `args[0]` is the answer, a few words."""


@dataclass(frozen=True)
class Ping:
    """What an address asks for: `uuid` of a heartbeat, or `key` of its integration and `slug`."""

    said: Said
    uuid: str = ""
    key: str = ""
    slug: str = ""
    exit_status: int | None = None
    run_ref: str = ""
    create: bool = False

    @property
    def failed(self) -> bool:
        return self.said == "fail"


def asked(path: str, query: str) -> Ping | None:
    """What `/ping/…` asks for; None where nothing is, BadPing for a bad exit status or rid."""
    parts = path.removeprefix("/ping/").removesuffix("/").split("/")
    named = _uuid(parts[0])
    if not named and (len(parts) < 2 or not _SLUG.fullmatch(parts[1].lower())):
        return None
    found, rest = ({"uuid": named}, parts[1:]) if named else (
        {"key": parts[0], "slug": parts[1].lower()}, parts[2:]
    )  # fmt: skip
    word = rest[0] if rest else ""
    if len(rest) > 1 or (word not in _WORDS and not _EXIT.fullmatch(word)):
        return None
    given = parse_qs(query[:2000], keep_blank_values=True, errors="replace")
    status = None if word in _WORDS else _exit_status(word)
    return Ping(
        said=_WORDS[word] if status is None else "fail" if status else "success",
        exit_status=status,
        run_ref=_run_ref(given.get("rid")),
        create=not named and given.get("create", [""])[-1] in ("1", "true"),
        **found,
    )


def _uuid(text: str) -> str:
    """A UUID in its one spelling; empty for anything else, so that it may be a key."""
    try:
        return str(uuid.UUID(text)) if len(text) == 36 else ""
    except ValueError:
        return ""


def _exit_status(word: str) -> int:
    if int(word) > MAX_EXIT:
        raise BadPing("the exit status is larger than 255")
    return int(word)


def _run_ref(given: list[str] | None) -> str:
    if given is None:
        return ""
    if found := _uuid(given[-1]):
        return found
    raise BadPing("rid must be a UUID")


def written(ping: Ping, printed: bytes) -> bytes:
    """The delivery's body: the address without the key that is a secret, and what was printed."""
    fields = {name: value for name, value in asdict(ping).items() if name != "key" and value}
    if ping.exit_status is not None:
        fields["exit_status"] = ping.exit_status
    text = printed[:MAX_BODY].decode(errors="replace")
    return json.dumps({**fields, "body_text": text}).encode()


def read(body: Body) -> tuple[Ping, str]:
    """The ping and what was printed, as `written` wrote them; InvalidEvent for anything else."""
    data = read_object(body)
    said, status = _SAID.get(text_of(data.get("said")) or "?"), data.get("exit_status")
    uuid_, slug = _uuid(text_of(data.get("uuid")) or ""), text_of(data.get("slug")) or ""
    if said is None or not (uuid_ or _SLUG.fullmatch(slug)):
        raise InvalidEvent("not_a_ping", "This is no ping of a heartbeat.")
    if not (status is None or (type(status) is int and 0 <= status <= MAX_EXIT)):
        raise InvalidEvent("not_a_ping", "The exit status is none.")
    printed = data.get("body_text")
    ping = Ping(
        said=said,
        uuid=uuid_,
        slug=slug,
        exit_status=status,
        run_ref=_uuid(text_of(data.get("run_ref")) or ""),
        create=data.get("create") is True,
    )
    return ping, scrub_text(printed) if isinstance(printed, str) else ""


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """One event when a run ended, well (resolve) or not (trigger)."""
    ping, printed = read(body)
    if ping.said not in ("success", "fail"):
        return []
    return [
        make_event(
            kind="heartbeat",
            action="trigger" if ping.failed else "resolve",
            dedup_key=dedup_key(ping.uuid) if ping.uuid else fallback_key,
            severity="error" if ping.failed else None,
            summary=_summary(ping),
            source="heartbeat",
            occurred_at=received_at,
            details={"body": printed} if printed else {},
        )
    ]


def dedup_key(named: object) -> str:
    """The key of the alert of a heartbeat, by its UUID."""
    return f"hb:{named}"


def delivery_key(body: Body, headers: Headers) -> str | None:
    """None: nothing in a ping tells a retry from the next run, and to take one twice is no harm."""
    return None


def _summary(ping: Ping) -> str:
    if not ping.failed:
        return "Heartbeat ran"
    if ping.exit_status is not None:
        return f"Heartbeat exit status {ping.exit_status}"
    return "Heartbeat reported failure"
