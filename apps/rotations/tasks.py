"""django-q2 entry points. The rows are the truth; a task that runs twice or late does no harm."""

from __future__ import annotations

from apps.core import clock
from apps.rotations import services


def handoffs() -> int:
    """Every minute: tell who comes on and who goes off."""
    return services.tell_handoffs(now=clock.now())


def extend() -> int:
    """Nightly: shifts for the whole horizon."""
    return services.extend_all(now=clock.now())


def audit() -> int:
    """Nightly: the rows of the next 14 days against the computation."""
    return services.audit_all(now=clock.now())


def reachability() -> int:
    """Daily: warn managers when the next on-call person can only be reached by e-mail."""
    return services.warn_unreachable(now=clock.now())
