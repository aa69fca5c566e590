"""Telemetry in the admin: tables that judge, sources that are expected, records that only show."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.test import Client

from apps.core import clock
from apps.telemetry.models import (
    DiagnosticCode,
    DurationObjective,
    ProfiledSource,
    ProfileRun,
    StratumWeight,
)
from tests import builders as build
from tests.adminkit import fields, messages, send
from tests.builders import telemetry as measured
from tests.builders.telemetry import BAD, NOON
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of
from tests.telemetry.test_rollups import counted_sums, stored_sums

ADMIN = "/admin/telemetry/"


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


@pytest.fixture
def source(db: None) -> ProfiledSource:
    measured.runs(measured.profiler(), 2, bad=1, at=clock.now(), diagnostic_code=BAD)
    return ProfiledSource.objects.get()


def press(client: Client, source: ProfiledSource, action: str) -> str:
    answer = client.post(f"{ADMIN}profiledsource/{source.pk}/do/{action}/")
    return messages(answer)[-1]


def test_whom_a_code_blames_is_changed_and_judges_again(maya: Client, source: ProfiledSource):
    measured.codes()
    page = f"{ADMIN}diagnosticcode/{DiagnosticCode.objects.get(code=BAD).pk}/change/"
    assert send(maya, page, fields(maya, page), blame=["customer"]).status_code == 302
    assert DiagnosticCode.objects.get(code=BAD).blame == "customer"
    assert ProfileRun.objects.filter(verdict="excluded", blame="customer").count() == 1
    assert stored_sums() == counted_sums()


def test_a_code_is_added_once_and_never_deleted(maya: Client):
    page = f"{ADMIN}diagnosticcode/add/"
    for expected in (302, 200):
        answer = send(maya, page, fields(maya, page), code=["ERR-NEW"], blame=["us"])
        assert answer.status_code == expected
    assert "already exists" in text_of(answer)
    row = DiagnosticCode.objects.get()
    assert (row.code, row.blame) == ("ERR-NEW", "us")
    gone = maya.post(f"{ADMIN}diagnosticcode/{row.pk}/delete/", {"post": "yes"})
    assert gone.status_code == 403


def test_an_objective_is_set_and_taken_away(maya: Client, source: ProfiledSource):
    page = f"{ADMIN}durationobjective/add/"
    refused = send(maya, page, fields(maya, page), size=["small"], seconds=["0"])
    assert "Between a second and a week." in text_of(refused)
    send(maya, page, fields(maya, page), size=["small"], seconds=["30"])
    assert ProfileRun.objects.filter(verdict="good").count() == 0
    row = DurationObjective.objects.get()
    assert "30 s" in text_of(maya.get(f"{ADMIN}durationobjective/"))
    assert (
        maya.post(f"{ADMIN}durationobjective/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    )
    assert ProfileRun.objects.filter(verdict="good").count() == 2


def test_a_weight_is_more_than_nothing(maya: Client):
    page = f"{ADMIN}stratumweight/add/"
    send(maya, page, fields(maya, page), stratum=["email"], weight=["0.25"])
    assert float(StratumWeight.objects.get().weight) == 0.25
    refused = send(maya, page, fields(maya, page), stratum=["phone"], weight=["0"])
    assert "A weight is more than nothing." in text_of(refused)


def test_a_source_is_told_how_often_it_should_run(maya: Client, source: ProfiledSource):
    page = f"{ADMIN}profiledsource/{source.pk}/change/"
    form = fields(maya, page)
    assert send(maya, page, form, cadence_seconds=["21600"]).status_code == 302
    source.refresh_from_db()
    assert source.cadence == timedelta(hours=6)
    refused = send(maya, page, form, cadence_seconds=["5"])
    assert "Between a minute and a year, in seconds." in text_of(refused)
    assert "every 6:00:00" in text_of(maya.get(f"{ADMIN}profiledsource/"))


def test_a_source_is_paused_and_goes_on_is_archived_and_comes_back(
    maya: Client, source: ProfiledSource
):
    surface = build.surface("chosen")
    ProfiledSource.objects.update(cadence_seconds=3600, surface=surface)
    said = [press(maya, source, action) for action in ("pause", "go_on", "archive")]
    assert said == [
        "warehouse is paused.",
        "warehouse is expected again.",
        "warehouse is archived.",
    ]
    assert "0 profiled sources" in text_of(maya.get(f"{ADMIN}profiledsource/"))
    assert press(maya, source, "restore") == "warehouse is back."
    source.refresh_from_db()
    assert (source.paused_at, source.archived_at) == (None, None)
    assert (source.cadence_seconds, source.surface) == (3600, surface)


def test_a_change_by_hand_has_its_history_and_a_run_has_none(maya: Client, source: ProfiledSource):
    events = ProfiledSource.pgh_event_model.objects  # type: ignore[attr-defined] # added by pghistory
    before = events.count()
    measured.runs(source.integration, 3, at=NOON)
    assert events.count() == before
    press(maya, source, "pause")
    assert events.count() == before + 1


@pytest.mark.parametrize(
    "model", ["profilerun", "reportrun", "semanticlabel", "slicount", "measurement", "typechange"]
)
def test_records_only_show(maya: Client, model: str):
    profiler = measured.profiler()
    measured.runs(profiler, 1)
    measured.reports(profiler, 1)
    measured.labels(profiler, 1)
    measured.counts(profiler, "smoke", (1, 2))
    measured.measurements(profiler, "latency", 1.5)
    measured.inventory(profiler, {"a.b.c.d": "email"})
    measured.inventory(profiler, {"a.b.c.d": "string"}, at=NOON + timedelta(days=1))
    listing = maya.get(f"{ADMIN}{model}/")
    assert listing.status_code == 200
    assert maya.get(f"{ADMIN}{model}/?q=x%00").status_code in {200, 400}
    assert maya.get(f"{ADMIN}{model}/add/").status_code == 403
    row = apps.get_model("telemetry", model)._default_manager.first()
    assert row is not None
    page = f"{ADMIN}{model}/{row.pk}/change/"
    assert maya.get(page).status_code == 200
    assert maya.post(page, {"package": "mine"}).status_code == 403
