"""The engine's first lane: in order, one bad delivery never costs another."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from apps.alerts.models import Alert
from apps.changes.models import Change
from apps.core import audit
from apps.intake import services as intake
from apps.intake.models import Delivery, Integration
from apps.intake.services import normalising
from tests import builders as build
from tests.conftest import Cast
from tests.world import World


def _raw(integration: Integration, adapter: str, body: object, world: World) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery.objects.create(
        integration=integration, adapter=adapter, received_at=world.now, body=raw, dedup_key=""
    )


def test_a_broken_delivery_is_quarantined_and_its_neighbors_go_on(world: World, cast: Cast) -> None:
    source = build.integration(surface=build.surface()).row
    good = {
        "version": "4",
        "groupKey": "{}",
        "status": "firing",
        "alerts": [{"status": "firing", "labels": {"alertname": "A"}, "fingerprint": "1"}],
    }
    rows = [_raw(source, "alertmanager", body, world) for body in (good, b"{nope", good)]
    intake.normalise_due(now=world.now)
    states = [Delivery.objects.get(pk=row.pk).status for row in rows]
    assert states == ["normalised", "quarantined", "normalised"]
    assert Alert.objects.get().count == 2
    assert "JSON" in Delivery.objects.get(pk=rows[1].pk).error


def test_a_delivery_that_keeps_killing_its_process_is_set_aside(world: World, cast: Cast) -> None:
    source = build.native()
    killer = build.event(source, dedup_key="a")
    Delivery.objects.filter(pk=killer.pk).update(tries=intake.MAX_TRIES)
    other = build.event(source, dedup_key="b", severity="info")
    intake.normalise_due(now=world.now)
    killer.refresh_from_db()
    other.refresh_from_db()
    assert (killer.status, other.status) == ("quarantined", "normalised")


def test_replay_reads_a_quarantined_delivery_again(
    world: World, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.intake.adapters import native

    source = build.native()
    delivery = build.event(source, dedup_key="a", severity="info")
    with monkeypatch.context() as patch:
        patch.setattr(native, "normalise", lambda *a, **k: 1 / 0)
        intake.normalise_due(now=world.now)
    delivery.refresh_from_db()
    assert delivery.status == "quarantined" and "ZeroDivisionError" in delivery.error
    intake.replay(delivery=delivery, actor=audit.person(cast.maya), now=world.now)
    intake.normalise_due(now=world.now)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.error) == ("normalised", "")
    assert Alert.objects.count() == 1


def test_github_deployments_reach_alerts_and_the_ledger(world: World, cast: Cast) -> None:
    from pathlib import Path

    source = build.integration("github", surface=build.surface("platform.deploy")).row
    folder = Path(__file__).parents[1] / "vectors/payloads/github"
    body = json.loads((folder / "deployment_status_failure.json").read_text())
    delivery = _raw(source, "github", body.get("body", body), world)
    delivery.headers = {"X-GitHub-Event": "deployment_status"}
    delivery.save()
    intake.normalise_due(now=world.now)
    delivery.refresh_from_db()
    assert delivery.status == "normalised", delivery.error
    assert Alert.objects.get().dedup_key.startswith("deploy:")
    change = Change.objects.get()
    assert change.kind == "deployment" and change.surface is not None
    world.run()
    world.forget()


def test_an_inside_event_with_the_same_id_is_taken_once(world: World, cast: Cast) -> None:
    source = build.native()
    body = {"action": "trigger", "summary": "x", "dedup_key": "k"}
    first = intake.receive(integration=source, body=body, now=world.now, delivery_key="1")
    assert intake.receive(integration=source, body=body, now=world.now, delivery_key="1") == first


@pytest.mark.django_db(transaction=True)
def test_only_one_normaliser_works_on_an_integration(world: World) -> None:
    source = build.native()
    build.event(source, dedup_key="a", severity="info")
    import psycopg

    params = {
        k: v
        for k, v in connection.get_connection_params().items()
        if k in {"dbname", "user", "password", "host", "port"} and v
    }
    with psycopg.connect(**params) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [normalising._LOCK, source.pk])
        assert intake.normalise_due(now=world.now) == 0
        # Closing would do, but the server lets go of it a moment after the client has gone on.
        other.execute("SELECT pg_advisory_unlock(%s, %s)", [normalising._LOCK, source.pk])
    assert intake.normalise_due(now=world.now) == 1
