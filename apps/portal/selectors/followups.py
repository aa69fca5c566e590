"""The ledger as its pages show it: rows by day, one follow-up, what may be done with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import NamedTuple

from django.db.models import Count, Q, QuerySet
from django.http import QueryDict

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import transitions
from apps.followups import evidence
from apps.followups import selectors as ledger
from apps.followups.models import Evidence, FollowUp, FollowUpNote
from apps.followups.notices import distance
from apps.followups.querysets import FollowUpQuerySet
from apps.followups.services import proof, why_not_verify
from apps.portal import formats, plots
from apps.portal.access import why_not
from apps.portal.listing import SIZE, Slice, address, cut

Status = FollowUp.Status
VIEWS = {
    "mine": "Mine",
    "verify": "To verify",
    "overdue": "Overdue",
    "open": "All open",
    "all": "All",
    "figures": "Figures",
}
_CURSOR = re.compile(r"([ab])(\d{4}-\d{2}-\d{2})\.(\d{1,18})", re.ASCII)


class Look(NamedTuple):
    text: str
    glyph: str
    tone: str = ""


LOOKS = {
    Status.OPEN: Look("Open", "new"),
    Status.IN_PROGRESS: Look("In progress", "q2", "info"),
    Status.DONE: Look("Done, to be verified", "q3", "warning"),
    Status.VERIFIED: Look("Verified", "check", "success"),
    Status.WONT_DO: Look("Won't be done", "slash"),
}


@dataclass(frozen=True)
class Row:
    """A follow-up in a list: its day in words, and whether that is over."""

    follow_up: FollowUp
    due: str
    is_late: bool
    look: Look
    aim: str


def today_of(now: datetime, zone: tzinfo) -> date:
    return now.astimezone(zone).date()


def row_of(row: FollowUp, today: date) -> Row:
    return Row(
        follow_up=row,
        due=formats.day(row.due_on, today),
        is_late=row.is_active and row.due_on < today,
        look=LOOKS[Status(row.status)],
        aim=aim_of(row),
    )


def aim_of(row: FollowUp) -> str:
    """The aim's one word: Prevent."""
    return str(FollowUp.Aim(row.aim).label).partition(":")[0]


# -- the list


def of_view(person: Person, view: str, today: date) -> FollowUpQuerySet:
    rows = ledger.rows(person)
    if view == "mine":
        return rows.active().filter(owner=person)
    if view == "verify":
        return rows.to_verify()
    if view == "overdue":
        return rows.overdue(today)
    return rows if view == "all" else rows.active()


def counts(person: Person, today: date) -> dict[str, int]:
    """How many stand in each view that asks for something."""
    active = Q(status__in=["open", "in_progress"])
    return FollowUp.objects.visible_to(person).aggregate(
        mine=Count("pk", filter=active & Q(owner=person)),
        verify=Count("pk", filter=Q(status=Status.DONE)),
        overdue=Count("pk", filter=active & Q(due_on__lt=today)),
        open=Count("pk", filter=active),
    )


def page(rows: QuerySet[FollowUp], view: str, params: QueryDict) -> Slice[FollowUp]:
    """A page of a view: what is to be done by its day, all of them newest first."""
    return cut(rows, by="created_at", params=params) if view == "all" else by_day(rows, params)


def by_day(rows: QuerySet[FollowUp], params: QueryDict, size: int = SIZE) -> Slice[FollowUp]:
    """A page, the earliest day first. A cursor that is no cursor shows the first page."""
    match = _CURSOR.fullmatch(params.get("cursor", ""))
    if match is None or (at := _day(match[2])) is None:
        found = list(rows.order_by("due_on", "pk")[: size + 1])
        return Slice(found[:size], "", _next(found, size, params))
    pk = int(match[3])
    if match[1] == "a":
        found = list(
            rows.filter(Q(due_on__gt=at) | Q(due_on=at, pk__gt=pk)).order_by("due_on", "pk")[
                : size + 1
            ]
        )
        previous = _link("b", found[0], params) if found else address(params)
        return Slice(found[:size], previous, _next(found, size, params))
    before = rows.filter(Q(due_on__lt=at) | Q(due_on=at, pk__lt=pk))
    found = list(before.order_by("-due_on", "-pk")[: size + 1])
    shown = found[:size][::-1]
    previous = _link("b", shown[0], params) if len(found) > size else ""
    return Slice(shown, previous, _link("a", shown[-1], params) if shown else address(params))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _next(found: Sequence[FollowUp], size: int, params: QueryDict) -> str:
    return _link("a", found[size - 1], params) if len(found) > size else ""


def _link(direction: str, row: FollowUp, params: QueryDict) -> str:
    return address(params, cursor=f"{direction}{row.due_on}.{row.pk}")


