"""Rules' forms read what people write, and a rule's value is drawn; without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.portal import rule_plots
from apps.portal.forms_alert_rules import ShareField, WindowsField, read_length, write_length
from apps.portal.selectors import rule_replay

# -- lengths and shares as people write them


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90), ("90 s", 90), ("15 min", 900), ("15m", 900), ("1 h 30 min", 5400),
        ("1h30m", 5400), ("36 h", 129_600), ("7 days", 604_800), ("1.5 h", 5400),
        ("2 weeks", 1_209_600), ("", None), ("soon", None), ("1 h 30", None), ("5 parsecs", None),
        ("-5 min", None), ("0.1 s", None), ("999999999 d", None),
    ],
)  # fmt: skip
def test_a_length_is_read_as_people_write_it(text: str, seconds: int | None) -> None:
    assert read_length(text) == seconds


@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 90, 3600, 5400, 86_400, 90_000, 129_601])
def test_what_is_written_is_read_again(seconds: int) -> None:
    assert read_length(write_length(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "share"), [("5", 0.05), ("99.5 %", 0.995), ("0", 0.0), ("", None), ("100", 1.0)]
)
def test_a_share_is_written_in_percent(text: str, share: float | None) -> None:
    assert ShareField(required=False).clean(text) == share


def test_windows_are_a_line_each_and_read_as_they_are_written() -> None:
    field = WindowsField(required=False)
    rows = field.clean("1 h, 5 min, 14.4, page\n3 d; 6 h; 1; ticket\n")
    assert [row["burn"] for row in rows] == [14.4, 1.0]
    assert field.clean(field.prepare_value(rows)) == rows
    assert field.clean("auto") == "auto"
    for wrong in ("1 h, 14.4", "1 h, x, 14.4", "1 h, 5 min, 14.4, loud"):
        with pytest.raises(Exception, match="is no window"):
            field.clean(wrong)


# -- drawing


AT = datetime(2026, 9, 7, tzinfo=UTC)


def points(*values: float | None) -> list[rule_plots.Value]:
    return [
        rule_plots.Value(AT + timedelta(hours=hour), value, 0.1)
        for hour, value in enumerate(values)
    ]


def test_a_line_has_gaps_where_nothing_was_there_to_judge_by() -> None:
    drawn = rule_plots.plot(
        points(0.1, 0.2, None, 0.3, 0.3, 0.3), [], AT, AT + timedelta(hours=5), UTC, is_share=True
    )
    assert drawn is not None
    assert [(one.x1, one.x2) for one in drawn.value] == [(0.0, 20.0), (60.0, 100.0)]
    assert [(one.x1, one.x2) for one in drawn.limit] == [(0.0, 100.0)]
    assert [tick.text for tick in drawn.ticks] == ["0 %", "20 %", "40 %"]


def test_nothing_to_judge_by_is_no_drawing() -> None:
    assert (
        rule_plots.plot(points(None, None), [], AT, AT + timedelta(1), UTC, is_share=True) is None
    )


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (0.03, 0.04), (0.31, 0.4), (1, 1), (7, 8), (101, 200), (250, 250)]
)
def test_the_axis_ends_at_a_round_number(highest: float, top: float) -> None:
    assert rule_plots.nice(highest) == pytest.approx(top)


def test_what_fired_before_the_stretch_is_drawn_from_its_begin() -> None:
    drawn = rule_plots.plot(
        points(0.1, 0.2), [(AT - timedelta(1), AT + timedelta(hours=1), "x")], AT,
        AT + timedelta(hours=4), UTC, is_share=False,
    )  # fmt: skip
    assert drawn is not None
    assert (drawn.bands[0].x, drawn.bands[0].width) == (0.0, 25.0)


@pytest.mark.parametrize(
    ("minutes", "words", "is_ahead"),
    [
        (41, "41 m earlier than the customer", True),
        (0.4, "In the same minute as the customer", False),
        (-12, "12 m later than the customer", False),
        (60 * 50, "Had been firing for 2 d 2 h", False),
        (None, "Not noticed by the rule", False),
    ],
)
def test_a_comparison_claims_no_more_than_the_times_say(
    minutes: float | None, words: str, is_ahead: bool
) -> None:
    moment = rule_replay.Moment(AT, "INC-7", "Profiles fail", "/incidents/INC-7/", "the customer")
    compared = rule_replay.Compared(moment, AT if minutes else None, minutes)
    assert (compared.words, compared.is_ahead) == (words, is_ahead)
