"""The steps of a policy as rows of one form: a wait, up to four whom it tells, and a tick."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.core.exceptions import ValidationError

from apps.accounts.models import Person, Team
from apps.core.admin_base.rows import Row, RowsField, RowsWidget
from apps.paging.models import EscalationStep, StepTarget
from apps.paging.services import PolicyStep
from apps.rotations.models import Role, Schedule

Kind = StepTarget.Kind
SLOTS = 4
MAX_WAIT = 1440  # minutes: a day
_PLAIN = (
    Kind.SURFACE_ON_CALL,
    Kind.SURFACE_PRIMARY,
    Kind.SURFACE_BACKUP,
    Kind.SURFACE_LEAD,
    Kind.MANAGERS,
)
Choice = tuple[str, str]


def target_choices() -> list[tuple[str, list[Choice]]]:
    """Everyone whom a step can tell, in groups; three queries."""
    people = Person.objects.active().values_list("pk", "name")
    teams = list(Team.objects.filter(archived_at=None).values_list("pk", "name"))
    schedules = Schedule.objects.current().values_list("pk", "name")
    found: list[tuple[str, list[Choice]]] = [
        ("By the surface", [(str(kind), str(kind.label)) for kind in _PLAIN]),
        ("On call in a schedule", [
            choice for pk, name in schedules for choice in (
                (f"schedule:{pk}:primary", f"On call in {name}"),
                (f"schedule:{pk}:secondary", f"Secondary in {name}"),
            )
        ]),
        ("A team", [
            choice for pk, name in teams for choice in (
                (f"team:{pk}", f"Everybody in {name}"), (f"team_lead:{pk}", f"The lead of {name}")
            )
        ]),
        ("A person", [(f"person:{pk}", name) for pk, name in people]),
    ]  # fmt: skip
    return [(group, choices) for group, choices in found if choices]


def rows_of(steps: Iterable[EscalationStep]) -> list[dict[str, Any]]:
    """Stored steps as the form's rows; steps come with their targets."""
    return [
        {
            "wait": str(step.delay_minutes),
            "hours": "on" if step.only_in_working_hours else "",
            **{f"t{n}": _token(one) for n, one in enumerate(list(step.targets.all())[:SLOTS])},
        }
        for step in steps
    ]


def _token(target: StepTarget) -> str:
    match target.kind:
        case Kind.PERSON:
            return f"person:{target.person_id}"
        case Kind.TEAM | Kind.TEAM_LEAD:
            return f"{target.kind}:{target.team_id}"
        case Kind.SCHEDULE:
            return f"schedule:{target.schedule_id}:{target.role}"
    return str(target.kind)


def told(target: StepTarget) -> str:
    """A stored target in a few words: “the lead of Data”, “on call in Profiler”."""
    match target.kind:
        case Kind.PERSON:
            return str(target.person)
        case Kind.TEAM:
            return f"everybody in {target.team}"
        case Kind.TEAM_LEAD:
            return f"the lead of {target.team}"
        case Kind.SCHEDULE:
            role = "" if target.role == Role.PRIMARY else f"{target.get_role_display().lower()}, "
            return f"{role}on call in {target.schedule}"
    words = target.get_kind_display()
    return words[:1].lower() + words[1:]


def target_of(token: str) -> dict[str, Any]:
    """The fields of a target from its choice; ValidationError when the choice is gone."""
    kind, _, rest = token.partition(":")
    pk, _, role = rest.partition(":")
    if kind in _PLAIN and not rest:
        return {"kind": kind}
    if kind not in {Kind.PERSON, Kind.TEAM, Kind.TEAM_LEAD, Kind.SCHEDULE} or not pk.isdecimal():
        raise ValidationError("choose whom it tells from the list.")
    name, rows = {
        Kind.PERSON: ("person", Person.objects.active()),
        Kind.SCHEDULE: ("schedule", Schedule.objects.current()),
    }.get(Kind(kind), ("team", Team.objects.filter(archived_at=None)))
    found = rows.filter(pk=int(pk)).first() if len(pk) < 19 else None
    if found is None:
        raise ValidationError("somebody whom it tells is gone. Choose again.")
    more = {"role": role} if role in Role.values else {}
    return {"kind": kind, name: found, **more}


class StepsWidget(RowsWidget):
    template_name = "admin/ops/steps.html"
    parts: ClassVar[tuple[str, ...]] = (
        "position", "wait", "hours", "remove", *(f"t{n}" for n in range(SLOTS)),
    )  # fmt: skip
    max_rows = 12

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        self.offered = target_choices()
        return super().get_context(name, value, attrs)

    def shown(self, row: Row) -> dict[str, Any]:
        known = {token for _, group in self.offered for token, _ in group}
        chosen = [str(row.get(f"t{n}", "")) for n in range(SLOTS)]
        return {
            "empty": not row,
            "wait": row.get("wait", ""),
            "hours": bool(row.get("hours")),
            "slots": [
                {"part": f"t{n}", "chosen": one, "gone": bool(one) and one not in known,
                 "groups": self.offered}
                for n, one in enumerate(chosen)
            ],
        }  # fmt: skip


class StepsField(RowsField):
    widget = StepsWidget
    noun = "Step"

    def clean_row(self, row: Row) -> PolicyStep:
        wait = row["wait"]
        if not wait.isdecimal() or len(wait) > 4 or int(wait) > MAX_WAIT:
            raise ValidationError(f"the wait is 0 to {MAX_WAIT} minutes.")
        tokens = list(dict.fromkeys(row[f"t{n}"] for n in range(SLOTS) if row[f"t{n}"]))
        if not tokens:
            raise ValidationError("choose whom it tells.")
        return PolicyStep(
            delay_minutes=int(wait),
            targets=[target_of(token) for token in tokens],
            only_in_working_hours=bool(row["hours"]),
        )
