"""The ledger of changes over the API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.changes import services as changes
from apps.core import clock
from apps.intake import services as intake
from tests import builders as build
from tests.calls import tool

pytestmark = pytest.mark.django_db


def test_changes_are_listed_the_latest_first_and_filtered() -> None:
    surface = build.surface("inspect.api")
    for day, kind in ((3, "deployment"), (1, "release"), (2, "deployment")):
        changes.record(
            kind=kind, ref=f"v{day}", summary=f"Day {day}", surface=surface if day > 1 else None,
            occurred_at=datetime(2026, 9, day, tzinfo=UTC), now=clock.now(),
            url="https://github.com/x/y", details={"sha": "abc"},
        )  # fmt: skip
    caller = tool("events:read")

    def asked(**query: str) -> list[str]:
        return [row["ref"] for row in caller.get("changes", query)["results"]]

    assert asked() == ["v3", "v2", "v1"]
    assert asked(kind="deployment") == asked(surface="inspect.api") == ["v3", "v2"]
    assert asked(since="2026-09-02T00:00:00Z", until="2026-09-03T00:00:00Z") == ["v2"]
    row = caller.get("changes")["results"][0]
    assert (row["occurred_at"], row["surface"]) == ("2026-09-03T00:00:00Z", "inspect.api")
    assert row["details"] == {"sha": "abc"}


def test_a_key_of_a_team_sees_its_changes_and_the_unrouted() -> None:
    mine, theirs = build.team("inspect"), build.team("billing")
    surfaces = [build.surface("a", team=mine), build.surface("b", team=theirs), None]
    for surface in surfaces:
        changes.record(
            kind="flag", ref=surface.key if surface else "none", summary="x", surface=surface,
            occurred_at=clock.now(), now=clock.now(),
        )  # fmt: skip
    rows = tool("events:read", team=mine).get("changes")["results"]
    assert {row["ref"] for row in rows} == {"a", "none"}


def test_a_key_of_a_team_reports_changes_of_its_own_surfaces_alone() -> None:
    mine, theirs = build.team("inspect"), build.team("billing")
    build.surface("inspect.api", team=mine)
    build.surface("billing.api", team=theirs)
    source = build.native(team=mine)
    for key in ("inspect.api", "billing.api"):
        build.event(source, action="change", summary=f"Deployed {key}", surface=key)
    intake.normalise_due(now=clock.now())
    rows = tool("events:read").get("changes")["results"]
    assert {row["summary"]: row["surface"] for row in rows} == {
        "Deployed inspect.api": "inspect.api",
        "Deployed billing.api": None,
    }