# -- figures


@dataclass(frozen=True)
class Drawn:
    """The figures and the backlog's drawing; `names` are the weeks' Mondays."""

    figures: ledger.Figures
    plot: plots.Plot
    names: Sequence[str]

    @property
    def weeks(self) -> list[tuple[str, object]]:
        return list(zip(self.names, self.figures.weeks, strict=True))


def drawn(person: Person, *, now: datetime) -> Drawn:
    found = ledger.figures(person, now=now)
    names = [f"{one.monday.day} {formats.MONTHS[one.monday.month - 1]}" for one in found.weeks]
    standing = plots.Series("standing", [one.standing for one in found.weeks], "ln-1")
    return Drawn(found, plots.lines(names, [standing]), names)


# -- one of them


@dataclass(frozen=True)
class Piece:
    """A piece of evidence; `why` says why it shows nothing for the aim, empty when it does."""

    row: Evidence
    name: str
    why: str = ""

    @property
    def is_withdrawn(self) -> bool:
        return self.row.withdrawn_at is not None


@dataclass(frozen=True)
class Facts:
    """One follow-up with all that its page shows. `missing` is why it cannot be verified yet."""

    row: Row
    distance: str
    pieces: Sequence[Piece]
    missing: str
    wanted: str
    notes: Sequence[FollowUpNote] = field(default_factory=tuple)


def facts(row: FollowUp, *, today: date) -> Facts:
    pieces = [_piece(row, one) for one in row.evidence.order_by("at", "pk")]
    return Facts(
        row=row_of(row, today),
        distance=_distance(row, today) if row.is_active else "",
        pieces=pieces,
        missing=evidence.missing(row.aim, proof.pieces(row)),
        wanted=evidence.wanted(row.aim),
        notes=list(row.notes.order_by("-at", "-pk")[:200]),
    )


def _distance(row: FollowUp, today: date) -> str:
    """`Due in 3 days`, `Due yesterday`, `10 days overdue`."""
    words = distance(row.due_on, today).partition(" ")[2]
    return words[:1].upper() + words[1:]


def _piece(follow_up: FollowUp, one: Evidence) -> Piece:
    name = Evidence.Type(one.type).label
    if one.withdrawn_at is not None:
        return Piece(one, name)
    problem = proof.problem_of(one)
    piece = evidence.Piece(one.type, bool(one.url), one.note, problem)
    if evidence.fits(follow_up.aim, piece):
        return Piece(one, name)
    return Piece(one, name, problem or "It does not fit the aim.")


@dataclass(frozen=True)
class Act:
    """Something that may be done, or in a sentence why not; `takes` names its form."""

    do: str
    label: str
    submit: str
    takes: str = "note"
    why: str = ""


_ACTS: Mapping[str, tuple[tuple[str, str, str, str], ...]] = {
    Status.OPEN: (
        ("start", "Start", "Work on it has begun", "note"),
        ("done", "Mark done", "It is done", "note"),
        ("drop", "Won't be done", "Leave it undone", "reason"),
    ),
    Status.IN_PROGRESS: (
        ("done", "Mark done", "It is done", "note"),
        ("reopen", "Put back", "Nobody works on it now", "reason"),
        ("drop", "Won't be done", "Leave it undone", "reason"),
    ),
    Status.DONE: (
        ("verify", "Verify", "I looked: it holds", "note"),
        ("fail", "It does not work", "Open it again", "reason"),
        ("start", "There is more to do", "Go on with it", "note"),
    ),
    Status.VERIFIED: (
        ("fail", "It did not hold", "Open it again: it did not hold", "reason"),
        ("reopen", "Reopen", "Open it again", "reason"),
    ),
    Status.WONT_DO: (("reopen", "Reopen", "Open it again", "reason"),),
}
_TO = {
    "start": Status.IN_PROGRESS, "done": Status.DONE, "verify": Status.VERIFIED,
    "drop": Status.WONT_DO, "fail": Status.OPEN, "reopen": Status.OPEN,
}  # fmt: skip


def acts(row: FollowUp, person: Person, missing: str) -> list[Act]:
    """Every step from where it is, the next one forward first."""
    role = why_not(person, Grant.RESPOND)
    open_to = transitions.allowed(row)
    return [
        Act(do, label, submit, takes, role or _why(row, person, do, missing))
        for do, label, submit, takes in _ACTS[Status(row.status)]
        if _TO[do] in open_to
    ]


def _why(row: FollowUp, person: Person, do: str, missing: str) -> str:
    if do == "drop" and not person.may(Grant.EDIT_OWNERSHIP):
        return "Only a manager decides that it won't be done."
    if do == "verify":
        return why_not_verify(row, person) or missing
    return ""
