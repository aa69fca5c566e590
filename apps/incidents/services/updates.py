"""Updates of an incident: drafted, approved where the framework asks for it, published once.

The incident's row is locked before its updates. What is published is not edited any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid, NotAllowed
from apps.core.text import clip, one_line
from apps.core.transitions import move
from apps.incidents import templating
from apps.incidents.models import Audience, CommsTemplate, Incident, StatusUpdate
from apps.incidents.models.comms import Stage
from apps.incidents.selectors import updates as facts
from apps.incidents.services import outreach, status, templates
from apps.incidents.services.templates import prepared
from apps.incidents.services.timeline import record, url_of
from apps.incidents.services.word_back import still_broken

__all__ = [
    "draft",
    "edit",
    "may_approve",
    "needs_approval",
    "prepared",
    "preview",
    "publish",
    "send_back",
    "still_broken",
    "submit",
    "withdraw",
]

Status = StatusUpdate.Status
LAST = frozenset({Stage.RESOLVED, Stage.POSTMORTEM})  # after them no next one is promised
FURTHEST = timedelta(days=366)  # the next word of an incident comes within a year
OPEN = frozenset({Status.DRAFT, Status.PENDING})

may_approve = facts.may_approve
needs_approval = facts.needs_approval


class Stale(Conflict):
    """Somebody else changed the draft since it was loaded: read it first."""

    code = "stale"


# -- drafting


@transaction.atomic
def draft(
    *,
    incident: Incident,
    audience: Audience,
    stage: str,
    actor: Actor,
    now: datetime,
    subject: str = "",
    body: str = "",
    states: Mapping[str, str] | None = None,
    next_update_at: datetime | None = None,
    template: CommsTemplate | None = None,
) -> StatusUpdate:
    """A draft. Without subject and body the template that fits gives the words.

    `states` are component key → state, for an audience of the status page. Placeholders may
    stand in it until it is published. Words that promise a next update without a time get the
    cadence's. Raises Invalid by field.
    """
    incident = _lock(incident)
    if not subject.strip() and not body.strip():
        subject, body = prepared(
            incident=incident, audience=audience, stage=stage, now=now, template=template,
            next_update_at=next_update_at,
        )  # fmt: skip
    if next_update_at is None and "next_update" in templating.used(body):
        next_update_at = facts.next_promise(incident, audience.side, now=now)
    words = _checked(audience, stage, subject, body, states or {}, next_update_at, now)
    row = StatusUpdate.objects.create(
        incident=incident,
        audience=audience,
        author=Person.objects.filter(pk=actor.person_id).first() if actor.person_id else None,
        author_label=clip(actor.label, 120),
        created_at=now,
        changed_at=now,
        **words,
    )
    if actor.person_id:
        incident.participants.add(actor.person_id)
    return row


@transaction.atomic
def edit(
    *,
    update: StatusUpdate,
    version: int,
    actor: Actor,
    now: datetime,
    subject: str | None = None,
    body: str | None = None,
    stage: str | None = None,
    states: Mapping[str, str] | None = None,
    next_update_at: datetime | None = None,
    clear_next: bool = False,
) -> StatusUpdate:
    """Change a draft, also one that waits for approval; what is not given stays.

    `version` is the one that the editor saw: Stale when somebody changed it since, and nothing
    is written. Raises Conflict once it is published or thrown away.
    """
    row = _hold(update)
    _check_version(row, version)
    promised = None if clear_next else next_update_at or row.next_update_at
    words = _checked(
        row.audience,
        row.stage if stage is None else stage,
        row.subject if subject is None else subject,
        row.body if body is None else body,
        row.states if states is None else states,
        promised,
        now,
        fresh_promise=next_update_at is not None,
    )
    for name, value in words.items():
        setattr(row, name, value)
    row.changed_at, row.version = now, row.version + 1
    row.save(update_fields=[*words, "changed_at", "version"])
    if actor.person_id:
        row.incident.participants.add(actor.person_id)
    return row


def _checked(
    audience: Audience,
    stage: str,
    subject: str,
    body: str,
    states: Mapping[str, str],
    next_update_at: datetime | None,
    now: datetime,
    *,
    fresh_promise: bool = True,
) -> dict[str, Any]:
    if stage not in Stage.values:
        raise Invalid("There is no such stage.", fields={"stage": ["Unknown."]})
    if audience.archived_at is not None:
        text = f"{audience.name} is archived: nobody is told by it any more."
        raise Invalid(text, fields={"audience": [text]})
    outside = audience.side == Audience.Side.PUBLIC
    subject, body = templates.check_words(subject, body, outside=outside, strict=False)
    if states and not audience.on_status_page:
        text = f"{audience.name} is not told by the status page, so it sets no component."
        raise Invalid(text, fields={"states": [text]})
    if states:
        status.check_states(states)
    _check_promise(stage, next_update_at, now, fresh=fresh_promise)
    return {
        "stage": stage,
        "subject": subject,
        "body": body,
        "states": dict(states),
        "next_update_at": next_update_at,
    }


def _check_promise(stage: str, at: datetime | None, now: datetime, *, fresh: bool) -> None:
    if at is None:
        return
    text = ""
    if stage in LAST:
        text = "A last message promises no next one: leave the time of the next update empty."
    elif fresh and at <= now:
        text = "The next update is promised for a time that is still to come."
    elif at - now > FURTHEST:
        text = f"The next update is promised for one of the next {FURTHEST.days} days."
    if text:
        raise Invalid(text, code="next_update", fields={"next_update_at": [text]})


def preview(*, update: StatusUpdate, now: datetime) -> tuple[str, str]:
    """Subject and body (Markdown) as they would go out now; raises Invalid by field where a
    placeholder is unknown or has no value."""
    return templates.rendered(update, now=now)


# -- approval


@transaction.atomic
def submit(
    *, update: StatusUpdate, actor: Actor, now: datetime, version: int | None = None
) -> StatusUpdate:
    """Ask for a yes: whoever may approve is told. It must be ready to go out as it is."""
    row = _hold(update)
    _check_version(row, version)
    _check_ready(row, now)
    return _submit(row, actor, now)


def _submit(row: StatusUpdate, actor: Actor, now: datetime) -> StatusUpdate:
    if row.status == Status.PENDING:
        raise Conflict("It waits for approval already.", code="waits")
    move(row, to=Status.PENDING, actor=actor, now=now, changed_at=now)
    text = f"{actor.label} asks for a yes to an update for {row.audience.name}: {row.subject}"
    _note(row, "update_waits", text, actor, now)
    outreach.ask_for_yes(update=row, actor=actor, now=now)
    return row


@transaction.atomic
def send_back(
    *, update: StatusUpdate, reason: str, person: Any, actor: Actor, now: datetime
) -> StatusUpdate:
    """An approver says what is missing: it is a draft again, and its author hears why."""
    row = _hold(update)
    why = clip(one_line(reason), 300)
    if not why:
        raise Invalid("Say what is missing.", fields={"reason": ["Say what is missing."]})
    if not may_approve(person, row.incident):
        raise NotAllowed("The commander or a manager sends it back.")
    move(row, to=Status.DRAFT, actor=actor, now=now, note=why, changed_at=now)
    text = f"{actor.label} sent back the update for {row.audience.name}: {why}"
    _note(row, "update_sent_back", text, actor, now)
    outreach.answered(update=row, now=now)
    outreach.sent_back(update=row, reason=why, actor=actor, now=now)
    return row


@transaction.atomic
def publish(
    *, update: StatusUpdate, person: Any, actor: Actor, now: datetime, version: int | None = None
) -> StatusUpdate:
    """Publish, approving it where a yes is wanted; look at the answer's `status`.

    `person` is who asks (a person or a key's principal). Where the framework wants a yes and
    `person` may not give it, a draft goes to `pending` and those who may are told; one that
    waits already raises NotAllowed. Raises Stale for another version than the one seen, Conflict
    for what is published or thrown away, Invalid by field for what cannot go out.
    """
    row = _hold(update)
    _check_version(row, version)
    _check_ready(row, now)
    wanted = needs_approval(row.incident, row.audience)
    may = may_approve(person, row.incident)
    if wanted and not may:
        if row.status == Status.PENDING:
            raise NotAllowed("It waits for a yes of the commander or a manager.")
        return _submit(row, actor, now)
    subject, body = templates.rendered(row, now=now)
    approver = person if wanted and isinstance(person, Person) else None
    move(
        row,
        to=Status.PUBLISHED,
        actor=actor,
        now=now,
        subject=subject,
        body=body,
        published_at=now,
        changed_at=now,
        approver=approver,
        incident_status=row.incident.status,
    )
    _note(row, "update", _said(row, approver), actor, now)
    outreach.answered(update=row, now=now)
    outreach.tell(update=row, actor=actor, now=now)
    return row


def _said(row: StatusUpdate, approver: Person | None) -> str:
    yes = f", approved by {approver.name}" if approver and approver.pk != row.author_id else ""
    return f"{row.get_stage_display()} to {row.audience.name}{yes}: {row.subject}"


@transaction.atomic
def withdraw(*, update: StatusUpdate, actor: Actor, now: datetime) -> StatusUpdate:
    """Throw a draft away. What is published stays: the next update corrects it."""
    row = _hold(update)
    move(row, to=Status.WITHDRAWN, actor=actor, now=now, changed_at=now)
    text = f"{actor.label} threw away a draft for {row.audience.name}: {row.subject}"
    _note(row, "update_withdrawn", text, actor, now)
    outreach.answered(update=row, now=now)
    return row


# -- checks


def _lock(incident: Incident) -> Incident:
    rows = Incident.objects.select_for_update(of=("self",), no_key=True)
    found = rows.select_related("surface", "commander").get(pk=incident.pk)
    _check_not_merged(found)
    return found


def _check_not_merged(incident: Incident) -> None:
    """Asked of the locked row alone: what is joined to it is read before the lock is won."""
    if incident.merged_into is not None:
        raise Conflict(f"This incident went into {incident.merged_into.ref}: write there.")


def _hold(update: StatusUpdate) -> StatusUpdate:
    """The update as it is now, locked behind its incident; Conflict once it is not a draft."""
    incident = _lock(Incident(pk=update.incident_id))
    rows = StatusUpdate.objects.select_for_update(of=("self",), no_key=True)
    row = rows.select_related("audience", "author").get(pk=update.pk)
    row.incident = incident
    if row.status == Status.PUBLISHED:
        by = f" by {row.approver.name}" if row.approver else ""
        text = f"This update is published already{by}. Write the next one."
        raise Conflict(text, code="already_published")
    if row.status not in OPEN:
        raise Conflict("This draft was thrown away.", code="withdrawn")
    return row


def _check_version(row: StatusUpdate, version: int | None) -> None:
    if version is not None and version != row.version:
        raise Stale(
            "Somebody changed this draft meanwhile. Read it, then try again; your text is kept."
        )


def _check_ready(row: StatusUpdate, now: datetime) -> None:
    """Everything that must be right before anybody reads it."""
    outside_page = row.audience.on_status_page or row.audience.to_subscribers
    if row.incident.visibility == Incident.Visibility.RESTRICTED and outside_page:
        text = "This incident is restricted: nothing of it goes on the status page. Write to an "
        raise Conflict(text + "audience without it, or open the incident to everybody here.")
    _checked(row.audience, row.stage, row.subject, row.body, row.states, row.next_update_at, now)
    templates.rendered(row, now=now)


def _note(row: StatusUpdate, what: str, text: str, actor: Actor, now: datetime) -> None:
    subject = ("update", str(row.pk), f"{url_of(row.incident)}#update-{row.pk}")
    record(incident=row.incident, what=what, text=text, actor=actor, now=now, subject=subject)
