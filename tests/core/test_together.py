"""Steps of a migration taken together come to what they come to one by one."""

from __future__ import annotations

import pytest
from django.db import connection, models
from django.db.migrations import CreateModel
from django.db.migrations.state import ProjectState

from apps.core.migrations._together import Together


def steps() -> list[CreateModel]:
    shelf = CreateModel("Shelf", [("id", models.BigAutoField(primary_key=True))])
    book = CreateModel(
        "Book",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("shelf", models.ForeignKey("core.Shelf", models.CASCADE)),
        ],
        options={
            "constraints": [models.CheckConstraint(condition=models.Q(id__gt=0), name="one")],
            "indexes": [models.Index(fields=["shelf"], name="two")],
        },
    )
    return [shelf, book]


def test_the_state_is_the_same_as_step_by_step() -> None:
    apart, together = ProjectState(), ProjectState()
    for step in steps():
        step.state_forwards("core", apart)
    Together(steps()).state_forwards("core", together)
    assert together == apart


@pytest.mark.django_db
def test_the_tables_are_made_and_taken_away_again() -> None:
    before, after, operation = ProjectState(), ProjectState(), Together(steps())
    operation.state_forwards("core", after)
    with connection.schema_editor() as editor:
        operation.database_forwards("core", editor, before, after)
    with connection.cursor() as cursor:
        made = connection.introspection.get_constraints(cursor, "core_book")
        assert {"one", "two"} <= set(made)
    assert operation.reversible
    with connection.schema_editor() as editor:
        operation.database_backwards("core", editor, after, before)
    assert "core_book" not in connection.introspection.table_names()


def test_it_is_written_as_it_is_read() -> None:
    name, args, kwargs = Together(steps()).deconstruct()
    assert (name, args) == ("Together", [])
    assert [type(one) for one in kwargs["operations"]] == [CreateModel, CreateModel]
    assert Together(steps()).describe() == "2 steps together"
