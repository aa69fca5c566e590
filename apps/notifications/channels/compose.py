"""A mail as it goes over the wire: headers that nobody can break into, text, HTML, files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.header import Header
from email.headerregistry import (
    Address,
    BaseHeader,
    HeaderRegistry,
    UniqueSingleAddressHeader,
    UnstructuredHeader,
)
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, quote
from typing import Any

from apps.notifications.layout import cut, one_line, printable

from .base import Attachment, Outgoing

CHAIN = 20  # message ids that References holds at most: the first, and the newest others
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9.!#$%&'*+/=?^_`{|}~@-]")
_NOT_IN_FOREIGN_ID = re.compile(r"[^\x21-\x7e]|[<>]")  # what others made is given back as it was
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}")
_SUBJECT_LIMIT = 200  # characters; mail programs show far fewer
_NAME_LIMIT = 100
_FILE_NAME_LIMIT = 120
_LINE_LIMIT = 900  # RFC 5322 allows 998 octets in a line
_WORD_LIMIT = 70  # an encoded word, with its frame, is at most 75 characters long


class _Subject(UnstructuredHeader, BaseHeader):
    """A plain subject stays on one line: folding could put all of it on the second."""

    def fold(self, *, policy: Any) -> str:
        end: str = policy.linesep
        return f"Subject: {self}{end}" if self.isascii() else super().fold(policy=policy)


class _Ids(UnstructuredHeader, BaseHeader):
    """Message ids are folded between ids only; the standard fold would encode long ones.

    Nor are they decoded: an id that looks like an encoded word stays the text that it is.
    """

    @classmethod
    def parse(cls, string: str, kwds: dict[str, Any]) -> None:
        kwds["parse_tree"] = cls.value_parser("")
        kwds["decoded"] = string

    def fold(self, *, policy: Any) -> str:
        end: str = policy.linesep
        return f"{self.name}: " + f"{end} ".join(self.split()) + end


class _Mailbox(UniqueSingleAddressHeader):
    """One name and one address. The standard fold can lose the quotes around a comma."""

    name: str

    def fold(self, *, policy: Any) -> str:
        end: str = policy.linesep
        name, address = self.address.display_name, self.address.addr_spec
        if not name:
            return f"{self.name}: {address}{end}"
        if name.isascii() and "=?" not in name:
            shown = f'"{quote(name)}"'
        else:
            words = Header(name, "utf-8", maxlinelen=_WORD_LIMIT, header_name=self.name)
            shown = words.encode(linesep=end)
        last = len(self.name) + 2 + len(shown) if end not in shown else len(shown.split(end)[-1])
        gap = " " if last + len(address) + 3 <= _WORD_LIMIT else f"{end} "
        return f"{self.name}: {shown}{gap}<{address}>{end}"


_headers = HeaderRegistry()
_headers.map_to_type("list-unsubscribe", _Ids)  # a long address stays whole
_headers.map_to_type("subject", _Subject)
for _name in ("message-id", "in-reply-to", "references"):
    _headers.map_to_type(_name, _Ids)
for _name in ("from", "to", "reply-to"):
    _headers.map_to_type(_name, _Mailbox)  # type: ignore[arg-type] # it mixes BaseHeader in itself
_POLICY = EmailPolicy(linesep="\r\n", header_factory=_headers)


def compose(outgoing: Outgoing, to: str) -> EmailMessage:
    """The mail itself; raises ValueError when the site's own sender address is not one."""
    sender = outgoing.sender
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = cut(one_line(outgoing.subject), _SUBJECT_LIMIT)
    message["From"] = _mailbox(sender.name, sender.address)
    message["To"] = _mailbox(outgoing.to_name, to)
    if sender.reply_to:
        message["Reply-To"] = _mailbox("", sender.reply_to)
    message["Date"] = format_datetime(outgoing.created_at)
    message["Message-ID"] = f"<{_NOT_IN_ID.sub('', outgoing.message_id)}>"
    if outgoing.in_reply_to:
        message["In-Reply-To"] = _ids([outgoing.in_reply_to])
    if outgoing.references:
        message["References"] = _ids(chain(outgoing.references))
    _mark(message, outgoing)
    text = printable(outgoing.text)
    message.set_content(text, cte=_transfer(text))
    if outgoing.html:
        html = printable(outgoing.html)
        message.add_alternative(html, subtype="html", cte=_transfer(html))
    for one in outgoing.attachments:
        _attach(message, one)
    return message


def chain(ids: Iterable[str]) -> tuple[str, ...]:
    """A chain of References of bounded length: its root, then the newest."""
    found = tuple(dict.fromkeys(ids))
    return (*found[:1], *found[1:][-(CHAIN - 1) :])


def _mark(message: EmailMessage, outgoing: Outgoing) -> None:
    """What programs read: whether a person wrote it, and how urgent it is."""
    if outgoing.automatic != "no":
        message["Auto-Submitted"] = outgoing.automatic
        message["X-Auto-Response-Suppress"] = "All"
    if outgoing.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{outgoing.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if outgoing.event:
        message["X-OpsPortal-Event"] = one_line(outgoing.event)
    if outgoing.urgency == "high":
        message["Importance"] = "high"
        message["X-Priority"] = "1"


def _mailbox(name: str, address: str) -> Address:
    return Address(display_name=cut(one_line(name), _NAME_LIMIT), addr_spec=plain(address))


def plain(address: str) -> str:
    """The address in ASCII, its domain as the name servers know it; raises ValueError."""
    local, at, domain = one_line(address).rpartition("@")
    if not local.isascii():
        raise ValueError("only ASCII stands before the @")
    return f"{local}{at}{domain.encode('idna').decode('ascii')}"


def _ids(ids: Iterable[str]) -> str:
    return " ".join(f"<{_NOT_IN_FOREIGN_ID.sub('', text)}>" for text in ids)


def _attach(message: EmailMessage, one: Attachment) -> None:
    """As a file to save. A nested mail would have to go unencoded, so it goes as plain bytes."""
    kind = one.content_type.strip().lower()
    if not _TYPE.fullmatch(kind) or kind.startswith(("multipart/", "message/")):
        kind = "application/octet-stream"
    main, _, sub = kind.partition("/")
    message.add_attachment(one.content, maintype=main, subtype=sub, filename=file_name(one.name))


def file_name(name: str) -> str:
    """A name without folders, line breaks and quotes; the ending is kept when it is cut."""
    safe = re.sub(r'[/\\:*?"<>|]+', "_", one_line(name)).strip(" .") or "attachment"
    stem, dot, ending = safe.rpartition(".")
    if not dot or len(ending) > 12:
        return cut(safe, _FILE_NAME_LIMIT, "")
    return f"{cut(stem, _FILE_NAME_LIMIT - len(ending) - 1, '')}.{ending}"


def _transfer(text: str) -> str:
    """As it is when every mail server takes it so; else quoted-printable, never base64."""
    simple = text.isascii() and all(len(line) <= _LINE_LIMIT for line in text.split("\n"))
    return "7bit" if simple else "quoted-printable"
