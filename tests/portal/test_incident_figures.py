"""Figures on incidents: kinds apart, n beside every median, each table as a safe file."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from apps.incidents.models import Incident
from apps.portal.selectors import incident_figures as selectors
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of
from tests.world import World

PAGE = "/incidents/figures/"


def past(cast: Cast, world: World, minutes: int, **more: Any) -> Incident:
    """An incident that hurt customers for so long and is over."""
    row = build.incident(by=cast.ravi, now=world.now, **more)
    began = world.now - timedelta(minutes=minutes)
    Incident.objects.filter(pk=row.pk).update(
        impact_started_at=began,
        detected_at=began + timedelta(minutes=2),
        declared_at=began + timedelta(minutes=3),
        mitigated_at=world.now,
        resolved_at=world.now,
        status="resolved",
    )
    return row


@pytest.fixture
def maya(cast: Cast, world: World) -> Client:
    world.at("2026-09-07 06:30")
    return sign_in(cast.maya)


def test_medians_stand_with_their_n_and_the_list_behind_them(
    cast: Cast, world: World, maya: Client
) -> None:
    for minutes in (30, 60, 240):
        past(cast, world, minutes, title=f"Took {minutes}")
    text = text_of(maya.get(PAGE))
    assert "Time to resolve 1 h median of 3; 9 in 10 within" in text
    behind = text.partition("Time to resolve: the 3 behind it")[2]
    assert "3 few" in text
    assert behind.index("Took 240") < behind.index("Took 60") < behind.index("Took 30")


def test_what_a_figure_leaves_out_is_listed_and_not_guessed(
    cast: Cast, world: World, maya: Client
) -> None:
    row = past(cast, world, 30)
    Incident.objects.filter(pk=row.pk).update(impact_started_at=None)
    response = maya.get(PAGE)
    behind = text_of(response).partition("Time to mitigate: 1 without it")[2]
    assert "A time that nobody knows is not guessed." in behind
    assert f'href="/incidents/{row.ref}/">{row.ref}</a>' in response.content.decode()


def test_kinds_are_never_mixed(cast: Cast, world: World, maya: Client) -> None:
    past(cast, world, 30, title="A real one")
    past(cast, world, 90, title="A drill", kind="drill")
    assert "1 incident of this kind" in text_of(maya.get(PAGE))
    text = text_of(maya.get(f"{PAGE}?kind=drill"))
    assert "A drill" in text
    assert "A real one" not in text
    assert "No incident of this kind in this time" in text_of(maya.get(f"{PAGE}?kind=test"))


def test_what_one_may_not_see_counts_nowhere(cast: Cast, world: World, maya: Client) -> None:
    past(cast, world, 30, title="Hidden", visibility="restricted")
    assert "1 incident of this kind" in text_of(maya.get(PAGE))
    assert "0 incidents of this kind" in text_of(sign_in(cast.olu).get(PAGE))


def test_filters_stand_in_the_address_and_nonsense_is_the_standard(
    cast: Cast, world: World, maya: Client
) -> None:
    past(cast, world, 30, severity="SEV1")
    past(cast, world, 30, severity="SEV3")
    assert "1 incident of" in text_of(maya.get(f"{PAGE}?severity=SEV1"))
    page = maya.get(f"{PAGE}?months=99&kind=all&severity=SEV9")
    assert page.context["chosen"] == {
        "months": 6, "kind": "real", "severity": "", "surface": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("now", "months", "first"),
    [
        ("2026-09-07", 3, "2026-07-01"),
        ("2026-01-31", 3, "2025-11-01"),
        ("2026-12-01", 12, "2026-01-01"),
    ],
)
def test_a_window_begins_with_a_month(now: str, months: int, first: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert selectors.since(months, at).date().isoformat() == first


def test_the_files_have_every_row_and_no_formula(cast: Cast, world: World, maya: Client) -> None:
    past(cast, world, 60, title="=HYPERLINK(1)")
    response = maya.get(f"{PAGE}incidents.csv")
    rows = list(csv.DictReader(StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0]["title"] == "'=HYPERLINK(1)"
    assert (rows[0]["ttr_seconds"], rows[0]["ttd_seconds"]) == ("3600", "120")
    figures = list(
        csv.DictReader(StringIO(maya.get(f"{PAGE}figures.csv").content.decode("utf-8-sig")))
    )
    assert {row["figure"]: row["n"] for row in figures}["ttr"] == "1"
    assert maya.get(f"{PAGE}nothing.csv").status_code == 404


def test_the_page_costs_the_same_for_many_incidents(cast: Cast, world: World, maya: Client) -> None:
    past(cast, world, 30)
    first = queries(maya, PAGE)
    for minutes in range(31, 39):
        past(cast, world, minutes)
    assert queries(maya, PAGE) == first <= 20
