"""Two inventories tell what changed between them; what is known to be true is a label."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.intake.models import Integration
from apps.telemetry import services
from apps.telemetry.models import ColumnType, ProfiledSource, SemanticLabel, TypeChange
from apps.telemetry.services.labels import label_key, source_key
from tests.builders import telemetry as measured
from tests.builders.telemetry import NOON

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
EMAIL, PHONE = "warehouse.shop.users.email", "warehouse.shop.users.phone"


@pytest.fixture
def profiler() -> Integration:
    return measured.profiler()


def changes() -> list[tuple[str, str, str]]:
    found = TypeChange.objects.order_by("at", "column_ref")
    return [(row.column_ref.rsplit(".")[-1], row.was, row.became) for row in found]


def test_a_first_inventory_changes_nothing(profiler: Integration):
    stored = measured.inventory(profiler, {EMAIL: "email", PHONE: "phone"})
    assert (stored.new, stored.changed) == (2, 0)
    assert changes() == []
    column = ColumnType.objects.get(column_ref=EMAIL)
    assert (column.semantic_type, column.since, column.seen_at) == ("email", NOON, NOON)
    assert (column.source.name, SemanticLabel.objects.count()) == ("warehouse", 0)


def test_another_type_in_the_next_inventory_is_a_change(profiler: Integration):
    measured.inventory(profiler, {EMAIL: "email", PHONE: "phone"})
    measured.inventory(profiler, {EMAIL: "string", PHONE: "phone"}, at=NOON + DAY, package="0.10.0")
    assert changes() == [("email", "email", "string")]
    change = TypeChange.objects.get()
    assert (change.package_was, change.package, change.at) == ("0.9.1", "0.10.0", NOON + DAY)
    since = dict(ColumnType.objects.values_list("column_ref", "since"))
    assert since == {EMAIL: NOON + DAY, PHONE: NOON}


def test_the_same_inventory_again_changes_nothing(profiler: Integration):
    measured.inventory(profiler, {EMAIL: "email"})
    measured.inventory(profiler, {EMAIL: "string"}, at=NOON + DAY)
    for _ in range(2):
        stored = measured.inventory(profiler, {EMAIL: "string"}, at=NOON + DAY)
        assert (stored.new, stored.changed, stored.repeated) == (0, 0, 1)
    assert changes() == [("email", "email", "string")]


def test_an_inventory_older_than_what_is_known_is_left_out(profiler: Integration):
    measured.inventory(profiler, {EMAIL: "string"}, at=NOON + DAY)
    measured.inventory(profiler, {EMAIL: "email"})
    assert changes() == []
    assert ColumnType.objects.get().semantic_type == "string"


def test_several_inventories_in_one_batch_are_walked_in_order_of_time(profiler: Integration):
    kinds = ["email", "string", "string", "email"]
    lines = [measured.label(EMAIL, kind, at=NOON + n * DAY) for n, kind in enumerate(kinds)]
    services.store_labels(integration=profiler, labels=lines[::-1], now=NOON)
    assert changes() == [("email", "email", "string"), ("email", "string", "email")]
    assert ColumnType.objects.get().since == NOON + 3 * DAY


def test_the_inventory_of_a_source_joins_its_runs(profiler: Integration):
    measured.runs(profiler, 1, org="acme", project="shop")
    measured.inventory(profiler, {EMAIL: "email"}, org="acme", project="shop")
    assert ColumnType.objects.get().source == ProfiledSource.objects.get()


def test_a_label_counts_once_and_its_first_word_stands(profiler: Integration):
    right = measured.label(truth="email")
    other = measured.label(truth="string")
    for given in ([right, right], [right], [other]):
        services.store_labels(integration=profiler, labels=given, now=NOON)
    row = SemanticLabel.objects.get()
    assert (row.correct, row.truth_source, row.stratum) == (True, "audit", "email")
    assert ColumnType.objects.count() == 0


@pytest.mark.parametrize(
    "more",
    [
        {"org": "b"}, {"project": "b"}, {"column": PHONE}, {"package": "2"},
        {"truth_source": "fixture"}, {"at": NOON + DAY}, {"label_id": "7"},
    ],
)  # fmt: skip
def test_what_makes_a_label_another_one(more: dict):
    assert label_key(measured.label(truth="email")) != label_key(
        measured.label(truth="email", **more)
    )


def test_a_label_with_an_id_is_known_by_it_alone():
    first = measured.label(truth="email", label_id="7")
    assert label_key(first) == label_key(measured.label(PHONE, truth="phone", label_id="7"))


def test_labels_join_a_source_that_is_known_and_make_none(profiler: Integration):
    measured.labels(profiler, 2, wrong=1)
    assert SemanticLabel.objects.filter(source=None, correct=False).count() == 1
    assert not ProfiledSource.objects.exists()
    measured.runs(profiler, 1)
    measured.labels(profiler, 1, prefix="warehouse.shop.later")
    assert SemanticLabel.objects.exclude(source=None).count() == 1


@pytest.mark.parametrize(
    ("column", "source", "expected"),
    [
        ("warehouse.shop.users.email", "", "warehouse"),
        ("warehouse.shop.users.email", "named", "named"),
        ("users.email", "", ""),
    ],
)
def test_the_source_of_a_column_is_named_or_stands_first(column: str, source: str, expected: str):
    assert source_key(measured.label(column, source=source))[2] == expected
