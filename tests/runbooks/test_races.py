"""Two people at once, each with a connection of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.core.errors import DomainError
from apps.runbooks.models import RunbookVersion, StepResult
from tests.races import at_once
from tests.runbooks import kit

pytestmark = pytest.mark.django_db(transaction=True)


def together(*acts: Callable[[], Any]) -> list[Any]:
    """What each act answered, or the code of what refused it."""
    return [one.code if isinstance(one, DomainError) else one for one in at_once(*acts)]


def test_two_who_record_the_same_step_at_once_do_not_both_win() -> None:
    cast = kit.Cast()
    run = kit.run(cast)
    found = together(
        lambda: kit.record(cast, run, 1, "done", was="pending", output="A"),
        lambda: kit.record(
            cast, run, 1, "failed", was="pending", output="B", person=cast.bea,
            actor=kit.by(cast.bea),
        ),
    )  # fmt: skip
    won = [one for one in found if not isinstance(one, str)]
    assert len(won) == 1 and "stale" in found
    row = StepResult.objects.get(execution=run, step__position=1)
    assert (row.status, row.output) == (won[0].result.status, won[0].result.output)


def test_two_who_begin_a_draft_at_once_write_one_version() -> None:
    cast = kit.Cast()
    book = kit.runbook(cast)
    found = together(
        lambda: kit.draft(cast, book, seen=""),
        lambda: kit.draft(cast, book, seen="", steps=kit.STEPS[:1]),
    )
    assert "stale" in found
    assert RunbookVersion.objects.get().number == 1


def test_two_who_approve_at_once_approve_it_once() -> None:
    from apps.runbooks import services

    cast = kit.Cast()
    version = kit.draft(cast, kit.runbook(cast))
    services.submit(version=version, actor=kit.by(cast.bea), now=kit.NOW)

    def by(person: Any) -> Any:
        return services.approve(
            version=version, person=person, actor=kit.by(person), now=kit.NOW
        ).status

    found = together(lambda: by(cast.ravi), lambda: by(cast.maya))
    assert sorted(found) == ["approved", "illegal_transition"]
    assert version.reviews.count() == 1
