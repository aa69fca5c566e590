"""Who hears of a follow-up beside its owner, and who gets it when the owner leaves."""

from __future__ import annotations

from apps.accounts.models import Person, Team
from apps.followups.models import FollowUp
from apps.ownership.models import Surface


def leads(follow_up: FollowUp) -> list[tuple[Person, str]]:
    """The lead of the owner's team, else of the surface's, else the managers; never the owner.

    Each with the clause that says why they are told.
    """
    owner = follow_up.owner
    if (found := _lead(owner, follow_up.surface)) is not None:
        return [found]
    managers = Person.objects.active().managers().exclude(pk=owner.pk).order_by("pk")
    return [(person, "you are a manager") for person in managers]


def heir(person: Person, surface: Surface | None) -> tuple[Person, str] | None:
    """Who takes over what `person` leaves: the lead of their team, else a manager."""
    if (found := _lead(person, surface)) is not None:
        return found
    manager = Person.objects.active().managers().exclude(pk=person.pk).order_by("pk").first()
    return (manager, "you are a manager") if manager else None


def _lead(person: Person, surface: Surface | None) -> tuple[Person, str] | None:
    """The lead of the person's team, the surface's own if they are in it; else of the surface's."""
    teams = list(
        Team.objects.filter(memberships__person=person, archived_at=None)
        .select_related("lead")
        .order_by("key")
    )
    own = surface.team if surface else None
    if own is not None and own.archived_at is None:
        teams = [own, *teams] if own in teams else [*teams, own]
    for team in teams:
        if team.lead and team.lead.is_active and team.lead_id != person.pk:
            return team.lead, f"you lead {team.name}"
    return None
