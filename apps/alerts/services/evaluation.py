"""The pass over all rules that are due: look, decide, write, and say so.

Any number of workers may run it at once: each rule is claimed with its row locked, and who comes
second finds it not due any more. A look is about the present alone. After hours of silence the
first pass gives the right state, and nothing is made up for the time between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from django.db import OperationalError, connection, transaction

from apps.alerts.models import RANK, Alert, AlertRule, Firing, RuleGroup, Severity
from apps.alerts.querysets import RuleQuerySet
from apps.alerts.rules import lifecycle, looks
from apps.alerts.rules import params as parameters
from apps.alerts.rules.facts import NotRecorded
from apps.alerts.rules.seen import FIRING, NO_DATA, SUPPRESSED, Asked, Seen
from apps.alerts.selectors.observing import Observer
from apps.alerts.services import raising, rules, telling
from apps.core.errors import DomainError, Invalid, is_away
from apps.intake.models import Integration

log = structlog.get_logger("opsportal.alerts")
CHUNK = 10  # rules in one transaction: so long their switches wait
EARLY = timedelta(seconds=5)  # a tick that comes a little early must not wait for the next one
AGAIN = timedelta(minutes=15)  # after somebody resolved an alert that its rule still raises
MOST_GROUPS = 1_000  # of a rule: all may fire at once, and the other rules wait meanwhile
FORGET = timedelta(days=7)  # a group that nothing came of for so long
PATIENCE_MS = 5_000  # of one statement of a look
State = RuleGroup.State
_LOCK = 0x4F50_0006  # advisory lock: the rules of one objective are judged one after the other


def evaluate_due(*, now: datetime, limit: int = 1000) -> int:
    """Look with every rule that is due; answers how many looked."""
    reader, done = Observer(), 0
    while done < limit:
        looked = _chunk(reader, now, min(CHUNK, limit - done))
        done += looked
        if not looked:
            break
    return done


def look_now(*, rule: AlertRule, now: datetime) -> list[Seen]:
    """What a rule would say at this moment, on or not. Nothing is written."""
    return _seen(rule, {}, Observer(), now)


@transaction.atomic
def _chunk(reader: Observer, now: datetime, most: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
    due = _due(now)
    rows = due.select_related("surface", "owner", "runbook", "slo", "slo__surface")
    # Within one objective the graver tier is judged first, so that it is heard and not the other.
    claimed = list(
        rows.select_for_update(of=("self",), skip_locked=True).order_by("tier", "pk")[:most]
    )
    others = due.exclude(pk__in=[rule.pk for rule in claimed])
    mine = [rule for rule in claimed if _may_judge(rule, others)]
    known = _groups(mine)
    standing = _standing(known)
    for rule in mine:
        _evaluate(rule, known.get(rule.pk, {}), reader, standing, now)
    AlertRule.objects.bulk_update(mine, ["next_at", "evaluated_at", "error", "last_fired_at"])
    return len(mine)


def _due(now: datetime) -> RuleQuerySet:
    on = AlertRule.objects.filter(status=AlertRule.Status.ON, archived_at=None)
    return on.filter(next_at__lte=now + EARLY)


def _may_judge(rule: AlertRule, others: RuleQuerySet) -> bool:
    """Not while another worker has a rule of its objective, or is about to judge a graver one."""
    if rule.slo_id is None:
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK, rule.slo_id & 0x7FFF_FFFF]
        )
        row = cursor.fetchone()
    return bool(row and row[0]) and not others.filter(slo=rule.slo_id, tier__lt=rule.tier).exists()


def _groups(rules: Sequence[AlertRule]) -> dict[int, dict[str, RuleGroup]]:
    found: dict[int, dict[str, RuleGroup]] = {}
    for group in RuleGroup.objects.filter(rule__in=rules).order_by("pk"):
        found.setdefault(group.rule_id, {})[group.group] = group
    by_pk = {rule.pk: rule for rule in rules}
    for pk, groups in found.items():
        for group in groups.values():
            group.rule = by_pk[pk]
    return found


def _standing(known: dict[int, dict[str, RuleGroup]]) -> set[str]:
    """Dedup keys of the alerts that stand, of those that firing groups raised."""
    keys = [
        raising.dedup_key(group.rule, group.group)
        for groups in known.values()
        for group in groups.values()
        if group.state == State.FIRING and not group.is_inhibited
    ]
    if not keys:
        return set()
    rows = Alert.objects.filter(integration__kind=Integration.Kind.INTERNAL, dedup_key__in=keys)
    return set(rows.standing().values_list("dedup_key", flat=True))


# -- one rule


def _evaluate(
    rule: AlertRule,
    groups: dict[str, RuleGroup],
    reader: Observer,
    standing: set[str],
    now: datetime,
) -> None:
    """In a savepoint of its own: what fails is said of this rule, and the others go on."""
    was = rule.error
    try:
        with transaction.atomic():
            seen = _seen(rule, groups, reader, now)
            left_out = _apply(rule, groups, seen, standing, now)
        rule.error = _too_many(left_out) if left_out else ""
    except OperationalError as error:
        if is_away(error):
            raise
        rule.error = "The database took too long to answer what it asks."
    except (DomainError, parameters.BadParams, NotRecorded) as error:
        rule.error = str(error)[:300]
    except Exception as error:
        log.exception("rule failed", rule=rule.key)
        rule.error = f"Its look failed: {type(error).__name__}."
    rule.evaluated_at = now
    rule.next_at = next_look(rule.every_seconds, now)
    if rule.error and not was:
        log.warning("rule cannot look", rule=rule.key, error=rule.error)
        telling.tell_owner(rule, now)


def next_look(every_seconds: int, now: datetime) -> datetime:
    """On a grid of the clock, so that looks neither drift nor miss the tick that comes early."""
    ticks = int((now + EARLY).timestamp()) // every_seconds + 1
    return datetime.fromtimestamp(ticks * every_seconds, UTC)


def _seen(
    rule: AlertRule, groups: dict[str, RuleGroup], reader: Observer, now: datetime
) -> list[Seen]:
    slo = rule.slo
    if slo is not None and slo.archived_at is not None:
        return [Seen("", SUPPRESSED, "Its objective is laid down: nothing is judged by it.")]
    if slo is not None and (said := rules.why_no_burn(slo)):
        raise Invalid(said)
    asked = Asked(
        objective=float(slo.objective) if slo else None,
        slo_path=f"/slos/{slo.key}/" if slo else "",
        memory={name: group.memory for name, group in groups.items()},
    )
    whole = parameters.check(rule.kind, rule.params)
    return looks.judge(rule.kind, whole, reader.of(slo), now, asked)


def _apply(
    rule: AlertRule,
    groups: dict[str, RuleGroup],
    seen: Sequence[Seen],
    standing: set[str],
    now: datetime,
) -> int:
    """Answers how many groups were left out: senders choose what groups are called."""
    room = max(0, MOST_GROUPS - len(groups))
    fresh = [one.group for one in seen if one.group not in groups]
    beyond = set(fresh[room:])
    seen = [one for one in seen if one.group not in beyond]
    here = {one.group: one for one in seen}
    gone = [_absent(rule, group) for name, group in groups.items() if name not in here]
    heard = _heard(rule)
    touched, dropped = [], []
    for one in (*seen, *gone):
        group = groups.get(one.group)
        if group is not None and _is_over(group, one, now):
            dropped.append(group.pk)
            continue
        row = group or RuleGroup(rule=rule, group=one.group, since=now, looked_at=now)
        if group is not None and one in gone and _is_quiet(group, one):
            continue
        _step(rule, row, one, standing, now, inhibited=lifecycle.inhibited(rule.tier, heard))
        touched.append(row)
    _save(touched)
    if dropped:
        RuleGroup.objects.filter(pk__in=dropped).delete()
    return len(beyond)


def _too_many(left_out: int) -> str:
    return (
        f"It looks at {MOST_GROUPS:,} groups, and {left_out:,} more are left out. Narrow it down, "
        "or judge all of them as one."
    )


def _absent(rule: AlertRule, group: RuleGroup) -> Seen:
    found = looks.absent(rule.kind, group.group)
    if group.memory.get("changed"):
        return Seen(group.group, "gone", "The rule was changed and does not look at it any more.")
    return found


def _is_over(group: RuleGroup, seen: Seen, now: datetime) -> bool:
    """Nothing stands, and there is nothing any more: the row goes."""
    if group.state != State.OK:
        return False
    return seen.look == "gone" or (
        seen.look == NO_DATA and group.look == NO_DATA and bool(group.group)
        and now - group.looked_at > FORGET
    )  # fmt: skip


def _is_quiet(group: RuleGroup, seen: Seen) -> bool:
    """Said already that nothing comes: its time stays that of when it was said."""
    return group.state == State.OK and group.look == seen.look == NO_DATA


def _heard(rule: AlertRule) -> list[int]:
    """The tiers of this objective's other rules that fire."""
    if rule.slo_id is None:
        return []
    others = RuleGroup.objects.filter(
        rule__slo=rule.slo_id, rule__status=AlertRule.Status.ON, state=State.FIRING
    )
    return list(others.exclude(rule=rule).values_list("rule__tier", flat=True).distinct())


