"""How incidents hurt the components of the status page, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from apps.alerts.models import MaintenanceWindow
from apps.core.errors import Invalid
from apps.core.models import Kind
from apps.incidents.models import Component, ComponentImpact, Incident
from apps.incidents.models.comms import State

WELL_TO_WORST = tuple(State)
STATES = frozenset(State) - {State.MAINTENANCE}  # that one comes from a maintenance window


@transaction.atomic
def set_states(*, incident: Incident, states: Mapping[str, str], now: datetime) -> int:
    """Make `states` (component key → `State`) true of this incident from `now` on.

    A component that is not named stays as it is; `operational` ends its impact. Another state
    ends the one before and begins the new one, so that the history keeps both. Answers how many
    components changed. Raises Invalid, by field `states`, for an unknown component or state. What
    is not real, or restricted, never reaches the page: nothing is written.
    """
    wanted = check_states(states)
    if not is_public(incident) or not wanted:
        return 0
    Incident.objects.select_for_update(of=("self",), no_key=True).get(pk=incident.pk)
    standing = {one.component_id: one for one in _open(incident)}
    changed = 0
    for component, state in wanted.items():
        row = standing.get(component.pk)
        if (row.state if row else State.OPERATIONAL) == state:
            continue
        changed += 1
        if row is not None:
            _end(row, now)
        if state != State.OPERATIONAL:
            since = max(now, row.from_at) if row else now
            ComponentImpact.objects.create(
                component=component, incident=incident, state=state, from_at=since
            )
    return changed


def check_states(states: Mapping[str, str]) -> dict[Component, State]:
    """`states` by component, in the page's order; raises Invalid for what cannot be."""
    found = {one.key: one for one in Component.objects.filter(archived_at=None)}
    unknown = sorted(set(states) - set(found))
    wrong = sorted({str(state) for state in states.values()} - {str(one) for one in STATES})
    if unknown or wrong:
        said = (
            f"There is no component {unknown[0][:40]!r}."
            if unknown
            else f"A component cannot be {wrong[0][:40]!r}."
        )
        raise Invalid(said, fields={"states": [said]})
    return {row: State(states[key]) for key, row in found.items() if key in states}


@transaction.atomic
def clear(*, incident: Incident, now: datetime) -> int:
    """End every impact of the incident: it is over, or it is merged. Answers how many ended."""
    rows = list(_open(incident))
    for row in rows:
        _end(row, now)
    return len(rows)


def is_public(incident: Incident) -> bool:
    """Whether anything of the incident may be seen outside at all."""
    return incident.kind == Kind.REAL and incident.visibility == Incident.Visibility.OPEN


def effective(*, component: Component, now: datetime) -> State:
    """The worst that is true of a component at `now`: of several incidents, and maintenance."""
    hurt = ComponentImpact.objects.filter(
        component=component,
        to_at=None,
        from_at__lte=now,
        incident__kind=Kind.REAL,
        incident__visibility=Incident.Visibility.OPEN,
    )
    states = [State(one) for one in hurt.values_list("state", flat=True)]
    work = MaintenanceWindow.objects.public().filter(
        status=MaintenanceWindow.Status.IN_PROGRESS, surfaces__components=component
    )
    if work.exists():
        states.append(State.MAINTENANCE)
    return max(states, key=WELL_TO_WORST.index, default=State.OPERATIONAL)


def _open(incident: Incident) -> list[ComponentImpact]:
    rows = ComponentImpact.objects.filter(incident=incident, to_at=None).order_by("pk")
    return list(rows.select_for_update(of=("self",)))


def _end(row: ComponentImpact, now: datetime) -> None:
    row.to_at = max(now, row.from_at)
    row.save(update_fields=["to_at"])
