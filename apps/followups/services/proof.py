"""Evidence: brought, checked with whoever knows it, taken back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core.audit import Actor
from apps.core.errors import Conflict
from apps.core.providers import ask
from apps.core.text import clip
from apps.followups import evidence
from apps.followups.models import Evidence, FollowUp
from apps.followups.ports import Checked, EvidenceSource
from apps.followups.querysets import ENDED
from apps.followups.services import log
from apps.followups.services.checking import MAX_TEXT, Wrong, locked, reason

MAX_REF = 120
MOST = 50  # pieces that stand on one follow-up


@transaction.atomic
def add_evidence(
    *,
    follow_up: FollowUp,
    type: str,
    ref: str = "",
    url: str = "",
    note: str = "",
    actor: Actor,
    now: datetime,
) -> Evidence:
    """Bring a piece of evidence (`Evidence.Type`).

    What an app of ours knows is named by its reference (RUN-7) and must show what it claims. All
    else is an address with a note of at least ten characters that says what it shows.
    """
    row = locked(follow_up)
    if row.status in ENDED:
        is_ = row.get_status_display().lower()
        raise Conflict(f"{row.ref} has ended ({is_}). Reopen it before you add evidence.")
    wrong = Wrong()
    wrong.choice("type", type, Evidence.Type.values)
    named = wrong.line("ref", ref, empty="A reference is text.", most=MAX_REF, least=0)
    address = wrong.url("url", url)
    said = wrong.text("note", note, empty="A note is text.", most=MAX_TEXT, least=0)
    wrong.raise_any("This evidence cannot be kept as it is.")
    checked = _taken(wrong, type, named, address, said)
    if row.evidence.standing().count() >= MOST:
        wrong.add("type", f"{MOST} pieces of evidence are enough. Withdraw one first.")
    wrong.raise_any("This does not show it.")
    made = Evidence.objects.create(
        follow_up=row, type=type, ref=named, url=address or (checked.url if checked else ""),
        label=checked.label[:200] if checked else "", note=said, at=now, **actor.columns(),
    )  # fmt: skip
    _grow(row)
    text = f"Evidence: {clip(str(made), 80)}."
    log.write(follow_up=row, what="evidence", text=text, actor=actor, now=now)
    return made


def _taken(wrong: Wrong, type: str, ref: str, url: str, note: str) -> Checked | None:
    """What its source says of it; without a source it needs an address and a note."""
    checked = None
    if ref and knows(type):
        checked = look(type, ref)
        if checked is None:
            wrong.add("ref", f"There is no {ref}.")
        elif checked.problem:
            wrong.add("ref", checked.problem)
        return checked
    if not url:
        what = "Name it by its reference, or give" if knows(type) else "Give"
        wrong.add("url", f"{what} the address where somebody can see it.")
    if len(note) < evidence.LEAST_NOTE:
        least = evidence.LEAST_NOTE
        wrong.add("note", f"Say in at least {least} characters what the address shows.")
    return checked


def _sources() -> list[EvidenceSource]:
    return ask(EvidenceSource)  # type: ignore[type-abstract] # a port is its protocol


def knows(type: str) -> bool:
    """Whether some app knows evidence of this type by its reference."""
    return any(type in source.types for source in _sources())


def look(type: str, ref: str) -> Checked | None:
    """What the first source that knows `ref` says of it."""
    for source in _sources():
        if type in source.types and (found := source.check(type=type, ref=ref)) is not None:
            return found
    return None


def pieces(follow_up: FollowUp) -> list[evidence.Piece]:
    """The evidence that stands, with what its sources say now."""
    return [
        evidence.Piece(one.type, bool(one.url), one.note, problem_of(one))
        for one in follow_up.evidence.standing().order_by("at", "pk")
    ]


def problem_of(one: Evidence) -> str:
    """What its source says against a piece today: a run can turn out wrong after it was named."""
    if not one.ref or not knows(one.type):
        return ""
    found = look(one.type, one.ref)
    return found.problem if found else f"There is no {one.ref} any more."


@transaction.atomic
def withdraw(*, piece: Evidence, why: str, actor: Actor, now: datetime) -> Evidence:
    """Take back one piece, and say why."""
    said = reason(why, empty="Say why it does not count.", field="why")
    row = locked(piece.follow_up)
    if row.status in ENDED:
        raise Conflict(f"{row.ref} has ended. Reopen it before you take evidence back.")
    won = Evidence.objects.standing().filter(pk=piece.pk).update(withdrawn_at=now)
    if not won:
        raise Conflict("Somebody has taken this evidence back already.")
    piece.withdrawn_at = now
    _grow(row)
    text = f"Evidence withdrawn: {clip(str(piece), 80)}. {said}"
    log.write(follow_up=row, what="evidence_withdrawn", text=text, actor=actor, now=now)
    return piece


def withdraw_all(*, follow_up: FollowUp, now: datetime) -> int:
    """Everything that stands is taken back; the note of the caller says why."""
    return Evidence.objects.standing().filter(follow_up=follow_up).update(withdrawn_at=now)


def _grow(row: FollowUp) -> None:
    """Whoever decides on an older set of evidence is told that it is stale."""
    row.version += 1
    FollowUp.objects.filter(pk=row.pk).update(version=row.version)
