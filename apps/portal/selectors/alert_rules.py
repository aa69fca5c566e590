"""Rules as their pages show them: where each stands, what its look means, when it fired last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.accounts.models import Person
from apps.alerts.models import Alert, AlertRule, Firing, RuleGroup, Silence
from apps.alerts.models.rules import Look
from apps.alerts.rules import looks, params
from apps.alerts.rules.seen import WORST
from apps.core.models import StatusChange
from apps.intake.models import Integration

Status, State = AlertRule.Status, RuleGroup.State
VIEWS = {
    "all": "All", "firing": "Firing", "on": "On", "draft": "Drafts", "off": "Off",
    "never": "Never fired",
}  # fmt: skip
SIZE = 50
GROUPS = 100
FIRINGS = 20
SILENT_FOR = timedelta(days=28)  # a rule that was on for longer and never fired is named so

# What one look says: (words, tone, shape, what it means).
LOOKS: Mapping[str, tuple[str, str, str, str]] = {
    Look.OK: ("OK", "success", "check", "There is enough to judge by, and it keeps its limit."),
    Look.WARNING: (
        "Warning", "warning", "warn",
        "The figure is over its limit, but of so few that it may be chance.",
    ),
    Look.FIRING: ("Over the limit", "danger", "over", "The condition is true."),
    Look.PROVEN: (
        "Proven", "success", "check", "Even at its cautious bound it keeps the target.",
    ),
    Look.INSUFFICIENT: (
        "Not enough data", "", "dash", "Fewer than it needs: neither good nor bad is said.",
    ),
    Look.NO_DATA: ("No data", "warning", "ring", "Nothing came. That is not the same as good."),
    Look.SUPPRESSED: ("Suppressed", "", "pause", "Paused or archived on purpose."),
}  # fmt: skip
STATES: Mapping[str, tuple[str, str, str]] = {
    "firing": ("Firing", "danger", "over"),
    "pending": ("Pending", "warning", "clock"),
    "draft": ("Draft", "", "new"),
    "off": ("Off", "", "slash"),
    "error": ("Cannot look", "warning", "warn"),
    "waiting": ("Not looked yet", "", "clock"),
}
_ORDER = ("error", "firing", "pending")


@dataclass(frozen=True)
class Row:
    """A rule in the list. `state` is what people are told, or the worst look of its groups."""

    rule: AlertRule
    state: str
    firing: int = 0
    groups: int = 0
    is_silenced: bool = False

    @property
    def shown(self) -> tuple[str, str, str]:
        if self.state in STATES:
            return STATES[self.state]
        text, tone, glyph, _ = LOOKS[self.state]
        return text, tone, glyph

    @property
    def condition(self) -> str:
        return condition(self.rule.kind, self.rule.params)


def condition(kind: str, given: Mapping[str, Any]) -> str:
    """The condition in a sentence; why there is none, where the parameters are no more valid."""
    try:
        return looks.describe(kind, params.check(kind, given))
    except params.BadParams as error:
        return f"Its parameters are not valid any more: {error}"


def listed(viewer: Person) -> QuerySet[AlertRule]:
    rows = AlertRule.objects.visible_to(viewer).current()
    return rows.select_related("surface", "owner").order_by("name", "pk")


def counts(viewer: Person, now: datetime) -> dict[str, int]:
    rows = AlertRule.objects.visible_to(viewer).current()
    found: dict[str, int] = rows.aggregate(
        all=Count("pk"),
        firing=Count("pk", filter=Q(pk__in=_firing_rules())),
        on=Count("pk", filter=Q(status=Status.ON)),
        draft=Count("pk", filter=Q(status=Status.DRAFT)),
        off=Count("pk", filter=Q(status=Status.OFF)),
        never=Count("pk", filter=never_fired(now)),
    )
    return found


def _firing_rules() -> Any:
    return RuleGroup.objects.filter(state=State.FIRING).values("rule")


def never_fired(now: datetime) -> Q:
    """On, older than four weeks, and it never fired: it may watch nothing."""
    return Q(status=Status.ON, last_fired_at=None, created_at__lt=now - SILENT_FOR)


def of_view(rows: QuerySet[AlertRule], view: str, now: datetime) -> QuerySet[AlertRule]:
    if view == "firing":
        return rows.filter(pk__in=_firing_rules())
    if view == "never":
        return rows.filter(never_fired(now))
    return rows if view == "all" else rows.filter(status=view)


def page(found: QuerySet[AlertRule], number: int, now: datetime) -> tuple[list[Row], bool]:
    """Page `number` (from 1) of rules, the ones that need somebody first; whether more follow."""
    rules = list(found)
    rows = sorted(_rows(rules, now), key=_place)
    start = (number - 1) * SIZE
    return rows[start : start + SIZE], len(rows) > start + SIZE


def _place(row: Row) -> tuple[int, str]:
    first = _ORDER.index(row.state) if row.state in _ORDER else len(_ORDER)
    return first, row.rule.name.lower()


def _rows(rules: Sequence[AlertRule], now: datetime) -> list[Row]:
    said: dict[int, list[tuple[str, str]]] = {}
    groups = RuleGroup.objects.filter(rule__in=rules)
    for pk, state, look in groups.values_list("rule", "state", "look"):
        said.setdefault(pk, []).append((state, look))
    silenced = set(Silence.objects.holding(now).values_list("rule", flat=True))
    return [_row(rule, said.get(rule.pk, []), rule.pk in silenced) for rule in rules]


def _row(rule: AlertRule, said: Sequence[tuple[str, str]], is_silenced: bool) -> Row:
    firing = sum(state == State.FIRING for state, _ in said)
    return Row(rule, state_of(rule, said), firing, len(said), is_silenced)


def state_of(rule: AlertRule, said: Iterable[tuple[str, str]]) -> str:
    """What is shown of a rule: why it says nothing, what people are told, or its worst look."""
    if rule.status != Status.ON:
        return str(rule.status)
    found = list(said)
    if rule.error:
        return "error"
    for state in (State.FIRING, State.PENDING):
        if any(one == state for one, _ in found):
            return str(state)
    seen = {look for _, look in found}
    return next((look for look in WORST if look in seen), "waiting")


# -- one rule


@dataclass(frozen=True)
class Group:
    """Where a rule stands for one group, with the alert that it raised."""

    row: RuleGroup
    alert: Alert | None

    @property
    def look(self) -> tuple[str, str, str, str]:
        return LOOKS[self.row.look]

    @property
    def state(self) -> tuple[str, str, str]:
        """OK takes a look that says so: too little to judge by is no good news."""
        if self.row.state in STATES:
            return STATES[self.row.state]
        good = self.row.look in {Look.OK, Look.PROVEN}
        return ("OK", "success", "check") if good else ("Not firing", "", "ring")


@dataclass(frozen=True)
class Story:
    """A rule with all that its page shows."""

    rule: AlertRule
    state: tuple[str, str, str]
    condition: str
    about: str
    groups: Sequence[Group]
    more_groups: int
    firings: Sequence[Firing]
    fired: int  # in 28 days
    moves: Sequence[StatusChange]
    silences: Sequence[Silence]
    missing: Sequence[str] = field(default=())  # what it lacks to be switched on


def story(rule: AlertRule, viewer: Person, now: datetime) -> Story:
    groups = sorted(rule.groups.all(), key=_grave)
    alerts = _alerts(rule, viewer)
    row = _row(rule, [(one.state, one.look) for one in groups], False)
    firings = rule.firings.order_by("-fired_at", "-pk")
    silences = Silence.objects.visible_to(viewer).holding(now).filter(rule=rule)
    return Story(
        rule=rule,
        state=row.shown,
        condition=row.condition,
        about=params.KINDS[rule.kind].about,
        groups=[Group(one, alerts.get(one.group)) for one in groups[:GROUPS]],
        more_groups=max(0, len(groups) - GROUPS),
        firings=list(firings[:FIRINGS]),
        fired=firings.filter(fired_at__gte=now - SILENT_FOR, was_inhibited=False).count(),
        moves=_moves(rule),
        silences=list(silences.select_related("created_by").order_by("ends_at")),
        missing=missing(rule),
    )


def _grave(group: RuleGroup) -> tuple[int, int, str]:
    states = (State.FIRING, State.PENDING, State.OK)
    look = WORST.index(group.look) if group.look in WORST else len(WORST)
    return states.index(State(group.state)), look, group.group


def _alerts(rule: AlertRule, viewer: Person) -> dict[str, Alert]:
    """Group → the alert that stands for it."""
    stem = f"rule:{rule.key}"
    found = Alert.objects.visible_to(viewer).real().standing()
    own = found.filter(integration__kind=Integration.Kind.INTERNAL)
    mine = own.filter(Q(dedup_key=stem) | Q(dedup_key__startswith=f"{stem}:"))
    return {
        alert.dedup_key.removeprefix(stem).removeprefix(":"): alert
        for alert in mine.only("pk", "dedup_key", "status")
    }


def _moves(rule: AlertRule) -> list[StatusChange]:
    """When it was switched on and off, by whom and why; the newest first."""
    found = StatusChange.objects.filter(kind=rule._meta.label_lower, ref=str(rule.pk))
    return list(found.order_by("-at", "-pk")[:10])


def missing(rule: AlertRule) -> list[str]:
    """What a rule lacks to be switched on, in sentences."""
    found = []
    if rule.owner is None or not rule.owner.is_active:
        found.append("It has no owner who is here.")
    if rule.runbook is None or rule.runbook.archived_at is not None:
        found.append("It has no runbook.")
    try:
        params.check(rule.kind, rule.params)
    except params.BadParams as error:
        found.append(f"Its parameters are not valid: {error}")
    return found
