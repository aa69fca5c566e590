"""django-q2 entry points of the portal: long work that survives a closed page."""

from __future__ import annotations

from apps.core import clock, jobs
from apps.portal.services import ticket_import


def bring_tickets(digest: str) -> None:
    """One batch of an import, and the next one after it."""
    if ticket_import.step(digest=digest, now=clock.now()):
        jobs.enqueue(ticket_import.TASK, digest=digest)
