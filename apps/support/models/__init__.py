"""The tables of support, by aggregate."""

from apps.support.models.desk import Draft, Presence, SavedView
from apps.support.models.mail import InboundMail, Mailbox
from apps.support.models.setup import (
    Level,
    Macro,
    Priority,
    Queue,
    RequestField,
    RequestType,
    SupportSettings,
)
from apps.support.models.sla import (
    ClockEvent,
    EscalationStep,
    Metric,
    SlaPolicy,
    SlaTarget,
    TicketClock,
)
from apps.support.models.tickets import (
    Attachment,
    Csat,
    StoredFile,
    Ticket,
    TicketContact,
    TicketEvent,
    TicketLink,
    TicketMessage,
    TicketText,
    TicketWatcher,
)

__all__ = [
    "Attachment",
    "ClockEvent",
    "Csat",
    "Draft",
    "EscalationStep",
    "InboundMail",
    "Level",
    "Macro",
    "Mailbox",
    "Metric",
    "Presence",
    "Priority",
    "Queue",
    "RequestField",
    "RequestType",
    "SavedView",
    "SlaPolicy",
    "SlaTarget",
    "StoredFile",
    "SupportSettings",
    "Ticket",
    "TicketClock",
    "TicketContact",
    "TicketEvent",
    "TicketLink",
    "TicketMessage",
    "TicketText",
    "TicketWatcher",
]
