"""Runbooks and their runs as their pages show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.accounts.models import Person
from apps.followups.models import FollowUp
from apps.incidents.models import Incident
from apps.runbooks import guidance
from apps.runbooks import selectors as runbooks
from apps.runbooks.freshness import Band, Freshness
from apps.runbooks.models import (
    Execution,
    Runbook,
    RunbookReview,
    RunbookStep,
    RunbookVersion,
    StepResult,
)
from apps.runbooks.ports import Context

_INCIDENT = re.compile(r"INC-(\d{1,18})", re.IGNORECASE | re.ASCII)
STATES = {
    "all": "All",
    "attention": "Need attention",
    "drafts": "To be approved",
    "retired": "Retired",
}
MOST = 500  # runbooks that a list reads
RUNS = 8
VERSIONS = 10
REVIEWS = 5
ENDED = {StepResult.Status.DONE, StepResult.Status.FAILED, StepResult.Status.SKIPPED}

# What came out of a step → (words, glyph, tone).
RESULTS: dict[str, tuple[str, str, str]] = {
    "pending": ("To do", "new", ""),
    "in_progress": ("Begun", "q2", "info"),
    "done": ("Done", "check", "success"),
    "failed": ("Not as expected", "warn", "danger"),
    "skipped": ("Skipped", "slash", ""),
}
RUN_LOOKS: dict[str, tuple[str, str, str]] = {
    "running": ("Running", "q2", "info"),
    "paused": ("Paused", "pause", "warning"),
    "completed": ("Completed", "check", "success"),
    "abandoned": ("Abandoned", "slash", ""),
}
VERSION_LOOKS: dict[str, tuple[str, str, str]] = {
    "draft": ("Draft", "new", ""),
    "in_review": ("In review", "q2", "warning"),
    "approved": ("Approved", "check", "success"),
    "superseded": ("Superseded", "up", ""),
    "retired": ("Retired", "slash", ""),
}


@dataclass(frozen=True)
class Look:
    text: str
    glyph: str
    tone: str


def look_of(found: Freshness) -> Look:
    """A word, a shape and a tone for how fresh a runbook is."""
    if found.is_suspect:
        return Look("Suspect", "warn", "danger")
    return {
        Band.FRESH: Look("Fresh", "check", "success"),
        Band.AGING: Look("Aging", "clock", "warning"),
        Band.STALE: Look("Stale", "over", "danger"),
        Band.NEVER: Look("Never used", "new", ""),
    }[found.band]


# -- what a run is for


class Incidents:
    """Incidents as what runs are for: provided to `apps.runbooks.ports.RunContext`."""

    sort = "incident"

    def find(self, *, user: Any, ref: str) -> Context | None:
        match = _INCIDENT.fullmatch(ref)
        if match is None:
            return None
        incident = Incident.objects.visible_to(user).filter(pk=int(match.group(1))).first()
        if incident is None:
            return None
        restricted = incident.visibility == Incident.Visibility.RESTRICTED
        return Context(
            ref=incident.ref,
            url=f"/incidents/{incident.ref}/",
            kind=incident.kind,
            is_restricted=restricted,
            watchers=list(incident.participants.all()) if restricted else [],
        )


# -- the list


@dataclass(frozen=True)
class Row:
    runbook: Runbook
    version: RunbookVersion | None  # that is run
    at_work: RunbookVersion | None  # draft or in review
    fresh: Freshness
    look: Look
    surfaces: Sequence[str]

    @property
    def needs_attention(self) -> bool:
        return self.version is None or self.fresh.band in {Band.STALE, Band.NEVER}

    @property
    def waits(self) -> bool:
        return self.at_work is not None and self.at_work.status == "in_review"


def listed(viewer: Person, *, text: str, surface: str, retired: bool, now: datetime) -> list[Row]:
    """The runbooks of a list, by key, in a fixed number of queries."""
    found = Runbook.objects.visible_to(viewer).filter(archived_at__isnull=not retired)
    if text:
        said = Q(key__icontains=text) | Q(title__icontains=text) | Q(summary__icontains=text)
        found = found.filter(said | Q(triggers__value__icontains=text)).distinct()
    if surface:
        found = found.filter(surfaces__key=surface)
    rows = list(found.select_related("owner").prefetch_related("surfaces").order_by("key")[:MOST])
    fresh = runbooks.freshness_of(rows, now=now)
    current = runbooks.current_versions(rows)
    drafts = RunbookVersion.objects.filter(
        runbook__in=rows, status__in=["draft", "in_review"]
    ).select_related("author")
    at_work = {version.runbook_id: version for version in drafts}
    return [
        Row(
            one,
            current.get(one.pk),
            at_work.get(one.pk),
            fresh[one.pk],
            look_of(fresh[one.pk]),
            [surface.key for surface in one.surfaces.all()],
        )
        for one in rows
    ]


def of_state(rows: Sequence[Row], state: str) -> list[Row]:
    """The rows of a tab: those that need attention come with the worst first."""
    if state == "attention":
        order = {Band.STALE: 0, Band.NEVER: 1}
        wanting = [row for row in rows if row.needs_attention]
        return sorted(wanting, key=lambda row: (order.get(row.fresh.band, 2), row.runbook.key))
    if state == "drafts":
        return [row for row in rows if row.waits]
    return list(rows)


# -- one runbook


@dataclass(frozen=True)
class StepLine:
    """A step, what it says to do when it fails, and in a run what came out of it."""

    step: RunbookStep
    way_out: str
    result: StepResult | None = None
    is_focused: bool = False

    @property
    def look(self) -> Look:
        return Look(*RESULTS[self.result.status if self.result else "pending"])

    @property
    def is_open(self) -> bool:
        return self.result is not None and self.result.status not in ENDED


def way_out(step: RunbookStep) -> str:
    """What to do when it is not as expected; empty when the author said nothing of it."""
    if step.on_fail == "note" and not step.on_fail_text:
        return ""
    return advice_of(step).text


def advice_of(step: RunbookStep) -> guidance.Advice:
    way = guidance.Way(step.position, step.on_fail, step.on_fail_step, step.on_fail_text)
    return guidance.advice(way)


@dataclass(frozen=True)
class Whole:
    """Everything that a runbook's page shows."""

    runbook: Runbook
    shown: RunbookVersion | None  # the version whose steps are on the page
    current: RunbookVersion | None
    at_work: RunbookVersion | None
    lines: Sequence[StepLine]
    fresh: Freshness
    look: Look
    versions: Sequence[tuple[RunbookVersion, Look]]
    runs: Sequence[tuple[Execution, Look]]
    reviews: Sequence[RunbookReview]
    follow_ups: Sequence[FollowUp]

    @property
    def minutes(self) -> int:
        return sum(line.step.minutes or 0 for line in self.lines)


