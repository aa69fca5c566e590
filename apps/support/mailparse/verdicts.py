"""Who wrote a mail: a person, or a program that must not be answered; with the reason."""

from __future__ import annotations

from typing import Final

from apps.intake import mailheaders as headers
from apps.intake.mailheaders import Head
from apps.intake.mailtext import one_line
from apps.support.mailparse import files
from apps.support.mailparse.model import Bounce, Limits, Verdict
from apps.support.mailparse.structure import Part

_DAEMONS: Final = ("mailer-daemon@", "postmaster@", "mail-daemon@", "mailerdaemon@")
_FAILURES: Final = (
    "undeliver", "delivery status notification", "returned mail", "mail delivery failed",
    "delivery failure", "unzustellbar", "delivery has failed", "failure notice",
)  # fmt: skip
_BULK: Final = frozenset({"bulk", "list", "junk"})
_REPLIES: Final = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-mail-autoreply")


def judge(top: Part, bounce: Bounce | None) -> tuple[Verdict, str]:
    """The verdict on a mail, and the sentence that says why; empty for a person's."""
    head = top.head
    if head.has("x-opsportal-event"):
        return Verdict.LOOP, "It is our own mail: it carries X-OpsPortal-Event."
    if bounce is not None:
        return Verdict.BOUNCE, _bounced(bounce)
    if reason := _answered_by_itself(top):
        return Verdict.AUTO_REPLY, reason
    if reason := _mass(head):
        return Verdict.BULK, reason
    return Verdict.NORMAL, ""


def _bounced(bounce: Bounce) -> str:
    whom = f" to {bounce.address}" if bounce.address else ""
    late = bounce.action == "delayed"
    return f"A mail{whom} is delayed." if late else f"A mail{whom} could not be delivered."


def _answered_by_itself(top: Part) -> str:
    head = top.head
    automatic = head.word("auto-submitted").partition(";")[0].strip()
    if automatic and automatic != "no":
        return f"Its Auto-Submitted is {automatic}."
    suppress = head.word("x-auto-response-suppress")
    if suppress and suppress != "none":
        return f"Its X-Auto-Response-Suppress is {suppress}."
    for name in _REPLIES:
        if head.has(name) and head.word(name) not in ("no", "false", "0"):
            return f"It carries {name.title()}."
    if head.word("precedence") == "auto_reply":
        return "Its Precedence is auto_reply."
    if head.has("return-path") and head.first("return-path").replace(" ", "") in ("<>", ""):
        return "Its Return-Path is empty."
    if top.main == "multipart/report" and "disposition" in top.parameters.get("report-type", ""):
        return "It is a receipt that a mail was read."
    return ""


def _mass(head: Head) -> str:
    precedence = head.word("precedence")
    if precedence in _BULK:
        return f"Its Precedence is {precedence}."
    if head.has("list-id"):
        return f"It came over a list: {head.text('list-id', 100)}."
    return ""


# -- bounces


def bounce_of(top: Part, parts: list[Part], text: str, limits: Limits) -> Bounce | None:
    """What a delivery report says; None when the mail is none.

    A report is known by its structure; without one, by a mail server as the sender and its words.
    """
    kind = top.parameters.get("report-type", "").lower()
    report = next((part for part in parts if part.main == "message/delivery-status"), None)
    failed = headers.address(top.head.word("x-failed-recipients").partition(",")[0])
    if report is None and kind != "delivery-status" and not failed and not _from_server(top.head):
        return None
    fields = _report(report)
    recipient = fields.get("original-recipient") or fields.get("final-recipient") or ""
    return Bounce(
        address=headers.address(recipient.rpartition(";")[2]) or failed,
        message_id=_returned_id(parts, text, limits),
        status=fields.get("status", "").split(" ")[0][:20],
        action=fields.get("action", "").lower()[:20],
    )


def _from_server(head: Head) -> bool:
    senders = headers.addresses(head.first("from"), 1)
    daemon = bool(senders) and senders[0].address.lower().startswith(_DAEMONS)
    subject = head.text("subject", 200).lower()
    return daemon and any(word in subject for word in _FAILURES)


def _report(part: Part | None) -> dict[str, str]:
    """The fields of a delivery status: of all its blocks, the first of each name."""
    if part is None:
        return {}
    block = part.content(64 << 10).replace(b"\r\n", b"\n").replace(b"\n\n", b"\n")
    found: dict[str, str] = {}
    for name, value in headers.read(block, limit=64 << 10, fields=200).fields:
        found.setdefault(name, one_line(value, 400))
    return found


def _returned_id(parts: list[Part], text: str, limits: Limits) -> str:
    """The Message-ID of the mail that came back, from its copy or from the report's own words."""
    for part in parts:
        if part.main in ("message/rfc822", "text/rfc822-headers", "message/global"):
            head = files.head_of_copy(part, limits)
            if found := headers.ids(head.first("message-id")[:3000], 1)[0]:
                return found[0]
    for row in text[:50_000].split("\n"):
        name, _, value = row.lstrip("> ").partition(":")
        if name.lower() == "message-id" and (found := headers.ids(value[:3000], 1)[0]):
            return found[0]
    return ""
