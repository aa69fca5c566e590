"""Writing an update: to whom, with which prepared words, what it says of the components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.incidents.models import (
    Audience,
    CommsTemplate,
    Component,
    ComponentImpact,
    Incident,
    SeverityLevel,
    StatusUpdate,
)
from apps.incidents.models.comms import Stage, State
from apps.incidents.selectors import updates
from apps.incidents.services import templates

ENDED = frozenset({"resolved", "in_review", "closed"})
LONG_AFTER = timedelta(hours=2)
ROUND_TO = 300  # seconds: a promise is given for a round minute
STAGES = [choice for choice in Stage.choices if choice[0] != Stage.MAINTENANCE]


@dataclass(frozen=True)
class Part:
    """A component of the status page and what the message says of it."""

    component: Component
    state: str
    is_hurt: bool

    @property
    def name(self) -> str:
        return f"state-{self.component.key}"


def audiences(incident: Incident) -> list[Audience]:
    """Whom one can write to, those that the severity asks for in front."""
    rows = list(Audience.objects.filter(archived_at=None).order_by("position", "key"))
    asked = set(
        Audience.objects.filter(severitylevel=incident.severity).values_list("pk", flat=True)
    )
    return sorted(rows, key=lambda one: one.pk not in asked)


def fitting_stage(incident: Incident, audience: Audience, *, now: datetime) -> str:
    """What comes next for this audience: the first message, another one, the last one."""
    if incident.status in ENDED:
        return Stage.RESOLVED
    told = updates.published(incident, audience.side).filter(audience=audience).exists()
    if not told:
        return Stage.INITIAL
    long = now - (incident.declared_at or incident.detected_at) >= LONG_AFTER
    return Stage.LONG if long else Stage.UPDATE


def promise(incident: Incident, *, stage: str, now: datetime) -> datetime | None:
    """When the next update would be due by the framework, on a round minute; None for none."""
    level = SeverityLevel.objects.filter(pk=incident.severity).first()
    if level is None or stage in {Stage.RESOLVED, Stage.POSTMORTEM}:
        return None
    age = (now - (incident.declared_at or incident.detected_at)).total_seconds()
    early = age < level.cadence_switch_seconds
    seconds = level.cadence_first_seconds if early else level.cadence_after_seconds
    if not seconds:
        return None
    at = int((now + timedelta(seconds=seconds)).timestamp())
    return datetime.fromtimestamp(at - at % ROUND_TO, tz=now.tzinfo)


def templates_of(incident: Incident, audience: Audience) -> list[CommsTemplate]:
    """Prepared words for this audience."""
    rows = CommsTemplate.objects.filter(audience=audience, archived_at=None)
    return [row for row in rows if row.type_id is None or row.type_id == incident.type_id]


def words(
    incident: Incident,
    audience: Audience,
    stage: str,
    template: CommsTemplate | None,
    *,
    now: datetime,
    next_update_at: datetime | None,
) -> tuple[str, str]:
    """Subject and message to begin with; empty where nothing is prepared."""
    return templates.prepared(
        incident=incident,
        audience=audience,
        stage=stage,
        now=now,
        template=template,
        next_update_at=next_update_at,
    )


def parts(incident: Incident, audience: Audience, update: StatusUpdate | None) -> list[Part]:
    """The components that the message can speak of, those that are hurt or likely to be first."""
    if not audience.on_status_page:
        return []
    hurt = dict(
        ComponentImpact.objects.filter(incident=incident, to_at=None).values_list(
            "component_id", "state"
        )
    )
    surface = incident.surface
    near = {surface.pk, surface.parent_id} if surface else set()
    rows = Component.objects.filter(archived_at=None).prefetch_related("surfaces")
    found = []
    for row in rows:
        said = (update.states if update else {}).get(row.key) or hurt.get(row.pk)
        likely = any(one.pk in near for one in row.surfaces.all())
        found.append(Part(row, said or State.OPERATIONAL, bool(said) or likely))
    return sorted(found, key=lambda part: not part.is_hurt)


def states_of(rows: Sequence[Part], given: dict[str, str]) -> dict[str, str]:
    """Component → state as it was sent; a well component that was well is left out."""
    states = {}
    for part in rows:
        state = given.get(part.name, part.state)
        if state != State.OPERATIONAL or part.state != State.OPERATIONAL:
            states[part.component.key] = state
    return states
