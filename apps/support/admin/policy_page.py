"""A policy's page: a grid of metric × priority, what stands behind each cell, what a save does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.http import QueryDict

from apps.calendars.models import BusinessCalendar
from apps.core.admin_base.forms import add_refusal
from apps.core.audit import Actor
from apps.core.errors import DomainError
from apps.support import matching
from apps.support.admin import words
from apps.support.admin.policy_forms import CellForm, PolicyForm, cell_initial
from apps.support.models import ClockEvent, Metric, Priority, SlaPolicy, SlaTarget, TicketClock
from apps.support.selectors.what_if import Draft
from apps.support.services import policies, retiming

What = ClockEvent.What

ABOUT = {
    matching.TRIAGE: "until somebody confirms priority and owner",
    matching.FIRST_REPLY: "until the first public answer of an agent",
    matching.NEXT_REPLY: "from the customer's words to our next answer",
    matching.PERIODIC_UPDATE: "from our answer to the next, while the ticket is open",
    matching.RESOLUTION: "until it is resolved",
}


@dataclass(frozen=True)
class MetricRow:
    """One line of the grid."""

    metric: str
    label: str
    about: str
    cells: list[CellForm]

    @property
    def errors(self) -> bool:
        """Whether something is wrong in the part that is folded away."""
        return any(set(form.errors) - {"target"} for form in self.cells)


@dataclass(frozen=True)
class Effect:
    """What saving does to clocks that run, and which cells it changes."""

    changed: list[str]
    retimed: int = 0
    tickets: int = 0
    breached: int = 0
    ended: int = 0
    started: int = 0
    later: bool = False  # too many tickets for one go: timed anew in the background

    @property
    def touches(self) -> bool:
        return bool(self.later or self.retimed or self.breached or self.ended or self.started)


@dataclass
class PolicyPage:
    """Everything that one policy's page edits. `data` is what was posted, None to look."""

    policy: SlaPolicy | None
    data: QueryDict | None
    now: datetime
    form: PolicyForm = field(init=False)
    rows: list[MetricRow] = field(init=False)

    def __post_init__(self) -> None:
        self.form = PolicyForm(self.data, policy=self.policy, initial=_initial(self.policy))
        rows = BusinessCalendar.objects.filter(archived_at=None).order_by("name")
        self.calendars = {str(row.pk): row for row in rows}
        # A new policy begins with what the default promises, not with nothing.
        self.model = self.policy or SlaPolicy.objects.filter(is_default=True).first()
        self.stored = _stored(self.model)
        for target in self.stored.values():
            if target.calendar is not None:
                self.calendars.setdefault(str(target.calendar_id), target.calendar)
        self.rows = [
            MetricRow(metric, str(Metric(metric).label), ABOUT[metric], self._cells(metric))
            for metric in matching.METRICS
        ]

    def _cells(self, metric: str) -> list[CellForm]:
        return [self._cell(metric, priority) for priority in Priority.values]

    def _cell(self, metric: str, priority: str) -> CellForm:
        target = self.stored.get((metric, priority))
        steps = list(target.steps.all()) if target else []
        return CellForm(
            self.data,
            metric=metric,
            priority=priority,
            calendars=self.calendars,
            label=f"{Metric(metric).label}, {priority}",
            initial=cell_initial(target, steps),
            prefix=f"{metric}-{priority}",
        )

    @property
    def cells(self) -> list[CellForm]:
        return [form for row in self.rows for form in row.cells]

    def is_valid(self) -> bool:
        """Every form, also after one is wrong, so that all errors are shown at once."""
        checked = [form.is_valid() for form in (self.form, *self.cells)]
        return all(checked)

    @property
    def errors(self) -> int:
        return sum(len(form.errors) for form in (self.form, *self.cells) if form.is_bound)

    # -- saving

    def digest(self) -> str:
        """Of what was typed: a confirmation counts only for what was previewed."""
        given = self.data.lists() if self.data is not None else []
        kept = [(name, values) for name, values in given if name in self._names]
        return hashlib.sha256(repr(sorted(kept)).encode()).hexdigest()[:32]

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(
            form.add_prefix(name) for form in (self.form, *self.cells) for name in form.fields
        )

    def save(self, *, actor: Actor) -> SlaPolicy:
        """The one call. Raises DomainError with the cells that it refuses."""
        found = self.form.cleaned_data
        return policies.save_policy(
            policy=self.policy,
            name=found["name"],
            calendar=found["calendar"],
            cells=[form.cell() for form in self.cells],
            takes=self.form.takes(),
            is_default=found.get("is_default", self.policy.is_default if self.policy else False),
            is_active=found["is_active"],
            seen=found["seen"] if self.policy else None,
            actor=actor,
            now=self.now,
        )

    def effect(self, *, actor: Actor) -> Effect:
        """The save, looked at and taken back: what it would do to what runs now."""
        changed = self.changed()
        later = self._is_for_many()
        last = ClockEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        with transaction.atomic():
            self.save(actor=actor)
            mine = ClockEvent.objects.filter(
                pk__gt=last, noted_at=self.now, actor_kind=actor.kind, actor_ref=actor.ref
            )
            found = mine.values("what").annotate(n=Count("clock", distinct=True))
            counts = {row["what"]: row["n"] for row in found.order_by("what")}
            tickets = mine.values("clock__ticket").distinct().count()
            transaction.set_rollback(True)
        return Effect(
            changed,
            retimed=counts.get(What.RETARGET, 0),
            tickets=tickets,
            breached=counts.get(What.BREACH, 0),
            ended=counts.get(What.CANCEL, 0),
            started=counts.get(What.START, 0) + counts.get(What.RESTORE, 0),
            later=later,
        )

    def _is_for_many(self) -> bool:
        """Whether clocks of so many tickets run that they are timed anew in the background."""
        running = TicketClock.objects.unfinished()
        if self.policy is not None and not self.policy.is_default:
            running = running.filter(policy=self.policy)
        some = running.order_by().values("ticket").distinct()[: retiming.AT_ONCE]
        return len(some) >= retiming.AT_ONCE

    def changed(self) -> list[str]:
        """“First reply P1: 30 min → 15 min”: the cells that say another time, and what else."""
        found = []
        for form in self.cells:
            was, now = _time(form, form.initial["target"]), _time(form, form["target"].value())
            name = f"{Metric(form.metric).label} {form.priority}"
            if was != now:
                found.append(f"{name}: {was} → {now}")
            elif form.has_changed():
                found.append(f"{name}: other calendar, warnings or steps")
        return found

    def draft(self) -> Draft:
        """What was typed, or without anything typed what is stored, for a replay."""
        assert self.policy is not None
        if self.data is None:
            return Draft(self.policy.pk, {})
        cells = [form.cell() for form in self.cells]
        return Draft(
            policy_id=self.policy.pk,
            seconds={(cell.metric, cell.priority): cell.seconds for cell in cells},
            calendars={
                (cell.metric, cell.priority): cell.calendar.pk if cell.calendar else None
                for cell in cells
            },
            third_party={(cell.metric, cell.priority): cell.pause_third_party for cell in cells},
            calendar_id=self.form.cleaned_data["calendar"].pk,
        )

    # -- refusals at their fields

    def refuse(self, error: Exception) -> None:
        """Say what the service refused at the cell and field that it is about."""
        fields = dict(error.fields) if isinstance(error, DomainError) else {}
        names = {"seconds": "target", "warn_percents": "warnings"}
        placed = False
        for form in self.cells:
            start = f"cells.{form.metric}.{form.priority}"
            for key in [one for one in fields if one == start or one.startswith(f"{start}.")]:
                part = key.removeprefix(start).lstrip(".")
                form.add_error(names.get(part, part) or "target", fields.pop(key))
                placed = True
        if fields or not placed:
            if isinstance(error, DomainError):
                error.fields = fields
            add_refusal(self.form, error)


def _time(form: CellForm, text: Any) -> str:
    try:
        seconds = words.read(str(text or ""))
    except ValueError:
        return str(text)
    return words.show(seconds, day=None if form.own_calendar else words.WORKING_DAY)


def _initial(policy: SlaPolicy | None) -> dict[str, Any]:
    if policy is None:
        default = BusinessCalendar.objects.filter(is_default=True, archived_at=None).first()
        return {"is_active": True, "calendar": default}
    return {
        "name": policy.name, "calendar": policy.calendar_id, "is_active": policy.is_active,
        "match_queue": policy.match_queue_id, "match_type": policy.match_type_id,
        "match_tier": policy.match_tier, "match_account": policy.match_account_id,
        "match_tag": policy.match_tag, "seen": policy.version,
    }  # fmt: skip


def _stored(policy: SlaPolicy | None) -> dict[tuple[str, str], SlaTarget]:
    if policy is None:
        return {}
    rows = policy.targets.select_related("calendar").prefetch_related("steps")
    return {(row.metric, row.priority): row for row in rows}
