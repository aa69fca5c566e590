"""What all channels share: the message as it goes out, the answer, and the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from apps.core.errors import Invalid

Urgency = Literal["high", "low"]
# RFC 3834: whether a program wrote it, and whether in answer to a message; `no` marks nothing.
Automatic = Literal["auto-generated", "auto-replied", "no"]

NO_CONFIG: Mapping[str, str] = {}


class AddressError(Invalid):
    """What was typed cannot be an address of this kind; the message says what one looks like."""

    code = "bad_address"


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who the message comes from; `address` is an e-mail address and only e-mail needs it."""

    name: str
    address: str
    reply_to: str = ""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that goes with a mail, whole."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One message to one address, complete: a channel looks nothing up.

    `message_id` is an RFC 5322 id without brackets and stays the same over retries, as does
    `created_at`; `now` is the time of this attempt (both aware). `short` has at most 160
    characters. `config` holds the account of the channel, `data` the facts for programs.
    What may hold a credential (addresses, links, accounts) is kept out of `repr`. Only e-mail
    knows `to_name`, `automatic`, `attachments`, and `unsubscribe_url`, where a POST ends it.
    """

    address: str = field(repr=False)
    to_name: str = field(default="", repr=False)
    subject: str
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    short: str = field(repr=False)
    message_id: str
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    urgency: Urgency = "high"
    link: str | None = field(default=None, repr=False)
    sender: Sender
    config: Mapping[str, str] = field(default_factory=dict, repr=False)
    created_at: datetime
    now: datetime
    event: str = "message"
    data: Mapping[str, object] = field(default_factory=dict, repr=False)
    automatic: Automatic = "auto-generated"
    attachments: tuple[Attachment, ...] = field(default=(), repr=False)
    unsubscribe_url: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of an attempt.

    `permanent` means that trying again cannot help. `error` is `class: sentence`, free of
    secrets and of the other side's words. `retry_after` is the wish of the other side in seconds.
    """

    ok: bool
    provider_id: str = ""
    permanent: bool = False
    error: str = ""
    retry_after: int | None = None


def sent(provider_id: str = "") -> Result:
    """The other side took it; `provider_id` is its name for the message, when it gave one."""
    return Result(ok=True, provider_id=provider_id[:200])


def failed(
    kind: str, sentence: str, *, permanent: bool = False, retry_after: int | None = None
) -> Result:
    """It was not taken; `kind` is a stable word, `sentence` says what to do about it."""
    return Result(
        ok=False, permanent=permanent, error=f"{kind}: {sentence}"[:300], retry_after=retry_after
    )


class Channel(Protocol):
    """One way to reach somebody. `send` never raises, and returns within about 20 seconds.

    `needs` names the keys of `config` without which the channel is not set up on this site.
    """

    @property
    def kind(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def help(self) -> str: ...

    @property
    def wakes(self) -> bool: ...

    @property
    def needs(self) -> tuple[str, ...]: ...

    def check_address(self, address: str, config: Mapping[str, str] = NO_CONFIG) -> str:
        """The address in its one spelling; raises AddressError with a sentence for a person."""
        ...

    def send(self, outgoing: Outgoing) -> Result:
        """Try once to hand the message over."""
        ...


def missing(channel: Channel, config: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that still have to be set before `channel` can send anything."""
    return tuple(key for key in channel.needs if not config.get(key, "").strip())


def not_set_up(channel: Channel, config: Mapping[str, str]) -> Result:
    """The failure of a channel whose account has not been entered."""
    keys = ", ".join(missing(channel, config)) or "account"
    return failed("not_set_up", f"{channel.label} is not set up on this site (missing: {keys}).")
