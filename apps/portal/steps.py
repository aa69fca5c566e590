"""What may be done with an incident or an alert now, and in a sentence why something may not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.alerts.models import Alert
from apps.core import transitions
from apps.incidents.guards import Blocker
from apps.incidents.models import Incident
from apps.incidents.selectors import blockers
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
class Check:
    """One line of a step's checklist: done, or what is missing and where it is done."""

    text: str
    is_done: bool
    key: str = ""


@dataclass(frozen=True)
class Step:
    """One move of the lifecycle; `why` says why not, empty when it may be done.

    `fields` are what the step asks for: they are sent with it.
    """

    to: str
    label: str
    submit: str
    why: str = ""
    fields: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()

    @property
    def form_id(self) -> str:
        return f"move-{self.to}"

    @property
    def is_one_click(self) -> bool:
        """Nothing stands in the way and nothing is asked."""
        return not self.why and not self.fields

    @property
    def needs_note(self) -> bool:
        return "note" in self.fields

    @property
    def met(self) -> int:
        return sum(1 for check in self.checks if check.is_done)


# In the order in which an incident goes through them: state, verb, the button that does it.
_FORWARD = (
    (Status.INVESTIGATING, "Declare incident", "Declare it"),
    (Status.IDENTIFIED, "Mark identified", "The cause is identified"),
    (Status.MITIGATED, "Mark mitigated", "Customers are fine again"),
    (Status.RESOLVED, "Resolve", "Resolve it"),
)
_AFTER = (
    (Status.IN_REVIEW, "Open the review", "Open the review"),
    (Status.CLOSED, "Close", "Close it"),
)
# What a step looks at, in words for when it is fulfilled.
_LOOKS_AT: Mapping[str, tuple[tuple[str, str], ...]] = {
    Status.MITIGATED: (("mitigation_note", "What was done is written down"),),
    Status.RESOLVED: (
        ("impact_summary", "Who was hurt, and how, is written down"),
        ("detection_source", "What noticed it first is known"),
        ("public", "Customers were told, or need not be"),
        ("unsent", "No update waits unsent"),
    ),
    Status.CLOSED: (
        ("review", "Its review is published, or none is asked for"),
        ("follow_up", "Every follow-up has an owner who is here"),
        ("elsewhere", "Nothing is left to do in other places"),
    ),
}


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
    held: dict[str, list[Blocker]] = {}
    for one in blockers.of(incident):
        held.setdefault(one.to, []).append(one)
    open_to = transitions.allowed(incident)
    found = [
        _step(to, label, submit, role or _why(incident, to, open_to), held)
        for to, label, submit in _FORWARD
        if incident.is_standing and _ahead(incident, to)
    ]
    after = [
        _step(to, label, submit, role, held)
        for to, label, submit in _AFTER
        if to in open_to and not incident.is_standing
    ]
    if any(one.key == "review" for one in held.get(Status.CLOSED, ())):
        found += after
    else:
        found += after[::-1]  # no review is asked for: closing comes first
    if incident.status == Status.MITIGATED:
        found.append(Step(Status.INVESTIGATING, "Back to investigating", "It is not over", role))
    if incident.status == Status.TRIAGE:
        found.append(_step(Status.DECLINED, "Decline", "It is not an incident", role, held))
    if not incident.is_standing and incident.status != Status.MERGED:
        to = Status.TRIAGE if incident.status == Status.DECLINED else Status.INVESTIGATING
        found.append(_step(to, "Reopen", "Open it again", role, held))
    return found


def _step(
    to: str, label: str, submit: str, why: str, held: Mapping[str, Sequence[Blocker]]
) -> Step:
    found = held.get(to, ())
    deeds = [one.reason for one in found if not one.field]
    return Step(
        to=to,
        label=label,
        submit=submit,
        why=why or " ".join(deeds),
        fields=tuple(dict.fromkeys(one.field for one in found if one.field)),
        checks=_checks(to, found),
    )


def _checks(to: str, found: Sequence[Blocker]) -> tuple[Check, ...]:
    """What the step looks at: what is missing in the guards' words, what is done in ours."""
    missing: dict[str, list[str]] = {}
    for one in found:
        missing.setdefault(one.key, []).append(one.reason)
    known = _LOOKS_AT.get(to, ())
    lines = []
    for key, done in known:
        lines += [Check(text, False, key) for text in missing.pop(key, ())] or [Check(done, True)]
    lines += [Check(text, False, key) for key, texts in missing.items() for text in texts]
    return tuple(lines)


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


def why_not_page(incident: Incident, person: Person) -> str:
    """Why nobody can be paged for it by hand."""
    if not person.may(Grant.PAGE):
        return why_not(person, Grant.PAGE)
    return "" if incident.is_standing else "It is over: nobody is woken for it."


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
