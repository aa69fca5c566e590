"""What may be done with an incident or an alert now, and in a sentence why something may not."""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.alerts.models import Alert
from apps.core import transitions
from apps.incidents.models import Incident
from apps.portal.access import why_not

Status = Incident.Status
LIFECYCLE = (
    Status.TRIAGE,
    Status.INVESTIGATING,
    Status.IDENTIFIED,
    Status.MITIGATED,
    Status.RESOLVED,
)
LATER = (Status.IN_REVIEW, Status.CLOSED)


@dataclass(frozen=True)
class Step:
    """One move of the lifecycle; `why` says why not, empty when it may be done."""

    to: str
    label: str
    submit: str
    why: str = ""
    needs_note: bool = False

    @property
    def form_id(self) -> str:
        return f"move-{self.to}"


# In the order in which an incident goes through them: state, verb, the button that does it.
_FORWARD = (
    (Status.INVESTIGATING, "Declare incident", "Declare it"),
    (Status.IDENTIFIED, "Mark identified", "The cause is identified"),
    (Status.MITIGATED, "Mark mitigated", "Customers are fine again"),
    (Status.RESOLVED, "Resolve", "Resolve it"),
)


def lifecycle(incident: Incident) -> list[dict[str, str]]:
    """The stepper's items; declined and merged incidents end where they are, and a state that was
    skipped on the way is left out."""
    status = Status(incident.status)
    if status in {Status.DECLINED, Status.MERGED}:
        return [
            {"label": Status.TRIAGE.label, "state": "done"},
            {"label": status.label, "state": "now"},
        ]
    shown = [*LIFECYCLE, *(LATER[: LATER.index(status) + 1] if status in LATER else ())]
    at = shown.index(status)
    been = set(incident.timeline.filter(what__in=shown).values_list("what", flat=True))
    return [
        {"label": step.label, "state": "done" if i < at else "now" if i == at else "next"}
        for i, step in enumerate(shown)
        if i >= at or step in been or step == Status.TRIAGE
    ]


def steps(incident: Incident, person: Person) -> list[Step]:
    """Every move, allowed or refused with the reason, the next one forward first."""
    role = why_not(person, Grant.RESPOND)
    open_to = transitions.allowed(incident)
    found = [
        Step(to, label, submit, role or _why(incident, to, open_to))
        for to, label, submit in _FORWARD
        if incident.is_standing and _ahead(incident, to)
    ]
    if incident.status == Status.MITIGATED:
        found.append(Step(Status.INVESTIGATING, "Back to investigating", "It is not over", role))
    if incident.status == Status.TRIAGE:
        found.append(Step(Status.DECLINED, "Decline", "It is not an incident", role))
    if not incident.is_standing and incident.status != Status.MERGED:
        to = Status.TRIAGE if incident.status == Status.DECLINED else Status.INVESTIGATING
        found.append(Step(to, "Reopen", "Open it again", role, needs_note=True))
    return found


def _ahead(incident: Incident, to: Status) -> bool:
    return LIFECYCLE.index(to) > LIFECYCLE.index(Status(incident.status))


def _why(incident: Incident, to: str, open_to: frozenset[str]) -> str:
    if to in open_to:
        return ""
    if incident.status == Status.TRIAGE:
        return "Declare it first, or resolve it as it is."
    return f"It is {Status(incident.status).label.lower()}; that comes first."


def why_not_acknowledge(waiting: int, person: Person) -> str:
    """Why no page of an incident can be acknowledged; `waiting` is how many wait."""
    return why_not(person, Grant.RESPOND) or ("" if waiting else "No page of it waits.")


def why_not_command(incident: Incident, person: Person) -> str:
    if why := why_not(person, Grant.RESPOND):
        return why
    if incident.commander_id == person.pk:
        return "You are in command."
    return "" if incident.is_standing else "It is over."


def why_not_severity(incident: Incident, person: Person) -> str:
    if incident.status == Status.MERGED:
        return "It was merged into another one."
    return why_not(person, Grant.RESPOND)


def alert_refusals(alert: Alert, person: Person) -> dict[str, str]:
    """Action → why not; empty where it may be done."""
    role = why_not(person, Grant.RESPOND)
    over = "It is resolved." if alert.status == Alert.Status.RESOLVED else ""
    taken = "Somebody acknowledged it." if alert.status == Alert.Status.ACKNOWLEDGED else ""
    return {
        "acknowledge": role or over or taken,
        "resolve": role or over,
        "route": why_not(person, Grant.ROUTE) or over,
        "comment": role,
    }
