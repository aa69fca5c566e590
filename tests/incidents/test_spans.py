"""Spans of time as people write them. No database."""

from __future__ import annotations

import pytest

from apps.incidents import spans

SPANS = [
    ("15 min", 900, "15 min"), ("90s", 90, "1 min 30 s"), ("4 h", 14_400, "4 h"),
    ("1 hour 30 minutes", 5400, "1 h 30 min"), ("2 d", 172_800, "2 d"), ("24h", 86_400, "1 d"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "seconds", "shown"), SPANS)
def test_a_span_is_read_and_shown_as_people_write_it(text: str, seconds: int, shown: str) -> None:
    assert (spans.read(text), spans.show(seconds)) == (seconds, shown)
    assert spans.read(spans.show(seconds)) == seconds


def test_a_span_in_business_hours_is_shown_in_hours() -> None:
    assert spans.show(86_400, days=False) == "24 h"
    assert (spans.read(" "), spans.show(None)) == (None, "")


@pytest.mark.parametrize("text", ["soon", "15", "-1 h", "1.5 h", "3 weeks", "0 s", "9999999 d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"span|unit"):
        spans.read(text)