def _save(rows: Iterable[RuleGroup]) -> None:
    RuleGroup.objects.bulk_create(
        list(rows),
        update_conflicts=True,
        unique_fields=["rule", "group"],
        update_fields=[
            "state", "look", "since", "last_true_at", "is_inhibited", "value", "limit", "n",
            "text", "memory", "looked_at",
        ],
    )  # fmt: skip


# -- one group


def _step(
    rule: AlertRule, row: RuleGroup, seen: Seen, standing: set[str], now: datetime,
    *, inhibited: bool,
) -> None:  # fmt: skip
    step = lifecycle.step(
        lifecycle.Standing(row.state, row.since, row.last_true_at),
        seen.look,
        now=now,
        for_seconds=rule.for_seconds,
        keep_seconds=rule.keep_firing_seconds,
    )
    if step.event in {"resolved", "gone silent"}:
        raising.end(rule=rule, group=row, text=_ending(step.event, seen), now=now)
        row.is_inhibited = False
    at = step.standing
    row.state, row.since, row.last_true_at = at.state, at.since, at.last_true_at
    kept = {name: row.memory[name] for name in ("severity", "told_at") if name in row.memory}
    row.memory = {**dict(seen.memory), **kept} if row.state == State.FIRING else dict(seen.memory)
    if step.event == "fired":
        _fire(rule, row, seen, now, inhibited=inhibited)
    elif row.state == State.FIRING and seen.look == FIRING:
        _tell_more(rule, row, seen, standing, now, inhibited=inhibited)
    _note(row, seen, now)


