"""Cases taken from other products' tests and bug reports, as plain facts.

V104 comes from a product that counts the hours on the wall; it is checked against the seconds that
pass, which the file gives beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from apps.calendars.businesstime import deadline, worked
from tests.vectors import adapt
from tests.vectors.adapt import Json, instant

CASES = adapt.load("business_time")


def asked_of(case: Json) -> tuple[Json, Any, list[Any], Json]:
    body = adapt.sla_body(case)
    pauses = [(instant(low), instant(high) if high else None) for low, high in body["pauses"]]
    return body, adapt.calendar(body["calendar"]), pauses, adapt.sla_answer(case)


def check_deadline(case: Json) -> None:
    body, calendar, pauses, expected = asked_of(case)
    start, target = instant(body["start"]), body["target_seconds"]
    due = deadline(calendar, start, target, pauses)
    assert due == expected["due_at"]
    # The other function must say the same: all of the target is used by then, and not before.
    assert due is not None
    assert worked(calendar, start, due, pauses) == target


def check_elapsed(case: Json) -> None:
    body, calendar, pauses, expected = asked_of(case)
    start, end = instant(body["start"]), instant(body["end"])
    seconds = worked(calendar, start, end, pauses)
    assert seconds == expected["worked_seconds"]
    # The other function must say the same: what was worked is not due before the end is reached.
    if end > start:
        assert deadline(calendar, start, seconds, pauses) >= end  # type: ignore[operator] # no open pause


CHECKS: dict[str, Callable[[Json], None]] = {"deadline": check_deadline, "elapsed": check_elapsed}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_case_from_outside_comes_out_as_its_source_says(case: Json) -> None:
    CHECKS[case["kind"]](case)  # an unknown kind of case is an error


def test_the_file_is_whole() -> None:
    assert Counter(case["kind"] for case in CASES) == {"deadline": 52, "elapsed": 42}
    assert len({case["id"] for case in CASES}) == len(CASES)
