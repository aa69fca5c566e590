"""Tickets, what was said and what happened on them, what they are linked to, what was attached."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Person
from apps.core.audit import ActorStamped
from apps.core.models import Kind
from apps.customers.models import Account, Connection, Contact, Org
from apps.ownership.models import Surface
from apps.support import lifecycle
from apps.support.models.setup import Level, Priority, Queue, RequestType
from apps.support.querysets import TicketMessageQuerySet, TicketQuerySet

ACTIVE = sorted(lifecycle.ACTIVE)


class Ticket(models.Model):
    """Something that a customer asked or reported, and that somebody here answers for."""

    class Status(models.TextChoices):
        NEW = "new", "New"
        OPEN = "open", "Open"
        WAITING_CUSTOMER = "waiting_customer", "Waiting for customer"
        WAITING_THIRD_PARTY = "waiting_third_party", "Waiting for third party"
        RESOLVED = "resolved", "Resolved"
        CLOSED = "closed", "Closed"
        MERGED = "merged", "Merged"
        SPAM = "spam", "Spam"

    TRANSITIONS = lifecycle.transitions()

    class Channel(models.TextChoices):
        PORTAL = "portal", "Logged by an agent"
        PHONE = "phone", "Phone"
        CHAT = "chat", "Chat"
        MAIL = "mail", "E-mail"
        FORM = "form", "Report form"
        API = "api", "API"
        TOOL = "tool", "Another tool"
        IMPORT = "import", "Import"

    class Resolution(models.TextChoices):
        FIXED = "fixed", "Fixed"
        WORKAROUND = "workaround", "Workaround given"
        ANSWERED = "answered", "Question answered"
        NOT_A_PROBLEM = "not_a_problem", "Works as intended"
        NOT_OURS = "not_ours", "Outside our product"
        NOT_REPRODUCED = "not_reproduced", "Cannot be reproduced"
        NO_ANSWER = "no_answer", "No answer from the customer"
        DUPLICATE = "duplicate", "Duplicate"
        DECLINED = "declined", "Will not be done"

    class SlaState(models.TextChoices):
        NONE = "none", "No target"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        BREACHED = "breached", "Breached"
        MET = "met", "Met"

    subject = models.CharField(max_length=200)
    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.REAL)
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.PORTAL)
    request_type = models.ForeignKey(RequestType, models.PROTECT, related_name="tickets")
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="tickets")
    requester = models.ForeignKey(Contact, models.PROTECT, related_name="tickets")
    account = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="tickets"
    )
    org = models.ForeignKey(Org, models.PROTECT, null=True, blank=True, related_name="tickets")
    connection = models.ForeignKey(
        Connection, models.PROTECT, null=True, blank=True, related_name="tickets"
    )
    impact = models.CharField(max_length=6, choices=Level)
    urgency = models.CharField(max_length=6, choices=Level)
    priority = models.CharField(max_length=2, choices=Priority)
    priority_reason = models.CharField(max_length=300, blank=True)  # why it is not the matrix's
    blocks_work = models.BooleanField(null=True)  # the requester's word; it moves no promise
    surface = models.ForeignKey(
        Surface, models.PROTECT, null=True, blank=True, related_name="tickets"
    )
    owner = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="tickets")
    fields = models.JSONField(default=dict, blank=True)
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    route_note = models.CharField(max_length=300, blank=True)  # how it came to surface and owner
    triaged_at = models.DateTimeField(null=True)
    first_replied_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    resolution_code = models.CharField(max_length=20, choices=Resolution, blank=True)
    reopened_count = models.PositiveSmallIntegerField(default=0)
    remind_at = models.DateTimeField(null=True)  # waiting_customer: back to open by itself
    expected_by = models.DateTimeField(null=True)  # waiting_third_party: back to open by itself
    close_at = models.DateTimeField(null=True)  # resolved: closed by itself
    snoozed_until = models.DateTimeField(null=True)
    wake_at = models.DateTimeField(null=True)  # the least of the four above
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged_tickets"
    )
    status_before = models.CharField(max_length=20, blank=True)  # what undoing a merge restores
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="followed_by"
    )
    split_from = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="split_tickets"
    )
    me_too_count = models.PositiveSmallIntegerField(default=0)
    page_id = models.BigIntegerField(null=True)  # the escalation that is under way for it
    escalated_at = models.DateTimeField(null=True)
    sla_state = models.CharField(max_length=8, choices=SlaState, default=SlaState.NONE)
    sla_metric = models.CharField(max_length=16, blank=True)
    sla_due_at = models.DateTimeField(null=True)  # the earliest promise that is still to be kept
    sla_remaining_seconds = models.IntegerField(null=True)  # of a paused one
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    last_message_at = models.DateTimeField(null=True)
    last_public_text = models.CharField(max_length=200, blank=True)
    awaits_us = models.BooleanField(default=True)  # the last public word is the requester's
    version = models.PositiveIntegerField(default=1)
    access_version = models.PositiveSmallIntegerField(default=1)  # a new one ends old links
    source = models.CharField(max_length=40, blank=True)  # where an imported one came from
    source_ref = models.CharField(max_length=120, blank=True)
    source_url = models.CharField(max_length=500, blank=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="merged") | Q(merged_into__isnull=False),
                name="support_ticket_merged_has_target",
            ),
            models.CheckConstraint(
                condition=Q(merged_into=None) | ~Q(merged_into=F("pk")),
                name="support_ticket_not_into_itself",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["resolved", "closed"]) | Q(resolved_at__isnull=False),
                name="support_ticket_resolved_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="waiting_third_party") | Q(expected_by__isnull=False),
                name="support_ticket_third_party_has_date",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(lifecycle.transitions())),
                name="support_ticket_status_known",
            ),
            models.UniqueConstraint(
                fields=["source", "source_ref"],
                condition=~Q(source_ref=""),
                name="support_ticket_source_once",
            ),
        ]
        indexes = [
            models.Index(
                F("sla_due_at").asc(nulls_last=True),
                "priority",
                "id",
                name="support_ticket_by_due",
                condition=Q(status__in=ACTIVE),
            ),
            models.Index(
                "queue",
                F("sla_due_at").asc(nulls_last=True),
                "priority",
                "id",
                name="support_ticket_queue_due",
                condition=Q(status__in=ACTIVE),
            ),
            models.Index(
                "owner",
                F("sla_due_at").asc(nulls_last=True),
                "priority",
                "id",
                name="support_ticket_owner_due",
                condition=Q(status__in=ACTIVE),
            ),
            models.Index(
                fields=["wake_at"], name="support_ticket_wake", condition=Q(wake_at__isnull=False)
            ),
            models.Index(fields=["status", "-id"], name="support_ticket_status"),
            models.Index(fields=["requester", "-id"], name="support_ticket_requester"),
            models.Index(fields=["account", "-id"], name="support_ticket_account"),
            models.Index(fields=["surface", "-id"], name="support_ticket_surface"),
            models.Index(fields=["request_type", "-id"], name="support_ticket_type"),
            models.Index(fields=["-created_at"], name="support_ticket_recent"),
            # What is worked on of a type, surface or customer: counts of tabs and saved views.
            *(
                models.Index(
                    fields=[name],
                    name=f"support_ticket_active_{short}",
                    condition=Q(status__in=ACTIVE),
                )
                for name, short in (
                    ("request_type", "type"),
                    ("surface", "surface"),
                    ("account", "account"),
                )
            ),
            models.Index(fields=["merged_into"], name="support_ticket_merged"),
            GinIndex(fields=["tags"], name="support_ticket_tags"),
            GinIndex(OpClass("subject", name="gin_trgm_ops"), name="support_ticket_subject_trgm"),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.subject}"

    @property
    def ref(self) -> str:
        """The human reference: TCK-7."""
        return f"TCK-{self.pk}"

    @property
    def is_active(self) -> bool:
        return self.status in lifecycle.ACTIVE


class TicketText(models.Model):
    """What full-text search reads of a ticket: subject, reference, requester, every word said.

    Apart from the ticket, so that a change of a due time does not touch the text index.
    """

    ticket = models.OneToOneField(Ticket, models.CASCADE, primary_key=True, related_name="text")
    vector = SearchVectorField()

    class Meta:
        indexes = [GinIndex(fields=["vector"], name="support_text_vector")]

    def __str__(self) -> str:
        return f"Text of TCK-{self.ticket_id}"


class TicketMessage(ActorStamped):
    """One thing that was said. Public ones are seen by the requester, notes by us alone.

    An agent's reply may be held for some seconds, in which it can be taken back; its effects
    (mail, state, clocks) come when it is posted, under the time at which it was written.
    """

    class Author(models.TextChoices):
        REQUESTER = "requester", "Requester"
        AGENT = "agent", "Agent"
        NOTE = "note", "Internal note"
        AUTO = "auto", "Automatic"
        UPDATE = "update", "Incident update"

    class Status(models.TextChoices):
        HELD = "held", "Held"
        POSTED = "posted", "Posted"
        WITHDRAWN = "withdrawn", "Taken back"

    TRANSITIONS = {Status.HELD: frozenset({Status.POSTED, Status.WITHDRAWN})}

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="messages")
    author = models.CharField(max_length=10, choices=Author)
    status = models.CharField(max_length=10, choices=Status, default=Status.POSTED)
    contact = models.ForeignKey(
        Contact, models.PROTECT, null=True, blank=True, related_name="messages"
    )
    channel = models.CharField(max_length=8, choices=Ticket.Channel, default=Ticket.Channel.PORTAL)
    body = models.TextField()  # Markdown; mail's plain text, which is Markdown enough
    quoted = models.TextField(blank=True)  # the history below a mail's new words
    html = models.TextField(blank=True)  # a mail's own HTML, cleaned
    at = models.DateTimeField()  # when it was said: clocks are judged by it
    recorded_at = models.DateTimeField()
    send_at = models.DateTimeField(null=True)  # of a held one
    after = models.JSONField(default=dict, blank=True)  # what happens to the ticket with it
    message_id = models.CharField(max_length=250, blank=True)
    in_reply_to = models.CharField(max_length=250, blank=True)
    references = ArrayField(models.CharField(max_length=250), default=list, blank=True)
    delivery_error = models.CharField(max_length=300, blank=True)

    objects = TicketMessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="held") | Q(send_at__isnull=False),
                name="support_message_held_has_time",
            ),
            models.UniqueConstraint(
                fields=["message_id"],
                condition=~Q(message_id=""),
                name="support_message_id_once",
            ),
        ]
        indexes = [
            models.Index(fields=["ticket", "at"], name="support_message_order"),
            models.Index(
                fields=["send_at"], name="support_message_held", condition=Q(status="held")
            ),
        ]

    def __str__(self) -> str:
        return self.body[:80]

    @property
    def is_public(self) -> bool:
        return self.author != self.Author.NOTE


class TicketEvent(ActorStamped):
    """What happened on a ticket beside the words: routed, assigned, linked, merged. Append-only."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="events")
    what = models.CharField(max_length=20)
    text = models.CharField(max_length=500)
    at = models.DateTimeField()
    subject_kind = models.CharField(max_length=30, blank=True)
    subject_ref = models.CharField(max_length=60, blank=True)
    subject_url = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["ticket", "at"], name="support_event_order")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return self.text[:80]


