"""Paging somebody by hand: a person, a team or a schedule, not the policy of a surface.

The page freezes a policy of its own that names them alone. It is asked again while nobody answers;
the end is the same as of every page: it is exhausted, and whoever opened it hears so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.accounts.models import Person, Team
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.models import Kind
from apps.core.text import clip, one_line
from apps.ownership.models import Surface
from apps.paging import plan
from apps.paging.models import Page, StepTarget, Urgency
from apps.paging.services.pages import MAX_LINKS, wake_engine, write_note
from apps.rotations.models import Role, Schedule

Target = tuple[str, int]  # ("person" | "team" | "schedule", its id)
TARGETS: Final = ("person", "team", "schedule")
REPEATS: Final = 2  # asked three times in all, five minutes apart
AGAIN_AFTER_SECONDS: Final = 300


@transaction.atomic
def open_page_to(
    *,
    target: Target,
    summary: str,
    opener_kind: str,
    opener_ref: str,
    thread_key: str,
    actor: Actor,
    now: datetime,
    opener_url: str = "",
    urgency: str = Urgency.HIGH,
    surface: Surface | None = None,
    label: str = "",
    kind: str = Kind.REAL,
    recipients: Sequence[int] = (),
    links: Sequence[Mapping[str, str]] = (),
) -> Page:
    """Page a person, everybody in a team, or who is on call in a schedule and then its backup.

    Raises Invalid for a target that is unknown, not active, archived or without anybody, and for
    an empty summary; Conflict while the same target is being paged by the same opener.
    """
    words = clip(one_line(summary), 1024)
    if not words:
        text = "Say what it is about: whoever is woken reads it first."
        raise Invalid(text, fields={"summary": [text]})
    name, steps = _policy(target)
    _refuse_twice(name, steps, opener_kind, opener_ref)
    snapshot = {
        "name": name, "time_zone": "UTC", "repeats": REPEATS, "working_hours": [], "steps": steps,
    }  # fmt: skip
    first = plan.start(snapshot, now)
    page = Page.objects.create(
        summary=words,
        urgency=urgency,
        surface=surface,
        opener_kind=opener_kind,
        opener_ref=opener_ref,
        opener_url=opener_url,
        label=label,
        kind=kind,
        thread_key=thread_key,
        policy_snapshot=snapshot,
        next_at=first.due_at if first else now,
        opened_at=now,
        recipients=list(recipients),
        links=[dict(link) for link in links[:MAX_LINKS]],
    )
    write_note(
        page=page, what="opened", text=f"Opened by hand for {name}: {words}", actor=actor, now=now
    )
    wake_engine()
    return page


def name_of(target: Target) -> str:
    """The target as people read it; Invalid as `open_page_to` raises it."""
    return _policy(target)[0]


def _policy(target: Target) -> tuple[str, list[dict[str, Any]]]:
    """The name of the one-off policy, which is the target's, and its steps."""
    kind, pk = target
    match kind:
        case "person":
            return _person(pk)
        case "team":
            return _team(pk)
        case "schedule":
            return _schedule(pk)
        case _:
            raise _wrong("target", f"Page a {', a '.join(TARGETS)}.")


def _person(pk: int) -> tuple[str, list[dict[str, Any]]]:
    person = Person.objects.active().filter(pk=pk).first()
    if person is None:
        raise _wrong("person", "There is no such person, or they are not active any more.")
    return person.name, [_step(0, StepTarget.Kind.PERSON, pk)]


def _team(pk: int) -> tuple[str, list[dict[str, Any]]]:
    team = Team.objects.filter(pk=pk, archived_at=None).first()
    if team is None:
        raise _wrong("team", "There is no such team.")
    if not any(person.is_active for person in team.members.all()):
        raise _wrong("team", f"Nobody is in {team.name}.")
    return team.name, [_step(0, StepTarget.Kind.TEAM, pk)]


def _schedule(pk: int) -> tuple[str, list[dict[str, Any]]]:
    schedule = Schedule.objects.current().filter(pk=pk).first()
    if schedule is None:
        raise _wrong("schedule", "There is no such schedule.")
    steps = [_step(0, StepTarget.Kind.SCHEDULE, pk, Role.PRIMARY)]
    if schedule.layers.filter(role=Role.SECONDARY, archived_at=None).exists():
        steps.append(_step(AGAIN_AFTER_SECONDS, StepTarget.Kind.SCHEDULE, pk, Role.SECONDARY))
    return schedule.name, steps


def _step(delay: int, kind: str, pk: int, role: str = Role.PRIMARY) -> dict[str, Any]:
    return {
        "delay_seconds": delay,
        "only_in_working_hours": False,
        "targets": [{"kind": str(kind), "role": str(role), "id": pk}],
    }


def _refuse_twice(name: str, steps: list[dict[str, Any]], kind: str, ref: str) -> None:
    """Pressing the button again wakes nobody twice."""
    standing = Page.objects.filter(
        opener_kind=kind, opener_ref=ref, status=Page.Status.OPEN, policy=None
    )
    if any(page.policy_snapshot["steps"] == steps for page in standing.only("policy_snapshot")):
        raise Conflict(f"{name} is being paged for this already.", code="already_paged")


def _wrong(field: str, text: str) -> Invalid:
    return Invalid(text, fields={field: [text]})
