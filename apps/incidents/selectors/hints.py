"""What may belong to an incident: suspect changes, runbooks, tickets, incidents like it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import FloatField, Q, Value

from apps.changes.models import Change
from apps.core.providers import ask
from apps.core.text import clip, one_line
from apps.incidents.models import Incident, IncidentLink
from apps.incidents.ports import DeclareHint, Hint
from apps.incidents.suspects import WINDOW, Happened, Near, Place, Suspect, rank, reach
from apps.ownership.models import Surface, SurfaceDependency
from apps.runbooks import selectors as runbooks
from apps.runbooks.freshness import Band
from apps.runbooks.models import Runbook

MOST: Final = 5  # of one sort
ALIKE: Final = 0.35  # of pg_trgm's word similarity; below it, titles share little but small words
LOOKED_BACK: Final = timedelta(days=400)
RECENT: Final = timedelta(days=30)
Relation = IncidentLink.Relation


def hints(
    *,
    user: Any,
    surface: Surface | None,
    words: str,
    now: datetime,
    began: datetime | None = None,
    type_key: str = "",
    codes: Collection[str] = (),
    leave_out: Incident | None = None,
) -> list[Hint]:
    """All that may belong to an incident on `surface` that `words` describe, for who may see it.

    In this order, each sort the likeliest first and at most five of it: incidents that stand and
    sound the same, changes of the 24 hours before it `began` (by default `now`), runbooks, what
    higher apps know (tickets), and past incidents like it. What `leave_out` is or has linked
    already is not offered.
    """
    said = one_line(words)[:500]
    alike = _incidents(user, surface, said, now, leave_out)
    found = [
        *[hint for hint, stands in alike if stands][:MOST],
        *[_suspect(one) for one in suspects(user=user, surface=surface, began=began or now)],
        *_runbooks(user, surface, said, now, type_key, codes),
        *_provided(user, surface, said, now),
        *[hint for hint, stands in alike if not stands][:MOST],
    ]
    return list(_fresh(found, leave_out))


def hints_for(incident: Incident, *, user: Any, now: datetime) -> list[Hint]:
    """`hints` for an incident that stands: what is linked already is left out."""
    return hints(
        user=user,
        surface=incident.surface,
        words=f"{incident.title} {incident.summary}",
        now=now,
        began=incident.impact_started_at or incident.detected_at,
        type_key=incident.type.key if incident.type else "",
        leave_out=incident,
    )


# -- changes


def suspects(*, user: Any, surface: Surface | None, began: datetime) -> list[Suspect]:
    """The changes before `began` that may have caused it. Without a surface every change counts,
    as far away as one of which nobody knows where it belongs."""
    rows = (
        Change.objects.visible_to(user)
        .filter(occurred_at__gte=began - WINDOW, occurred_at__lte=began)
        .order_by("-occurred_at")
    )
    near = leans_on(surface)
    if surface is not None:
        rows = rows.filter(Q(surface_id__in=near) | Q(surface=None))
    return rank([_happened(row, surface) for row in rows[:500]], near, began, most=MOST)


def leans_on(surface: Surface | None) -> dict[int, Near]:
    """The surfaces whose change can hurt this one, by id; itself with 0 hops. Two queries."""
    if surface is None:
        return {}
    rows = Surface.objects.current().values_list("pk", "key", "parent_id")
    places = {pk: Place(key, parent) for pk, key, parent in rows}
    hard = SurfaceDependency.objects.filter(
        strength=SurfaceDependency.Strength.HARD, on_surface__isnull=False
    ).values_list("surface_id", "on_surface_id")
    leans = [(pk, on) for pk, on in hard if on is not None]
    return reach(surface.pk, places, leans)


def _happened(row: Change, surface: Surface | None) -> Happened:
    return Happened(
        pk=row.pk,
        kind=row.get_kind_display(),
        ref=row.ref,
        summary=row.summary,
        url=row.url,
        surface=row.surface_id if surface is not None else None,
        at=row.occurred_at,
    )


def _suspect(one: Suspect) -> Hint:
    change = one.change
    return Hint(
        kind="change",
        ref=str(change.pk),
        url=change.url if len(change.url) <= 300 else "",
        label=clip(f"{change.kind}: {one_line(change.summary)}", 300),
        why=one.why,
        relation=Relation.SUSPECT,
        score=one.score,
    )


# -- runbooks

_TRUST: Final = {
    Band.FRESH: "",
    Band.AGING: "; it is to be reviewed soon",
    Band.STALE: "; it is stale",
    Band.NEVER: "; nobody has used or reviewed it yet",
}


def _runbooks(
    user: Any,
    surface: Surface | None,
    words: str,
    now: datetime,
    type_key: str,
    codes: Collection[str],
) -> list[Hint]:
    found = runbooks.matching(surface=surface, words=words, type_key=type_key, codes=codes, now=now)
    if getattr(user, "team_id", None):  # people see all of them, a key of a team its own
        seen = set(Runbook.objects.visible_to(user).values_list("pk", flat=True))
        found = [match for match in found if match.runbook.pk in seen]
    return [
        Hint(
            kind="runbook",
            ref=match.runbook.key,
            url=f"/runbooks/{match.runbook.key}/",
            label=clip(f"{match.runbook.key}: {one_line(match.runbook.title)}", 300),
            why=match.why + (_TRUST[match.freshness.band] if match.freshness else ""),
            relation=Relation.RELATED,
            score=min(1.0, match.score / 100),
        )
        for match in found[:MOST]
    ]


# -- what higher apps know


def _provided(user: Any, surface: Surface | None, words: str, now: datetime) -> Iterator[Hint]:
    for provider in ask(DeclareHint):  # type: ignore[type-abstract] # a port is its protocol
        found: Sequence[Hint] = provider.hints(user=user, surface=surface, words=words, now=now)
        yield from found[:MOST]


# -- incidents


def _incidents(
    user: Any, surface: Surface | None, words: str, now: datetime, leave_out: Incident | None
) -> list[tuple[Hint, bool]]:
    """Incidents that sound like it or hit the same surface, and whether each stands."""
    here = Q(surface=surface) if surface is not None else Q(pk=None)
    if surface is not None and surface.parent_id:
        here |= Q(surface_id=surface.parent_id)
    near = here & (Q(detected_at__gte=now - RECENT) | ~Q(status__in=_OVER))
    rows = (
        Incident.objects.visible_to(user)
        .real()
        .exclude(status__in=[Incident.Status.MERGED, Incident.Status.DECLINED])
        .filter(detected_at__gte=now - LOOKED_BACK)
        .annotate(
            alike=TrigramWordSimilarity(words, "title")
            if len(words) >= 4
            else Value(0.0, output_field=FloatField())
        )
        .filter(Q(alike__gte=ALIKE) | near)
        .select_related("surface")
        .order_by("-alike", "-detected_at", "-pk")
    )
    if leave_out is not None:
        rows = rows.exclude(pk=leave_out.pk)
    found = [
        (_like(row, surface, getattr(row, "alike"), now), row.is_standing)  # noqa: B009 - annotated
        for row in rows[:20]
    ]
    return sorted(found, key=lambda pair: -pair[0].score)


_OVER = (Incident.Status.RESOLVED, Incident.Status.IN_REVIEW, Incident.Status.CLOSED)


def _like(row: Incident, surface: Surface | None, alike: float, now: datetime) -> Hint:
    same = surface is not None and row.surface_id == surface.pk
    parent = surface is not None and row.surface_id == surface.parent_id and not same
    reasons = [
        "its title sounds the same" if alike >= ALIKE else "",
        "it is on the same surface" if same else "",
        f"it is on {row.surface}" if parent else "",
    ]
    state = "stands now" if row.is_standing else f"was {_days(now - row.detected_at)}"
    return Hint(
        kind="incident",
        ref=row.ref,
        url=f"/incidents/{row.ref}/",
        label=clip(f"{row.severity} {one_line(row.title)}", 300),
        why=f"It {state}; " + " and ".join(reason for reason in reasons if reason),
        relation=Relation.DUPLICATE if row.is_standing else Relation.RELATED,
        score=round(min(1.0, alike * 0.7 + (0.3 if same else 0.15 if parent else 0.0)), 4),
    )


def _days(span: timedelta) -> str:
    return "today" if span.days < 1 else "yesterday" if span.days < 2 else f"{span.days} days ago"


def _fresh(found: Iterable[Hint], incident: Incident | None) -> Iterator[Hint]:
    """Each once, and nothing that the incident has linked already."""
    seen: set[tuple[str, str]] = set()
    if incident is not None:
        seen |= set(incident.links.values_list("kind", "ref"))
    for hint in found:
        if (hint.kind, hint.ref) not in seen:
            seen.add((hint.kind, hint.ref))
            yield hint
