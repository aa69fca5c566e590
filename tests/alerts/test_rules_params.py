"""What a kind of rule takes, and what it says to the rest."""

from __future__ import annotations

from typing import Any

import pytest

from apps.alerts.models import AlertRule
from apps.alerts.rules import looks, params
from apps.alerts.rules.params import KINDS, BadParams, check

NEEDED: dict[str, dict[str, Any]] = {
    "threshold": {"metric": "mcp.latency"},
    "age": {"max_business_days": 5},
}


def test_every_kind_of_the_model_has_parameters_a_look_and_words() -> None:
    assert set(KINDS) == set(AlertRule.Kind.values)
    for kind in KINDS:
        whole = check(kind, NEEDED.get(kind, {}))
        assert looks.describe(kind, whole).endswith("."), kind
        assert KINDS[kind].about.endswith("."), kind


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_a_check_answers_passes_it_again_unchanged(kind: str) -> None:
    whole = check(kind, NEEDED.get(kind, {}))
    assert check(kind, whole) == whole


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_name_that_a_kind_does_not_have_is_refused(kind: str) -> None:
    with pytest.raises(BadParams) as refused:
        check(kind, {**NEEDED.get(kind, {}), "treshold": 0.1})
    assert "no such parameter" in refused.value.fields["treshold"][0]


@pytest.mark.parametrize(
    ("kind", "given", "field", "words"),
    [
        ("rate", {"threshold": 10}, "threshold", "0.1 is ten percent"),
        ("rate", {"threshold": "many"}, "threshold", "Give a number"),
        ("rate", {"threshold": True}, "threshold", "Give a number"),
        ("rate", {"threshold": float("nan")}, "threshold", "Give a number"),
        ("rate", {"window": 59}, "window", "At least 60"),
        ("rate", {"window": 90.5}, "window", "whole number"),
        ("rate", {"min_n": 0}, "min_n", "At least 1"),
        ("rate", {"source": "tickets"}, "source", "Choose one of"),
        ("rate", {"source": "report_runs", "group_by": "source"}, "group_by", "name no source"),
        ("rate", {"facet": "a\nb"}, "facet", "text"),
        ("accuracy", {"truth_sources": ["user_correction"]}, "truth_sources", "Choose one"),
        ("accuracy", {"truth_sources": []}, "truth_sources", "Choose one"),
        ("burn_rate", {"windows": []}, "windows", "auto"),
        ("burn_rate", {"windows": [{"long": 3600}]}, "windows", "Each window has"),
        (
            "burn_rate",
            {"windows": [{"long": 300, "short": 300, "burn": 2}]},
            "windows",
            "shorter than the long one",
        ),
        ("threshold", {}, "metric", "needed"),
        ("threshold", {"metric": "m", "k": 4, "m": 3}, "k", "At most 3"),
        ("threshold", {"metric": "m", "value": "high"}, "value", "Give a number"),
        ("threshold", {"metric": "m", "window": 86_400, "m": 8}, "window", "7 days"),
        ("expiry", {"days": "soon"}, "days", "Give a number"),
        ("expiry", {"days": [1, 2, 3, 4, 5]}, "days", "one to four"),
        ("age", {}, "max_business_days", "either"),
        ("age", {"max_business_days": 5, "max_business_seconds": 60}, "max_business_days", "eithe"),
        ("inventory", {"min_changes": 0, "min_share": 0}, "min_changes", "from how many"),
        ("change", {"weeks": 12, "window": 86_400, "ratio": 0.5}, "ratio", "At least 1"),
        ("count", {"what": "tickets"}, "what", "Choose one of"),
        ("nonsense", {}, "kind", "no kind"),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_in_words(
    kind: str, given: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(BadParams) as refused:
        check(kind, given)
    assert words in " ".join(refused.value.fields[field])


def test_what_is_empty_has_its_default_and_text_becomes_numbers() -> None:
    whole = check("rate", {"window": "7200", "threshold": "", "facet": " snowflake "})
    assert (whole["window"], whole["threshold"], whole["facet"]) == (7200, 0.1, "snowflake")


def test_days_are_read_from_text_and_put_in_order() -> None:
    assert check("expiry", {"days": "3, 30 14"})["days"] == [30, 14, 3]


def test_each_group_by_itself_is_judged_more_strictly_and_twice() -> None:
    assert params.confidence({"group_by": ""}) == 0.95
    assert params.confidence({"group_by": "facet"}) == 0.99
    assert params.confidence({"group_by": "facet", "confidence": 0.9}) == 0.9
    assert (params.consecutive({"group_by": ""}), params.consecutive({"group_by": "x"})) == (1, 2)
