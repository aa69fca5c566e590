"""Editing what is promised, and timing what runs by it anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.calendars.businesstime import LONGEST_TARGET
from apps.calendars.models import BusinessCalendar
from apps.core import jobs
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.text import clip, one_line
from apps.customers.models import Account
from apps.support import matching
from apps.support.models import EscalationStep, Priority, SlaPolicy, SlaTarget
from apps.support.services import retiming

SHORTEST_TARGET = 60  # seconds; below it every ticket would be late
MOST_WARNINGS, MOST_STEPS = 5, 10
LONGEST_STEP = 30 * 86_400  # seconds after a breach


@dataclass(frozen=True)
class Step:
    """Whom to tell so many elapsed seconds after a breach (`EscalationStep.Notify`)."""

    after_seconds: int
    notify: str
    raise_priority: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the grid. `seconds` None promises nothing; the calendar None is the policy's."""

    metric: str
    priority: str
    seconds: int | None
    calendar: BusinessCalendar | None = None
    warn_percents: tuple[int, ...] = (50, 80)
    steps: tuple[Step, ...] = ()
    pause_third_party: bool = False
    steps_while_paused: bool = False


@dataclass(frozen=True, kw_only=True)
class Takes:
    """Which tickets a policy is for; what is empty matches everything."""

    queue_id: int | None = None
    type_id: int | None = None
    tier: str = ""
    account_id: int | None = None
    tag: str = ""


@transaction.atomic
def save_policy(
    *,
    policy: SlaPolicy | None,
    name: str,
    calendar: BusinessCalendar,
    cells: Sequence[Cell],
    actor: Actor,
    now: datetime,
    takes: Takes | None = None,
    is_default: bool = False,
    is_active: bool = True,
    seen: int | None = None,
) -> SlaPolicy:
    """Create or change a policy with its grid in one call; cells that are not given stay.

    Clocks that run by it, or now would, are timed anew: in this call, or in the background when
    they belong to many tickets. `seen` is the version that was edited: a newer one is a Conflict.
    Raises Invalid with fields (`cells.first_reply.P1.seconds`).
    """
    _lock_all()
    row = SlaPolicy.objects.get(pk=policy.pk) if policy else SlaPolicy(version=0)
    if seen is not None and row.version != seen:
        raise Conflict("Somebody changed this policy meanwhile. Look at it, then save again.")
    _check(row, name, calendar, cells, is_default, is_active)
    before = retiming.scope(row) if policy else None
    was = _columns(row)
    _fill(row, one_line(name), calendar, takes or Takes(), is_default, is_active)
    changed = _columns(row) != was
    if changed:
        row.changed_at = now
        row.version += 1
        row.save()
    moved = _save_cells(row, cells)
    if moved and not changed:
        row.version += 1
        row.changed_at = now
        row.save(update_fields=["version", "changed_at"])
    if moved or changed:
        cause = f"policy {row.name} v{row.version}"
        retiming.policy_changed(policy=row, before=before, cause=cause, actor=actor, now=now)
    return row


def tier_changed(*, account_id: int) -> None:
    """An account is of another tier: promises are chosen again, where any policy asks for one.

    In the background, as whoever edits the account holds its row, and tickets come before that.
    """
    if SlaPolicy.objects.filter(is_active=True).exclude(match_tier="").exists():
        account = Account.objects.get(pk=account_id)
        cause = f"{account.name} is {account.get_tier_display().lower()}"
        jobs.enqueue("apps.support.tasks.choose_again", after=0, cause=cause[:200])


def _lock_all() -> None:
    """Two edits of policies wait for each other: which one counts depends on all of them."""
    list(SlaPolicy.objects.order_by("pk").select_for_update().values_list("pk", flat=True))


def _columns(row: SlaPolicy) -> tuple[object, ...]:
    return (
        row.name,
        row.calendar_id,
        row.match_queue_id,
        row.match_type_id,
        row.match_tier,
        row.match_account_id,
        row.match_tag,
        row.is_default,
        row.is_active,
        row.position,
    )


def _fill(
    row: SlaPolicy,
    name: str,
    calendar: BusinessCalendar,
    takes: Takes,
    is_default: bool,
    is_active: bool,
) -> None:
    if row._state.adding and not is_default:
        last = SlaPolicy.objects.order_by("-position").values_list("position", flat=True).first()
        row.position = (last or 0) + 1
    row.name, row.calendar = clip(name, 80), calendar
    row.match_queue_id, row.match_type_id = takes.queue_id, takes.type_id
    row.match_tier, row.match_account_id = takes.tier, takes.account_id
    row.match_tag = one_line(takes.tag).lower().strip("# ")[:40]
    row.is_default, row.is_active = is_default, is_active


def _save_cells(policy: SlaPolicy, cells: Sequence[Cell]) -> bool:
    """Write the grid's cells with their steps; whether one says something else than before."""
    rows = SlaTarget.objects.filter(policy=policy).prefetch_related("steps")
    known = {(row.metric, row.priority): row for row in rows}
    moved = [_save_cell(policy, cell, known.get((cell.metric, cell.priority))) for cell in cells]
    return any(moved)


