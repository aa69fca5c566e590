"""Which alerts a silence fits, in plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.alerts.muting import Criteria, Facts, Mute, fits, mute_of, with_above

NOW = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLAIN = Facts(7, False, "disk:1", "DiskFull", frozenset({3, 2, 1}))


@pytest.mark.parametrize(
    ("criteria", "facts", "wanted"),
    [
        (Criteria(surface_id=3), PLAIN, True),
        (Criteria(surface_id=1), PLAIN, True),  # the one above all
        (Criteria(surface_id=4), PLAIN, False),
        (Criteria(surface_id=4), Facts(7, False), False),  # an alert without a surface
        (Criteria(integration_id=7), PLAIN, True),
        (Criteria(integration_id=8), PLAIN, False),
        (Criteria(surface_id=3, integration_id=8), PLAIN, False),  # all that is named must fit
        (Criteria(dedup_key="disk:*"), PLAIN, True),
        (Criteria(dedup_key="DISK:?"), PLAIN, True),
        (Criteria(dedup_key="disk"), PLAIN, False),
        (Criteria(dedup_key="disk:[1]"), PLAIN, False),  # brackets are ordinary characters
        (Criteria(dedup_key="disk:[1]"), Facts(7, False, "disk:[1]"), True),
        (Criteria(class_name="disk*"), PLAIN, True),
        (Criteria(class_name="disk*", dedup_key="cpu*"), PLAIN, False),
        (Criteria(rule_key="slow"), Facts(1, True, "rule:slow"), True),
        (Criteria(rule_key="slow"), Facts(1, True, "rule:slow:snowflake"), True),
        (Criteria(rule_key="slow"), Facts(1, True, "rule:slower"), False),
        (Criteria(rule_key="slow"), Facts(7, False, "rule:slow"), False),  # somebody else's key
    ],
)
def test_all_that_a_silence_names_must_fit(criteria: Criteria, facts: Facts, wanted: bool) -> None:
    assert fits(criteria, facts) is wanted


@pytest.mark.parametrize(
    ("criteria", "whole"),
    [
        (Criteria(), True),
        (Criteria(dedup_key="*"), True),
        (Criteria(dedup_key="**?", class_name=" * "), True),
        (Criteria(dedup_key="*disk*"), False),
        (Criteria(surface_id=1, dedup_key="*"), False),
        (Criteria(integration_id=1), False),
        (Criteria(rule_key="slow"), False),
    ],
)
def test_naming_nothing_is_the_whole_site(criteria: Criteria, whole: bool) -> None:
    assert criteria.is_whole_site is whole


def test_of_several_mutes_the_longest_is_said() -> None:
    mutes = [
        Mute("silence", 1, "short", NOW + HOUR, Criteria(surface_id=3)),
        Mute("maintenance", 2, "long", NOW + 2 * HOUR, Criteria(surface_id=1)),
        Mute("silence", 3, "other", NOW + 3 * HOUR, Criteria(surface_id=9)),
    ]
    found = mute_of(mutes, PLAIN)
    assert found is not None and found.words == "long"
    assert mute_of(mutes, Facts(7, False)) is None


def test_a_chain_of_surfaces_ends_at_its_top_and_a_ring_where_it_began() -> None:
    assert with_above(3, {3: 2, 2: 1, 1: None}) == {1, 2, 3}
    assert with_above(3, {3: 2, 2: 3}) == {2, 3}
    assert with_above(None, {3: 2}) == frozenset()
