"""A runbook comes to be: drafts, a review by somebody else, one approved version at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid, NotAllowed
from apps.core.text import one_line
from apps.core.transitions import move
from apps.ownership.models import Surface
from apps.runbooks import selectors
from apps.runbooks.models import (
    Runbook,
    RunbookReview,
    RunbookStep,
    RunbookVersion,
    Trigger,
    runbook_key,
)
from apps.runbooks.services import telling
from apps.runbooks.steps import Fault, StepIn, digest, faults, tidy

Status = RunbookVersion.Status
MOST_TRIGGERS = 50
RESERVED = frozenset({"new", "import", "runs"})  # words of the portal's addresses
TriggerIn = tuple[str, str]  # what sort it is, and its value


class Tampered(Conflict):
    """What the database holds is not what was approved."""

    code = "tampered"


@transaction.atomic
def create(
    *,
    key: str,
    title: str,
    actor: Actor,
    now: datetime,
    summary: str = "",
    owner: Person | None = None,
    backup: Person | None = None,
    cadence_days: int = 90,
    surfaces: Sequence[Surface] = (),
    triggers: Iterable[TriggerIn] = (),
) -> Runbook:
    """A runbook without a version yet. Raises Invalid by field; Conflict when the key is taken."""
    runbook = Runbook(
        key=key.strip().lower(),
        title=one_line(title),
        summary=summary.strip(),
        owner=owner,
        backup=backup,
        cadence_days=cadence_days,
        created_at=now,
    )
    _check(runbook)
    try:
        with transaction.atomic():
            runbook.save(force_insert=True)
    except IntegrityError as error:
        taken = f"There is a runbook {runbook.key} already. Open it and write a new version."
        raise Conflict(taken, code="key_taken", fields={"key": [taken]}) from error
    runbook.surfaces.set(surfaces)
    _set_triggers(runbook, triggers)
    return runbook


@transaction.atomic
def edit(*, runbook: Runbook, actor: Actor, now: datetime, **changes: Any) -> Runbook:
    """Change what stands around the steps: title, summary, owner, backup, cadence_days, surfaces,
    triggers. What is not named stays."""
    row = _locked(runbook)
    for name in ("title", "summary", "owner", "backup", "cadence_days"):
        if name in changes:
            setattr(row, name, changes[name])
    row.title, row.summary = one_line(row.title), row.summary.strip()
    _check(row)
    row.save(update_fields=["title", "summary", "owner", "backup", "cadence_days"])
    if "surfaces" in changes:
        row.surfaces.set(changes["surfaces"])
    if "triggers" in changes:
        _set_triggers(row, changes["triggers"])
    return row


def _check(runbook: Runbook) -> None:
    fields: dict[str, list[str]] = {}
    try:
        runbook_key(runbook.key)
    except ValidationError as error:
        fields["key"] = list(error.messages)
    if len(runbook.key) > 60:
        fields["key"] = ["A key has at most 60 characters."]
    if runbook.key in RESERVED:
        fields["key"] = [f"“{runbook.key}” is an address of ours. Use another key."]
    if not runbook.title or len(runbook.title) > 120:
        fields["title"] = ["Give it a title of at most 120 characters."]
    if len(runbook.summary) > 2_000:
        fields["summary"] = ["At most 2,000 characters: when to use it."]
    if not 7 <= runbook.cadence_days <= 730:
        fields["cadence_days"] = ["Between 7 and 730 days."]
    if runbook.owner_id and runbook.owner_id == runbook.backup_id:
        fields["backup"] = ["Owner and backup are two people."]
    if fields:
        raise Invalid("This runbook cannot be kept as it is.", fields=fields)


def _set_triggers(runbook: Runbook, triggers: Iterable[TriggerIn]) -> None:
    wanted = list(dict.fromkeys((by, one_line(value)) for by, value in triggers))
    wrong = [
        f"“{value[:60]}” cannot bring a runbook up."
        for by, value in wanted
        if by not in Trigger.By.values or not 1 <= len(value) <= 120
    ]
    if len(wanted) > MOST_TRIGGERS:
        wrong.append(f"At most {MOST_TRIGGERS} triggers.")
    if wrong:
        raise Invalid(" ".join(wrong), fields={"triggers": wrong})
    have = {(row.by, row.value): row for row in runbook.triggers.all()}
    for pair, row in have.items():
        if pair not in wanted:
            row.delete()
    fresh = [pair for pair in wanted if pair not in have]
    Trigger.objects.bulk_create(
        [Trigger(runbook=runbook, by=by, value=value) for by, value in fresh]
    )


def _locked(runbook: Runbook) -> Runbook:
    """The runbook, held: all that changes its versions waits for one another."""
    row = Runbook.objects.select_for_update(of=("self",), no_key=True).get(pk=runbook.pk)
    if row.archived_at is not None:
        raise Conflict(f"{row.key} is retired. Nothing about it changes any more.", code="retired")
    return row


# -- versions


@transaction.atomic
def save_draft(
    *,
    runbook: Runbook,
    steps: Sequence[StepIn],
    change_note: str,
    author: Person | None,
    actor: Actor,
    now: datetime,
    seen: str | None = None,
) -> RunbookVersion:
    """Write the steps into the draft, or into a new one. Raises Invalid that names each step.

    `seen` is the digest of the steps that the writer began with: Conflict `stale` when somebody
    else saved meanwhile. A draft that was run in a drill stays as it was run: it is retired and a
    new number begun.
    """
    row = _locked(runbook)
    clean = [tidy(step) for step in steps]
    _refuse(faults(clean))
    note = one_line(change_note)
    if len(note) > 300:
        raise Invalid("The note is too long.", fields={"change_note": ["At most 300 characters."]})
    draft = selectors.version_at_work(row)
    if draft is not None and draft.status == Status.IN_REVIEW:
        raise Conflict(
            f"{draft} is in review. Approve it or send it back before you change it.",
            code="in_review",
        )
    _not_stale(row, draft, seen)
    if draft is not None and draft.executions.exists():
        move(
            draft, to=Status.RETIRED, actor=actor, now=now, note="It was run; a new draft follows."
        )
        draft = None
    if draft is None:
        draft = _new_draft(row, note, author, now)
    else:
        RunbookStep.objects.filter(version=draft).delete()
        # What a key writes into somebody's draft does not make them a stranger who approves it.
        by = author or draft.author
        RunbookVersion.objects.filter(pk=draft.pk).update(change_note=note, author=by)
        draft.refresh_from_db()
    RunbookStep.objects.bulk_create(
        [_step(draft, position, step) for position, step in enumerate(clean, 1)]
    )
    return draft


def _not_stale(runbook: Runbook, draft: RunbookVersion | None, seen: str | None) -> None:
    if seen is None:
        return
    base = draft or selectors.current_version(runbook)
    if seen != (digest(selectors.steps_of(base)) if base else ""):
        raise Conflict(
            "Somebody else saved this runbook while you wrote. Copy what you wrote, reload, and "
            "write it into what stands now.",
            code="stale",
        )


def _refuse(found: Sequence[Fault]) -> None:
    if found:
        said = [str(fault) for fault in found]
        raise Invalid(" ".join(said[:5]), code="invalid_steps", fields={"steps": said})


def _new_draft(runbook: Runbook, note: str, author: Person | None, now: datetime) -> RunbookVersion:
    last = RunbookVersion.objects.filter(runbook=runbook).aggregate(last=Max("number"))["last"]
    return RunbookVersion.objects.create(
        runbook=runbook,
        number=(last or 0) + 1,
        change_note=note,
        author=author,
        created_at=now,
    )


def _step(version: RunbookVersion, position: int, step: StepIn) -> RunbookStep:
    return RunbookStep(
        version=version,
        position=position,
        kind=step.kind,
        title=step.title,
        instruction=step.instruction,
        expected=step.expected,
        on_fail=step.on_fail,
        on_fail_step=step.on_fail_step,
        on_fail_text=step.on_fail_text,
        minutes=step.minutes,
        role=step.role,
        is_irreversible=step.is_irreversible,
    )


def _held(version: RunbookVersion) -> RunbookVersion:
    """The version as it stands now, with its runbook locked."""
    _locked(version.runbook)
    return RunbookVersion.objects.select_related("runbook", "author").get(pk=version.pk)


@transaction.atomic
def submit(*, version: RunbookVersion, actor: Actor, now: datetime) -> RunbookVersion:
    """Ask for a review. From here on the steps do not change; whoever may approve is told."""
    row = _held(version)
    if row.status == Status.DRAFT and not row.change_note and row.number > 1:
        raise Invalid(
            "Say what changed since the version before.",
            fields={"change_note": ["Say what changed."]},
        )
    steps = selectors.steps_of(row)
    _refuse(faults(steps))
    move(row, to=Status.IN_REVIEW, actor=actor, now=now, digest=digest(steps))
    telling.asked(version=row, actor=actor, now=now)
    return row


@transaction.atomic
def return_to_draft(
    *, version: RunbookVersion, comment: str, actor: Actor, now: datetime
) -> RunbookVersion:
    """Send a version back to its author, saying what is missing."""
    row, said = _held(version), comment.strip()
    if not said:
        raise Invalid("Say what is missing.", fields={"comment": ["Say what is missing."]})
    move(row, to=Status.DRAFT, actor=actor, now=now, note=said[:10_000], digest="")
    telling.decided(version=row, comment=said, actor=actor, now=now)
    return row


def why_not_approve(version: RunbookVersion, person: Person | None) -> str:
    """What keeps somebody from approving a version; empty when they may."""
    if person is None:
        return "A person approves a runbook, not a key: somebody has to have read it."
    if person.pk == version.author_id:
        return "You wrote it. Somebody else approves it."
    runbook = version.runbook
    if person.is_manager or person.pk in {runbook.owner_id, runbook.backup_id}:
        return "" if person.may(Grant.RESPOND) else "Your role only reads."
    return "Its owner, its backup or a manager approves it."


@transaction.atomic
def approve(
    *, version: RunbookVersion, person: Person | None, actor: Actor, now: datetime
) -> RunbookVersion:
    """Make a reviewed version the one that is run; the one before is superseded.

    Reading it counts as a review. Raises NotAllowed for its author and for who may not.
    """
    row = _held(version)
    refusal = why_not_approve(row, person)
    if refusal:
        raise NotAllowed(refusal)
    check_intact(row)
    before = selectors.current_version(row.runbook)
    if before is not None and row.status == Status.IN_REVIEW:
        move(before, to=Status.SUPERSEDED, actor=actor, now=now, note=f"By {row}.")
    move(row, to=Status.APPROVED, actor=actor, now=now, approved_by=person, approved_at=now)
    RunbookReview.objects.create(
        runbook=row.runbook,
        version=row,
        outcome=RunbookReview.Outcome.CHANGED,
        note=f"Approved version {row.number}. {row.change_note}".strip(),
        digest=row.digest,
        at=now,
        **actor.columns(),
    )
    telling.decided(version=row, comment="", actor=actor, now=now)
    return row


def check_intact(version: RunbookVersion) -> None:
    """Raise Tampered when the steps are not those that were submitted."""
    if version.digest and version.digest != digest(selectors.steps_of(version)):
        raise Tampered(
            f"The steps of {version} are not those that were reviewed. "
            "Write a new version and tell a manager."
        )


def why_not_retire(runbook: Runbook, person: Person | None) -> str:
    """What keeps somebody from retiring a runbook; keys may (their scope was asked before)."""
    if person is None or person.is_manager or person.pk in {runbook.owner_id, runbook.backup_id}:
        return ""
    return "Its owner, its backup or a manager retires it."


@transaction.atomic
def retire(
    *, runbook: Runbook, reason: str, person: Person | None, actor: Actor, now: datetime
) -> Runbook:
    """Take a runbook out of use. Runs that are under way may end; no new one starts."""
    row, said = _locked(runbook), reason.strip()
    refusal = why_not_retire(row, person)
    if refusal:
        raise NotAllowed(refusal)
    if not said:
        raise Invalid("Say why it goes.", fields={"reason": ["Say why it goes."]})
    for version in RunbookVersion.objects.filter(
        runbook=row, status__in=[Status.DRAFT, Status.IN_REVIEW, Status.APPROVED]
    ):
        if version.status == Status.IN_REVIEW:
            move(version, to=Status.DRAFT, actor=actor, now=now, note=said)
        move(version, to=Status.RETIRED, actor=actor, now=now, note=said)
    row.archived_at = now
    row.save(update_fields=["archived_at"])
    return row