class TicketLink(ActorStamped):
    """What a ticket has to do with: by reference, so that what does not exist yet can be named."""

    class Kind(models.TextChoices):
        INCIDENT = "incident", "Incident"
        ALERT = "alert", "Alert"
        CHANGE = "change", "Change"
        RELEASE = "release", "Release"
        DEPLOYMENT = "deployment", "Deployment"
        PACK_VERSION = "pack_version", "Pack version"
        DEFECT = "defect", "Defect"
        PACK = "pack", "Pack"
        VENDOR = "vendor", "Vendor"
        TICKET = "ticket", "Ticket"
        URL = "url", "Page"

    class Relation(models.TextChoices):
        BLOCKS = "blocks", "Blocks this ticket"
        CAUSE = "cause", "Is its cause"
        RELATED = "related", "Is related"

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="links")
    kind = models.CharField(max_length=12, choices=Kind)
    ref = models.CharField(max_length=300)
    url = models.CharField(max_length=500, blank=True)
    label = models.CharField(max_length=300, blank=True)
    relation = models.CharField(max_length=8, choices=Relation, default=Relation.RELATED)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "kind", "ref"], name="support_link_once")
        ]
        indexes = [models.Index(fields=["kind", "ref"], name="support_link_subject")]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}"


class TicketWatcher(models.Model):
    """Who of us hears of news on a ticket beside its owner."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="watchers")
    person = models.ForeignKey(Person, models.CASCADE, related_name="watched_tickets")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "person"], name="support_watcher_once")
        ]

    def __str__(self) -> str:
        return f"{self.person} on TCK-{self.ticket_id}"


class TicketContact(models.Model):
    """Who outside takes part beside the requester: copied in, or had the same problem."""

    class Role(models.TextChoices):
        CC = "cc", "Copied"
        ME_TOO = "me_too", "Same problem"

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="contacts")
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="+")
    role = models.CharField(max_length=6, choices=Role, default=Role.CC)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "contact"], name="support_contact_once")
        ]

    def __str__(self) -> str:
        return f"{self.contact} on TCK-{self.ticket_id}"


class StoredFile(models.Model):
    """The bytes of attachments, once for each content; in the database, so one backup has all."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    content = models.BinaryField()

    def __str__(self) -> str:
        return self.sha256[:12]


class Attachment(models.Model):
    """A file on a message. It is only ever served as a download."""

    message = models.ForeignKey(TicketMessage, models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=120)
    size = models.PositiveIntegerField()  # bytes
    stored = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class Csat(models.Model):
    """What the requester thought of a resolution; one answer for each time it was resolved."""

    class Score(models.TextChoices):
        GOOD = "good", "Good"
        BAD = "bad", "Not good"

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="csat")
    cycle = models.PositiveSmallIntegerField()  # the ticket's reopened_count when it was asked
    score = models.CharField(max_length=4, choices=Score)
    comment = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "cycle"], name="support_csat_once")
        ]

    def __str__(self) -> str:
        return f"{self.score} for TCK-{self.ticket_id}"
