"""What support answers to the questions of apps below it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import FloatField, Q, Value
from django.db.models.functions import Coalesce

from apps.incidents.models import Incident, IncidentLink
from apps.incidents.ports import Hint
from apps.ownership.models import Surface
from apps.support.models import Ticket
from apps.support.selectors import incident_ties as ties
from apps.support.selectors.search import SIMILAR
from apps.support.services.tickets import named

SHOWN = 20  # tickets that a checklist names
RECENT = timedelta(days=7)
MOST_HINTS = 8


class AnsweredTickets:
    """Closing an incident waits for its tickets: each is answered, over, or detached."""

    def blockers(self, *, incident: Incident) -> list[str]:
        """One sentence for each ticket whose last word is the customer's."""
        waiting = [one for one in ties.tickets_of(incident) if one.is_active and one.awaits_us]
        found = [f"{one.ref} has no answer: reply to it, or detach it." for one in waiting[:SHOWN]]
        more = len(waiting) - SHOWN
        return found + ([f"And {more} more tickets have no answer."] if more > 0 else [])


class MatchingTickets:
    """Open tickets that sound like what somebody is about to declare."""

    def hints(
        self, *, user: Any, surface: Surface | None, words: str, now: datetime
    ) -> Sequence[Hint]:
        """Active real tickets of the last week on the surface, its facets and its parent, or with
        words alike; the likeliest first."""
        words = " ".join(words.split())[:200].replace("\x00", "")
        places = _around(surface)
        near: Q = Q(pk__in=[])
        if places:
            near |= Q(surface__in=places)
        likeness: Any = Value(0.0, output_field=FloatField())
        if len(words) >= 4:
            likeness = Coalesce(TrigramWordSimilarity(words, "subject"), 0.0)
            near |= Q(likeness__gte=SIMILAR)
        rows = (
            Ticket.objects.visible_to(user)
            .active()
            .real()
            .filter(created_at__gte=now - RECENT)
            .select_related("queue", "surface")
            .annotate(likeness=likeness)
            .filter(near)
            .order_by("-likeness", "-pk")[:60]
        )
        found = [_hint(one, surface) for one in rows]
        return sorted(found, key=lambda hint: -hint.score)[:MOST_HINTS]


def _around(surface: Surface | None) -> set[int]:
    if surface is None:
        return set()
    facets = set(Surface.objects.filter(parent=surface).values_list("pk", flat=True))
    return facets | {surface.pk} | ({surface.parent_id} if surface.parent_id else set())


def _hint(ticket: Ticket, surface: Surface | None) -> Hint:
    alike: float = getattr(ticket, "likeness", 0.0)  # annotated by the query
    here = surface is not None and ticket.surface_id == surface.pk
    close = surface is not None and ticket.surface_id is not None and not here
    said = []
    if here:
        said.append("same surface")
    if alike >= SIMILAR:
        said.append("sounds alike")
    if not said and close:
        said.append("a surface beside it")
    score = min(1.0, 0.35 * here + 0.15 * (close and alike < SIMILAR) + 0.65 * alike)
    return Hint(
        kind=ties.KIND,
        ref=ticket.ref,
        url=f"/tickets/{ticket.ref}/",
        label=named(ticket).removeprefix(ticket.ref).strip(),
        why=", ".join(said) or "nearby",
        relation=IncidentLink.Relation.REPORTED_BY,
        score=round(score, 3),
    )
