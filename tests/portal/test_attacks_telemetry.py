"""Hostile telemetry and hostile addresses on the pages: nothing breaks, no name becomes markup."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.core import clock
from apps.portal import telemetry_plots as plots
from apps.telemetry.models import ProfiledSource, ProfileRun
from opsportal import logs
from tests import builders as build
from tests.builders import telemetry as measured
from tests.conftest import Cast
from tests.portal.kit import sign_in

MARKUP = "<script>alert(1)</script>\"'{{7*7}}"
DAY = 86_400.0
POISON = (
    "until=9999-12-31T23:59:59Z", "until=0001-01-01T00:00:00Z", "span=%00", "warehouse=a%00b",
    f"source={'9' * 40}", "cursor=%ff", "before=%00", "code=%ff",
)  # fmt: skip


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 1.0, 360_000.0, 400 * DAY, 57 * 365 * DAY])
def test_any_length_of_runs_has_an_axis(seconds: float) -> None:
    row: Any = plots.Lengths("small", seconds, seconds, seconds, None)
    (drawn,) = plots.spreads([row]).rows
    assert drawn.p50 is None or 0 <= drawn.p50 <= 100


@pytest.mark.django_db
def test_names_and_lengths_that_senders_choose_break_no_page_of_telemetry(cast: Cast) -> None:
    now, source = clock.now(), build.native()
    named = {"source": MARKUP, "warehouse_type": MARKUP[:40].lower(), "package": MARKUP}
    named |= {"diagnostic_code": MARKUP, "duration_ms": 400 * 86_400_000, "org": MARKUP}
    ends = [now - timedelta(minutes=n + 1) for n in range(21)]
    measured.keep(source, [measured.run(at, "timed_out", **named) for at in ends], now=now)
    measured.measurements(source, MARKUP, 1e30, -1e30, 0.0, at=now - timedelta(hours=1), now=now)
    measured.counts(source, MARKUP, (0, 10**12), at=now - timedelta(hours=1), now=now)
    run, profiled = ProfileRun.objects.latest("pk"), ProfiledSource.objects.get()
    cast.maya.time_zone = "Pacific/Kiritimati"
    cast.maya.save()
    maya = sign_in(cast.maya)
    for page in (
        "", "runs/", f"runs/{run.pk}/", "sources/", f"sources/{profiled.pk}/", "measurements/",
        "counts/", "accuracy/", "types/", "detection/",
    ):  # fmt: skip
        answer = maya.get(f"/telemetry/{page}")
        assert answer.status_code == 200, page
        assert "<script>alert" not in answer.content.decode(), page
    for query in POISON:
        assert maya.get(f"/telemetry/runs/?{query}").status_code in (200, 400), query


@pytest.mark.django_db
def test_no_token_of_an_address_stands_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    token = build.integration("slack", secret="shhh").token
    for path in (f"/hooks/{token}/slack", f"/ack/{token}/", f"/join/{token}/", f"/nowhere/{token}"):
        assert client.post(path).status_code in (400, 401, 403, 404), path
    said = [one for one in caplog.records if hasattr(one, "request")]
    assert len(said) >= 3  # Django's own words on refused requests
    for record in said:
        assert logs.without_credentials(record) and token not in record.getMessage()
    ours = [one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler]
    assert [logs.without_credentials in one.filters for one in ours] == [True]