def _note(row: RuleGroup, seen: Seen, now: datetime) -> None:
    """What the page of the rule shows. Nothing new leaves the numbers of before."""
    row.look = seen.look if seen.look != "gone" else NO_DATA
    row.text, row.looked_at = seen.text[:400], now
    row.value, row.limit, row.n = seen.value, seen.limit, seen.n


def _ending(event: str, seen: Seen) -> str:
    if event == "gone silent":
        return f"Closed without a proof that it is well: nothing came for a day. {seen.text}"
    return seen.text


def _fire(rule: AlertRule, row: RuleGroup, seen: Seen, now: datetime, *, inhibited: bool) -> None:
    Firing.objects.create(
        rule=rule, group=row.group, fired_at=now, value=seen.value, text=seen.text[:400],
        was_inhibited=inhibited,
    )  # fmt: skip
    rule.last_fired_at = now
    row.is_inhibited = inhibited
    if not inhibited:
        raising.raise_alert(rule=rule, group=row, seen=seen, now=now)


def _tell_more(
    rule: AlertRule, row: RuleGroup, seen: Seen, standing: set[str], now: datetime,
    *, inhibited: bool,
) -> None:  # fmt: skip
    """It goes on. That is told when the graver rule ended that was heard instead, when it became
    worse, and when somebody resolved the alert and it was no good."""
    if row.is_inhibited:
        if not inhibited:
            row.is_inhibited = False
            open_one = Firing.objects.filter(rule=rule, group=row.group, resolved_at=None)
            open_one.update(was_inhibited=False)
            raising.raise_alert(rule=rule, group=row, seen=seen, now=now)
        return
    told = row.memory.get("severity")
    grave = raising.severity(rule, seen)
    if told is None or RANK[Severity(grave)] > RANK[Severity(told)]:
        raising.raise_alert(rule=rule, group=row, seen=seen, now=now)
        return
    patience = max(AGAIN.total_seconds(), rule.keep_firing_seconds)
    long_ago = now.timestamp() - float(row.memory.get("told_at", 0)) >= patience
    if long_ago and raising.dedup_key(rule, row.group) not in standing:
        raising.raise_alert(rule=rule, group=row, seen=seen, now=now, again=True)
