"""Reviews written, opened and reminded of in the same second: real commits, two threads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.core import audit
from apps.core.errors import DomainError
from apps.incidents import services as incidents
from apps.incidents.models import Mark, Review
from apps.incidents.services import reviews
from tests import builders as build
from tests.incidents.reviewkit import NOW, OVER, level, opened, over, told
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ravi() -> Any:
    level()
    return build.person("Ravi Rao", "responder", now=NOW)


def test_of_two_who_save_one_section_at_once_one_is_told_and_both_texts_are_kept(
    ravi: Any,
) -> None:
    review = opened(by=ravi)
    say: dict[str, Any] = {
        "review": review, "section": "impact", "version": review.version,
        "actor": audit.person(ravi), "now": OVER,
    }  # fmt: skip
    answers = at_once(
        lambda: reviews.save_section(text="27 projects.", **say),
        lambda: reviews.save_section(text="28 projects.", **say),
    )
    stale = [one for one in answers if isinstance(one, reviews.Stale)]
    assert len(stale) == 1
    assert {stale[0].theirs, stale[0].yours} == {"27 projects.", "28 projects."}
    assert Review.objects.get().impact == stale[0].theirs


def test_two_who_save_two_sections_at_once_both_succeed(ravi: Any) -> None:
    review = opened(by=ravi)
    say: dict[str, Any] = {
        "review": review, "version": review.version, "actor": audit.person(ravi), "now": OVER,
    }  # fmt: skip
    answers = at_once(
        lambda: reviews.save_section(section="impact", text="27 projects.", **say),
        lambda: reviews.save_section(section="lucky", text="It was Monday.", **say),
    )
    assert all(isinstance(one, Review) for one in answers)
    row = Review.objects.get()
    assert (row.impact, row.lucky) == ("27 projects.", "It was Monday.")


def test_a_review_that_is_opened_twice_at_once_is_one(ravi: Any) -> None:
    incident = over(by=ravi, severity="SEV4")
    say: dict[str, Any] = {"incident": incident, "actor": audit.person(ravi), "now": OVER}
    one, two = at_once(*[lambda: reviews.open_review(**say)] * 2)
    assert one.pk == two.pk and Review.objects.count() == 1


def test_two_workers_send_a_reminder_once(ravi: Any) -> None:
    opened(by=ravi)
    now = datetime(2026, 9, 22, 10, tzinfo=UTC)
    answers = at_once(*[lambda: reviews.remind_due(now=now)] * 2)
    assert sorted(answers) == [0, 1]
    assert len(told(ravi, "review_due")) == 1
    assert Mark.objects.filter(was_sent=True).count() == 2  # the lead's track has nobody to tell


def test_saving_and_reopening_at_once_lock_in_one_order(ravi: Any) -> None:
    review = opened(by=ravi)
    actor = audit.person(ravi)
    answers = at_once(
        lambda: reviews.save_section(
            review=review, section="impact", text="27.", version=review.version, actor=actor,
            now=OVER,
        ),
        lambda: incidents.transition(
            incident=review.incident, to="investigating", actor=actor, now=OVER, note="It is back."
        ),
    )  # fmt: skip
    assert not any(isinstance(one, DomainError) for one in answers)
    assert Review.objects.get().impact == "27."
