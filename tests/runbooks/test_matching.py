"""Which runbooks fit: by code, by words, by surface, by type; the best first, each with why."""

from __future__ import annotations

import pytest

from apps.runbooks.guidance import Advice, Way, advice
from apps.runbooks.matching import Candidate, Facts, holds, ranked
from apps.runbooks.triggers import read_lines, write_lines

BOOKS = [
    Candidate(
        key="rb-snowflake",
        surfaces={"profiler.snowflake"},
        triggers=[("alert", "snowflake timeout"), ("code", "ERR-QUERY-DURATION")],
    ),
    Candidate(key="rb-profiler", surfaces={"profiler"}, triggers=[("incident_type", "outage")]),
    Candidate(key="rb-rotation", triggers=[("factor", "secret"), ("request_type", "billing")]),
    Candidate(key="rb-nothing"),
]

FITS: list[tuple[Facts, list[tuple[str, str]]]] = [
    (Facts(), []),
    (Facts(surface="profiler.snowflake"), [("rb-snowflake", "it is for profiler.snowflake")]),
    (
        Facts(surface="profiler.snowflake", parent="profiler"),
        [
            ("rb-snowflake", "it is for profiler.snowflake"),
            ("rb-profiler", "it is for profiler, of which profiler.snowflake is a part"),
        ],
    ),
    (
        Facts(words="Snowflake profiling: 38 of 112 jobs hit a timeout"),
        [("rb-snowflake", "it says “snowflake timeout”")],
    ),
    (Facts(words="3 jobs: err-query-duration"), [("rb-snowflake", "code ERR-QUERY-DURATION")]),
    (Facts(codes=["err-query-duration"]), [("rb-snowflake", "code ERR-QUERY-DURATION")]),
    (Facts(incident_type="outage"), [("rb-profiler", "incidents of type outage")]),
    (Facts(factor="secret"), [("rb-rotation", "the factor secret")]),
    (Facts(request_type="billing"), [("rb-rotation", "tickets of type billing")]),
    (Facts(words="BigQuery timeout"), []),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "expected"), FITS)
def test_what_fits_says_why(facts: Facts, expected: list[tuple[str, str]]) -> None:
    assert [(fit.key, fit.why) for fit in ranked(facts, BOOKS)] == expected


def test_what_fits_in_several_ways_comes_first_and_names_the_strongest() -> None:
    facts = Facts(
        surface="profiler.snowflake",
        parent="profiler",
        incident_type="outage",
        words="snowflake timeouts, ERR-QUERY-DURATION",
    )
    first, second = ranked(facts, BOOKS)
    assert first.key == "rb-snowflake" and first.score > second.score
    assert first.why == (
        "code ERR-QUERY-DURATION; it says “snowflake timeout”; it is for profiler.snowflake"
    )


def test_equal_ones_stand_in_the_order_of_their_keys() -> None:
    books = [Candidate(key=key, surfaces={"a"}) for key in ("c", "a", "b")]
    assert [fit.key for fit in ranked(Facts(surface="a"), books)] == ["a", "b", "c"]


HOLDS = [
    ("Snowflake jobs time out", "snowflake", True),
    ("Snowflake timeouts", "snowflake timeout", True),  # the beginning of a longer word
    ("timeout on Snowflake", "snowflake timeout", True),  # in any order
    ("time out on Snowflake", "snowflake timeout", False),
    ("The apiary", "api", False),  # a short word stands for itself alone
    ("the API", "api", True),
    ("anything", "", False),
    ("anything", "…!", False),
    ("", "word", False),
    ("Straße gesperrt", "STRASSE", True),
]


@pytest.mark.parametrize(("text", "words", "expected"), HOLDS)
def test_words_are_looked_for_in_a_text(text: str, words: str, expected: bool) -> None:
    assert holds(text, words) is expected


def test_triggers_are_written_a_line_each() -> None:
    pairs = [("alert", "snowflake: timeout"), ("code", "E1")]
    assert read_lines(write_lines(pairs) + "\n\n") == pairs
    for text, line in (("alert snowflake", 1), ("code: E1\nsmell: x", 2), ("code:", 1)):
        with pytest.raises(ValueError, match=f"Line {line}: write a sort"):
            read_lines(text)
    with pytest.raises(ValueError, match="at most 120"):
        read_lines("code: " + "x" * 121)


ADVICE = [
    (Way(2, "goto", 5, ""), Advice("goto", "Go to step 5.", 5)),
    (Way(2, "goto", 5, "Ask Mara."), Advice("goto", "Go to step 5. Ask Mara.", 5)),
    (Way(2, "note", None, " "), Advice("note", "Note what you saw and go on.")),
    (
        Way(2, "stop", None, "It drops data."),
        Advice(
            "stop",
            "Stop here. Do no further step before somebody who knows has looked. It drops data.",
        ),
    ),
    (
        Way(2, "escalate", None, ""),
        Advice("escalate", "Escalate: page the next person now and go on only with them."),
    ),
]


@pytest.mark.parametrize(("way", "expected"), ADVICE)
def test_a_failed_step_says_what_to_do(way: Way, expected: Advice) -> None:
    assert advice(way) == expected