def _save_cell(policy: SlaPolicy, cell: Cell, known: SlaTarget | None) -> bool:
    row = known or SlaTarget(policy=policy, metric=cell.metric, priority=cell.priority)
    wanted = {
        "seconds": cell.seconds,
        "calendar_id": cell.calendar.pk if cell.calendar else None,
        "warn_percents": sorted(set(cell.warn_percents)),
        "pause_third_party": cell.pause_third_party,
        "steps_while_paused": cell.steps_while_paused,
    }
    moved = known is None or any(getattr(row, name) != value for name, value in wanted.items())
    if moved:
        for name, value in wanted.items():
            setattr(row, name, value)
        row.save()
    return _save_steps(row, known, cell.steps) or moved


def _save_steps(target: SlaTarget, known: SlaTarget | None, steps: Sequence[Step]) -> bool:
    wanted = sorted((s.after_seconds, s.notify, s.raise_priority) for s in steps)
    rows = known.steps.all() if known else ()
    if sorted((s.after_seconds, s.notify, s.raise_priority) for s in rows) == wanted:
        return False
    if known is not None:
        EscalationStep.objects.filter(target=target).delete()
    EscalationStep.objects.bulk_create(
        EscalationStep(target=target, after_seconds=after, notify=notify, raise_priority=raises)
        for after, notify, raises in wanted
    )
    return True


# -- what is refused


def _check(
    row: SlaPolicy,
    name: str,
    calendar: BusinessCalendar,
    cells: Sequence[Cell],
    is_default: bool,
    is_active: bool,
) -> None:
    wrong: dict[str, list[str]] = {}
    if not one_line(name):
        wrong["name"] = ["Give it a name."]
    elif SlaPolicy.objects.filter(name=one_line(name)).exclude(pk=row.pk).exists():
        wrong["name"] = ["Another policy has this name."]
    if calendar.archived_at is not None:
        wrong["calendar"] = ["This calendar is archived. Pick another."]
    if is_default and not is_active:
        wrong["is_active"] = ["The default takes what no other does; it stays active."]
    if row.is_default and not is_default and not row._state.adding:
        wrong["is_default"] = ["There must be a default. Make another policy the default instead."]
    others = SlaPolicy.objects.filter(is_default=True).exclude(pk=row.pk)
    if is_default and others.exists():
        wrong["is_default"] = ["Another policy is the default."]
    seen = set()
    for cell in cells:
        wrong |= _check_cell(cell)
        if (cell.metric, cell.priority) in seen:
            wrong[f"cells.{cell.metric}.{cell.priority}"] = ["This cell is given twice."]
        seen.add((cell.metric, cell.priority))
    if wrong:
        raise Invalid("The policy is not saved: " + next(iter(wrong.values()))[0], fields=wrong)


def _check_cell(cell: Cell) -> dict[str, list[str]]:
    here = f"cells.{cell.metric}.{cell.priority}"
    if cell.metric not in matching.METRICS or cell.priority not in Priority.values:
        return {here: ["A cell is a metric and a priority, P1 to P4."]}
    wrong: dict[str, list[str]] = {}
    if cell.seconds is not None and not SHORTEST_TARGET <= cell.seconds <= LONGEST_TARGET:
        wrong[f"{here}.seconds"] = ["A target is from one minute to two years."]
    if len(cell.warn_percents) > MOST_WARNINGS or any(not 0 < p < 100 for p in cell.warn_percents):
        wrong[f"{here}.warn_percents"] = [f"Up to {MOST_WARNINGS} warnings, from 1 to 99 percent."]
    if cell.calendar is not None and cell.calendar.archived_at is not None:
        wrong[f"{here}.calendar"] = ["This calendar is archived. Pick another."]
    pairs = [(step.after_seconds, step.notify) for step in cell.steps]
    known = EscalationStep.Notify.values
    if len(pairs) > MOST_STEPS or len(set(pairs)) < len(pairs):
        wrong[f"{here}.steps"] = [f"Up to {MOST_STEPS} steps, each once."]
    elif any(not 0 <= after <= LONGEST_STEP or who not in known for after, who in pairs):
        wrong[f"{here}.steps"] = ["A step tells owner, backup, lead or page, within 30 days."]
    return wrong


# -- order and end


@transaction.atomic
def reorder(*, order: Sequence[int], actor: Actor, now: datetime) -> None:
    """Policies are asked in this order of their ids; the default is always last."""
    _lock_all()
    rows = {row.pk: row for row in SlaPolicy.objects.filter(is_default=False)}
    if sorted(order) != sorted(rows):
        raise Conflict("The list of policies has changed. Load it again.")
    moved = [row for place, pk in enumerate(order, 1) if (row := rows[pk]).position != place]
    for place, pk in enumerate(order, 1):
        rows[pk].position = place
    for row in moved:
        row.changed_at = now
        row.save(update_fields=["position", "changed_at"])
    if moved:
        retiming.order_changed(cause="order of policies", actor=actor, now=now)


@transaction.atomic
def set_active(*, policy: SlaPolicy, is_active: bool, actor: Actor, now: datetime) -> SlaPolicy:
    """Take a policy out of use, or back; its tickets get the next one that matches."""
    _lock_all()
    row = SlaPolicy.objects.get(pk=policy.pk)
    if row.is_default and not is_active:
        raise Conflict("The default takes what no other does. Make another the default first.")
    if row.is_active != is_active:
        row.is_active, row.changed_at, row.version = is_active, now, row.version + 1
        row.save(update_fields=["is_active", "changed_at", "version"])
        cause = f"policy {row.name} {'in' if is_active else 'out of'} use"
        before = retiming.scope(row)
        retiming.policy_changed(policy=row, before=before, cause=cause, actor=actor, now=now)
    return row
