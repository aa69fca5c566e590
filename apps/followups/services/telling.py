"""Who hears of what about a follow-up. Nobody is told of what they did themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.followups import notices
from apps.followups.models import FollowUp
from apps.followups.services import people
from apps.notifications import services as notifications


def url_of(follow_up: FollowUp) -> str:
    """The follow-up's page, as other apps refer to it."""
    return f"/followups/{follow_up.ref}/"


def tell(
    *,
    follow_up: FollowUp,
    to: Iterable[tuple[Person, str]],
    what: str,
    clause: str,
    dedupe: str,
    now: datetime,
    actor: Actor | None = None,
    words: str = "",
) -> None:
    """One message to each (person, why) who may see it, but not to whoever did it."""
    url = notifications.absolute(url_of(follow_up))
    for person, why in to:
        if (actor and actor.person_id == person.pk) or not _may_see(person, follow_up):
            continue
        notifications.notify(
            person=person,
            what=what,
            write=notices.news,
            facts=notices.News(
                ref=follow_up.ref,
                title=follow_up.title,
                what=clause,
                why=why,
                url=url,
                priority=follow_up.priority,
                owner=follow_up.owner.name,
                due_on=follow_up.due_on,
                acceptance=follow_up.acceptance,
                source=follow_up.source_label or follow_up.source_ref,
                words=words,
                kind=follow_up.kind,
            ),
            urgency="low",
            subject=("follow_up", str(follow_up.pk)),
            dedupe=f"follow-up:{follow_up.pk}:{dedupe}",
            now=now,
            thread_key=f"follow-up-{follow_up.pk}",
            kind=follow_up.kind,
            link=url,
        )


def _may_see(person: Person, follow_up: FollowUp) -> bool:
    if not follow_up.is_restricted:
        return True
    return FollowUp.objects.filter(pk=follow_up.pk).visible_to(person).exists()


def given(*, follow_up: FollowUp, actor: Actor, now: datetime) -> None:
    """Whoever answers for it now hears so."""
    tell(
        follow_up=follow_up,
        to=[(follow_up.owner, f"{actor.label} gave it to you")],
        what="follow_up_assigned",
        clause="is yours",
        dedupe=f"given:v{follow_up.version}",
        actor=actor,
        now=now,
        words=follow_up.details,
    )


def done(*, follow_up: FollowUp, actor: Actor, now: datetime) -> None:
    """It is done: the lead hears that somebody has to look."""
    tell(
        follow_up=follow_up,
        to=people.leads(follow_up),
        what="follow_up_done",
        clause="is done and waits to be verified",
        dedupe=f"done:v{follow_up.version}",
        actor=actor,
        now=now,
        words="Look at the evidence. Verify it, or say what is still missing.",
    )


def verified(*, follow_up: FollowUp, actor: Actor, now: datetime) -> None:
    """Its owner hears that it holds."""
    tell(
        follow_up=follow_up,
        to=[(follow_up.owner, "you own it")],
        what="follow_up_verified",
        clause="is verified",
        dedupe=f"verified:v{follow_up.version}",
        actor=actor,
        now=now,
    )


def back(*, follow_up: FollowUp, clause: str, words: str, actor: Actor, now: datetime) -> None:
    """It is open again: its owner hears why; the lead too, when a verified fix did not hold."""
    readers = [(follow_up.owner, "you own it")]
    if follow_up.did_not_hold:
        readers += people.leads(follow_up)
    tell(
        follow_up=follow_up,
        to=readers,
        what="follow_up_back",
        clause=clause,
        dedupe=f"back:v{follow_up.version}",
        actor=actor,
        now=now,
        words=words,
    )


def wont_do(*, follow_up: FollowUp, actor: Actor, now: datetime) -> None:
    """Its owner hears that it is given up, and why."""
    tell(
        follow_up=follow_up,
        to=[(follow_up.owner, "you own it")],
        what="follow_up_wont_do",
        clause="won't be done",
        dedupe=f"wont-do:v{follow_up.version}",
        actor=actor,
        now=now,
        words=follow_up.ended_reason,
    )


def inherited(
    *, person: Person, why: str, left: Sequence[FollowUp], of: Person, now: datetime
) -> None:
    """All that somebody leaves to a person, in one message."""
    url = notifications.absolute("/followups/")
    notifications.notify(
        person=person,
        what="follow_up_inherited",
        write=notices.inherited,
        facts=notices.Inherited(
            person=of.name, follow_ups=[(one.ref, one.title) for one in left], why=why, url=url
        ),
        urgency="low",
        subject=("person", str(of.pk)),
        dedupe=f"person:{of.pk}:follow-ups:{now.isoformat()}",
        now=now,
        link=url,
    )
