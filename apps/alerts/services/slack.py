"""Slack as people use it: a button that acknowledges, a command that says who is on call.

Whoever presses or asks acts as the person that their Slack member ID is mapped to, with that
person's roles and view; somebody unknown is told how to become known, and nothing happens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.alerts.models import Alert, AlertGroup, SlackMember
from apps.alerts.services import life
from apps.alerts.services.slack_calls import quoted
from apps.core import audit, jobs
from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.intake.adapters import slack as wire
from apps.intake.adapters.slack import Asked
from apps.intake.models import Delivery, Event, Integration
from apps.intake.redaction import redact_headers
from apps.notifications import services as notifications
from apps.ownership.models import Surface
from apps.paging import services as paging
from apps.paging.models import Page
from apps.rotations import selectors as rotations
from apps.rotations.models import Role, Schedule

GONE = "There is nothing to acknowledge any more."
MOST_SCHEDULES = 30  # in one answer
_VALUE = re.compile(r"(page|alert|incident):(?:INC-)?(\d{1,18})", re.ASCII)
_MEMBER = re.compile(r"[UW][A-Z0-9]{2,19}")


@dataclass(frozen=True)
class Reply:
    """What Slack shows to the one who asked."""

    text: str


# -- what comes in


@transaction.atomic
def take(
    *,
    integration: Integration,
    asked: Asked,
    body: bytes,
    headers: Mapping[str, str],
    now: datetime,
) -> Reply | None:
    """Do what was asked, keep what came, and answer; None where there is nothing to say.

    What a button is answered goes to Slack's own address for it too, by a job.
    """
    reply = _done(integration, asked, now)
    _keep(integration, asked, body, headers, now)
    if asked.what == "button" and reply is not None and asked.answer_to:
        jobs.enqueue(
            "apps.alerts.tasks.slack_answer",
            integration=integration.pk, url=asked.answer_to, text=reply.text,
        )  # fmt: skip
    return reply


def _done(integration: Integration, asked: Asked, now: datetime) -> Reply | None:
    if asked.what not in ("button", "command"):
        return None
    person = person_of(integration, asked.member)
    if person is None:
        return Reply(_unknown(integration, asked.member))
    if asked.what == "button":
        return Reply(_acknowledged(asked.value, person, now))
    if asked.command != "/oncall":
        return Reply("OpsPortal answers /oncall, with or without a schedule or a surface.")
    return Reply(on_call_text(person, asked.text, now=now))


def person_of(integration: Integration, member: str) -> Person | None:
    """The active person that a Slack member ID is mapped to in this workspace."""
    rows = SlackMember.objects.filter(integration=integration, slack_user_id=member)
    row = rows.filter(person__is_active=True).select_related("person").first() if member else None
    return row.person if row else None


def _unknown(integration: Integration, member: str) -> str:
    url = notifications.absolute(f"/integrations/{integration.pk}/slack/")
    return (
        f"OpsPortal does not know who {member or 'you'} is. A manager can say so here: {url} "
        "Until then, acknowledge in OpsPortal itself."
    )


def _acknowledged(value: str, person: Person, now: datetime) -> str:
    """Take what the button stands for, which may be the pages of an incident."""
    if not person.may(Grant.RESPOND):
        return "Your role only reads. Ask a manager for the role of responder."
    match = _VALUE.fullmatch(value)
    kind, number = (match[1], int(match[2])) if match else ("", 0)
    actor = audit.person(person)
    if kind == "alert":
        alert = Alert.objects.visible_to(person).filter(pk=number).first()
        if alert is None:
            return GONE
        fresh = alert.status == Alert.Status.FIRING
        alert = life.acknowledge(alert=alert, actor=actor, person=person, now=now)
        over = alert.status == Alert.Status.RESOLVED
        return _outcome(alert.summary, fresh=fresh, over=over)
    pages = _pages_meant(kind, number, person)
    if not pages:
        return GONE
    waiting = [page for page in pages if page.is_waiting]
    for page in waiting:
        paging.acknowledge(page=page, actor=actor, person=person, now=now)
    shown = (waiting or pages)[0]
    over = shown.status == Page.Status.RESOLVED
    return _outcome(shown.summary, fresh=bool(waiting), over=over, by=shown.acknowledged_label)


def _outcome(summary: str, *, fresh: bool, over: bool, by: str = "") -> str:
    if fresh:
        return f"You have it: {quoted(summary)}"
    if over:
        return f"It is over already: {quoted(summary)}"
    return f"{quoted(by) or 'Somebody'} has it already: {quoted(summary)}"


def _pages_meant(kind: str, number: int, person: Person) -> list[Page]:
    """The page, or those of an incident, newest first."""
    seen = Page.objects.visible_to(person)
    if kind == "page":
        return list(seen.filter(pk=number))
    if kind != "incident":
        return []
    ref = f"INC-{number}"
    groups = AlertGroup.objects.filter(incident_ref=ref, page__isnull=False)
    of_it = Q(opener_kind="incident", opener_ref=ref) | Q(pk__in=groups.values("page_id"))
    return list(seen.filter(of_it).order_by("-pk")[:20])


def _keep(
    integration: Integration, asked: Asked, body: bytes, headers: Mapping[str, str], now: datetime
) -> None:
    """A delivery that was read at once, so that the integration's page shows what came."""
    found = wire.normalise(body, {}, received_at=now)
    row = Delivery.objects.create(
        integration=integration, adapter=wire.KIND, received_at=now, body=body,
        headers=redact_headers(headers), normalised_at=now, dedup_key=asked.value,
        status=Delivery.Status.NORMALISED if found else Delivery.Status.IGNORED,
    )  # fmt: skip
    for seq, event in enumerate(found):
        Event.objects.create(
            delivery=row, seq=seq, kind=event.kind, action=event.action,
            dedup_key=event.dedup_key or "", source=event.source or "", occurred_at=now,
        )  # fmt: skip


