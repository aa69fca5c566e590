"""`Idempotency-Key`: a retried POST is answered again and not done again."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from apps.core import clock
from apps.core.models import IdempotencyKey
from apps.incidents import services
from apps.incidents.models import Incident
from opsportal import tasks
from tests.calls import Caller, Reply, signed_in, tool
from tests.conftest import Cast

BODY = {"title": "Snowflake is slow", "severity": "SEV3"}


@pytest.mark.django_db
def test_a_retry_gets_the_first_answer_and_does_nothing() -> None:
    caller = tool("incidents:write")
    first = caller.post("incidents", BODY, Idempotency_Key="a")
    again = caller.post("incidents", BODY, Idempotency_Key="a")
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body and again.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first.headers
    assert Incident.objects.count() == 1


@pytest.mark.django_db
def test_without_a_key_every_post_counts() -> None:
    caller = tool("incidents:write")
    assert caller.post("incidents", BODY)["ref"] != caller.post("incidents", BODY)["ref"]


@pytest.mark.django_db
def test_the_same_key_with_another_body_is_422() -> None:
    caller = tool("incidents:write")
    caller.post("incidents", BODY, Idempotency_Key="a")
    reply = caller.post("incidents", {**BODY, "title": "Other"}, Idempotency_Key="a")
    assert (reply.status, reply.code) == (422, "idempotency_key_reused")
    assert Incident.objects.count() == 1


@pytest.mark.django_db
def test_a_key_belongs_to_its_principal_and_route(cast: Cast) -> None:
    one, two = tool("incidents:write"), tool("incidents:write")
    person = signed_in(cast.maya)
    person.client.cookies["csrftoken"] = token = "a" * 32
    first = one.post("incidents", BODY, Idempotency_Key="a")
    second = two.post("incidents", BODY, Idempotency_Key="a")
    third = person.post("incidents", BODY, Idempotency_Key="a", X_CSRFToken=token)
    elsewhere = one.post(f"incidents/{first['ref']}/acknowledge", BODY, Idempotency_Key="a")
    assert len({first["ref"], second["ref"], third["ref"]}) == 3
    assert elsewhere.status == 200


@pytest.mark.django_db
def test_what_was_refused_may_be_tried_again_under_its_key() -> None:
    caller = tool("incidents:write")
    refused = caller.post("incidents", {**BODY, "severity": "SEV9"}, Idempotency_Key="a")
    assert (refused.status, refused.code) == (400, "invalid")
    assert caller.post("incidents", BODY, Idempotency_Key="a").status == 201


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "x" * 5000, "a\tb", "ä\x7f"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    reply = tool("incidents:write").post("incidents", BODY, Idempotency_Key=key)
    assert (reply.status, reply.code) == (400, "idempotency_key")
    assert not Incident.objects.exists() and not IdempotencyKey.objects.exists()


@pytest.mark.django_db
def test_a_key_of_255_characters_is_taken() -> None:
    assert tool("incidents:write").post("incidents", BODY, Idempotency_Key="x" * 255).status == 201


@pytest.mark.django_db
def test_keys_are_forgotten_after_a_day() -> None:
    caller = tool("incidents:write")
    caller.post("incidents", BODY, Idempotency_Key="a")
    IdempotencyKey.objects.update(created_at=clock.now() - timedelta(days=1, minutes=1))
    tasks.retention()
    caller.post("incidents", BODY, Idempotency_Key="a")
    assert Incident.objects.count() == 2


@pytest.mark.django_db
def test_replays_answer_a_person_who_lost_the_right_with_403(cast: Cast) -> None:
    caller = signed_in(cast.ravi)
    caller.client.cookies["csrftoken"] = token = "a" * 32
    caller.post("incidents", BODY, Idempotency_Key="a", X_CSRFToken=token)
    cast.ravi.roles = ["viewer"]
    cast.ravi.save()
    assert caller.post("incidents", BODY, Idempotency_Key="a", X_CSRFToken=token).status == 403


@pytest.mark.django_db(transaction=True)
def test_while_the_first_runs_the_same_key_is_409(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = tool("incidents:write")
    begun, go_on = threading.Event(), threading.Event()
    real = services.open_incident

    def slow(**given: object) -> Incident:
        begun.set()
        assert go_on.wait(10)
        return real(**given)  # type: ignore[arg-type]

    monkeypatch.setattr(services, "open_incident", slow)
    replies: list[Reply] = []
    first = threading.Thread(target=_post, args=(caller.text, replies))
    first.start()
    assert begun.wait(10)
    early = caller.post("incidents", BODY, Idempotency_Key="a")
    go_on.set()
    first.join(10)
    late = caller.post("incidents", BODY, Idempotency_Key="a")
    assert (early.status, early.code) == (409, "idempotency_key_in_flight")
    assert [reply.status for reply in replies] == [201] and late.body == replies[0].body
    assert Incident.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_retries_at_once_make_one_incident() -> None:
    caller = tool("incidents:write")
    replies: list[Reply] = []
    threads = [threading.Thread(target=_post, args=(caller.text, replies)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {reply.status for reply in replies} <= {201, 409} and len(replies) == 20
    assert len({reply["ref"] for reply in replies if reply.status == 201}) == 1
    assert Incident.objects.count() == 1


def _post(text: str, replies: list[Reply]) -> None:
    try:
        replies.append(Caller(text=text).post("incidents", BODY, Idempotency_Key="a"))
    finally:
        connection.close()
