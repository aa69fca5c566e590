"""Mailboxes that we read, and every mail that came in, as it came."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q

from apps.support.models.setup import Queue, RequestType
from apps.support.models.tickets import Ticket, TicketMessage


@pghistory.track(exclude=["password_sealed"])
class Mailbox(models.Model):
    """An address that customers write to; without an IMAP server its mail comes by the hook."""

    class Security(models.TextChoices):
        SSL = "ssl", "TLS from the start"
        STARTTLS = "starttls", "STARTTLS"
        NONE = "none", "None"

    name = models.CharField(max_length=80)
    address = models.EmailField(unique=True)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="mailboxes")
    request_type = models.ForeignKey(
        RequestType, models.PROTECT, related_name="+", help_text="What a new mail opens."
    )
    imap_host = models.CharField("IMAP server", max_length=200, blank=True)
    imap_port = models.PositiveIntegerField("port", default=993)
    imap_security = models.CharField(
        "encryption", max_length=8, choices=Security, default=Security.SSL
    )
    imap_user = models.CharField("user", max_length=200, blank=True)
    password_sealed = models.TextField(blank=True, editable=False)
    folder = models.CharField(max_length=120, default="INBOX")
    takes_lists = models.BooleanField(
        "mail comes through a list",
        default=False,
        help_text="For an address that is a group or list: its mail is not taken for newsletters.",
    )
    hook_integration_id = models.BigIntegerField(null=True, editable=False)
    uid_validity = models.BigIntegerField(null=True, editable=False)
    last_uid = models.BigIntegerField(default=0, editable=False)
    fetched_at = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=300, blank=True, editable=False)
    is_active = models.BooleanField(default=True)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "mailboxes"
        ordering = ["address"]

    def __str__(self) -> str:
        return self.address


class InboundMail(models.Model):
    """One mail as it came, kept raw; taken once by mailbox uid and once by Message-ID."""

    class Status(models.TextChoices):
        RECEIVED = "received", "Received"
        POSTED = "posted", "On a ticket"
        NOTED = "noted", "Noted on a ticket"
        IGNORED = "ignored", "Ignored"
        FAILED = "failed", "Failed"

    TRANSITIONS = {
        Status.RECEIVED: frozenset({Status.POSTED, Status.NOTED, Status.IGNORED, Status.FAILED}),
        Status.FAILED: frozenset({Status.POSTED, Status.NOTED, Status.IGNORED, Status.FAILED}),
        Status.IGNORED: frozenset({Status.POSTED}),
    }

    mailbox = models.ForeignKey(Mailbox, models.PROTECT, null=True, related_name="mails")
    uid_validity = models.BigIntegerField(null=True)
    uid = models.BigIntegerField(null=True)
    delivery_id = models.BigIntegerField(null=True)
    mail_id = models.CharField("Message-ID", max_length=250, blank=True)
    sender = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    raw = models.BinaryField(null=True)  # null once retention has taken it
    size = models.PositiveIntegerField()  # bytes
    received_at = models.DateTimeField()  # what the mail server said, else when it reached us
    taken_at = models.DateTimeField()
    status = models.CharField(max_length=8, choices=Status, default=Status.RECEIVED)
    reason = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    ticket = models.ForeignKey(Ticket, models.SET_NULL, null=True, related_name="mails")
    message = models.ForeignKey(TicketMessage, models.SET_NULL, null=True, related_name="mails")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "uid_validity", "uid"],
                condition=Q(uid__isnull=False),
                name="support_mail_uid_once",
            ),
            models.UniqueConstraint(
                fields=["mail_id"],
                condition=~Q(mail_id=""),
                name="support_mail_message_once",
            ),
        ]
        indexes = [
            models.Index(fields=["-taken_at"], name="support_mail_recent"),
            models.Index(
                fields=["taken_at"],
                name="support_mail_waiting",
                condition=Q(status__in=["received", "failed"]),
            ),
            models.Index(fields=["sender", "-taken_at"], name="support_mail_sender"),
        ]

    def __str__(self) -> str:
        return self.subject or self.mail_id