# -- who is on call


def on_call_text(person: Person, asked: str, *, now: datetime) -> str:
    """Who is on call now and until when, in all schedules or in the one that was asked for."""
    schedules = list(_meant_schedules(person, asked.strip()))
    if not schedules:
        known = Schedule.objects.visible_to(person).current().order_by("key")
        keys = ", ".join(known.values_list("key", flat=True)[:MOST_SCHEDULES]) or "none yet"
        if not asked:
            return "There is no schedule yet."
        return f"There is no schedule or surface {quoted(asked)}. Schedules: {keys}."
    found = rotations.overview(schedules, at=now)
    return "\n".join(_line(schedule, found, now) for schedule in schedules)


def _meant_schedules(person: Person, asked: str) -> list[Schedule]:
    seen = Schedule.objects.visible_to(person).current().order_by("name", "pk")
    if not asked:
        return list(seen[:MOST_SCHEDULES])
    named = list(seen.filter(key=asked.lower())[:1]) or list(seen.filter(name__iexact=asked)[:3])
    if named:
        return named
    surfaces = Surface.objects.visible_to(person).current().filter(key=asked.lower())
    covering = rotations.schedule_of(surfaces.first())
    return list(seen.filter(pk=covering.pk)) if covering else []


def _line(schedule: Schedule, found: list[rotations.OnCall], now: datetime) -> str:
    mine = [one for one in found if one.schedule.pk == schedule.pk]
    shown = [one for one in mine if one.person.is_active and one.shift.role != Role.SHADOW]
    if not shown:
        return f"*{quoted(schedule.name)}*: nobody is on call"
    parts = [_one(one) for one in shown]
    return f"*{quoted(schedule.name)}*: {'; '.join(parts)}"


def _one(one: rotations.OnCall) -> str:
    role = "" if one.shift.role == Role.PRIMARY else f" ({one.shift.get_role_display().lower()})"
    then = f", then {quoted(one.next.person.name)}" if one.next else ""
    return f"{quoted(one.person.name)}{role} until {_moment(one.shift.end_at)}{then}"


def _moment(at: datetime) -> str:
    """In the reader's own zone, which Slack knows; for others in UTC."""
    plain = f"{at:%a} {at.day} {at:%b %H:%M} UTC"
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{plain}>"


# -- who is who


@transaction.atomic
def map_member(
    *, integration: Integration, person: Person, slack_user_id: str, actor: Actor, now: datetime
) -> SlackMember:
    """Say who a Slack member is; a person has one account in a workspace. Raises Invalid."""
    member = slack_user_id.strip().upper()
    if not _MEMBER.fullmatch(member):
        said = "A member ID looks like U2CERLKJA: Slack, profile, More, Copy member ID."
        raise Invalid(said, fields={"slack_user_id": [said]})
    Integration.objects.select_for_update(no_key=True).get(pk=integration.pk)
    others = SlackMember.objects.filter(integration=integration).exclude(person=person)
    if taken := others.filter(slack_user_id=member).select_related("person").first():
        said = f"{member} is {taken.person.name} already."
        raise Invalid(said, fields={"slack_user_id": [said]})
    row, _ = SlackMember.objects.update_or_create(
        integration=integration, person=person, defaults={"slack_user_id": member}
    )
    return row


def forget_member(*, member: SlackMember, actor: Actor, now: datetime) -> None:
    """That Slack account acts as nobody from now on."""
    member.delete()
