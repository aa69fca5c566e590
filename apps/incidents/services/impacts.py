"""Whom an incident hurts, from when to when: one row a customer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.text import one_line
from apps.customers.models import Account
from apps.incidents.models import Impact, Incident
from apps.incidents.services.timeline import record


@transaction.atomic
def add(
    *,
    incident: Incident,
    actor: Actor,
    now: datetime,
    account: Account | None = None,
    label: str = "",
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    note: str = "",
) -> Impact:
    """A customer by account, or by `label` where no list knows them.

    Raises Invalid without either, for times out of order and in the future; Conflict for an
    account that the incident has already.
    """
    locked = Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
    label = _label(account, label)
    _check(from_at, to_at, note, now)
    if account is not None and locked.impacts.filter(account=account).exists():
        raise Conflict(f"{account.name} is on the list already.")
    made = Impact.objects.create(
        incident=locked, account=account, label=label, from_at=from_at, to_at=to_at,
        note=note.strip(), created_at=now,
    )  # fmt: skip
    _say(made, f"{made} is hurt" + _tail(note), actor, now)
    return made


@transaction.atomic
def edit(*, impact: Impact, actor: Actor, now: datetime, **changes: Any) -> Impact:
    """Change `from_at`, `to_at`, `note`; a name that is missing stays as it is."""
    unknown = set(changes) - {"from_at", "to_at", "note"}
    if unknown:
        raise TypeError(f"An impact has no {', '.join(sorted(unknown))} to change.")
    impact = _lock(impact)
    for name, value in changes.items():
        setattr(impact, name, value.strip() if name == "note" else value)
    _check(impact.from_at, impact.to_at, impact.note, now)
    if changes:
        impact.save(update_fields=sorted(changes))
        _say(impact, f"{impact}: {_span(impact)}" + _tail(impact.note), actor, now)
    return impact


@transaction.atomic
def end(*, impact: Impact, at: datetime, actor: Actor, now: datetime) -> Impact:
    """They suffer no more since `at`. Ending it again says so; Invalid for a time before it began
    or in the future."""
    impact = _lock(impact)
    if impact.to_at is not None:
        raise Conflict(f"{impact} is well again already.")
    _check(impact.from_at, at, "", now)
    impact.to_at = at
    impact.save(update_fields=["to_at"])
    _say(impact, f"{impact} is well again.", actor, now)
    return impact


@transaction.atomic
def end_all(*, incident: Incident, at: datetime, actor: Actor, now: datetime) -> int:
    """Everybody is well again, for when the incident is over; answers how many still suffered."""
    locked = Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
    ended = 0
    for impact in locked.impacts.filter(to_at=None).order_by("pk"):
        impact.to_at = max(at, impact.from_at or at)
        impact.save(update_fields=["to_at"])
        ended += 1
    if ended:
        text = f"{ended} customer{'s are' if ended > 1 else ' is'} well again."
        record(incident=locked, what="impact", text=text, actor=actor, now=now)
    return ended


@transaction.atomic
def remove(*, impact: Impact, reason: str, actor: Actor, now: datetime) -> None:
    """They were not hurt after all; the timeline keeps that they were on the list, and why not."""
    why = one_line(reason)[:300]
    if not why:
        raise Invalid(
            "Say why it comes off the list.", fields={"reason": ["Removing takes a reason."]}
        )
    impact = _lock(impact)
    _say(impact, f"{impact} is not hurt after all: {why}", actor, now)
    impact.delete()


def _lock(impact: Impact) -> Impact:
    Incident.objects.select_for_update(of=("self",)).get(pk=impact.incident_id)
    found = Impact.objects.select_related("incident", "account").filter(pk=impact.pk).first()
    if found is None:
        raise Conflict("Somebody took it off the list meanwhile.")
    return found


def _label(account: Account | None, label: str) -> str:
    words = one_line(label)
    if account is None and not words:
        text = "Name a customer."
        raise Invalid(text, fields={"account": [text]})
    if len(words) > 160:
        raise Invalid("A name has at most 160 characters.", fields={"label": ["Too long."]})
    return words


def _check(from_at: datetime | None, to_at: datetime | None, note: str, now: datetime) -> None:
    if from_at and to_at and to_at < from_at:
        text = "It cannot have ended before it began."
        raise Invalid(text, fields={"to_at": [text]})
    for name, value in (("from_at", from_at), ("to_at", to_at)):
        if value and value > now:
            text = "This lies in the future."
            raise Invalid(text, fields={name: [text]})
    if len(note) > 10_000:
        text = "A note has at most 10,000 characters."
        raise Invalid(text, fields={"note": [text]})


def _span(impact: Impact) -> str:
    parts = [
        f"from {impact.from_at:%Y-%m-%d %H:%M} UTC" if impact.from_at else "",
        f"to {impact.to_at:%Y-%m-%d %H:%M} UTC" if impact.to_at else "",
    ]
    return " ".join(part for part in parts if part) or "no times known"


def _tail(note: str) -> str:
    words = one_line(note)
    return f": {words[:500]}" if words else "."


def _say(impact: Impact, text: str, actor: Actor, now: datetime) -> None:
    record(
        incident=impact.incident, what="impact", text=text, actor=actor, now=now,
        subject=("impact", str(impact.pk), ""),
    )  # fmt: skip
