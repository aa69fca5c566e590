"""Runbooks as others ask for them: what stands, what fits, how fresh it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.ownership.models import Surface
from apps.runbooks import matching as fitting
from apps.runbooks.exchange import Document
from apps.runbooks.freshness import Freshness, Read, Run, freshness
from apps.runbooks.models import (
    Execution,
    Runbook,
    RunbookReview,
    RunbookStep,
    RunbookVersion,
    StepResult,
)
from apps.runbooks.steps import StepIn

Status = RunbookVersion.Status
RUNS_LOOKED_AT = 50  # completed runs of a runbook that its freshness is decided by


@dataclass(frozen=True)
class Match:
    """A runbook that fits, the version that is run, why it fits, and how fresh it is (None when
    no instant was given)."""

    runbook: Runbook
    version: RunbookVersion
    why: str
    freshness: Freshness | None
    score: int = 0


def current_version(runbook: Runbook) -> RunbookVersion | None:
    """The approved version; None while there is none."""
    return RunbookVersion.objects.filter(runbook=runbook, status=Status.APPROVED).first()


def current_versions(runbooks: Iterable[Runbook]) -> dict[int, RunbookVersion]:
    """The approved version by the runbook's id, in one query; without one there is no entry."""
    ids = [runbook.pk for runbook in runbooks]
    rows = RunbookVersion.objects.filter(runbook_id__in=ids, status=Status.APPROVED)
    return {row.runbook_id: row for row in rows}


def version_at_work(runbook: Runbook) -> RunbookVersion | None:
    """The draft, or what is in review."""
    found = RunbookVersion.objects.filter(
        runbook=runbook, status__in=[Status.DRAFT, Status.IN_REVIEW]
    )
    return found.first()


def steps_of(version: RunbookVersion) -> list[StepIn]:
    """What the steps of a version say, in their order, as plain values."""
    return [plain_step(row) for row in version.steps.order_by("position")]


def plain_step(row: RunbookStep) -> StepIn:
    return StepIn(
        title=row.title,
        kind=row.kind,
        instruction=row.instruction,
        expected=row.expected,
        on_fail=row.on_fail,
        on_fail_step=row.on_fail_step,
        on_fail_text=row.on_fail_text,
        minutes=row.minutes,
        role=row.role,
        is_irreversible=row.is_irreversible,
    )


def document_of(runbook: Runbook, version: RunbookVersion | None) -> Document:
    """A runbook with the steps of one of its versions, as a file holds it."""
    return Document(
        key=runbook.key,
        title=runbook.title,
        summary=runbook.summary,
        cadence_days=runbook.cadence_days,
        change_note=version.change_note if version else "",
        surfaces=tuple(runbook.surfaces.order_by("key").values_list("key", flat=True)),
        triggers=tuple(runbook.triggers.order_by("by", "value").values_list("by", "value")),
        steps=tuple(steps_of(version)) if version else (),
    )


# -- freshness


def freshness_of(runbooks: Sequence[Runbook], *, now: datetime) -> dict[int, Freshness]:
    """How fresh each runbook is, by its id, in three queries whatever the number.

    Real runs and drills count, tests do not; restricted runs count without being shown.
    """
    ids = [runbook.pk for runbook in runbooks]
    reads: dict[int, list[Read]] = {}
    for pk, at, outcome in RunbookReview.objects.filter(runbook_id__in=ids).values_list(
        "runbook_id", "at", "outcome"
    ):
        reads.setdefault(pk, []).append(Read(at, outcome))
    runs = _runs(ids)
    current = current_versions(runbooks)
    return {
        one.pk: freshness(
            cadence_days=one.cadence_days,
            reviews=reads.get(one.pk, ()),
            executions=runs.get(one.pk, ()),
            suspect_at=current[one.pk].suspect_at if one.pk in current else None,
            now=now,
        )
        for one in runbooks
    }


def _runs(ids: Collection[int]) -> dict[int, list[Run]]:
    done = Execution.objects.filter(
        version__runbook_id__in=ids, status=Execution.Status.COMPLETED
    ).exclude(kind="test")
    counted = done.annotate(
        steps=Count("results"),
        well=Count("results", filter=Q(results__status=StepResult.Status.DONE)),
        wrong=Count("results", filter=Q(results__was_wrong=True)),
    ).order_by("-ended_at")
    rows = counted.values_list("version__runbook_id", "ended_at", "steps", "well", "wrong")
    found: dict[int, list[Run]] = {}
    for pk, at, steps, well, wrong in rows:
        mine = found.setdefault(pk, [])
        if at is not None and len(mine) < RUNS_LOOKED_AT:
            mine.append(Run(at, steps, well, wrong > 0))
    return found


# -- what fits


def matching(
    *,
    surface: Surface | None,
    words: str = "",
    type_key: str = "",
    codes: Collection[str] = (),
    request_type: str = "",
    factor: str = "",
    now: datetime | None = None,
) -> list[Match]:
    """The approved runbooks that fit, the best first: by surface (or the one that it is a facet
    of), by what an alert or a title says, by code, incident type, request type or factor.

    With `now` each says how fresh it is. Three queries, six with `now`, whatever the number.
    """
    rows = Runbook.objects.current().filter(versions__status=Status.APPROVED)
    runbooks = list(rows.select_related("owner").prefetch_related("surfaces", "triggers"))
    facts = fitting.Facts(
        surface=surface.key if surface else "",
        parent=_parent_key(surface),
        words=words,
        codes=codes,
        incident_type=type_key,
        request_type=request_type,
        factor=factor,
    )
    fits = fitting.ranked(facts, [_candidate(one) for one in runbooks])
    by_key = {one.key: one for one in runbooks}
    chosen = [by_key[fit.key] for fit in fits]
    versions = current_versions(chosen)
    fresh = freshness_of(chosen, now=now) if now and chosen else {}
    return [
        Match(one, versions[one.pk], fit.why, fresh.get(one.pk), fit.score)
        for one, fit in zip(chosen, fits, strict=True)
        if one.pk in versions
    ]


def _parent_key(surface: Surface | None) -> str:
    if surface is None or surface.parent_id is None:
        return ""
    return surface.parent.key if surface.parent else ""


def _candidate(runbook: Runbook) -> fitting.Candidate:
    return fitting.Candidate(
        key=runbook.key,
        surfaces={surface.key for surface in runbook.surfaces.all()},
        triggers=[(trigger.by, trigger.value) for trigger in runbook.triggers.all()],
    )


# -- runs


def executions(user: Any) -> QuerySet[Execution]:
    """The runs that somebody may see, ready for a list."""
    return Execution.objects.visible_to(user).select_related("version__runbook", "started_by")


def results_of(execution: Execution) -> list[StepResult]:
    """Every step of a run with what came out of it, in the order of the steps."""
    rows = StepResult.objects.filter(execution=execution).select_related("step", "by")
    return list(rows.order_by("step__position"))
