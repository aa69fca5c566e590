"""Pages as people see them: who was told, by what, who is next, what they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from apps.accounts.models import Person
from apps.notifications.models import Message
from apps.paging import selectors as paging
from apps.paging.models import Page
from apps.portal import formats

SHOWN = 20
FIGURES_OVER = timedelta(days=1)


@dataclass(frozen=True)
class Paged:
    """A page with the last people it told and the next it goes to."""

    page: Page
    told: paging.Told | None
    coming: paging.Coming | None
    messages: Sequence[Message] = ()


def paged(pages: Sequence[Page], *, now: datetime, messages: bool = False) -> list[Paged]:
    """Dress pages with what is said of them; a fixed number of queries."""
    told = paging.told(pages) if pages else {}
    coming = paging.coming(pages, now=now) if pages else {}
    sent = _messages(pages) if pages and messages else {}
    return [
        Paged(page, told.get(page.pk), coming.get(page.pk), sent.get(page.pk, ())) for page in pages
    ]


def _messages(pages: Sequence[Page]) -> dict[int, list[Message]]:
    """Who was told, by what and when. Never where: addresses are their owner's alone."""
    found: dict[int, list[Message]] = {}
    rows = (
        Message.objects.filter(
            subject_kind="page", subject_ref__in=[str(p.pk) for p in pages], what="page_step"
        )
        .select_related("person")
        .only("person__name", "channel", "status", "sent_at", "created_at", "subject_ref")
        .order_by("-created_at", "-pk")[:100]
    )
    for row in rows:
        found.setdefault(int(row.subject_ref), []).append(row)
    return found


def waiting(viewer: Person, *, now: datetime) -> list[Paged]:
    """Pages that nobody has acknowledged, urgent ones first, the oldest first; at most twenty."""
    pages = list(
        Page.objects.visible_to(viewer)
        .waiting()
        .select_related("surface")
        .order_by("urgency", "opened_at", "pk")[:SHOWN]  # "high" sorts before "low"
    )
    return paged(pages, now=now)


@dataclass(frozen=True)
class Answers:
    """How pages of the last day were answered; real ones only."""

    opened: int
    acknowledged: int
    median: timedelta | None  # from opening to acknowledgement

    @property
    def note(self) -> str:
        if not self.opened:
            return "quiet"
        answered = f"{self.acknowledged} acknowledged"
        if self.median is None:
            return answered
        return f"{answered}, median {formats.duration(self.median)}"


def answers(viewer: Person, *, now: datetime) -> Answers:
    """Opened in the last 24 hours; the status list lets the index on (status, opened_at) serve."""
    rows = list(
        Page.objects.visible_to(viewer)
        .real()
        .filter(status__in=Page.Status.values, opened_at__gt=now - FIGURES_OVER)
        .values_list("opened_at", "acknowledged_at")[:1000]
    )
    took = [(at - opened).total_seconds() for opened, at in rows if at]
    return Answers(len(rows), len(took), timedelta(seconds=median(took)) if took else None)
