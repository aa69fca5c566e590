"""For whoever runs the site: health, readiness, figures, error pages, the style guide."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, RequestFactory
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from apps.core import heartbeats
from apps.intake.models import Delivery
from apps.paging.models import Page
from apps.portal.views import errors, operations
from apps.rotations import services as rotations
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import Scene, scene, sign_in, text_of
from tests.world import World


@pytest.fixture
def made(world: World, cast: Cast) -> Scene:
    return scene(world, cast)


def _alive(world: World) -> None:
    heartbeats.beat(heartbeats.ENGINE, now=world.now)
    heartbeats.beat(heartbeats.CLUSTER, now=world.now)


# -- healthz, readyz, robots


def test_health_is_the_process_alone(client: Client) -> None:
    for address in ("/healthz", "/robots.txt"):
        response = client.get(address)  # without the database fixture: a query would fail here
        assert response.status_code == 200
        assert response["Content-Type"].startswith("text/plain")
        assert client.head(address).status_code == 200
        assert client.post(address).status_code == 405
    assert "Disallow: /" in client.get("/robots.txt").content.decode()


def test_ready_is_when_everything_that_pages_need_is_there(world: World, client: Client) -> None:
    _alive(world)
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "reasons": [],
        "unapplied_migrations": [],
        "engine_age_seconds": 0,
        "cluster_age_seconds": 0,
        "oldest_due_page_seconds": None,
    }
    assert response["Cache-Control"] == "no-store"


def test_a_late_engine_and_a_late_page_are_reasons(
    made: Scene, world: World, client: Client
) -> None:
    assert client.get("/readyz").json()["reasons"] == ["The engine's last pass was never."]
    _alive(world)
    Page.objects.update(next_at=world.now - timedelta(seconds=30))
    assert client.get("/readyz").status_code == 200
    world.at("2026-09-07 06:32")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["reasons"] == [
        "The engine's last pass was 120 s ago.",
        "A page is 150 s behind.",
    ]


def test_a_missing_migration_is_a_reason(world: World, client: Client) -> None:
    _alive(world)
    MigrationRecorder.Migration.objects.filter(app="incidents").delete()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["reasons"] == ["Migrations are not applied."]
    assert "incidents.0001_initial" in response.json()["unapplied_migrations"]


def test_a_database_that_is_away_is_a_reason(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("connection refused at 10.0.0.7")

    monkeypatch.setattr(operations, "unapplied", away)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["reasons"] == ["The database does not answer."]
    assert "10.0.0.7" not in response.content.decode()


# -- metrics


def _figures(client: Client, **headers: str) -> dict[str, float]:
    response = client.get("/metrics", headers=headers)
    assert response.status_code == 200
    return {
        sample.name.removeprefix("opsportal_") + "".join(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def test_the_figures_are_those_of_the_rows(
    made: Scene, cast: Cast, world: World, client: Client
) -> None:
    _alive(world)
    build.event(made.source, now=world.now)
    Delivery.objects.filter(status="normalised").update(status="quarantined")
    Page.objects.update(next_at=world.now - timedelta(seconds=90))
    office = build.schedule(cast.sam, key="office", now=world.now)
    rotations.archive_layer(layer=office.layers.get(), by=None, now=world.now)
    world.at("2026-09-07 06:30:10")
    found = _figures(client)
    assert found == {
        "deliveries_waiting": 1,
        "deliveries_quarantined": 1,
        "pages_waiting": 1,
        "oldest_due_page_seconds": 100,
        "messages_pending": 0,
        "messages_failed": 0,
        "engine_heartbeat_age_seconds": 10,
        "cluster_heartbeat_age_seconds": 10,
        "incidents_openSEV1": 0,
        "incidents_openSEV2": 1,
        "incidents_openSEV3": 0,
        "incidents_openSEV4": 0,
        "schedule_gap_hoursprofiler": 0,
        "schedule_gap_hoursoffice": 720,
    }


def test_what_was_never_seen_is_later_than_any_limit(db: None, client: Client) -> None:
    assert _figures(client)["engine_heartbeat_age_seconds"] == float("inf")


def test_strangers_get_no_figures(db: None, client: Client, settings: Settings) -> None:
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    for stranger in ("10.0.0.7", "", "nonsense"):
        refused = client.get("/metrics", REMOTE_ADDR=stranger)
        assert refused.status_code == 403
        assert refused["Content-Type"] == "application/problem+json"
    for header in ("X-Forwarded-For", "Forwarded"):
        assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403
    settings.METRICS_LOOPBACK_ONLY = False
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7").status_code == 200


def test_a_key_that_may_read_incidents_gets_the_figures_from_anywhere(
    cast: Cast, client: Client
) -> None:
    def status(authorization: str) -> int:
        headers = {"Authorization": authorization, "X-Forwarded-For": "10.0.0.7"}
        return client.get("/metrics", headers=headers).status_code

    assert status(f"Bearer {build.key('incidents:read').text}") == 200
    assert status(f"Bearer {build.key('admin').text}") == 200
    assert status(f"Bearer {build.key('events:write').text}") == 403
    assert status("Bearer opk_live_wrong") == 401
    assert status("Basic abc") == 401


# -- refusals as pages


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (errors.server_error, 500),
        (lambda request: errors.not_found(request, Exception()), 404),
        (lambda request: errors.bad_request(request, Exception()), 400),
        (lambda request: errors.forbidden(request, Exception("Not you.")), 403),
        (errors.csrf_failure, 403),
    ],
)
def test_every_refusal_is_a_page_for_people_and_a_problem_for_tools(
    answer: object, status: int
) -> None:
    assert callable(answer)
    page = answer(RequestFactory().get("/somewhere/"))
    assert page.status_code == status
    assert "<h1>" in page.content.decode()
    problem = answer(RequestFactory().get("/api/v1/somewhere"))
    assert problem.status_code == status
    assert problem["Content-Type"] == "application/problem+json"


def test_a_form_of_another_day_says_what_to_do(made: Scene, cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.ravi, backend="allauth.account.auth_backends.AuthenticationBackend")
    response = client.post(f"/pages/{made.page.pk}/acknowledge/")
    assert response.status_code == 403
    assert "This form is out of date. Go back, reload the page" in text_of(response)


def test_the_style_guide_is_for_development_alone(
    client: Client, db: None, settings: Settings
) -> None:
    assert client.get("/styleguide/").status_code == 404
    settings.DEBUG = True
    assert client.get("/styleguide/").status_code == 200


def test_pages_allow_no_inline_script_or_style(made: Scene, cast: Cast) -> None:
    client = sign_in(cast.maya)
    for address in (
        "/", "/incidents/", f"/incidents/{made.incident.ref}/", "/incidents/new/", "/alerts/",
        f"/alerts/{made.alert.pk}/", "/oncall/", "/oncall/profiler/", "/ownership/", "/search/?q=a",
    ):  # fmt: skip
        response = client.get(address)
        policy = response["Content-Security-Policy"]
        assert "style-src 'self'" in policy
        assert "unsafe-" not in policy
        body = response.content.decode()
        assert " style=" not in body, address
        assert " onclick=" not in body, address
        assert "<script>" not in body, address
