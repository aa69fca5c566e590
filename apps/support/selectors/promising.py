"""Which promises a ticket gets: policy, targets and calendars in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.calendars.businesstime import Calendar
from apps.calendars.models import CalendarVersion
from apps.calendars.selectors import rules
from apps.customers.models import Account
from apps.support.clockwork import Terms
from apps.support.models import EscalationStep, SlaPolicy, SlaTarget, Ticket


@lru_cache(maxsize=256)
def calendar_of(version_id: int) -> Calendar:
    """The rules of a calendar's version, which never change."""
    return rules(CalendarVersion.objects.get(pk=version_id))


def step_seconds(outer: str) -> ArraySubquery:
    """The delays of a target's steps, in the order in which they are taken."""
    steps = EscalationStep.objects.filter(target=OuterRef(outer)).order_by("after_seconds", "pk")
    return ArraySubquery(steps.values("after_seconds"))


def terms_of(target: SlaTarget | None, seconds: int, steps: Sequence[int]) -> Terms:
    """What was promised; of a target that is gone only the seconds are left."""
    if target is None:
        return Terms(seconds)
    return Terms(seconds, tuple(target.warn_percents), tuple(steps), target.steps_while_paused)


@dataclass(frozen=True)
class Promise:
    """One target as it is now: whose it is, what it says, and in which version of a calendar."""

    policy_id: int
    policy_version: int
    target_id: int
    calendar_version_id: int
    terms: Terms
    third_party: bool

    @property
    def calendar(self) -> Calendar:
        return calendar_of(self.calendar_version_id)


@dataclass(frozen=True)
class Asked:
    """What policies look at in a ticket, or in one that is still being written."""

    priority: str
    queue_id: int | None
    request_type_id: int | None
    account_id: int | None
    tags: tuple[str, ...] = ()


def asked_by(ticket: Ticket) -> Asked:
    return Asked(
        ticket.priority,
        ticket.queue_id,
        ticket.request_type_id,
        ticket.account_id,
        tuple(ticket.tags),
    )


def matching_policies(asked: Asked) -> QuerySet[SlaPolicy]:
    """The active policies that take such a ticket, the one that counts first."""
    tier = Account.objects.filter(pk=asked.account_id or 0).values("tier")[:1]
    takes = (
        (Q(match_queue=None) | Q(match_queue=asked.queue_id))
        & (Q(match_type=None) | Q(match_type=asked.request_type_id))
        & (Q(match_account=None) | Q(match_account=asked.account_id))
        & (Q(match_tier="") | Q(match_tier=Subquery(tier)))
        & Q(match_tag__in=["", *asked.tags])
    )
    found = SlaPolicy.objects.filter(is_active=True).filter(Q(is_default=True) | takes)
    return found.order_by("is_default", "position", "pk")


def promises(asked: Asked) -> Mapping[str, Promise]:
    """What is promised to such a ticket, by metric; empty without a policy. One statement."""
    newest = (
        CalendarVersion.objects.filter(calendar_id=OuterRef("runs_in"))
        .order_by("-number")
        .values("pk")[:1]
    )
    targets = (
        SlaTarget.objects.filter(
            policy=Subquery(matching_policies(asked).values("pk")[:1]),
            priority=asked.priority,
            seconds__isnull=False,
        )
        .annotate(runs_in=Coalesce(F("calendar_id"), F("policy__calendar_id")))
        .annotate(version_id=Subquery(newest), delays=step_seconds("pk"))
        .select_related("policy")
    )
    return {
        target.metric: Promise(
            policy_id=target.policy_id,
            policy_version=target.policy.version,
            target_id=target.pk,
            calendar_version_id=target.version_id,
            terms=terms_of(target, target.seconds or 0, target.delays),
            third_party=target.pause_third_party,
        )
        for target in targets
        if target.version_id is not None
    }
