"""The ledger read: what is mine, what came from a source, how the backlog stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, Count, Q
from django.db.models.functions import Cast

from apps.accounts.models import Person
from apps.core.models import StatusChange
from apps.followups import backlog
from apps.followups.models import FollowUp
from apps.followups.querysets import ENDED, FollowUpQuerySet


def rows(user: Any) -> FollowUpQuerySet:
    """What `user` may see, ready to be shown."""
    return FollowUp.objects.visible_to(user).select_related("owner", "surface", "factor")


def mine(person: Person) -> FollowUpQuerySet:
    """What a person still has to do, the earliest first."""
    return rows(person).active().filter(owner=person).order_by("due_on", "priority", "pk")


def of_source(kind: str, ref: str) -> FollowUpQuerySet:
    """What came from something, open ones first. Pages filter it by `visible_to` once more."""
    found = FollowUp.objects.filter(source_kind=kind, source_ref=ref)
    return found.select_related("owner", "surface", "factor").order_by("due_on", "pk")


@dataclass(frozen=True)
class Figures:
    """How the ledger stands; real follow-ups only. `held_of` is how many were ever verified."""

    open: int
    overdue: int
    to_verify: int
    verified: int
    did_not_hold: int
    wont_do: int
    weeks: Sequence[backlog.Week]


def figures(user: Any, *, now: datetime) -> Figures:
    """The figures of what `user` may see, and the backlog by week."""
    seen = FollowUp.objects.visible_to(user).real()
    active = Q(status__in=["open", "in_progress"])
    counts = seen.aggregate(
        open=Count("pk", filter=active),
        overdue=Count("pk", filter=active & Q(due_on__lt=now.date())),
        to_verify=Count("pk", filter=Q(status="done")),
        verified=Count("pk", filter=Q(status="verified")),
        did_not_hold=Count("pk", filter=Q(did_not_hold=True)),
        wont_do=Count("pk", filter=Q(status="wont_do")),
    )
    return Figures(**counts, weeks=weeks(seen, now))


def weeks(seen: FollowUpQuerySet, now: datetime) -> list[backlog.Week]:
    """The backlog of these over the last weeks; what is done and not verified stands in it."""
    steps = (
        StatusChange.objects.filter(kind="followups.followup")
        .filter(Q(became__in=ENDED) | Q(was__in=ENDED))
        .filter(ref__in=seen.annotate(number=Cast("pk", CharField())).values("number"))
        .values_list("at", "became")
    )
    moved = [(at, 1 if became in ENDED else -1) for at, became in steps]
    opened = seen.values_list("created_at", flat=True)
    return backlog.weekly(opened, moved, backlog.mondays(now))
