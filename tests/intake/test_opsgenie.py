"""The Opsgenie-compatible addresses: keys, aliases with slashes, empty bodies, and the answers that
its clients insist on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from apps.alerts.models import Alert
from apps.core import clock
from apps.intake import services as intake
from apps.intake.doors.opsgenie import address
from apps.intake.models import Delivery
from tests import builders as build
from tests.intake.lean import Lean, Reply, swept  # noqa: F401 - a fixture

lean_path = pytest.mark.usefixtures("swept")


@pytest.fixture
def lean(transactional_db: None) -> Iterator[Lean]:
    made = Lean()
    yield made
    made.close()


def sent(lean: Lean, path: str, body: Any = b"", *, token: str) -> Reply:
    return lean.post(path, body, Authorization=f"GenieKey {token}")


def shaped(reply: Reply, status: int) -> Reply:
    """An answer that Opsgenie's own client can read, whatever it says."""
    assert reply.status == status and reply.headers["content-type"] == "application/json"
    assert isinstance(reply["took"], float) and uuid.UUID(reply["requestId"])
    assert status != 202 or reply["result"] == "Request will be processed"
    assert status == 202 or reply["message"]
    return reply


@pytest.mark.parametrize(
    ("path", "alias", "verb"),
    [
        ("/v2/alerts/a/close", "a", "close"),
        ("/v2/alerts/report/77/acknowledge", "report/77", "acknowledge"),
        ("/v2/alerts/a//b/ /notes", "a//b/ ", "notes"),
        ("/v2/alerts/close/close", "close", "close"),
        ("/v2/alerts/close", "", "close"),
        ("/v2/alerts/", "", ""),
        ("/v2/alerts/a\x00b/close", "a\ufffdb", "close"),
    ],
)
def test_an_alias_may_hold_slashes(path: str, alias: str, verb: str) -> None:
    assert address(path) == (alias, verb)


@lean_path
def test_an_alert_is_raised_acknowledged_noted_and_closed_by_its_alias(lean: Lean) -> None:
    token = build.integration("opsgenie").token
    body = {"message": "Report generation failed", "alias": "report/77", "priority": "P2"}
    shaped(sent(lean, "/v2/alerts", body, token=token), 202)
    intake.normalise_due(now=clock.now())
    alert = Alert.objects.get()
    assert (alert.dedup_key, alert.severity, alert.status) == ("report/77", "error", "firing")
    shaped(sent(lean, "/v2/alerts/report/77/acknowledge", token=token), 202)
    shaped(sent(lean, "/v2/alerts/report/77/notes", {"note": "Looking"}, token=token), 202)
    intake.normalise_due(now=clock.now())
    alert.refresh_from_db()
    assert alert.status == "acknowledged" and alert.notes.filter(text="Looking").exists()
    shaped(sent(lean, "/v2/alerts/report/77/close", {"note": "Restarted"}, token=token), 202)
    intake.normalise_due(now=clock.now())
    alert.refresh_from_db()
    assert alert.status == "resolved"
    assert not Delivery.objects.exclude(status="normalised").exists()


@lean_path
def test_an_alias_that_is_too_long_for_a_key_is_hashed_alike_everywhere(lean: Lean) -> None:
    token, alias = build.integration("opsgenie").token, "ä/" * 200
    shaped(sent(lean, "/v2/alerts", {"message": "m", "alias": alias}, token=token), 202)
    shaped(sent(lean, f"/v2/alerts/{alias}/close", token=token), 202)
    intake.normalise_due(now=clock.now())
    assert Alert.objects.get().status == "resolved"
    assert set(Delivery.objects.values_list("dedup_key", flat=True)) == {
        Alert.objects.get().dedup_key
    }


@lean_path
def test_an_alert_without_an_alias_goes_by_the_request_s_id(lean: Lean) -> None:
    token = build.integration("opsgenie").token
    reply = shaped(sent(lean, "/v2/alerts", {"message": "m"}, token=token), 202)
    intake.normalise_due(now=clock.now())
    assert Alert.objects.get().dedup_key == reply["requestId"]


@lean_path
def test_what_is_not_right_is_refused_in_opsgenie_s_own_shape(lean: Lean) -> None:
    token = build.integration("opsgenie").token
    other = build.integration("alertmanager").token
    body = {"message": "m"}
    for wrong in ("", "GenieKey", "GenieKey x", f"Bearer {token}", f"GenieKey {other}", "é"):
        shaped(lean.post("/v2/alerts", body, Authorization=wrong), 401)
    shaped(lean.post("/v2/alerts", body), 401)
    for path in ("/v2/alerts/", "/v2/alerts/close", "/v2/alerts/a/create", "/v2/alerts/a/b/c"):
        shaped(sent(lean, path, token=token), 404)
    for raw in (b"", b"{", b"[1]", b'{"message":" "}', b'{"message":5}', b"\xff"):
        shaped(sent(lean, "/v2/alerts", raw, token=token), 422 if raw != b'{"message":5}' else 202)
    shaped(sent(lean, "/v2/alerts", b'{"message":"' + b"a" * 2_000_000 + b'"}', token=token), 413)
    assert sent(lean, "/v2/alerts", b'{"message":" "}', token=token)["errors"] == {
        "message": "is missing or blank"
    }
    assert Delivery.objects.count() == 1
    assert lean.call("GET", "/v2/alerts").status == 405


@lean_path
def test_a_header_of_ours_that_a_sender_makes_up_does_nothing(lean: Lean) -> None:
    token = build.integration("opsgenie").token
    forged = {"Authorization": f"GenieKey {token}", "X_Opsportal_Verb": "close"}
    shaped(lean.post("/v2/alerts", {"message": "m", "alias": "a"}, **forged), 202)
    intake.normalise_due(now=clock.now())
    assert Alert.objects.get().status == "firing"


@lean_path
def test_too_many_requests_are_a_429_that_clients_try_again(transactional_db: None) -> None:
    token = build.integration("opsgenie").token
    lean = Lean(rate=1)
    try:
        replies = [sent(lean, "/v2/alerts", {"message": "m"}, token=token) for _ in range(3)]
    finally:
        lean.close()
    shaped(replies[0], 202)
    assert "retry-after" in shaped(replies[2], 429).headers