def whole(runbook: Runbook, viewer: Person, *, number: int | None, now: datetime) -> Whole | None:
    """A runbook with the steps of one version: the one asked for, else the approved one, else what
    is being written. None when there is no such version."""
    found = RunbookVersion.objects.filter(runbook=runbook).select_related("author", "approved_by")
    versions = list(found.order_by("-number"))
    current = next((one for one in versions if one.status == "approved"), None)
    at_work = next((one for one in versions if one.status in {"draft", "in_review"}), None)
    shown = current or at_work or next(iter(versions), None)
    if number is not None:
        shown = next((one for one in versions if one.number == number), None)
        if shown is None:
            return None
    steps = list(shown.steps.order_by("position")) if shown else []
    fresh = runbooks.freshness_of([runbook], now=now)[runbook.pk]
    return Whole(
        runbook=runbook,
        shown=shown,
        current=current,
        at_work=at_work,
        lines=[StepLine(step, way_out(step)) for step in steps],
        fresh=fresh,
        look=look_of(fresh),
        versions=[(one, Look(*VERSION_LOOKS[one.status])) for one in versions[:VERSIONS]],
        runs=_runs(runbook, viewer),
        reviews=list(RunbookReview.objects.filter(runbook=runbook).order_by("-at")[:REVIEWS]),
        follow_ups=_follow_ups(runbook, viewer),
    )


def _runs(runbook: Runbook, viewer: Person) -> list[tuple[Execution, Look]]:
    rows = runbooks.executions(viewer).filter(version__runbook=runbook)
    return [(run, Look(*RUN_LOOKS[run.status])) for run in rows.order_by("-started_at")[:RUNS]]


def _follow_ups(runbook: Runbook, viewer: Person) -> list[FollowUp]:
    rows = FollowUp.objects.visible_to(viewer).unverified()
    mine = rows.filter(source_kind="runbook", source_ref=runbook.key).select_related("owner")
    return list(mine.order_by("due_on", "pk")[:10])


# -- one run


@dataclass(frozen=True)
class Progress:
    done: int
    failed: int
    skipped: int
    total: int

    @property
    def ended(self) -> int:
        return self.done + self.failed + self.skipped

    @property
    def percent(self) -> int:
        return round(100 * self.ended / self.total) if self.total else 0


@dataclass(frozen=True)
class Story:
    """A run: every step with its result, the one in focus, what to do if that one failed."""

    run: Execution
    look: Look
    lines: Sequence[StepLine]
    focus: StepLine | None
    advice: guidance.Advice | None
    previous: int | None
    next: int | None
    onward: int | None  # where to go from a step that failed; None where its author says stop
    progress: Progress

    @property
    def left(self) -> int:
        return self.progress.total - self.progress.ended


def story(run: Execution, *, position: int | None) -> Story:
    """A run with one step in focus: the one asked for, else the first that is still to be done."""
    results = runbooks.results_of(run)
    positions = [result.step.position for result in results]
    if position not in positions:
        waiting = [r.step.position for r in results if r.status not in ENDED]
        position = waiting[0] if waiting else None
    lines = [
        StepLine(one.step, way_out(one.step), one, one.step.position == position) for one in results
    ]
    focus = next((line for line in lines if line.is_focused), None)
    failed = focus is not None and focus.result is not None and focus.result.status == "failed"
    advice = advice_of(focus.step) if focus and failed else None
    return Story(
        run=run,
        look=Look(*RUN_LOOKS[run.status]),
        lines=lines,
        focus=focus,
        advice=advice,
        previous=position - 1 if position and position - 1 in positions else None,
        next=position + 1 if position and position + 1 in positions else None,
        onward=_onward(advice, lines, position or 0),
        progress=_progress(results),
    )


def _onward(advice: guidance.Advice | None, lines: Sequence[StepLine], position: int) -> int | None:
    if advice is None or advice.what == "stop":
        return None
    left = [line.step.position for line in lines if line.is_open and line.step.position > position]
    return advice.goto or next(iter(left), None)


def _progress(results: Sequence[StepResult]) -> Progress:
    statuses = [str(one.status) for one in results]
    done, failed, skipped = (statuses.count(name) for name in ("done", "failed", "skipped"))
    return Progress(done, failed, skipped, len(results))
