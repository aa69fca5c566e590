"""It happened again: what was verified to prevent, catch or soften it did not hold."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core.audit import Actor
from apps.followups.models import Factor, FollowUp
from apps.followups.services import moving
from apps.followups.services.checking import Wrong, locked, reason
from apps.ownership.models import Surface

AIMS = (FollowUp.Aim.PREVENT, FollowUp.Aim.DETECT, FollowUp.Aim.MITIGATE)


@transaction.atomic
def recurred(
    *,
    surface: Surface,
    factor: Factor,
    why: str,
    url: str,
    actor: Actor,
    now: datetime,
    happened_at: datetime | None = None,
) -> list[FollowUp]:
    """Open again what was verified within 90 days against the same factor on this surface or the
    one that it is a facet of. Answers what was reopened.

    `happened_at` is when it came back (now, unless it is said): what was verified after that has
    not failed in it, and the 90 days end there.

    `why` says what came back (“INC-42, the same time-outs”), `url` where it stands. Its evidence
    is withdrawn, it gets a new day, and its owner and lead are told. Only real ones are touched:
    a drill does not show that a fix failed.
    """
    said = reason(why, empty="Say what came back.", field="why")
    wrong = Wrong()
    where = wrong.url("url", url)
    wrong.raise_any("This cannot be named as what came back.")
    places = [surface.pk] + ([surface.parent_id] if surface.parent_id else [])
    at = happened_at or now
    rows = FollowUp.objects.real().verified_lately(at).filter(verified_at__lte=at)
    found = rows.filter(surface__in=places, factor=factor, aim__in=AIMS).order_by("pk")
    return [one for row in found if (one := _again(row, said, where, actor, now))]


def _again(follow_up: FollowUp, why: str, url: str, actor: Actor, now: datetime) -> FollowUp | None:
    """One of them; None when somebody reopened it meanwhile."""
    row = locked(follow_up)
    if row.status != FollowUp.Status.VERIFIED:
        return None
    text = f"{why} ({url})" if url else why
    return moving.back(row=row, why=text, actor=actor, now=now)
