"""Heartbeats as their pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When

from apps.accounts.models import Person
from apps.alerts.models import Alert, Heartbeat
from apps.alerts.services.heartbeats import length, rhythm_in_words
from apps.core.models import StatusChange
from apps.intake.adapters.ping import dedup_key
from apps.notifications.services import absolute

VIEWS = {"all": "All", "down": "Down", "paused": "Paused", "own": "OpsPortal's own"}
VIEWS |= {"archived": "Archived"}
MOST = 500  # in one list: more is found by its words
Status = Heartbeat.Status


class Look(NamedTuple):
    text: str
    glyph: str
    tone: str = ""


LOOKS = {
    Status.NEW: Look("Never pinged", "new"),
    Status.UP: Look("Up", "check", "success"),
    Status.DOWN: Look("Down", "over", "danger"),
    Status.PAUSED: Look("Paused", "pause"),
}


@dataclass(frozen=True)
class Row:
    """A heartbeat in a list, with its rhythm in words."""

    heartbeat: Heartbeat
    look: Look
    rhythm: str
    grace: str


def look(row: Heartbeat) -> Look:
    if row.archived_at is not None:
        return Look("Archived", "slash")
    if row.status == Status.NEW and row.last_ping_at is not None:
        return Look("Waiting", "new")
    return LOOKS[Status(row.status)]


def _of(person: Person, view: str) -> QuerySet[Heartbeat]:
    seen = Heartbeat.objects.visible_to(person)
    if view == "archived":
        return seen.exclude(archived_at=None)
    current = seen.current()
    return {
        "all": current.filter(own_job=""),
        "down": current.filter(status=Status.DOWN),
        "paused": current.filter(status=Status.PAUSED),
        "own": current.exclude(own_job=""),
    }[view]


def counts(person: Person) -> dict[str, int]:
    """How many each tab holds, in one query."""
    current = Heartbeat.objects.visible_to(person).current()
    return current.aggregate(
        all=Count("pk", filter=Q(own_job="")),
        down=Count("pk", filter=Q(status=Status.DOWN)),
        paused=Count("pk", filter=Q(status=Status.PAUSED)),
        own=Count("pk", filter=~Q(own_job="")),
    )


def rows(person: Person, view: str, text: str) -> list[Row]:
    """What is down, then what is due soonest, then what is waited for no more."""
    is_down = When(status=Status.DOWN, then=Value(0))
    rank = Case(is_down, default=Value(1), output_field=IntegerField())
    found = _of(person, view).select_related("surface", "owner")
    if text:
        named = Q(name__icontains=text) | Q(slug__icontains=text)
        found = found.filter(named | Q(surface__key__icontains=text))
    ordered = found.annotate(rank=rank).order_by(
        "rank", F("due_at").asc(nulls_last=True), "name", "pk"
    )
    return [
        Row(row, look(row), rhythm_in_words(row), length(row.grace_seconds))
        for row in ordered[:MOST]
    ]


@dataclass(frozen=True)
class SetUp:
    """What goes into the job: its address, and lines to copy."""

    url: str
    cron: str


def set_up(row: Heartbeat) -> SetUp:
    url = absolute(f"/ping/{row.uuid}")
    return SetUp(url, row.cron or _crontab(timedelta(seconds=row.period_seconds or 0)))


def _crontab(period: timedelta) -> str:
    """The crontab fields that come nearest to a period."""
    minutes = max(1, round(period / timedelta(minutes=1)))
    if minutes < 60:
        return f"*/{minutes} * * * *"
    if minutes < 1_440:
        return f"0 */{max(1, round(minutes / 60))} * * *"
    return "0 3 * * *" if minutes < 10_080 else "0 3 * * 1"


def took(milliseconds: int | None) -> timedelta | None:
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)


def standing_alert(row: Heartbeat, person: Person) -> Alert | None:
    named = Alert.objects.visible_to(person).filter(dedup_key=dedup_key(row.uuid))
    return named.standing().order_by("-pk").first()


def moves(row: Heartbeat) -> list[StatusChange]:
    """The last times that it went down, came up, was paused or resumed."""
    mine = StatusChange.objects.filter(kind="alerts.heartbeat", ref=str(row.pk))
    return list(mine.order_by("-at", "-pk")[:10])
