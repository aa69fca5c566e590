"""Who hears of an update: those of its audience, who may approve it, who wrote it.

Nobody is told of what they did themselves, and nobody outside of what is not real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from apps.accounts.models import Person
from apps.core import events
from apps.core.audit import Actor
from apps.core.models import Kind
from apps.incidents import update_notices as words
from apps.incidents.events import UpdatePublished
from apps.incidents.models import Incident, StatusUpdate
from apps.incidents.models.comms import Stage
from apps.incidents.selectors import updates as facts
from apps.incidents.services import status, subscriptions
from apps.incidents.services.timeline import thread_of, url_of
from apps.notifications import services as notifications
from apps.notifications.layout import Reader, Texts

F = TypeVar("F")
Write = Callable[[F, Reader, datetime], Texts]


def tell(*, update: StatusUpdate, actor: Actor, now: datetime) -> None:
    """Everything that publishing brings about, in the publisher's transaction.

    The page's components, people here by their own rules, subscribers, and the event by which
    higher apps answer tickets.
    """
    incident = update.incident
    if incident.kind == Kind.REAL:
        if update.states:
            status.set_states(incident=incident, states=update.states, now=now)
        if update.stage == Stage.RESOLVED and update.audience.on_status_page:
            status.clear(incident=incident, now=now)
    for person, why in _readers(update).values():
        if person.pk != actor.person_id:
            _write(
                person, incident, "incident_update", words.update,
                words.Update(
                    **_head(incident),
                    stage=update.get_stage_display(),
                    audience=update.audience.name,
                    subject=update.subject,
                    body=update.body,
                    by=actor.label,
                    next_at=update.next_update_at,
                    why=why,
                ),
                f"incident-update:{update.pk}", now,
            )  # fmt: skip
    if incident.kind == Kind.REAL:
        subscriptions.announce(update=update, now=now)
        events.publish(UpdatePublished(update_id=update.pk, at=now))


def _readers(update: StatusUpdate) -> dict[int, tuple[Person, str]]:
    """Who of us the audience names; for a drill or a test only those who take part in it."""
    incident, audience = update.incident, update.audience
    found: dict[int, tuple[Person, str]] = {}
    if audience.to_participants:
        found |= {one.pk: (one, "you are on this incident") for one in facts.involved(incident)}
    if incident.kind != Kind.REAL:
        return found
    for person in audience.people.filter(is_active=True).order_by("pk"):
        found.setdefault(person.pk, (person, f"you belong to “{audience.name}”"))
    for team in audience.teams.filter(archived_at=None).order_by("pk"):
        for person in team.members.filter(is_active=True).order_by("pk"):
            found.setdefault(person.pk, (person, f"{team.name} belongs to “{audience.name}”"))
    return {pk: one for pk, one in found.items() if may_see(one[0], incident)}


def may_see(person: Person, incident: Incident) -> bool:
    """A restricted incident is told to nobody who cannot open its page."""
    if incident.visibility == Incident.Visibility.OPEN:
        return True
    return Incident.objects.filter(pk=incident.pk).visible_to(person).exists()


def ask_for_yes(*, update: StatusUpdate, actor: Actor, now: datetime) -> None:
    """Those who may approve, at once: customers wait for it."""
    for person in facts.approvers(update.incident):
        if person.pk != actor.person_id and may_see(person, update.incident):
            _write(
                person, update.incident, "update_waits", words.waits,
                words.Waits(
                    **_head(update.incident),
                    audience=update.audience.name,
                    subject=update.subject,
                    body=update.body,
                    by=actor.label,
                    why=_why_asked(person, update.incident),
                ),
                f"incident-update:{update.pk}:waits:v{update.version}:{now.isoformat()}", now,
                urgency="high", subject=_asked(update),
            )  # fmt: skip


def answered(*, update: StatusUpdate, now: datetime) -> None:
    """Nobody is asked any more for a yes that was given, refused or is not needed."""
    notifications.cancel(subject=_asked(update), what="update_waits", now=now)


def _asked(update: StatusUpdate) -> tuple[str, str]:
    return ("status_update", str(update.pk))


def _why_asked(person: Person, incident: Incident) -> str:
    if person.pk == incident.commander_id:
        return "you command it"
    return "you are a manager and nobody commands it"


def sent_back(*, update: StatusUpdate, reason: str, actor: Actor, now: datetime) -> None:
    """The author hears what is missing."""
    author = update.author
    if author is not None and author.is_active and author.pk != actor.person_id:
        _write(
            author, update.incident, "update_sent_back", words.sent_back,
            words.SentBack(
                **_head(update.incident),
                audience=update.audience.name,
                subject=update.subject,
                reason=reason,
                by=actor.label,
            ),
            f"incident-update:{update.pk}:back:{now.isoformat()}", now, urgency="high",
        )  # fmt: skip


# -- reminders and words from outside


def remind(
    *,
    incident: Incident,
    people: Iterable[tuple[Person, str]],
    what: str,
    dedupe: str,
    urgency: str,
    now: datetime,
    at: datetime | None = None,
    detail: str = "",
    do: str = "Open the incident",
) -> int:
    """A reminder to each of `people` (person, why), once by `dedupe`; answers how many got one."""
    told = 0
    for person, why in people:
        if may_see(person, incident):
            facts_ = words.Reminder(
                **_head(incident), what=what, at=at, detail=detail, do=do, why=why
            )
            _write(
                person, incident, "incident_reminder", words.reminder, facts_, dedupe, now,
                urgency=urgency,
            )  # fmt: skip
            told += 1
    return told


def customers_say(
    *,
    incident: Incident,
    people: Iterable[tuple[Person, str]],
    said: Sequence[words.Word],
    count: int,
    dedupe: str,
    now: datetime,
) -> None:
    """That it is still broken, to each of `people` (person, why)."""
    for person, why in people:
        if may_see(person, incident):
            facts_ = words.StillBroken(**_head(incident), words=said, count=count, why=why)
            _write(
                person, incident, "still_broken", words.still_broken, facts_, dedupe, now,
                urgency="high",
            )  # fmt: skip


# -- one message


def _head(incident: Incident) -> dict[str, str]:
    return {
        "ref": incident.ref,
        "title": incident.title,
        "severity": incident.severity,
        "url": notifications.absolute(url_of(incident)),
        "kind": incident.kind,
    }


def _write(
    person: Person,
    incident: Incident,
    what: str,
    write: Write[F],
    facts_: F,
    dedupe: str,
    now: datetime,
    *,
    urgency: str = "low",
    subject: tuple[str, str] = ("", ""),
) -> None:
    notifications.notify(
        person=person,
        what=what,
        write=write,
        facts=facts_,
        urgency=urgency,
        subject=subject if subject[0] else ("incident", str(incident.pk)),
        dedupe=dedupe,
        now=now,
        thread_key=thread_of(incident),
        kind=incident.kind,
        link=notifications.absolute(url_of(incident)),
    )
