"""How people are reached, and every message that was or will be sent: the outbox."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q, Value

from apps.accounts.models import Person, check_zone
from apps.core.models import Kind
from apps.notifications.querysets import (
    EndpointQuerySet,
    MessageQuerySet,
    MethodQuerySet,
    WebhookDeliveryQuerySet,
)


class Channel(models.TextChoices):
    """What a person can add to their profile; `mailbox` is the demo people's in-app mailbox."""

    EMAIL = "email", "E-mail"
    NTFY = "ntfy", "ntfy push"
    PUSHOVER = "pushover", "Pushover push"
    TWILIO_SMS = "twilio_sms", "SMS by Twilio"
    TWILIO_CALL = "twilio_call", "Phone call by Twilio"
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"
    DISCORD = "discord", "Discord"
    TELEGRAM = "telegram", "Telegram"
    MATTERMOST = "mattermost", "Mattermost"
    GOOGLE_CHAT = "google_chat", "Google Chat"
    WEBEX = "webex", "Webex"
    WEBHOOK = "webhook", "Signed webhook"
    MAILBOX = "mailbox", "In-app mailbox"


class Urgency(models.TextChoices):
    HIGH = "high", "Urgent"
    LOW = "low", "Low"


class Site(models.Model):
    """The one row of what the first-run page asks: address, zone, mail server."""

    class Security(models.TextChoices):
        NONE = "none", "None"
        STARTTLS = "starttls", "STARTTLS"
        SSL = "ssl", "TLS from the start"

    name = models.CharField(max_length=80, default="OpsPortal")
    address = models.URLField("site address", blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_zone])
    mail_from = models.EmailField("sender", blank=True)
    smtp_host = models.CharField("SMTP server", max_length=200, blank=True)
    smtp_port = models.PositiveIntegerField("port", default=587)
    smtp_security = models.CharField(
        "encryption", max_length=8, choices=Security, default=Security.STARTTLS
    )
    smtp_user = models.CharField("user", max_length=200, blank=True)
    smtp_password_sealed = models.TextField(blank=True, editable=False)
    accounts_sealed = models.TextField(blank=True, editable=False)  # JSON: Twilio, Pushover app
    set_up_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "site settings"
        verbose_name_plural = "site settings"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="notifications_site_one")]

    def __str__(self) -> str:
        return self.address or self.name


@pghistory.track(exclude=["address_sealed", "code_digest", "secret_sealed"])
class ContactMethod(models.Model):
    """One way to reach one person. Used only after a code proved that it is theirs."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="contact_methods")
    channel = models.CharField(max_length=12, choices=Channel)
    label = models.CharField(max_length=60, blank=True)
    address_sealed = models.TextField(editable=False)
    address_hint = models.CharField(max_length=80, editable=False)  # shown: r…i@example.com
    secret_sealed = models.TextField(blank=True, editable=False)  # signing secret of a webhook
    code_digest = models.CharField(max_length=64, blank=True, editable=False)
    code_sent_at = models.DateTimeField(null=True, editable=False)
    code_tries = models.PositiveSmallIntegerField(default=0, editable=False)
    verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)

    objects = MethodQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {self.address_hint}"


class NotificationRule(models.Model):
    """At once by this, after five minutes by that: per person and urgency."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="notification_rules")
    urgency = models.CharField(max_length=4, choices=Urgency)
    method = models.ForeignKey(ContactMethod, models.CASCADE, related_name="rules")
    delay_minutes = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["urgency", "delay_minutes", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "urgency", "method", "delay_minutes"],
                name="notifications_rule_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.urgency}: {self.method} after {self.delay_minutes} min"


class QuietHours(models.Model):
    """Weekly windows in the person's own zone in which low urgency waits."""

    person = models.OneToOneField(Person, models.CASCADE, related_name="quiet_hours")
    windows = models.JSONField(default=list, blank=True)  # [{"days": ["mon"], "start", "end"}]

    def __str__(self) -> str:
        return f"Quiet hours of {self.person}"


