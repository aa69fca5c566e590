"""What the parts of an incident are for, in words for whoever meets them for the first time."""

from __future__ import annotations

from dataclasses import dataclass

from apps.incidents.models import Incident
from apps.incidents.models.framework import Role

Status = Incident.Status


@dataclass(frozen=True)
class Word:
    """A term of the incident pages: its key, its name, and what it means."""

    key: str
    name: str
    means: str


STATES = [
    Word(key, key.label, means)
    for key, means in (
        (Status.TRIAGE, "An alert opened it, and nobody has said yet whether it is one."),
        (Status.INVESTIGATING, "Declared. Somebody commands it, and the clocks run from here."),
        (Status.IDENTIFIED, "We know what is wrong. This state can be skipped."),
        (Status.MITIGATED, "Customers suffer no more. The repair may still be to come."),
        (Status.RESOLVED, "It is over, and everybody was told. No severity counts on."),
        (Status.IN_REVIEW, "What happened is written down, with what to do about it."),
        (Status.CLOSED, "Nothing is owed any more except the follow-ups, which go on."),
        (Status.DECLINED, "It was none. It can be taken back into triage with a reason."),
        (Status.MERGED, "It was the same as another one, which goes on for both."),
    )
]

ROLES = [
    Word(key, key.label, means)
    for key, means in (
        (Role.COMMANDER, "Decides, and answers for the whole. Does not repair with their hands."),
        (Role.LEAD, "Finds the cause and repairs it."),
        (Role.COMMS, "Writes the updates, for people here and for customers, and keeps the clock."),
        (Role.DEPUTY, "Stands in for the commander and takes over when the night is long."),
        (Role.SUPPORT, "Speaks for the customers who wrote, and keeps their tickets with it."),
        (Role.SCRIBE, "Writes down what was seen, tried and decided while it happens."),
    )
]
