"""What a customer's short answer says: still broken, fine now, or neither."""

from __future__ import annotations

import pytest

from apps.support.complaints import BROKEN, FINE, OTHER, reads_as

SAID = {
    BROKEN: (
        "Still failing for us.",
        "it is still the same",
        "This is not solved.",
        "Sorry, that’s not fixed yet",
        "It isn't working",
        "It isn’t working here",
        "Thanks, but the run from 10:12 fails again.",
        "Same error as before: ERR-QUERY-DURATION-EXCEEDED",
        "It does not work",
        "no change on our side",
        "Worse than yesterday",
        "The profile keeps failing",
        "it happened again",
    ),
    FINE: (
        "Thanks!",
        "Thank you, all good.",
        "It works now",
        "Works again, cheers",
        "Confirmed fixed.",
        "The nightly run is fine again, many thanks",
        "It is no longer failing, thank you",
        "Not broken any more",
    ),
    OTHER: (
        "",
        "We have 38 projects on this warehouse.",
        "When do you expect news?",
        "Which of our projects are concerned?",
    ),
}


@pytest.mark.parametrize(
    ("reading", "text"), [(reading, text) for reading, texts in SAID.items() for text in texts]
)
def test_short_answers_are_read_as_people_mean_them(reading: str, text: str) -> None:
    assert reads_as(text) == reading


def test_only_the_top_is_read_and_a_long_paste_takes_no_time() -> None:
    assert reads_as("Here is the log.\n" + "x y " * 50_000 + "still failing") == OTHER
    assert reads_as("isn" * 50_000) == OTHER
