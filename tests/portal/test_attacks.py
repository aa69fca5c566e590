"""What a browser cannot send and a tool does: no page breaks, and no row becomes unreadable."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.core import clock
from apps.incidents.models import Incident
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(cast: Cast) -> Incident:
    return build.incident(by=cast.maya, now=clock.now() - timedelta(hours=1))


@pytest.fixture
def ravi(cast: Cast) -> Client:
    cast.ravi.time_zone = "Asia/Tokyo"
    cast.ravi.save()
    return sign_in(cast.ravi)


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "0001-01-01", "1969-12-31T12:00"])
def test_a_time_that_no_zone_reads_back_is_refused_beside_its_field(
    made: Incident, ravi: Client, at: str
) -> None:
    values = {"impact_started_at": at, "detected_at": at, "reason": "x"}
    answer = ravi.post(f"/incidents/{made.ref}/times/", values)
    assert answer.status_code == 400
    assert "between the years 1970 and 2199" in answer.content.decode()
    assert ravi.get("/incidents/").status_code == 200


@pytest.mark.parametrize("to", ["%", "%s", "%(x)d", "\x00", "x" * 5000])
def test_a_step_to_nowhere_is_refused_on_the_page(made: Incident, ravi: Client, to: str) -> None:
    answer = ravi.post(f"/incidents/{made.ref}/move/", {"to": to, "note": "x"})
    assert answer.status_code == 400
    made.refresh_from_db()
    assert made.status == "investigating"


@pytest.mark.parametrize("cookie", ["", "short", "a" * 32, "x" * 3000])
def test_what_everybody_shares_answers_nobodys_cookie(
    db: None, client: Client, cookie: str
) -> None:
    client.cookies["sessionid"] = cookie
    answer = client.get("/status/")
    assert not answer.cookies
    assert answer["Vary"] == "Accept-Encoding"
