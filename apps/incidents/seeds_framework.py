"""What a new installation starts with: the four levels, the types, and the tasks from the book.

Nothing that somebody changed, archived or threw away is written again: levels are made once each,
types by their key, task templates only while there are none at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from django.db import transaction

from apps.incidents.models import Audience, IncidentType, Severity, SeverityLevel, TaskTemplate
from apps.incidents.models.framework import Role

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
OFFICE_DAY: Final = 8 * HOUR  # a business day, counted in business hours


@dataclass(frozen=True)
class Level:
    """A level as it ships. `audiences` are keys; those that do not exist yet are left out."""

    key: str
    name: str
    alias: str
    definition: str
    examples: tuple[str, ...]
    values: dict[str, Any] = field(default_factory=dict)
    audiences: tuple[str, ...] = ()


Clock, Review, Freeze = SeverityLevel.Clock, SeverityLevel.Review, SeverityLevel.Freeze

LEVELS: Final = (
    Level(
        "SEV1", "critical", "p0",
        "Wrong or lost customer data shown as if it were right, something exposed, wrong charges, "
        "or a quarter of all active customers or more who cannot work.",
        (
            "A release shows personal data as free text on shared boards",
            "Customers are charged twice",
            "No profile run succeeds for anybody",
        ),
        {
            "clock": Clock.ALWAYS, "acknowledge_seconds": 5 * MINUTE,
            "commander_seconds": 10 * MINUTE, "internal_update_seconds": 10 * MINUTE,
            "public_update_seconds": 15 * MINUTE, "cadence_first_seconds": 30 * MINUTE,
            "cadence_after_seconds": HOUR, "mitigate_seconds": 4 * HOUR,
            "review": Review.REQUIRED, "review_draft_days": 3, "review_publish_days": 5,
            "review_by_another": True, "approve_updates": True, "follow_up_days_p0": 7,
            "follow_up_days_p1": 14, "follow_up_days_p2": 30, "freezes": Freeze.DEPENDENTS,
        },
        ("public", "customers", "support", "internal", "exec"),
    ),
    Level(
        "SEV2", "major", "p1",
        "An important part is broken for several customers and there is no safe way around it: one "
        "kind of warehouse fails, a common type is read wrong, a pack is broken, billing is late.",
        (
            "Profile runs on one kind of warehouse time out",
            "Payment notices pile up and plans are not switched on",
            "A revision of the hosted service answers with errors",
        ),
        {
            "clock": Clock.ALWAYS, "acknowledge_seconds": 15 * MINUTE,
            "commander_seconds": 30 * MINUTE, "internal_update_seconds": 20 * MINUTE,
            "public_update_seconds": 30 * MINUTE, "cadence_first_seconds": HOUR,
            "cadence_after_seconds": 2 * HOUR, "mitigate_seconds": 8 * HOUR,
            "review": Review.REQUIRED, "review_draft_days": 5, "review_publish_days": 10,
            "approve_updates": True, "follow_up_days_p1": 14, "follow_up_days_p2": 45,
            "freezes": Freeze.SURFACE,
        },
        ("public", "customers", "support", "internal"),
    ),
    Level(
        "SEV3", "minor", "p2",
        "One customer is hurt, or many who have a way around it; profiles are older than two of "
        "their cadences; one pack works badly.",
        (
            "One customer's connection fails and theirs alone",
            "A report takes minutes",
            "A board of a pack is empty, the others work",
        ),
        {
            "clock": Clock.BUSINESS, "acknowledge_seconds": 4 * HOUR,
            "internal_update_seconds": 4 * HOUR, "cadence_first_seconds": DAY,
            "cadence_after_seconds": DAY, "mitigate_seconds": 3 * OFFICE_DAY,
            "review": Review.ON_RECURRENCE, "review_draft_days": 5, "review_publish_days": 10,
            "follow_up_days_p1": 60, "follow_up_days_p2": 60,
        },
        ("support", "internal"),
    ),
    Level(
        "SEV4", "low", "p3",
        "Cosmetic, documentation, or felt by ourselves only. It waits for the next release.",
        (
            "A wrong label on an axis",
            "A nightly job of our own fails now and then",
        ),
        {"clock": Clock.BUSINESS, "acknowledge_seconds": OFFICE_DAY},
        ("internal",),
    ),
)  # fmt: skip

# key, name, what it is
TYPES: Final = (
    ("outage", "Outage or slowness", "Something answers with errors, too late, or not at all."),
    ("deployment", "Bad release", "It began with a release, a revision, a migration or a flag."),
    ("connectivity", "Connectivity", "Sources cannot be reached, or time out."),
    ("data", "Wrong or stale data", "What is shown is wrong, lost, or older than it should be."),
    ("pack", "Pack or content", "A connector pack, a template or a guide is broken."),
    ("billing", "Billing", "Charges, invoices, plans and what they open."),
    ("vendor", "Third party", "Something that others run for us is down or has changed."),
    ("cost", "Unwanted cost", "It cost customers or us more than anybody asked for."),
    ("security", "Security or privacy", "Something was exposed, or somebody got in."),
)
RESTRICTED: Final = frozenset({"security"})


@dataclass(frozen=True)
class Task:
    """A task template as it ships: for a severity and worse ones, and for a type; "" is all."""

    text: str
    severity: str = ""
    type: str = ""
    role: str = ""
    due: int | None = None  # seconds after the declaration


TASKS: Final = (
    Task("Say what customers see and who is hurt", "SEV3", role=Role.COMMANDER, due=15 * MINUTE),
    Task("Hand communication to somebody who does nothing else", "SEV2", role=Role.COMMANDER,
         due=10 * MINUTE),
    Task("Name a technical lead", "SEV2", role=Role.COMMANDER, due=15 * MINUTE),
    Task("Send the first public message, even while the scope is unknown", "SEV2",
         role=Role.COMMS, due=30 * MINUTE),
    Task("Look at the suspect changes of the last 24 hours", "SEV3", role=Role.LEAD,
         due=20 * MINUTE),
    Task("Find the runbook that fits, and follow it", "SEV3", role=Role.LEAD, due=20 * MINUTE),
    Task("Prefer what can be undone: flag off, roll back, throttle", "SEV2", role=Role.LEAD,
         due=30 * MINUTE),
    Task("Give support the words for customers who ask", "SEV2", role=Role.COMMS,
         due=30 * MINUTE),
    Task("List the customers who are hurt", "SEV2", role=Role.SUPPORT, due=HOUR),
    Task("Hold releases on what is affected", "SEV2", role=Role.COMMANDER, due=30 * MINUTE),
    Task("Write down every decision with its time", "SEV1", role=Role.SCRIBE, due=15 * MINUTE),
    Task("Plan who takes over after four hours", "SEV1", role=Role.COMMANDER, due=3 * HOUR),
    Task("After a rollback, put traffic and flags back to normal", type="deployment",
         role=Role.LEAD),
    Task("Look at the vendor's status page and open a case with them", type="vendor",
         role=Role.LEAD, due=30 * MINUTE),
    Task("Check whether results that look fresh are old", type="data", role=Role.LEAD,
         due=30 * MINUTE),
    Task("Keep the logs and change the secrets that may be known", type="security",
         role=Role.LEAD, due=30 * MINUTE),
    Task("Ask whoever decides about privacy whether customers must be told", type="security",
         role=Role.COMMANDER, due=4 * HOUR),
    Task("List the wrong charges before anything is charged again", type="billing",
         role=Role.SUPPORT, due=HOUR),
    Task("Stop what costs money before looking for why", type="cost", role=Role.LEAD,
         due=15 * MINUTE),
    Task("Check that it is over with somebody who was hurt", "SEV3", role=Role.SUPPORT),
)  # fmt: skip


@transaction.atomic
def ensure_framework() -> None:
    """Make what is missing; safe to call again and again.

    Audiences are made elsewhere: call that first, so that new levels know whom to tell.
    """
    for level in LEVELS:
        _ensure_level(level)
    known = set(IncidentType.objects.values_list("key", flat=True))
    for position, (key, name, description) in enumerate(TYPES, start=1):
        if key not in known:
            IncidentType.objects.create(
                key=key, name=name, description=description, position=position,
                starts_restricted=key in RESTRICTED,
            )  # fmt: skip
    if not TaskTemplate.objects.exists():
        _make_tasks()


def _ensure_level(level: Level) -> None:
    row, fresh = SeverityLevel.objects.get_or_create(
        key=Severity(level.key),
        defaults={
            "name": level.name,
            "alias": level.alias,
            "definition": level.definition,
            "examples": "\n".join(level.examples),
            **level.values,
        },
    )
    if fresh:
        row.audiences.set(Audience.objects.filter(key__in=level.audiences, archived_at=None))


def _make_tasks() -> None:
    types = {row.key: row for row in IncidentType.objects.all()}
    TaskTemplate.objects.bulk_create(
        TaskTemplate(
            text=task.text,
            severity=task.severity,
            type=types.get(task.type),
            role=task.role,
            due_after_seconds=task.due,
            position=position,
        )
        for position, task in enumerate(TASKS, start=1)
        if not task.type or task.type in types
    )
