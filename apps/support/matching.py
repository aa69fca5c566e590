"""Which policy a ticket gets, and which of its clocks stand still in which state. Pure.

The same questions are asked by the database when one ticket changes, and here when a changed grid
is replayed over thousands; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apps.support import lifecycle

TRIAGE = "triage"
FIRST_REPLY = "first_reply"
NEXT_REPLY = "next_reply"
PERIODIC_UPDATE = "periodic_update"
RESOLUTION = "resolution"
METRICS = (TRIAGE, FIRST_REPLY, NEXT_REPLY, PERIODIC_UPDATE, RESOLUTION)
ONCE = frozenset({TRIAGE, FIRST_REPLY, RESOLUTION})  # the others begin anew with each message
MAY_PAUSE = frozenset({PERIODIC_UPDATE, RESOLUTION})  # nobody waits for the rest by asking back


@dataclass(frozen=True)
class Facts:
    """What a policy can ask of a ticket. An absent account has no tier."""

    queue: int | None = None
    request_type: int | None = None
    tier: str = ""
    account: int | None = None
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Match:
    """What a policy asks for; what is empty matches everything, a default everything at last."""

    ref: int
    position: int = 0
    is_default: bool = False
    queue: int | None = None
    request_type: int | None = None
    tier: str = ""
    account: int | None = None
    tag: str = ""

    def takes(self, facts: Facts) -> bool:
        """Whether a ticket with these facts is this policy's."""
        return self.is_default or (
            self.queue in {None, facts.queue}
            and self.request_type in {None, facts.request_type}
            and self.tier in {"", facts.tier}
            and self.account in {None, facts.account}
            and (not self.tag or self.tag in facts.tags)
        )


def in_order(policies: Iterable[Match]) -> list[Match]:
    """By position, the default last."""
    return sorted(policies, key=lambda one: (one.is_default, one.position, one.ref))


def first(policies: Iterable[Match], facts: Facts) -> Match | None:
    """The first policy, in their given order, that takes the ticket."""
    return next((one for one in policies if one.takes(facts)), None)


def stands_still(metric: str, status: str, *, third_party: bool) -> bool:
    """Whether a clock is paused while its ticket is in `status`.

    Waiting for the customer pauses what can pause; waiting for a third party only where the
    target says so.
    """
    if metric not in MAY_PAUSE:
        return False
    if status == lifecycle.WAITING_CUSTOMER:
        return True
    return third_party and status == lifecycle.WAITING_THIRD_PARTY
