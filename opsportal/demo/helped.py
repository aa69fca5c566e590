"""Support's stories: the tickets of a quarter, and what followed on some of them."""

from __future__ import annotations

from collections.abc import Sequence

from opsportal.demo import cases_now, cases_past
from opsportal.demo.stage import Story
from opsportal.demo.tickets import Case, goes_on, story

LOGGED: Sequence[Case] = (*cases_past.PAST, *cases_now.AROUND, *cases_now.OPEN)
STORIES: tuple[Story, ...] = (
    *(story(case) for case in LOGGED),
    *(goes_on(*more) for more in cases_now.AFTER),
)
