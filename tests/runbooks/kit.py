"""Runbooks for tests, made through the services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apps.accounts.models import Person
from apps.core import audit, events, providers
from apps.runbooks import services
from apps.runbooks.events import ExecutionNoted
from apps.runbooks.models import Execution, Runbook, RunbookVersion, StepResult
from apps.runbooks.ports import RunContext
from apps.runbooks.steps import StepIn
from tests import builders as build

NOW = datetime(2026, 3, 9, 3, 0, tzinfo=UTC)
STEPS = (
    StepIn(title="Confirm the scope", kind="check", expected="One warehouse type fails", minutes=5),
    StepIn(
        title="Turn the flag off",
        on_fail="goto",
        on_fail_step=3,
        on_fail_text="The flag service may be down.",
        is_irreversible=True,
    ),
    StepIn(title="Drain the queue", on_fail="escalate"),
    StepIn(title="Verify", kind="verify", on_fail="stop"),
)


@dataclass
class Cast:
    """Ravi owns the runbook, Bea is the backup and writes it, Maya is the manager, Olu reads."""

    ravi: Person = field(default_factory=lambda: build.person("Ravi Rao", password=None))
    bea: Person = field(default_factory=lambda: build.person("Bea Bell", password=None))
    maya: Person = field(default_factory=lambda: build.person("Maya Ma", "manager", password=None))
    olu: Person = field(default_factory=lambda: build.person("Olu Obi", "viewer", password=None))


def by(person: Person) -> audit.Actor:
    return audit.person(person)


def runbook(cast: Cast, *, key: str = "rb-snowflake-timeouts", **more: Any) -> Runbook:
    given = {"title": "Snowflake profiling times out", "owner": cast.ravi, "backup": cast.bea}
    return services.create(key=key, actor=by(cast.bea), now=NOW, **{**given, **more})


def draft(
    cast: Cast, of: Runbook, *, steps: Sequence[StepIn] = STEPS, now: datetime = NOW, **more: Any
) -> RunbookVersion:
    given = {
        "author": cast.bea,
        "actor": by(cast.bea),
        "change_note": "What we learned",
        "now": now,
    }
    return services.save_draft(runbook=of, steps=steps, **{**given, **more})


def approved(
    cast: Cast, of: Runbook | None = None, *, now: datetime = NOW, **more: Any
) -> RunbookVersion:
    """Written by Bea, approved by Ravi."""
    version = draft(cast, of or runbook(cast), now=now, **more)
    services.submit(version=version, actor=by(cast.bea), now=now)
    return services.approve(version=version, person=cast.ravi, actor=by(cast.ravi), now=now)


def run(
    cast: Cast, version: RunbookVersion | None = None, *, now: datetime = NOW, **more: Any
) -> Execution:
    return services.start(
        version=version or approved(cast),
        person=cast.ravi,
        actor=by(cast.ravi),
        now=now,
        **more,
    )


def record(
    cast: Cast, execution: Execution, position: int, status: str = "done", **more: Any
) -> services.Recorded:
    given: dict[str, Any] = {"person": cast.ravi, "actor": by(cast.ravi), "now": NOW}
    return services.record_step(
        execution=execution, step_position=position, status=status, **{**given, **more}
    )


def finish(
    cast: Cast, execution: Execution, *, now: datetime = NOW, skip: Sequence[int] = ()
) -> Execution:
    """Every step done but those that are skipped, and the run completed."""
    for position in StepResult.objects.filter(execution=execution).values_list(
        "step__position", flat=True
    ):
        if position in skip:
            record(cast, execution, position, "skipped", output="Not needed", now=now)
        else:
            record(cast, execution, position, confirmed=True, now=now)
    return services.complete(execution=execution, actor=by(cast.ravi), now=now)


class Heard:
    """Listens to what runs tell; a context manager, as the wiring is for good."""

    def __enter__(self) -> list[ExecutionNoted]:
        self.found: list[ExecutionNoted] = []
        events.subscribe(ExecutionNoted, self.found.append)
        return self.found

    def __exit__(self, *_: object) -> None:
        events._handlers[ExecutionNoted].remove(self.found.append)


@contextmanager
def knowing(provider: RunContext) -> Iterator[None]:
    """With a provider of what runs are for, wired or not."""
    known = providers._providers[RunContext]
    before = list(known)
    known[:] = [provider]
    try:
        yield
    finally:
        known[:] = before
