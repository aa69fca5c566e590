"""Who hears what about a runbook. Nobody is told of what they did themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apps.accounts.models import Person, Team
from apps.core.audit import Actor
from apps.notifications import services as notifications
from apps.runbooks import notices
from apps.runbooks.models import Runbook, RunbookVersion

Reached = tuple[Person, str]  # somebody, and why they hear of it


def url_of(runbook: Runbook) -> str:
    """The runbook's page, as it stands in mails."""
    return notifications.absolute(f"/runbooks/{runbook.key}/")


def holders(runbook: Runbook) -> list[Reached]:
    """The owner and the backup, as far as they are here."""
    found = [
        (runbook.owner, f"you own {runbook.key}"),
        (runbook.backup, f"you are the backup for {runbook.key}"),
    ]
    return [(person, why) for person, why in found if person is not None and person.is_active]


def leads(runbook: Runbook) -> list[Reached]:
    """The lead of the owner's team, else of the team of a surface that it is for, else the
    managers: somebody always answers for it."""
    teams = Team.objects.filter(archived_at=None, lead__is_active=True).select_related("lead")
    own = teams.filter(members=runbook.owner_id) if runbook.owner_id else teams.none()
    team = own.order_by("pk").first()
    if team is None:
        team = teams.filter(surfaces__runbooks=runbook).order_by("pk").first()
    if team is not None and team.lead is not None:
        return [(team.lead, f"you lead {team.name}")]
    managers = Person.objects.active().managers().order_by("pk")
    return [(person, "you are a manager, and no team answers for it") for person in managers]


def asked(*, version: RunbookVersion, actor: Actor, now: datetime) -> None:
    """A version is to be approved: whoever holds the runbook and did not write it, else leads."""
    runbook, author = version.runbook, version.author
    others = [one for one in holders(runbook) if one[0].pk != version.author_id]
    others = others or [one for one in leads(runbook) if one[0].pk != version.author_id]
    for person, why in _others(others, actor):
        notifications.notify(
            person=person,
            what="runbook_asked",
            write=notices.asked,
            facts=notices.Asked(
                key=runbook.key,
                number=version.number,
                title=runbook.title,
                author=author.name if author else actor.label,
                change_note=version.change_note,
                url=url_of(runbook),
                why=why,
            ),
            urgency="low",
            subject=("runbook", runbook.key),
            dedupe=f"runbook:{version.pk}:asked:{now.isoformat()}",
            now=now,
        )


def decided(*, version: RunbookVersion, comment: str, actor: Actor, now: datetime) -> None:
    """Its author hears that a version was approved, or sent back and why."""
    if version.author is None:
        return
    for person, _ in _others([(version.author, "")], actor):
        notifications.notify(
            person=person,
            what="runbook_decided",
            write=notices.decided,
            facts=notices.Decided(
                key=version.runbook.key,
                number=version.number,
                title=version.runbook.title,
                by=actor.label,
                url=url_of(version.runbook),
                comment=comment,
            ),
            urgency="low",
            subject=("runbook", version.runbook.key),
            dedupe=f"runbook:{version.pk}:decided:{now.isoformat()}",
            now=now,
        )


def handed_over(
    *, runbook: Runbook, left: Person, readers: Sequence[Person], is_owner: bool, now: datetime
) -> None:
    """Who holds it now, or has to find somebody, hears of it."""
    facts = notices.HandedOver(
        key=runbook.key,
        title=runbook.title,
        left=left.name,
        url=url_of(runbook),
        is_owner=is_owner,
    )
    for person in readers:
        notifications.notify(
            person=person,
            what="runbook_handed_over",
            write=notices.handed_over,
            facts=facts,
            urgency="low",
            subject=("runbook", runbook.key),
            dedupe=f"runbook:{runbook.pk}:left:{left.pk}:{now.isoformat()}",
            now=now,
        )


def _others(found: Sequence[Reached], actor: Actor) -> list[Reached]:
    return [one for one in found if one[0].pk != actor.person_id]
