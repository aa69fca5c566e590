"""Which tables the demo world is made of, how they hang together, and what its removal says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from allauth.account.models import EmailAddress
from django.db.models import Model

from apps.accounts.models import ApiKey, Membership, Person, Team
from apps.alerts.models import (
    Alert,
    AlertGroup,
    AlertNote,
    AlertRule,
    Firing,
    Heartbeat,
    MaintenanceWindow,
    Ping,
    RoutingRule,
    RuleGroup,
    Silence,
    SlackGroup,
    SlackMember,
    SourceClock,
)
from apps.changes.models import Change
from apps.customers.models import Account, Connection, Contact, Org, Project, Source
from apps.followups.models import Evidence, FollowUp, FollowUpNote, Reminder
from apps.incidents.models import (
    Audience,
    Component,
    ComponentImpact,
    Impact,
    Incident,
    IncidentLink,
    IncidentTask,
    Mark,
    Merge,
    Review,
    ReviewComment,
    ReviewFactor,
    RoleAssignment,
    SeveritySpan,
    Snooze,
    StatusUpdate,
    TimelineEntry,
)
from apps.intake.models import Delivery, Event, Integration
from apps.notifications.models import (
    ContactMethod,
    Invitation,
    Message,
    NotificationRule,
    QuietHours,
    WebhookDelivery,
    WebhookEndpoint,
)
from apps.ownership.models import (
    ExternalParty,
    OwnershipAssignment,
    Position,
    PositionHolding,
    Surface,
    SurfaceDependency,
)
from apps.paging.models import (
    EscalationPolicy,
    EscalationStep,
    Page,
    PageNote,
    PageStep,
    StepTarget,
    SurfacePolicy,
)
from apps.rotations.models import (
    CoverageGap,
    Handoff,
    Layer,
    LayerMember,
    LayerVersion,
    Override,
    Schedule,
    Shift,
    SurfaceSchedule,
)
from apps.runbooks.models import (
    Chase,
    Execution,
    Runbook,
    RunbookReview,
    RunbookStep,
    RunbookVersion,
    StepResult,
    Trigger,
)
from apps.support.models import (
    Attachment,
    ClockEvent,
    Csat,
    Draft,
    InboundMail,
    Macro,
    Mailbox,
    Presence,
    Queue,
    RequestType,
    SavedView,
    Ticket,
    TicketClock,
    TicketContact,
    TicketEvent,
    TicketLink,
    TicketMessage,
    TicketText,
    TicketWatcher,
)
from apps.telemetry.models import (
    ColumnType,
    Measurement,
    ProfiledSource,
    ProfiledTable,
    ProfileRun,
    ReportRun,
    RunRollup,
    SemanticLabel,
    SliCount,
    Slo,
    TypeChange,
)

MARKER = "demo"
OF_TICKETS = ("ticket", "ticket_message", "ticket_clock")
Table = type[Model]
Ids = dict[Table, set[int]]

# What the loader writes down, by the names in its marker.
ROOTS: Mapping[str, Table] = {
    "teams": Team,
    "surfaces": Surface,
    "schedules": Schedule,
    "policies": EscalationPolicy,
    "integrations": Integration,
    "positions": Position,
    "parties": ExternalParty,
    "api_keys": ApiKey,
    "rules": RoutingRule,
    "accounts": Account,
    "orgs": Org,
    "contacts": Contact,
    "queues": Queue,
    "mailboxes": Mailbox,
    "endpoints": WebhookEndpoint,
    "macros": Macro,
    "views": SavedView,
    "tickets": Ticket,
    "components": Component,
    "runbooks": Runbook,
    "maintenance": MaintenanceWindow,
    "objectives": Slo,
    "alert_rules": AlertRule,
    "heartbeats": Heartbeat,
}
NAMED = frozenset({Person, *ROOTS.values()})  # told when they must stay
ARCHIVED = NAMED - {SavedView, Ticket, MaintenanceWindow}
# Rows that exist only as part of their owner and go with it.
GOES_WITH: Mapping[Table, tuple[str, ...]] = {
    Membership: ("team", "person"),
    ContactMethod: ("person",),
    NotificationRule: ("person",),
    QuietHours: ("person",),
    Invitation: ("person",),
    SurfaceDependency: ("surface",),
    OwnershipAssignment: ("surface",),
    SurfacePolicy: ("surface",),
    SurfaceSchedule: ("surface",),
    RoutingRule: ("integration",),
    Delivery: ("integration",),
    AlertGroup: ("integration",),
    Alert: ("integration",),
    SourceClock: ("integration",),
    Silence: ("surface", "integration", "rule"),
    SlackMember: ("integration", "person"),
    SlackGroup: ("integration", "schedule"),
    ProfiledSource: ("integration",),
    ProfileRun: ("integration",),
    ReportRun: ("integration",),
    SemanticLabel: ("integration",),
    SliCount: ("integration",),
    Measurement: ("integration",),
    EmailAddress: ("user",),
    Org: ("account",),
    Contact: ("account",),
    SavedView: ("person",),
    Draft: ("ticket", "person"),
    Presence: ("ticket", "person"),
    TicketWatcher: ("ticket", "person"),
    InboundMail: ("ticket",),
    FollowUp: ("owner",),
    # Audiences ship with the product; demo people only leave them.
    Audience.people.through: ("person",),
}
# Parts without which their owner would no longer tell the truth: a kept owner keeps them.
PARTS: Mapping[Table, tuple[str, ...]] = {
    PositionHolding: ("position",),
    Layer: ("schedule",),
    LayerVersion: ("layer",),
    LayerMember: ("version",),
    Override: ("schedule",),
    Shift: ("schedule",),
    Handoff: ("schedule",),
    CoverageGap: ("schedule", "surface"),
    EscalationStep: ("policy",),
    StepTarget: ("step",),
    Event: ("delivery",),
    AlertNote: ("alert",),
    RuleGroup: ("rule",),
    Firing: ("rule",),
    Ping: ("heartbeat",),
    ProfiledTable: ("source",),
    ColumnType: ("source",),
    TypeChange: ("source",),
    RunRollup: ("surface",),
    PageNote: ("page",),
    PageStep: ("page",),
    IncidentLink: ("incident",),
    TimelineEntry: ("incident",),
    SeveritySpan: ("incident",),
    RoleAssignment: ("incident",),
    IncidentTask: ("incident",),
    Impact: ("incident",),
    Mark: ("incident",),
    Merge: ("child",),
    StatusUpdate: ("incident",),
    Snooze: ("incident",),
    ComponentImpact: ("incident", "component"),
    Review: ("incident",),
    ReviewFactor: ("review",),
    ReviewComment: ("review",),
    Evidence: ("follow_up",),
    FollowUpNote: ("follow_up",),
    Reminder: ("follow_up",),
    Trigger: ("runbook",),
    RunbookVersion: ("runbook",),
    RunbookStep: ("version",),
    RunbookReview: ("runbook",),
    Chase: ("runbook",),
    Execution: ("version",),
    StepResult: ("execution",),
    Project: ("org",),
    Source: ("project",),
    Connection: ("source",),
    WebhookDelivery: ("endpoint",),
    TicketText: ("ticket",),
    TicketMessage: ("ticket",),
    TicketEvent: ("ticket",),
    TicketLink: ("ticket",),
    TicketContact: ("ticket",),
    TicketClock: ("ticket",),
    ClockEvent: ("clock",),
    Csat: ("ticket",),
    Attachment: ("message",),
}
# What ships with the product and was only bound to the demo world lets go of it.
LETS_GO: Mapping[Table, tuple[str, ...]] = {RequestType: ("surface", "owner")}
NOUNS: Mapping[Table, tuple[str, str]] = {
    Person: ("demo person", "demo people"),
    Team: ("team", "teams"),
    Surface: ("surface", "surfaces"),
    Schedule: ("schedule", "schedules"),
    EscalationPolicy: ("escalation policy", "escalation policies"),
    Integration: ("integration", "integrations"),
    Position: ("position", "positions"),
    ExternalParty: ("external party", "external parties"),
    ApiKey: ("API key", "API keys"),
    RoutingRule: ("routing rule", "routing rules"),
    AlertRule: ("alert rule", "alert rules"),
    Slo: ("objective", "objectives"),
    Heartbeat: ("heartbeat", "heartbeats"),
    ProfileRun: ("profile run", "profile runs"),
    Account: ("customer", "customers"),
    Org: ("org", "orgs"),
    Contact: ("contact", "contacts"),
    Ticket: ("ticket", "tickets"),
    TicketMessage: ("ticket message", "ticket messages"),
    Queue: ("queue", "queues"),
    Mailbox: ("mailbox", "mailboxes"),
    Macro: ("macro", "macros"),
    SavedView: ("saved view", "saved views"),
    WebhookEndpoint: ("webhook", "webhooks"),
    Incident: ("incident", "incidents"),
    FollowUp: ("follow-up", "follow-ups"),
    Runbook: ("runbook", "runbooks"),
    Component: ("component", "components"),
    MaintenanceWindow: ("maintenance window", "maintenance windows"),
    Alert: ("alert", "alerts"),
    Page: ("page", "pages"),
    Change: ("change", "changes"),
    Delivery: ("delivery", "deliveries"),
    Message: ("message", "messages"),
    Shift: ("shift", "shifts"),
}


@dataclass(frozen=True)
class Kept:
    """Something of the demo world that stays, archived, and the row that refers to it."""

    noun: str
    name: str
    because: str


@dataclass
class Removal:
    """What removing the demo world would do, or did: rows by table, and what stays."""

    going: Ids = field(default_factory=dict)
    staying: Ids = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(len(ids) for ids in self.going.values())

    @property
    def counts(self) -> list[tuple[int, str]]:
        """Figures for people, in the order of `NOUNS`; the rest is "other rows"."""
        found = [
            (len(ids), NOUNS[table][len(ids) != 1])
            for table in NOUNS
            if (ids := self.going.get(table))
        ]
        rest = self.total - sum(number for number, _ in found)
        return [*found, (rest, "other rows")] if rest else found
