"""Full-text search over tickets, and what looks like the same problem."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import F, Q, QuerySet

from apps.incidents.models import Incident
from apps.ownership.models import Surface
from apps.support.models import Ticket
from apps.support.querysets import TicketQuerySet

_REF = re.compile(r"(?:TCK-|#)?([0-9]{1,15})", re.IGNORECASE)
SIMILAR = 0.28  # of pg_trgm's word_similarity; below it, subjects share little but small words


def search(user: Any, text: str) -> TicketQuerySet:
    """The tickets that hold every word of `text`, or that it names (TCK-7, #7, 7)."""
    words = text.strip()[:200].replace("\x00", "")
    visible = Ticket.objects.visible_to(user)
    if not words:
        return visible.none()
    query = SearchQuery(words, config="simple", search_type="websearch") | SearchQuery(
        words, config="english", search_type="websearch"
    )
    found = Q(text__vector=query)
    if named := _REF.fullmatch(words):
        found |= Q(pk=int(named[1]))
    return visible.filter(found)


@dataclass(frozen=True)
class Similar:
    """A ticket or incident that may be about the same; `why` says what they share."""

    kind: str
    ref: str
    title: str
    status: str
    url: str
    why: str


def similar(user: Any, *, subject: str, surface: Surface | None, limit: int = 5) -> list[Similar]:
    """Standing incidents of the surface, then active tickets whose subject reads alike."""
    found = [_incident(row) for row in _incidents(user, surface, limit)]
    words = " ".join(subject.split())[:200]
    if len(words) < 4:
        return found[:limit]
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)", [
            str(SIMILAR)
        ])  # fmt: skip
    tickets = (
        Ticket.objects.visible_to(user)
        .active()
        .filter(subject__trigram_word_similar=words)
        .order_by("-id")[:40]
    )
    close = sorted(tickets, key=lambda t: (t.surface_id != (surface.pk if surface else 0), -t.pk))
    return (found + [_ticket(row, surface) for row in close])[:limit]


def _incidents(user: Any, surface: Surface | None, limit: int) -> QuerySet[Incident]:
    if surface is None:
        return Incident.objects.none()
    about = Q(surface=surface)
    if surface.parent_id:
        about |= Q(surface_id=surface.parent_id)
    return (
        Incident.objects.visible_to(user)
        .real()
        .standing()
        .filter(about)
        .order_by(F("detected_at").desc())[:limit]
    )


def _incident(row: Incident) -> Similar:
    return Similar(
        "incident",
        row.ref,
        row.title,
        row.get_status_display(),
        f"/incidents/{row.ref}/",
        "open on this surface",
    )


def _ticket(row: Ticket, surface: Surface | None) -> Similar:
    same = surface is not None and row.surface_id == surface.pk
    return Similar(
        "ticket",
        row.ref,
        row.subject,
        row.get_status_display(),
        f"/tickets/{row.ref}/",
        "same surface, similar subject" if same else "similar subject",
    )
