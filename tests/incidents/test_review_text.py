"""Sections, the meter, two versions of a text, the facts, the draft and the mails. No database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.incidents import review_facts as facts
from apps.incidents.metrics import Milestones
from apps.incidents.review_drafting import MOST_LINES, Moment, Source, draft
from apps.incidents.review_notices import News, news
from apps.incidents.review_sections import (
    SECTIONS,
    Fill,
    clean,
    difference,
    digest,
    meter,
    named,
)
from apps.notifications.layout import Reader

START = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)


def after(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


# -- the meter


def test_the_meter_counts_what_was_only_drafted_half() -> None:
    texts = {"what_happened": "As drafted.", "impact": "27 workspaces saw old numbers."}
    found = meter(texts, {"what_happened": digest("As drafted.")}, factors=0, follow_ups=1)
    fills = {item.key: item.fill for item in found.items}
    assert fills["what_happened"] is Fill.DRAFTED
    assert fills["impact"] is fills["follow_ups"] is Fill.DONE
    assert fills["detection"] is fills["factors"] is Fill.EMPTY
    assert found.percent == (1 + 2 + 2) * 50 // 9
    assert [item.key for item in found.missing] == ["detection", "factors"]


def test_a_review_with_everything_is_complete() -> None:
    found = meter({one.key: "Said." for one in SECTIONS}, {}, factors=1, follow_ups=2)
    assert (found.percent, found.missing) == (100, ())


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "\r\n\t"])
def test_white_space_says_nothing(text: str) -> None:
    found = meter({"impact": text}, {}, factors=0, follow_ups=0)
    assert {item.key: item.fill for item in found.items}["impact"] is Fill.EMPTY


def test_a_change_of_line_breaks_is_no_change() -> None:
    assert digest("one\ntwo\n") == digest("one\r\ntwo  ")
    assert clean("\r\na\x00 \r\n\r\nb\n\n") == "a\n\nb"


# -- two people, one section


def test_what_each_of_two_wrote_is_marked_line_by_line() -> None:
    found = difference("same\ntheirs\nend", "same\nyours\nend")
    assert [(line.mark, line.text) for line in found] == [
        ("", "same"),
        ("-", "theirs"),
        ("+", "yours"),
        ("", "end"),
    ]


def test_thousands_of_equal_lines_are_compared_in_no_time() -> None:
    found = difference("\n" * 10_000, "x\n" * 10_000)
    assert len(found) == 10_001 * 2 and {line.mark for line in found} == {"-", "+"}


def test_missing_parts_are_named_in_a_sentence() -> None:
    missing = meter({}, {}, factors=0, follow_ups=0).missing
    assert named(missing) == "what happened, impact, detection and contributing factors"
    assert named(missing[-1:]) == "contributing factors"
    assert named(()) == ""


# -- facts


def test_times_count_from_the_start_of_the_impact() -> None:
    found = facts.lengths(
        Milestones(
            impact_started_at=START,
            detected_at=after(11),
            declared_at=after(16),
            acknowledged_at=after(13),
            mitigated_at=after(118),
            resolved_at=after(190),
        )
    )
    assert {one.key: one.seconds for one in found} == {
        "ttd": 11 * 60,
        "tta": 0,  # taken before it was declared
        "ttm": 118 * 60,
        "ttr": 190 * 60,
    }
    assert not any(one.at_least for one in found)


def test_where_nobody_said_when_it_began_it_lasted_at_least_since_detection() -> None:
    found = facts.lengths(Milestones(detected_at=after(11), resolved_at=after(190)))
    by_key = {one.key: one for one in found}
    assert all(one.seconds is None for one in found)  # as the figures over all incidents have it
    assert {key: one.at_least for key, one in by_key.items()} == {
        "ttd": None,
        "tta": None,
        "ttm": None,
        "ttr": 179 * 60,
    }


def _full() -> facts.Facts:
    at = Milestones(
        impact_started_at=START,
        detected_at=after(11),
        declared_at=after(16),
        resolved_at=after(190),
    )
    owed = (
        facts.Update(after(46), after(29), in_time=True),
        facts.Update(after(89), after(95)),
        facts.Update(after(155)),
    )
    return facts.Facts(
        computed_at=after(400),
        severity="SEV2",
        detection="alert",
        detection_label="Alert",
        milestones=facts.milestones(at),
        lengths=facts.lengths(at),
        spells=(
            facts.Spell("SEV3", after(16), after(24), "declared"),
            facts.Spell("SEV2", after(24), after(190), "one warehouse type"),
        ),
        sides=(facts.Side("public", "Customers", 2, owed, 13 * 60),),
        pages=(
            facts.Paged(
                "Snowflake profiling times out",
                after(11),
                (facts.Told("Ravi Rao", after(11)), facts.Told("Bea Bell", after(16))),
                "Bea Bell",
                after(17),
            ),
        ),
        tickets=("TCK-4", "TCK-9"),
        customers=("Bramble Foods", "Ostra Bank"),
        changes=(facts.Changed("inspect 2.14.0", "Release", after(-480), "", "8 h before"),),
        runs=(facts.Run("RUN-7", "rb-snowflake", "Snowflake", "Completed", 9, 8, 1, "Ravi"),),
        duties=(facts.Duty("Commander", "Ravi Rao", after(16), after(60)),),
    )


def test_facts_survive_being_kept_as_json() -> None:
    full = _full()
    assert facts.Facts.from_json(json.loads(json.dumps(full.to_json()))) == full


def test_facts_of_an_older_version_are_read_with_what_they_lack() -> None:
    kept = {"computed_at": START.isoformat(), "severity": "SEV2", "drafted": {}, "gone": 1}
    found = facts.Facts.from_json(kept)
    assert found is not None
    assert (found.severity, found.sides, found.runs) == ("SEV2", (), ())
    assert facts.Facts.from_json({"drafted": {}}) is None
    assert facts.Facts.from_json({}) is None


def test_time_in_each_severity_is_summed_and_runs_on_while_it_lasts() -> None:
    spells = (
        facts.Spell("SEV2", START, after(10)),
        facts.Spell("SEV3", after(10), after(30)),
        facts.Spell("SEV2", after(30)),
    )
    found = facts.Facts(computed_at=after(45), spells=spells).in_severity
    assert found == [("SEV2", timedelta(minutes=25)), ("SEV3", timedelta(minutes=20))]


def test_updates_that_were_owed_are_counted_with_those_that_never_came() -> None:
    side = _full().sides[0]
    assert (side.kept, len(side.owed), side.percent) == (1, 3, 33)
    assert facts.Side("public", "Customers").percent is None


def test_a_page_says_after_how_long_it_was_taken() -> None:
    assert _full().pages[0].after == timedelta(minutes=6)


# -- the draft


def test_a_draft_tells_the_story_with_minutes_since_detection() -> None:
    story = [
        Moment(after(8), "Impact began."),
        Moment(after(11), "SEV3 opened\nin triage"),
        Moment(after(44), "Ravi Rao turned the flag off."),
    ]
    source = Source(facts=_full(), detected_at=after(11), story=story, said="It is over.")
    made = draft(source)
    assert made["what_happened"].splitlines() == [
        "Times are UTC, from Monday 7 September 2026 on.",
        "",
        "- 06:08 (T-3) Impact began.",
        "- 06:11 (T+0) SEV3 opened in triage",
        "- 06:44 (T+33) Ravi Rao turned the flag off.",
    ]
    assert made["external_message"] == "It is over."


def test_a_long_story_is_cut_and_says_so() -> None:
    story = [Moment(after(number), "x" * 5000) for number in range(MOST_LINES + 7)]
    lines = draft(Source(facts=_full(), detected_at=START, story=story))["what_happened"]
    assert lines.endswith("- … and 7 more lines in the timeline.")
    assert len(lines) < 20_000


def test_a_draft_puts_the_impact_in_numbers() -> None:
    source = Source(facts=_full(), detected_at=after(11), impact_summary="Old numbers shown.")
    assert draft(source)["impact"].splitlines() == [
        "Old numbers shown.",
        "",
        "- 2 customers affected: Bramble Foods, Ostra Bank.",
        "- 2 tickets about it: TCK-4, TCK-9.",
        "- It took 3 h 10 min until it was resolved.",
    ]


@pytest.mark.parametrize(
    ("detection", "began", "said"),
    [
        ("alert", True, "An alert noticed it 11 min after the impact began."),
        (
            "customer",
            True,
            "A customer told us of it 11 min after the impact began. Customers knew before we did.",
        ),
        (
            "internal",
            False,
            "Somebody here noticed it. Nobody has said yet when the impact began.",
        ),
    ],
)
def test_a_draft_says_how_it_was_noticed(detection: str, began: bool, said: str) -> None:
    at = Milestones(impact_started_at=START if began else None, detected_at=after(11))
    made = draft(
        Source(
            facts=facts.Facts(computed_at=START, detection=detection, lengths=facts.lengths(at)),
            detected_at=after(11),
        )
    )
    assert made == {"detection": said}


def test_what_is_not_known_is_left_empty() -> None:
    assert draft(Source(facts=facts.Facts(computed_at=START), detected_at=START)) == {}


# -- the words


def test_a_reminder_says_what_is_due_when_and_what_is_missing() -> None:
    reader = Reader(name="Ravi Rao", zone=ZoneInfo("Europe/Berlin"))
    made = news(
        News(
            ref="INC-7",
            severity="SEV2",
            title="Snowflake profiling times out",
            what="is 3 business days late",
            why="you write it",
            url="https://ops.example.org/incidents/INC-7/review/",
            author="Ravi Rao",
            draft_due_at=datetime(2026, 9, 10, 16, tzinfo=UTC),
            publish_due_at=datetime(2026, 9, 14, 16, tzinfo=UTC),
            percent=40,
            missing=("Detection", "Contributing factors"),
        ),
        reader,
        datetime(2026, 9, 17, 7, tzinfo=UTC),
    )
    subject = "[INC-7] The review is 3 business days late: Snowflake profiling times out"
    assert made.subject == subject
    for said in (
        "The review of INC-7 is 3 business days late.",
        "To be published: was due Mon 18:00 Berlin",
        "So far: 40 % written",
        "Missing: Detection, Contributing factors",
        "Open the review: https://ops.example.org/incidents/INC-7/review/",
        "Why you got this: you write it.",
    ):
        assert said in made.text, said
    assert len(made.short) <= 160


def test_a_day_that_ends_at_midnight_is_named_by_its_own_name() -> None:
    reader = Reader(name="Bea Bell", zone=ZoneInfo("UTC"))
    facts_ = News(
        ref="INC-7", severity="SEV2", title="T", what="is yours to write", why="you write it",
        url="https://ops.example.org/", publish_due_at=datetime(2026, 9, 10, tzinfo=UTC),
    )  # fmt: skip
    made = news(facts_, reader, datetime(2026, 9, 7, 9, tzinfo=UTC))
    assert "To be published: by Wed 23:59 UTC" in made.text


def test_html_in_somebodys_words_stays_text() -> None:
    reader = Reader(name="Bea Bell", zone=ZoneInfo("UTC"))
    facts_ = News(
        ref="INC-7", severity="SEV2", title="<b>T</b>", what="was sent back by Maya",
        why="you write it", url="https://ops.example.org/", words="<script>x</script>",
    )  # fmt: skip
    made = news(facts_, reader, START)
    assert made.html is not None
    assert "<script>" not in made.html and "&lt;script&gt;" in made.html