class Message(models.Model):
    """One message to one address: written in the transaction of its cause, sent by the engine."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        BUNDLED = "bundled", "Sent in a bundle"

    class Lane(models.IntegerChoices):
        URGENT = 0, "Pages"
        NORMAL = 5, "Notices"
        BULK = 9, "Bulk"

    TRANSITIONS = {
        Status.PENDING: frozenset(
            {Status.SENDING, Status.CANCELLED, Status.FAILED, Status.BUNDLED}
        ),
        Status.SENDING: frozenset({Status.SENT, Status.PENDING, Status.FAILED, Status.SENDING}),
        Status.FAILED: frozenset({Status.PENDING}),
    }

    person = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    method = models.ForeignKey(
        ContactMethod, models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    channel = models.CharField(max_length=12, choices=Channel)
    address_sealed = models.TextField(blank=True)
    address_hint = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.REAL)
    urgency = models.CharField(max_length=4, choices=Urgency, default=Urgency.LOW)
    lane = models.PositiveSmallIntegerField(choices=Lane, default=Lane.NORMAL)
    what = models.CharField(max_length=30)  # page_step, resolved, handoff, code, invitation, …
    subject_kind = models.CharField(max_length=30)
    subject_ref = models.CharField(max_length=60)
    dedupe_key = models.CharField(max_length=200, unique=True)
    subject = models.CharField(max_length=300)
    body = models.TextField()
    body_html = models.TextField(blank=True)
    short = models.CharField(max_length=200, blank=True)
    link = models.TextField(blank=True)
    message_id = models.CharField(max_length=200)
    thread_key = models.CharField(max_length=120, blank=True)
    in_reply_to = models.CharField(max_length=200, blank=True)
    # Mail to somebody outside (services/outside.py); a notice to one of us leaves these empty.
    is_outside = models.BooleanField(default=False, db_default=False)
    to_name = models.CharField(max_length=120, blank=True, default="", db_default="")
    from_name = models.CharField(max_length=120, blank=True, default="", db_default="")
    from_address = models.CharField(max_length=254, blank=True, default="", db_default="")
    reply_to = models.CharField(max_length=254, blank=True, default="", db_default="")
    headers = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), blank=True)
    attachments = models.JSONField(
        default=list, db_default=Value([], models.JSONField()), blank=True
    )
    remark = models.CharField(max_length=300, blank=True, default="", db_default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    not_before = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    sending_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    provider_id = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=300, blank=True)
    bundled_into = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="bundle"
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["lane", "not_before"],
                name="notifications_message_due",
                condition=Q(status="pending"),
            ),
            models.Index(
                fields=["lane", "not_before", "id"],
                name="notifications_message_inside",
                condition=Q(status="pending", is_outside=False),
            ),
            models.Index(
                fields=["lane", "not_before", "id"],
                name="notifications_message_outside",
                condition=Q(status="pending", is_outside=True),
            ),
            models.Index(
                fields=["lease_until"],
                name="notifications_message_lease",
                condition=Q(status="sending"),
            ),
            models.Index(
                fields=["subject_kind", "subject_ref"], name="notifications_message_subject"
            ),
            models.Index(fields=["person", "-created_at"], name="notifications_message_person"),
            models.Index(fields=["thread_key", "person"], name="notifications_message_thread"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.address_hint}"


class Invitation(models.Model):
    """A signed-in manager's invitation of a person to set a password and come in."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Invitation of {self.person}"


@pghistory.track(exclude=["url_sealed", "secret_sealed", "previous_secret_sealed", "failing_since"])
class WebhookEndpoint(models.Model):
    """A program of somebody's that is told of events, signed after Standard Webhooks."""

    description = models.CharField(max_length=120)
    url_sealed = models.TextField(editable=False)  # an address may hold a token of the other side
    url_hint = models.CharField("address", max_length=120, editable=False)
    patterns = models.JSONField("events", default=list)  # ticket.created, ticket.*, *
    secret_sealed = models.TextField(editable=False)
    previous_secret_sealed = models.TextField(blank=True, editable=False)
    previous_valid_until = models.DateTimeField(null=True, blank=True, editable=False)
    is_active = models.BooleanField(default=True, editable=False)  # false: paused by somebody
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)  # by ourselves
    disabled_reason = models.CharField(max_length=200, blank=True, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = "outgoing webhook"
        ordering = ["description", "pk"]

    def __str__(self) -> str:
        return self.description


class WebhookDelivery(models.Model):
    """One event for one endpoint: written in the transaction of its cause, kept for a month."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        SENDING = "sending", "Being sent"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Not sent"

    TRANSITIONS = {
        Status.PENDING: frozenset({Status.SENDING, Status.CANCELLED}),
        Status.SENDING: frozenset(
            {Status.DELIVERED, Status.PENDING, Status.FAILED, Status.SENDING}
        ),
        Status.DELIVERED: frozenset({Status.PENDING}),
        Status.FAILED: frozenset({Status.PENDING}),
        Status.CANCELLED: frozenset({Status.PENDING}),
    }

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=60)
    webhook_id = models.CharField(max_length=80)  # the same on every attempt and to everybody
    subject_kind = models.CharField(max_length=30)
    subject_ref = models.CharField(max_length=60)
    payload = models.TextField()  # the body to the byte: it is what the signature is over
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField("next attempt")
    lease_until = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField("answer", null=True)
    last_error = models.CharField("error", max_length=300, blank=True)
    duration_ms = models.PositiveIntegerField("took (ms)", null=True)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "webhook_id"], name="notifications_webhook_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_at", "id"],
                name="notifications_webhook_due",
                condition=Q(status="pending"),
            ),
            models.Index(
                fields=["lease_until"],
                name="notifications_webhook_lease",
                condition=Q(status="sending"),
            ),
            models.Index(fields=["endpoint", "-id"], name="notifications_webhook_newest"),
            models.Index(fields=["created_at"], name="notifications_webhook_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.webhook_id}"
